"""The section on speaker dependency: what knowing the speakers is worth, and what the vectors hold of them."""

from collections.abc import Mapping

import pandas as pd

from ser import naming
from ser.people import MINUS
from ser.report import words
from ser.report.content import MEASURED, Figure, Finding, Section, Table, estimated, present, table
from ser.report.material import Material
from ser.report.performance import chosen
from ser.scores.words import level
from ser.splits.names import INDEPENDENT, RANDOM, SINGLE

PROBED = {"emotion": "the emotion", "speaker": "the speaker", "gender": "the gender", "age": "the age band"}
SPACES = {
    "features": "the encoder's vectors",
    "features_by_speaker": "the encoder's vectors, normalised by speaker",
    "mfcc": "MFCC (a simple spectrum, never trained)",
    "mfcc_by_speaker": "MFCC, normalised by speaker",
    "features_held_out": "what went into the classifiers, of utterances they did not train on",
    "hidden_held_out": "what their last layer makes of it",
}
BY_SPEAKER = "features_by_speaker_minus_features"
COMPARISONS = {
    "features_minus_mfcc": "the encoder's vectors minus MFCC",
    "features_by_speaker_minus_mfcc_by_speaker": "the same, both normalised by speaker",
    "features_by_speaker_minus_features": "after normalisation by speaker minus before",
    "hidden_held_out_minus_features_held_out": "the classifiers' last layer minus what went in",
}
QUESTIONS = {
    "features_minus_mfcc": "Does the encoder hold more of the speaker than a plain spectrum does, or less?",
    "features_by_speaker_minus_features": "What does normalisation by speaker take away?",
    "hidden_held_out_minus_features_held_out": "Does the last layer hold less of the speaker than what goes in?",
}


def section(material: Material) -> Section:
    """Build the section: the random split, probes, silhouettes, and maps of the vectors."""
    probes = material.tables["probes"]
    measured = set(probes["space"])
    parts = [
        drop(material),
        *(readable(material, attribute) for attribute in ("speaker", "gender", "age", "emotion")),
        *(comparison(material, pair, asked) for pair, asked in QUESTIONS.items() if set(pair.split(MINUS)) <= measured),
        silhouette(material),
        Figure(
            "representation",
            "Probes and silhouettes",
            _drawn_probes(probes),
            "What can be read off each kind of vectors (dots, with intervals; the bar is chance), and whether "
            "utterances lie with their emotion or with their speaker (silhouettes).",
        ),
        _probes(probes),
        _comparisons(probes),
        _silhouettes(material.tables["silhouettes"]),
        Figure(
            "projection",
            "Maps of the vectors",
            "The same maps of all utterances three times: with the marks of their emotions, speakers and genders.",
            "Maps of the vectors: utterances that sound alike to the encoder lie near each other. Distances between "
            "far points and the sizes of clusters mean nothing in such maps.",
        ),
    ]
    return Section(
        "speakers",
        "Speakers",
        "Speaker dependency",
        "A model may recognise who speaks rather than how. Two things bear on it: what a split that lets it know the "
        "test speakers gives, and what a linear probe (a classifier that cuts straight through the vectors) can read "
        "off them, which says that it could be used, not that it is." + _drawn(material),
        parts,
    )


def _drawn_probes(probes: pd.DataFrame) -> str:
    """Say what the picture of probes and silhouettes shows."""
    attributes = words.listing(list(dict.fromkeys(probes["attribute"])) or ["nothing"])
    said = [
        f"{attribute} {words.number(row['balanced_accuracy'])}"
        for attribute in PROBED
        if "balanced_accuracy" in (row := _row(probes, "features", attribute))
    ]
    shown = f"Panels with a row for each kind of vectors: probes for {attributes}, and silhouettes."
    return f"{shown} Balanced accuracy on the encoder's vectors: {words.listing(said)}." if said else shown


def _drawn(material: Material) -> str:
    """Say that only some utterances of a large corpus were probed, where that is so."""
    manifest, most = material.metrics["manifest"], material.settings["representation"]["utterances"]
    everything = manifest["utterances"]
    if everything <= most:
        return ""
    known = everything - manifest["without_speaker"]  # of unknown speakers none are drawn, unless there are no others
    return (
        f" Probes and maps are of {min(most, known or everything):,} of the {words.amount(everything, 'utterance')}, "
        "drawn by chance, some of every speaker before more of any."
    )


def drop(material: Material) -> Finding:
    """Say what a random split gives beyond the speaker-independent one."""
    asked = "How speaker-dependent is the model?"
    cannot = "Which cue it uses: voice, room and microphone are confounded."
    if chosen(material) == "predefined" and material.several_corpora:
        cannot += " Where parts train on one corpus and test another, the random split knows the corpus, too."
    values = material.get("evaluate", "drop_from_random")
    if values is None:
        name = chosen(material)
        why = f"Only the protocol {name} was run" + (
            ", and it keeps no speaker apart." if name == RANDOM else ", with no random split beside it."
        )
        return Finding(asked, words.UNKNOWN, why, "There is nothing to compare.", cannot)
    settings = material.settings["intervals"]
    random, independent = (material.get("evaluate", name, "uar") for name in (RANDOM, INDEPENDENT))
    reason = _without_interval(material, settings["minimum_speakers"])
    verdict = words.verdict(values, "uar", level(settings["confidence"]))
    claimed = words.rounded(values["uar"])
    known = words.interval(values, "accuracy")
    accuracy = f" In accuracy it is {words.estimate(values, 'accuracy', sign=True)}." if known else ""
    meaning = {
        words.FOUND: "it overstates"
        if claimed > 0
        else "knowing the speakers does not help, the random split is lower",
        words.NOT_SHOWN: "no difference was shown",
        words.UNKNOWN: "nobody can say whether they differ",
    }[verdict]
    return Finding(
        asked,
        verdict,
        f"A random split, in which test speakers are in training as well, has a UAR of {words.number(random)}, the "
        f"speaker-independent one {words.number(independent)}: {meaning}, "
        f"{words.estimate(values, 'uar', reason, sign=True)}.",
        _how_sure(chosen(material)) if words.interval(values, "uar") else f"Nobody can say: {reason}.{accuracy}",
        cannot,
    )


def _without_interval(material: Material, minimum: int) -> str:
    """Say why the difference of two splits has no interval."""
    counts = [material.get("evaluate", name, "speakers") for name in (RANDOM, INDEPENDENT)]
    if None in counts or min(counts) < minimum:
        return words.no_interval(None if None in counts else min(counts), minimum)
    return "no interval: too few speakers are tested by both splits, or by one of them alone, or have some emotion"


def _how_sure(protocol: str) -> str:
    if protocol in SINGLE:
        return "The splits test other utterances, and not all the same speakers: those of both are drawn together."
    return "Both splits score the same speakers, so the difference is better known than its two terms."


def readable(material: Material, attribute: str) -> Finding:
    """Say whether something can be read off the encoder's vectors."""
    asked = f"Can {PROBED[attribute]} be read off the encoder's vectors?"
    cannot = "Whether the classifier uses it; and that a linear probe fails does not say that nothing is there."
    row = _row(material.tables["probes"], "features", attribute)
    if "balanced_accuracy" not in row:
        return Finding(asked, words.UNKNOWN, f"No probe: {_remark(row)}.", "There is nothing to be sure of.", cannot)
    verdict = words.judged(signs(row, level(material.settings["intervals"]["confidence"])))
    said = (
        f"A linear probe names {PROBED[attribute]} with a balanced accuracy (mean recall) of "
        f"{words.estimate(row, 'balanced_accuracy')}, out of "
        f"{int(row['classes'])} classes; chance is {words.number(row['chance'])}."
    )
    if "permuted" in row:
        within = " of each corpus" if material.several_corpora else ""
        said += (
            f" Where the same labels are assigned to the speakers{within} at random it has "
            f"{words.number(row['permuted'])} on average ({words.p_value(row['p_value'])})."
        )
    sure = f"Training and test folds of the probe have no {row['apart']} in common."
    if "p_value" in row:
        orders = material.settings["representation"]["permutations"]
        sure += (
            f" The test tried {orders} other orders at most, so p cannot be below {words.number(1 / (orders + 1))}; "
            "few speakers have fewer orders, and a coarser p. It is not adjusted for the number of probes."
        )
    return Finding(asked, verdict, said, words.sentence(sure, _capital(row["remark"])), cannot)


def signs(row: Mapping, most: float) -> list[bool]:
    """List the signs that something is there: an interval above chance, and a passed test where there is one.

    A test without an interval, for too few speakers, is no finding by itself: the interval counts as not above chance.
    """
    if "low" not in row and "p_value" not in row:
        return []
    above = "low" in row and words.rounded(row["low"]) > words.rounded(row["chance"])
    return [above] + ([row["p_value"] <= most + words.DUST] if "p_value" in row else [])


def comparison(material: Material, pair: str, asked: str) -> Finding:
    """Say whether one space holds more, or less, of the speaker than another, and of the emotion."""
    cannot = (
        "Which numbers of the vectors hold it, whether the classifier uses it, and whether it is the kind of vector or "
        "how many numbers it has."
    )
    if pair == BY_SPEAKER:
        cannot = (
            "That nothing of the speaker is left: normalisation by speaker sets every mean to zero, so that a linear "
            "probe falls below chance by construction. And it uses all audio of a test speaker."
        )
    said, verdicts = [], {}
    for attribute in ("speaker", "emotion"):
        row = _row(material.tables["probes"], pair, attribute)
        if "balanced_accuracy" not in row:
            said.append(f"{PROBED[attribute]} cannot be compared")
            continue
        verdicts[attribute] = words.judged([words.excludes(row, "balanced_accuracy")] if "low" in row else [])
        manner = {
            words.FOUND: f"is read off {'better' if words.rounded(row['balanced_accuracy']) > 0 else 'less well'}",
            words.NOT_SHOWN: "is read off neither better nor less well, as far as was shown",
            words.UNKNOWN: "differs, but nobody can say whether beyond chance",
        }[verdicts[attribute]]
        difference = words.estimate(row, "balanced_accuracy", sign=True)
        said.append(f"{PROBED[attribute]} {manner}: {difference}")
    return Finding(
        asked,
        MEASURED if pair == BY_SPEAKER else verdicts.get("speaker", words.UNKNOWN),
        f"Balanced accuracy of the probes, {COMPARISONS[pair]}: {'; '.join(said)}.",
        ("" if pair == BY_SPEAKER else "The verdict is that on the speaker. ")
        + "Both sides are of the same utterances under the same folds, and each draw of speakers is the same for both.",
        cannot,
    )


def silhouette(material: Material) -> Finding:
    """Say whether utterances lie with their emotion or with their speaker."""
    asked = "Do utterances that sound alike to the encoder share the emotion, or the speaker?"
    cannot = (
        "Which of the two weighs more: the more groups there are, the nearer is the nearest, so emotions and "
        "speakers are not on one scale. Compare kinds of vectors instead, in the picture."
    )
    table = material.tables["silhouettes"]
    rows = {row["grouping"]: present(row) for row in table[table["space"] == "features"].to_dict("records")}
    missing = [row for row in rows.values() if "silhouette" not in row]
    if missing or not rows:
        reason = words.reason(missing[0]["remark"] if missing else "they were not measured")
        return Finding(asked, words.UNKNOWN, f"No silhouettes: {reason}.", "There is nothing to be sure of.", cannot)
    emotion, speaker = (words.estimate(rows[grouping], "silhouette") for grouping in ("emotion", "speaker"))
    return Finding(
        asked,
        MEASURED,
        "Mean silhouette (1: each utterance lies with its own group, far from others; below 0: nearer to another "
        f"group): by emotion {emotion}, by speaker {speaker}.",
        _capital(rows["emotion"].get("remark", "")) or "The intervals are over speakers.",
        cannot,
    )


def _row(probes: pd.DataFrame, space: str, attribute: str) -> dict:
    """Give the figures of one probe; none where it was not run."""
    rows = probes[(probes["space"] == space) & (probes["attribute"] == attribute)].to_dict("records")
    return present(rows[0]) if rows else {}


def _remark(row: Mapping) -> str:
    return words.reason(row.get("remark") or "it was not tried")


def _capital(remark: str) -> str:
    return f"{remark[:1].upper()}{words.reason(remark[1:])}." if remark else ""


def _probes(probes: pd.DataFrame) -> Table:
    rows = []
    for record in probes[~probes["space"].str.contains(MINUS)].to_dict("records"):
        row = present(record)
        probed = "balanced_accuracy" in row
        rows.append(
            [
                SPACES.get(row["space"], naming.plain(row["space"])),
                PROBED[row["attribute"]],
                estimated(row, "balanced_accuracy") if probed else "no probe",
                row["chance"] if probed else "–",
                row.get("permuted", "–"),
                words.p_value(row["p_value"]) if "p_value" in row else "–",
                words.reason(row.get("remark") or "–"),
            ]
        )
    columns = ["vectors", "what is probed for", "balanced accuracy", "chance", "labels at random", "test", "remark"]
    return table("Every probe", columns, rows, "" if rows else "Nothing could be probed.", folded=True, heads=2)


def _comparisons(probes: pd.DataFrame) -> Table:
    rows = []
    for record in probes[probes["space"].str.contains(MINUS)].to_dict("records"):
        row = present(record)
        name = COMPARISONS.get(row["space"], naming.plain(row["space"]))
        rows.append(
            [
                name,
                PROBED[row["attribute"]],
                estimated(row, "balanced_accuracy", sign=True),
                words.reason(row.get("remark") or "–"),
            ]
        )
    columns = ["difference between", "what is probed for", "difference in balanced accuracy", "remark"]
    note = "" if rows else "No two probes can be compared."
    return table("Every comparison of two probes", columns, rows, note, folded=True, heads=2)


def _silhouettes(silhouettes: pd.DataFrame) -> Table:
    rows = []
    for record in silhouettes.to_dict("records"):
        row = present(record)
        name = SPACES.get(row["space"]) or COMPARISONS.get(row["space"], naming.plain(row["space"]))
        sign = MINUS in row["space"] or MINUS in row["grouping"]
        figure = estimated(row, "silhouette", sign=sign) if "silhouette" in row else "not defined"
        rows.append([name, naming.plain(row["grouping"]), figure, words.reason(row.get("remark") or "–")])
    note = "" if rows else "No silhouettes were measured."
    columns = ["vectors", "by", "mean silhouette", "remark"]
    return table("Every silhouette", columns, rows, note, folded=True, heads=2)
