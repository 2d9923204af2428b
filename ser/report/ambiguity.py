"""The section on ambiguous labels: how many there are, who finds them, what they cost, and which to listen to."""

from collections.abc import Mapping, Sequence

import pandas as pd

from ser import naming
from ser.ambiguity.references import AGREEMENT, MEAN_RANK
from ser.report import listening, words
from ser.report.content import MEASURED, Figure, Finding, Section, Table, estimated, present, table
from ser.report.material import Material

LABEL = "votes_for_label"  # the cost by agreement with the label, where there are votes
JUDGES = {  # by whom the most ambiguous are left out, the best one first
    "votes": "that raters agree on least",
    "listeners": "whose emotion listeners recognised least",
    "model": "whose neighbours, of other speakers, have other labels most often",
}
REFERENCES = {  # against what a score is checked, the best one first
    "planted": "the corpus' own flags",
    "votes": "the raters' votes",
    "listeners": "the listeners' judgements",
}
BANDED = {"accuracy": "accuracy", "uar": "UAR"}  # scores by band of agreement


def section(material: Material) -> Section:
    """Build the section: raters, scores, costs, and the utterances to listen to."""
    parts = [
        agreement(material),
        cost(material),
        bands(material),
        picture(material),
        _bands(material),
        *checks(material),
        issues(material),
        listening.ranking(material.tables["ambiguous"]),
        *listening.clips(material),
    ]
    return Section(
        "ambiguity",
        "Ambiguity",
        "Ambiguity: labels that people disagree on",
        "A label is one word for what may be a blend, or nothing clear. Raters show it where a corpus has their "
        "votes. A score of a model says only that the model doubts a label; a wrong label, a bad recording and a "
        "weak model are other reasons, so scores are checked against people where that can be done.",
        parts,
    )


def picture(material: Material) -> Figure:
    """Give the picture of ambiguity, with a caption that tells of the panels that it has."""
    panels = _panels(material)
    *others, last = panels.values()
    caption = "; ".join([*others, f"and {last}" if others else last])
    shows = f"Panels: {words.listing(list(panels))}."
    costs = material.get("ambiguity", "cost") or {}
    if judge := next((name for name in JUDGES if name in costs), None):
        ends = [words.number(costs[judge]["uar"][end]) for end in ("all", "without")]
        shows += f" Without the utterances {JUDGES[judge]}, the UAR goes from {ends[0]} to {ends[1]}."
    return Figure("ambiguity", "Scores of doubt, agreement and cost", shows, f"{caption[0].upper()}{caption[1:]}.")


def _panels(material: Material) -> dict[str, str]:
    """Say what each panel of the picture shows, in the order in which they are drawn."""
    scores, banded = material.tables["scores"], material.tables["bands"]
    panels = {"a map of the utterances in training": "how hard each utterance was to learn"}
    if len(scores):
        panels["scores against people"] = "how well each score finds what people doubt (hollow: within emotions)"
    if banded["utterances"].sum():
        panels["hits by agreement"] = "accuracy and UAR by agreement"
    if banded["distance"].notna().any():
        panels["distances from the votes by agreement"] = (
            "how far the model's probabilities are from the raters' votes, and how far the label alone is "
            "(Jensen-Shannon distance, 0 equal to 1 disjoint), by agreement"
        )
    if material.get("ambiguity", "cost"):
        panels["gains in UAR"] = (
            "what is gained without the most ambiguous utterances (grey diamonds: without as many of each speaker and "
            "emotion at random)"
        )
    return panels


def agreement(material: Material) -> Finding:
    """Say how far raters agree."""
    asked = "How ambiguous are the labels?"
    cannot = "Which emotion the speaker felt: raters tell what they hear."
    said = []
    if (votes := material.get("ambiguity", "votes")) is not None:
        said.append(
            f"{words.amount(votes['utterances'], 'utterance')} have votes of several raters, "
            f"{words.number(votes['raters'])} on average. In {words.number(votes['ambiguous'])} of them no emotion has "
            f"more than {material.settings['ambiguity']['majority']:g} of the votes; in "
            f"{words.number(votes['agrees'])} the label alone has the most votes."
        )
        if "alpha" in votes:
            said.append(
                "Agreement of the raters (Krippendorff's alpha; 1: perfect, 0: none beyond chance): "
                f"{words.estimate(votes, 'alpha')}."
            )
    if (listeners := material.get("ambiguity", "listeners")) is not None:
        least = words.number(material.tables["ambiguous"]["recognition"].min())
        said.append(
            f"Of {words.amount(listeners['utterances'], 'utterance')} the corpus says how many listeners recognised "
            f"the emotion: a share of {words.number(listeners['recognition'])} on average, and {least} at least; what "
            "fewer recognise, if it was left out of the corpus, costs nothing here. What the others heard is not "
            "recorded."
        )
    if (planted := material.get("ambiguity", "planted")) is not None:
        said.append(
            f"The corpus itself marks {words.number(planted['ambiguous'])} of {words.amount(planted['utterances'])} as "
            "ambiguous."
        )
    single = material.get("ambiguity", "single_rater")
    alone = (
        f"Single raters, with whom nobody can agree or disagree, judged {words.amount(single, 'utterance')}; no figure "
        "of agreement counts them."
        if single
        else ""
    )
    if not said:
        return Finding(
            asked,
            words.UNKNOWN,
            words.sentence(
                f"The corpora distribute neither {_votes(material)} nor listeners' scores, so only models judge, and "
                "nobody can check them.",
                alone,
            ),
            "What follows is what a model doubts, not what people doubt.",
            cannot,
        )
    sure = "The interval is over speakers. " if votes and "alpha_low" in votes else ""
    sure += f"Shares are counts of these corpora{', as these raters heard them' if votes or listeners else ''}."
    return Finding(asked, MEASURED, words.sentence(*said, alone), sure, cannot)


def cost(material: Material) -> Finding:
    """Say how much higher the model scores without the most ambiguous utterances, by the best judge there is."""
    asked = "What does label ambiguity cost?"
    cannot = "Whether a model trained on clearer labels would be better: the same model is scored, on fewer utterances."
    costs = material.get("ambiguity", "cost") or {}
    judge = next((name for name in JUDGES if name in costs), None)
    if judge is None:
        return Finding(
            asked,
            words.UNKNOWN,
            "The most ambiguous cannot be left out: they "
            "are too few, are all there is of an emotion, or have no neighbours of other known speakers.",
            "There is nothing to be sure of.",
            cannot,
        )
    values, left, every = costs[judge]["uar"], costs[judge]["left_out"], costs[judge]["utterances"]
    minimum = material.settings["intervals"]["minimum_speakers"]
    reason = f"no interval: fewer than {minimum} speakers, too few of some emotion, or unknown ones"
    again = reason if words.interval(values, "gain") else "likewise"
    said = (
        f"Without the {words.amount(left)} of {words.amount(every, 'utterance')} {JUDGES[judge]}, the UAR goes from "
        f"{words.number(values['all'])} to {words.number(values['without'])}: "
        f"{words.estimate(values, 'gain', reason, sign=True)}. But some speakers and emotions are more among them than "
        "others: with as many of each speaker and emotion left out at random it is "
        f"{words.number(values['matched'])} already. Beyond that remains "
        f"{words.estimate(values, 'cost', again, sign=True)}; the verdict is on this figure. The whole cost is taken "
        "to lie between the two."
    )
    if words.interval(values, "cost") and words.rounded(values["cost_high"]) < 0:
        said += " The score is lower without them than without as many others, so no cost is shown."
    if judge == "votes" and LABEL in costs:
        said += (
            f" Where those are left out whose label has the smallest share of the votes, what remains beyond chance is "
            f"{words.estimate(costs[LABEL]['uar'], 'cost', again, sign=True)}: raters may agree on another emotion. "
            "The verdict is about their agreement."
        )
    sure = "Intervals are over speakers." if "cost_low" in values else "Nobody can say: there is no interval."
    if judge == "model":
        sure += " A model, not raters, chose what to leave out: part of the gain may be its own errors, not ambiguity."
    verdict = _above(values, "cost", 0.0)
    if judge == "model" and verdict == words.FOUND:
        verdict = words.UNSURE
    return Finding(asked, verdict, said, sure, cannot)


def bands(material: Material) -> Finding:
    """Compare the model where raters agree least and where they agree most."""
    asked = "Does the model fail where people disagree?"
    cannot = "Which way round: unclear speech may be hard for both, or bands may hold other emotions and speakers."
    table = material.tables["bands"]
    for judge in AGREEMENT:
        rows = table[(table["by"] == judge) & (table["utterances"] > 0)].to_dict("records")
        if len(rows) > 1:
            low, high = present(rows[0]), present(rows[-1])
            drawn = [measure for measure in BANDED if f"{measure}_low" in low and f"{measure}_low" in high]
            apart = [measure in drawn and low[f"{measure}_high"] < high[f"{measure}_low"] for measure in BANDED]
            figures = [
                f"{name} {words.estimate(low, measure)} and {words.estimate(high, measure)}"
                for measure, name in BANDED.items()
                if measure in low and measure in high
            ]
            return Finding(
                asked,
                words.judged(apart if drawn else []),
                f"Where {low['band']} % of the {naming.JUDGES[judge]} agree "
                f"({words.amount(low['utterances'], 'utterance')}), and where {high['band']} % do "
                f"({words.amount(high['utterances'], 'utterance')}): {'; '.join(figures)}.",
                "Called found only where the intervals of neither measure touch, which errs towards finding nothing. "
                "Accuracy alone may rise because easier emotions fill the upper band.",
                cannot,
            )
    return Finding(
        asked,
        words.UNKNOWN,
        "Fewer than two bands of agreement have utterances.",
        "There is nothing to compare.",
        cannot,
    )


def checks(material: Material) -> list[Finding | Table]:
    """Check the models' scores against each reference that the corpora have."""
    scores = material.tables["scores"]
    parts = []
    for reference in REFERENCES:
        rows = scores[scores["reference"] == reference]
        parts += [check(material, reference), _scores(rows, reference)] if len(rows) else []
    if parts:
        return parts
    why = f"Nothing to check against: no {_votes(material)}, no listeners, no flags."
    asked = "Do models find ambiguous utterances without raters?"
    return [Finding(asked, words.UNKNOWN, why, "There is nothing to be sure of.", "Whether models find them.")]


def check(material: Material, reference: str) -> Finding:
    """Say whether models find what a reference holds to be ambiguous."""
    asked = f"Do models find ambiguous utterances without raters? Checked against {REFERENCES[reference]}"
    cannot = "Whether the same score would serve with another model or corpus."
    values = material.get("ambiguity", reference, "scores", MEAN_RANK) or {}
    for measure, null, meaning in (
        ("auroc", 0.5, "AUROC: the chance that an ambiguous utterance is ranked above a clear one; 0.5 is chance"),
        ("spearman", 0.0, "rank correlation with the doubt of people; 0 is chance"),
    ):
        if measure in values:
            verdict, inside = _above(values, measure, null), _above(values, f"within_{measure}", null)
            within = (
                " Within emotions, so that knowing which emotion is doubtful does not help: "
                f"{words.estimate(values, f'within_{measure}')} ({inside})."
                if f"within_{measure}" in values
                else ""
            )
            return Finding(
                asked,
                verdict,
                f"The mean rank of the model's scores, up to three, has {words.estimate(values, measure)} ({meaning}), "
                f"over {words.amount(values['utterances'], 'utterance')}.{within}",
                "No interval: too few speakers, or unknown ones."
                if verdict == words.UNKNOWN
                else "The interval is over speakers.",
                cannot,
            )
    return Finding(
        asked,
        words.UNKNOWN,
        "All utterances alike: there is nothing to tell apart.",
        "There is nothing to be sure of.",
        cannot,
    )


def _above(values: Mapping[str, float], measure: str, chance: float) -> words.Verdict:
    """Judge whether a measure lies above chance, or a cost above 0; below it nothing is found."""
    return words.judged([words.rounded(values[f"{measure}_low"]) > chance] if words.interval(values, measure) else [])


def issues(material: Material) -> Finding:
    """Say how many labels a model holds to be wrong."""
    values = material.metrics["ambiguity"]["label_issues"]
    against = [
        f"{words.number(values[reference]['precision'])} of the doubted labels are ambiguous by {meaning}, where these "
        f"are known (precision){_beside(material, reference)}; of the ambiguous ones "
        f"{words.number(values[reference]['recall'])} were doubted (recall)."
        for reference, meaning in REFERENCES.items()
        if reference in values
    ]
    return Finding(
        "Which labels does a model hold to be wrong?",
        MEASURED,
        words.sentence(
            f"Confident learning doubts {words.amount(values['found'])} of "
            f"{words.amount(values['utterances'], 'label')}, a share of "
            f"{words.number(values['found'] / values['utterances'])}.",
            *against,
        ),
        "A count without an interval."
        if against
        else "A count without an interval; no reference says how many are right.",
        "Which of them are wrong: listen to them.",
    )


def _beside(material: Material, reference: str) -> str:
    """Say how many of all utterances are ambiguous by a reference, where that is known."""
    share = material.get("ambiguity", reference, "ambiguous")
    return "" if share is None else f", of all utterances {words.number(share)}"


def _votes(material: Material) -> str:
    """Name the votes that are absent where there is no agreement of raters, beside whom single ones may be."""
    return "votes of several raters" if material.get("ambiguity", "single_rater") else "votes"


def _bands(material: Material) -> Table:
    bands = material.tables["bands"]
    measures = BANDED | {"distance": "distance", "label_distance": "distance of the label"}
    rows = [[naming.JUDGES[row.by], f"{row.band} %", int(row.utterances)] for row in bands.itertuples()]
    caption = "The model by agreement"
    if bands["distance"].notna().any():
        caption += (
            " (distance: of the model's probabilities from the shares of the votes, Jensen-Shannon, 0 equal to 1 "
            "disjoint; of the label: as if it were certain)"
        )
    absent = f"The corpora distribute neither {_votes(material)} nor listeners' scores."
    return _measured(caption, ["agreement of", "band", "utterances"], rows, bands, measures, absent, heads=2)


def _scores(scores: pd.DataFrame, reference: str) -> Table:
    measures = {
        "auroc": "AUROC",
        "within_auroc": "AUROC within emotions",
        "spearman": "rank correlation",
        "within_spearman": "rank correlation within emotions",
    }
    rows = [[naming.SCORES.get(row.score, naming.plain(row.score)), int(row.utterances)] for row in scores.itertuples()]
    caption = (
        f"Scores of doubt against {REFERENCES[reference]} (mean rank: over up to three of them, whether the label is "
        "improbable, was hard to learn, and is another than the neighbours')"
    )
    return _measured(caption, ["score", "utterances"], rows, scores, measures, "")


def _measured(
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Sequence],
    figures: pd.DataFrame,
    measures: Mapping[str, str],
    absent: str,
    heads: int = 1,
) -> Table:
    """Add measures to rows, each with its interval; a measure that no row has becomes a note, in place of a column."""
    defined = {key: name for key, name in measures.items() if figures[key].notna().any()}
    missing = [name for key, name in measures.items() if key not in defined]
    full = []
    for row, values in zip(rows, figures.to_dict("records"), strict=True):
        measured = present(values)
        why = "not defined" if values["utterances"] else "no utterances"
        full.append([*row, *(estimated(measured, key) if key in measured else why for key in defined)])
    note = f"Not defined here: {words.listing(missing)}." if missing else ""
    return table(caption, [*columns, *defined.values()], full, note if full else absent, heads=heads)
