"""The model card: what a bundle is for, what it was made of, how good it is, for whom, and what it cannot do.

Its headings are those of M. Mitchell et al., "Model cards for model reporting", 2019, arXiv 1810.03993.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from ser.exposure import EXPOSURE
from ser.learning import final
from ser.learning.recipe import NETWORK, Recipe
from ser.people import MINUS
from ser.scores import words
from ser.splits.names import INDEPENDENT, RANDOM

PAIRED = {"gender": "gender", "age": "age band", "corpus": "corpus", "language": "language"}
MEASURES = {"uar": "UAR", "accuracy": "accuracy", "macro_f1": "macro F1"}
SYNTHETIC = "synthetic"  # the bundled corpus


def write(
    recipe: Recipe,
    networks: int,
    encoder: str,
    metrics: Mapping[str, Mapping],
    confidence: float,
    copies: pd.DataFrame | None = None,
    sentences_apart: bool = False,
    tied: Mapping[str, str] | None = None,
    untrained: int = 0,
    auxiliary: Mapping[str, int] | None = None,
    lent: float = 0.0,
) -> str:
    """Write the card.

    Args:
        recipe: of the classifier.
        networks: how many it has, which may be fewer than the recipe asks for (``ser.learning.choices``).
        encoder: its name.
        metrics: of the stages ``manifest``, ``evaluate``, ``bias`` and ``familiarity``.
        confidence: of the intervals.
        copies: the conditions of the distorted copies in training: condition, kind, level, unit; None for none.
        sentences_apart: whether the folds kept sentences apart as well as speakers.
        tied: as ``ser.splits.oracle.tied_corpora`` gives it.
        untrained: utterances of the manifest that are in parts which no model may learn from.
        auxiliary: utterances of each other corpus that could train beside these; None for none.
        lent: how many of these did, for each own one.

    Returns:
        Markdown.
    """
    sections = {
        "What it is": _model(recipe, networks, encoder),
        "Intended use": USE,
        "Training data": _data(metrics["manifest"])
        + _untrained(untrained)
        + _auxiliary(auxiliary or {}, lent)
        + _copies(copies),
        "Scores": _scores(metrics["evaluate"], recipe, confidence, sentences_apart),
        "Unfamiliar recordings": _familiarity(metrics["familiarity"], confidence, INDEPENDENT in metrics["evaluate"]),
        "Gaps between groups of people": _gaps(metrics["bias"], confidence),
        "Limits": _limits(recipe, metrics["manifest"], encoder) + _tied(tied or {}),
    }
    parts = [f"## {title}\n\n{text}" for title, text in sections.items()]
    return "\n\n".join(["# Model card: emotion in speech", *parts]) + "\n"


def _model(recipe: Recipe, networks: int, encoder: str) -> str:
    kind = recipe.params.classifier
    several = f"the mean of {networks} networks" if networks > 1 else "a network"
    classifier = several if kind == NETWORK else f"a linear classifier ({kind})"
    return (
        f"A recording in, a probability for each of {', '.join(recipe.labels)} out, by how a voice sounds, not by what "
        f"it says: {encoder} features of the recording (mono, 16 kHz), then {classifier}. It was "
        f"{final.rule(kind, recipe.protocol)}."
    )


USE = """\
- Research on emotional speech, and trying out what such a model hears.
- Not to judge a person by: not for hiring, schooling, policing, medicine or credit. It does not read feelings; it \
guesses the label that its corpora would give such a voice: in acted corpora the emotion that was asked for, which \
listeners often do not hear."""


def _data(manifest: Mapping) -> str:
    rows = [
        [name, corpus["utterances"], corpus["speakers"], words.number(corpus["hours"]), _counts(corpus["emotions"])]
        for name, corpus in sorted(manifest["corpora"].items())
    ]
    return _table(["corpus", "utterances", "speakers", "hours", "of each emotion"], rows)


def _untrained(utterances: int) -> str:
    """Say that some of the utterances did not train, where that is so."""
    if not utterances:
        return ""
    return (
        f"\n\n{utterances} of these utterances did not train it: they are in parts that `split.test_parts` leaves out."
    )


def _auxiliary(counts: Mapping[str, int], share: float) -> str:
    """Say which other corpora were in training, and how much of them; nothing where there were none."""
    if not counts:
        return ""
    if not share:
        return "\n\nUtterances of other corpora were at hand, and its validation speakers chose none."
    named = ", ".join(f"{corpus} ({count} utterances)" for corpus, count in counts.items())
    return (
        f"\n\nIts linear scores were fitted to utterances of other corpora as well, {share:.2g} for each one of the "
        f"above, as its validation speakers chose: of {named}. The scores below are of the corpora above alone; "
        "that nobody who was tested speaks in the others, too, is the corpora's word."
    )


def _copies(copies: pd.DataFrame | None) -> str:
    """Say which distorted copies were in training; nothing where there were none."""
    if copies is None or copies.empty:
        return ""
    rows = [[row.condition, row.distortion, f"{row.level:g}", row.unit] for row in copies.itertuples()]
    return (
        "\n\nBeside each training utterance it was trained on a distorted copy of it under every condition of this "
        "table. The scores below are of speech as it was recorded; what it does under these conditions or others they "
        f"do not say.\n\n{_table(['condition', 'distortion', 'level', ''], rows)}"
    )


def _counts(emotions: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {emotion}" for emotion, count in sorted(emotions.items()))


def _scores(evaluate: Mapping, recipe: Recipe, confidence: float, sentences_apart: bool) -> str:
    also = ", new sentences" if sentences_apart else ""
    titles = {INDEPENDENT: f"new speakers{also} ({recipe.protocol})", RANDOM: f"known speakers{also} (random)"}
    columns = {title: evaluate[name] for name, title in titles.items() if name in evaluate}
    rows = [[title, *(words.estimate(scores, key) for scores in columns.values())] for key, title in MEASURES.items()]
    for emotion in recipe.labels:
        recalls = (scores["recall"].get(emotion) for scores in columns.values())
        rows.append(
            [f"recall of {emotion}", *("not tested" if each is None else words.number(each) for each in recalls)]
        )
    tested = next(iter(columns.values()))["utterances"]
    return (
        "**This classifier has no scores of its own**: no speaker was held out to test it. These are of the "
        "classifiers of the folds, which were trained the same way, on fewer utterances.\n\n"
        f"{_table(['', *columns], rows)}\n\n"
        f"UAR is the mean recall over the emotions; guessing has {words.number(evaluate['chance_uar'])}. {tested} "
        f"utterances were tested. In brackets: intervals over speakers, {confidence:.0%}. "
        "Where speakers are known, scores are optimistic."
        f"{_confidence(evaluate)}"
    )


def _confidence(evaluate: Mapping) -> str:
    """Say how far the confidence can be trusted, and what abstention gains; nothing of what was not measured."""
    if not {"calibration", "abstention"} <= evaluate.keys():
        return ""
    calibration, abstention = evaluate["calibration"]["after"], evaluate["abstention"]
    answered = f", of which {words.estimate(abstention, 'accuracy')} are right" if "accuracy" in abstention else ""
    return (
        f"\n\nConfidence: expected calibration error {words.number(calibration['ece'])} (by the luck of speakers "
        f"{words.number(calibration['ece_by_chance'])}). Below a confidence of "
        f"{abstention['below']:g} the answer is `uncertain`; that leaves {words.estimate(abstention, 'coverage')} of "
        f"the utterances{answered}."
    )


def _familiarity(familiarity: Mapping, confidence: float, apart: bool) -> str:
    detected = ", ".join(f"{words.number(share)} of {kind}" for kind, share in familiarity["detected"].items())
    tested = "the test speakers' utterances"
    if not apart:
        tested = "the test utterances, whose speakers it knows, so that of other people's it would be more"
    return (
        "The answer is `unfamiliar` where a recording is further from the training speech than nearly all utterances "
        "of speakers who were left out, by the covariance of their features: noise, another microphone, room or "
        "language may be the reason. The likeliest emotion is told all the same. It is the answer for "
        f"{words.estimate(familiarity, 'false_alarms')} of {tested} (a share, and the interval "
        f"over speakers, {confidence:.0%}) and, of generated sounds, for {detected}."
    )


def _gaps(bias: Mapping, confidence: float) -> str:
    rows = []
    for attribute, title in PAIRED.items():
        for pair, gap in bias.get(attribute, {}).get("gap", {}).items():
            if MINUS in pair and "uar" in gap:
                p_value = words.p_value(gap["p_holm"]).removeprefix("p = ") if "p_holm" in gap else "no test"
                rows.append([title, pair.replace(MINUS, " minus "), words.estimate(gap, "uar", sign=True), p_value])
    if not rows:
        return "No two groups of people can be compared in this data. That is no proof that it serves them alike."
    return (
        f"{_table(['groups by', 'between', 'gap in UAR', 'p, adjusted'], rows)}\n\n"
        f"Also of the folds. In brackets: intervals over speakers, {confidence:.0%}; p is adjusted for the number of "
        "comparisons (Holm). A gap that is not shown is no proof of equality."
    )


def _limits(recipe: Recipe, manifest: Mapping, encoder: str) -> str:
    points = [
        "It knows the speakers, language and microphones of its training corpora; expect more errors on others.",
        f"It knows no other emotions than {', '.join(recipe.labels)}; it can only choose one of them, or abstain.",
        "It needs one speaker at a time. Noise and music get an emotion, too, where they are not unfamiliar.",
    ]
    points += [EXPOSURE[encoder]] if encoder in EXPOSURE else []
    if SYNTHETIC in manifest["corpora"]:
        points.insert(
            0, "The corpus synthetic is synthetic speech with planted truths: it supports no claim about people."
        )
    if recipe.params.normalisation == "speaker":
        points.append("It normalises by speaker: it needs several recordings, all of one speaker.")
    if recipe.protocol == RANDOM:
        points.append("Only a random split was run: its scores overstate what it does with new speakers.")
    return "\n".join(f"- {point}" for point in points)


def _tied(corpora: Mapping[str, str]) -> str:
    """Say in which corpora emotions are tied to the speakers; nothing where there is none."""
    return "".join(
        f"\n- In {corpus} emotions are tied to the speakers: the best guess by the speaker alone, without listening, "
        f"has {found}. So it may have learned voices, not emotions."
        for corpus, found in corpora.items()
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence]) -> str:
    return pd.DataFrame(rows, columns=columns).to_markdown(index=False, disable_numparse=True)
