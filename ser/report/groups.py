"""The section on bias: which groups of people the model serves worse."""

from collections.abc import Mapping

import pandas as pd

from ser.report import words
from ser.report.content import MEASURED, Cell, Figure, Finding, Section, Table, cell, estimated, table
from ser.report.data import ATTRIBUTES, EVERYWHERE, refusal
from ser.report.material import Material

GAP = "gap"  # the key of an attribute's comparisons, beside its groups
MINUS = "_minus_"  # between the names of two groups
# Attributes whose groups are compared in pairs.
PLURALS = {"gender": "genders", "age": "ages", "corpus": "corpora", "language": "languages"}
SPREADS = {
    "equalised_odds": "equalised-odds gap: the largest difference in hits or false alarms of any emotion",
    "unweighted_average_bias": "unweighted average bias: standard deviation of F1 over groups, averaged over emotions",
}


def section(material: Material) -> Section:
    """Tell of gaps between groups, of every group, and of single speakers."""
    parts = [gaps(material, attribute) for attribute in PLURALS]
    parts += [
        Figure(
            "groups",
            "UAR and recall of each group, the gaps between groups (grey: where a model without bias would lie by "
            "chance), and the UAR of each speaker. Lines are intervals over speakers; a dot without a line has none.",
        ),
        _gaps(material),
        _spreads(material),
        _groups(material),
        speakers(material),
    ]
    return Section(
        "bias",
        "Bias",
        "Bias: are groups served alike?",
        "A gap says that groups fare differently here, not why: they may differ in age, recording or language as well. "
        "Each test deals the groups out anew over the speakers and asks how often chance alone gives as large a gap.",
        parts,
    )


def pairs(material: Material, attribute: str) -> dict[str, dict]:
    """Give the comparisons of two groups that have a gap in UAR, by their names."""
    found = material.get("bias", attribute, GAP) or {}
    return {name: gap for name, gap in found.items() if MINUS in name and "uar" in gap}


def level(material: Material) -> float:
    """Give the level of the tests: one minus the confidence."""
    return 1 - material.settings["intervals"]["confidence"]


def said(pair: str, gap: Mapping[str, float]) -> str:
    """Say how large a gap is.

    Args:
        pair: the names of the two groups, ``female_minus_male``.
        gap: ``uar``, and perhaps its interval and ``p_holm``.

    Returns:
        ``UAR is 0.154 higher for female than for male (+0.154 [+0.064, +0.241]; adjusted p = 0.018)``.
    """
    first, second = map(words.plain, pair.split(MINUS))
    value = words.rounded(gap["uar"])
    direction = f"UAR is {words.number(abs(value))} {'higher' if value > 0 else 'lower'} for {first} than for {second}"
    if not value:
        direction = f"UAR is as high for {first} as for {second}"
    test = f"adjusted {words.p_value(gap['p_holm'])}" if "p_holm" in gap else "no test"
    known = words.interval(gap, "uar", sign=True)
    figure = f"{words.signed(gap['uar'])}{f'{words.GLUE}{known}' if known else ', no interval'}"
    return f"{direction} ({figure}; {test})"


def missing(gap: Mapping[str, float]) -> str:
    """Say how large a gap would have had to be to be shown, as the end of a sentence; nothing where nobody knows."""
    if "detectable" not in gap:
        return ""
    detectable = words.number(gap["detectable"])
    return f"; the smallest gap that this data would have shown in four cases of five is {detectable}"


def gaps(material: Material, attribute: str) -> Finding:
    """Say whether the groups of an attribute are served alike."""
    asked = f"Does the model serve people of different {PLURALS[attribute]} alike?"
    cannot = "Why groups differ, and whether people of groups that these corpora lack would be served alike."
    known = pairs(material, attribute)
    if not known:
        return Finding(asked, words.UNKNOWN, _why_not(material, attribute), "There is nothing to be sure of.", cannot)
    judged = {pair: words.verdict(gap, "uar", level(material)) for pair, gap in known.items()}
    order = (words.FOUND, words.UNSURE, words.NOT_SHOWN, words.UNKNOWN)
    verdict = min(judged.values(), key=order.index)
    alike = {pair: gap for pair, gap in known.items() if judged[pair] == verdict}
    largest = max(alike, key=lambda pair: abs(alike[pair]["uar"]))
    every = "; ".join(said(*of) for of in alike.items())
    found = {
        words.FOUND: f"Not alike: {every}.",
        words.UNSURE: f"A hint, no more, as interval and adjusted test differ: {every}.",
        words.NOT_SHOWN: f"No gap was shown. The largest: {said(largest, alike[largest])}{missing(alike[largest])}.",
        words.UNKNOWN: f"Neither interval nor test can be had. The largest gap seen: {said(largest, alike[largest])}.",
    }
    return Finding(asked, verdict, found[verdict], _sure(known, judged), cannot)


def _why_not(material: Material, attribute: str) -> str:
    """Say why there is no comparison, out of the refused claims."""
    refused = material.tables["refused"]
    for where in (EVERYWHERE, attribute):
        for claim in ("any figure", "gap"):
            reason = refusal(refused, where, claim)
            if reason == "unknown for everybody":
                return f"The corpora record no {PLURALS[attribute]}."
            if reason:
                return f"No comparison ({reason})."
    rows = refused[(refused["attribute"] == attribute) & (refused["group"] != "")]
    reasons = [f"{words.plain(row.group)}: {row.reason}" for row in rows.itertuples()]
    return f"No comparison. {'; '.join(reasons)}." if reasons else "No two groups can be compared."


def _sure(known: Mapping[str, Mapping], judged: Mapping[str, str]) -> str:
    """Say how many comparisons were made, how many were tested, and why others have no interval."""
    tested = sum("p_holm" in gap for gap in known.values())
    without = [pair for pair, gap in known.items() if not words.interval(gap, "uar")]
    silent = [pair for pair, verdict in judged.items() if verdict == words.UNKNOWN]
    parts = [
        f"{words.amount(len(known), 'comparison')}, {tested} tested; p-values are adjusted for the number of "
        "comparisons (Holm)."
    ]
    if without:
        names = words.listing([_pair(pair) for pair in without])
        parts.append(f"No interval, for too few speakers: {names}.")
    if silent:
        parts.append(
            f"Neither interval nor test, so nothing is said: {words.listing([_pair(pair) for pair in silent])}."
        )
    return " ".join(parts)


def _pair(name: str) -> str:
    return words.plain(name.replace(MINUS, " against "))


def speakers(material: Material) -> Finding:
    """Say how evenly single speakers are served."""
    asked = "Are single speakers served alike?"
    cannot = (
        "How much of the spread is chance: each speaker has few utterances, so it is above zero even where all are "
    )
    cannot += "served alike."
    values = material.get("bias", "speaker")
    if values is None:
        return Finding(asked, words.UNKNOWN, "No speaker can be scored.", "There is nothing to be sure of.", cannot)
    gini = f"; Gini coefficient {words.number(values['uar_gini'])} (0: all alike)" if "uar_gini" in values else ""
    return Finding(
        asked,
        MEASURED,
        f"The UAR of {words.amount(values['speakers'], 'speaker')} lies between {words.number(values['uar_min'])} and "
        f"{words.number(values['uar_max'])}, mean {words.number(values['uar_mean'])}; of the tenth that is served "
        f"worst {words.number(values['uar_worst_decile'])}{gini}.",
        "These are the speakers at hand; no interval is drawn over other ones.",
        cannot,
    )


def _gaps(material: Material) -> Table:
    rows = []
    for attribute in PLURALS:
        for pair, gap in pairs(material, attribute).items():
            first, second = map(words.plain, pair.split(MINUS))
            unbiased = words.interval(
                {f"x_{end}": gap.get(f"unbiased_{end}") for end in ("low", "high")}, "x", sign=True
            )
            rows.append(
                [
                    ATTRIBUTES[attribute],
                    f"{first} minus {second}",
                    estimated(gap, "uar", sign=True),
                    _p(gap, "p"),
                    _p(gap, "p_holm"),
                    unbiased or "no test",
                    cell(gap.get("detectable")) if "detectable" in gap else "no test, no interval",
                    words.verdict(gap, "uar", level(material)),
                ]
            )
    columns = [
        "attribute",
        "groups",
        "gap in UAR",
        "p",
        "p, adjusted",
        "a model without bias",
        "smallest gap to be shown",
        "verdict",
    ]
    note = "" if rows else "No two groups can be compared; the table of refused claims says why."
    return table("Gaps between two groups", columns, rows, note)


def _p(gap: Mapping[str, float], key: str) -> Cell:
    if key not in gap:
        return cell("no test")
    text = words.number(gap[key]) if words.rounded(gap[key]) else "< 0.001"
    return Cell(text, gap[key], numeric=True)


def _spreads(material: Material) -> Table:
    rows = []
    for attribute, name in ATTRIBUTES.items():
        between = material.get("bias", attribute, GAP) or {}
        largest = between.get("largest", {})
        if "uar" in largest:
            rows.append([name, "largest difference in UAR", largest["uar"], "–", _p(largest, "p_holm")])
        if "ratio" in largest:
            rows.append([name, "worst over best UAR", largest["ratio"], "–", "–"])
        for key, meaning in SPREADS.items():
            if key in between:
                rows.append([name, meaning, between[key]["raw"], between[key]["matched"], "–"])
        parity = between.get("demographic_parity", {})
        for emotion in parity.get("raw", {}):
            meaning = f"demographic-parity gap: difference in the share of predictions that are {emotion}"
            rows.append([name, meaning, parity["raw"][emotion], parity["matched"][emotion], "–"])
    note = "" if rows else "No attribute has two groups that can be compared."
    columns = ["attribute", "measure", "as it is", "with emotions matched", "p, adjusted"]
    caption = "All groups of an attribute together (0: alike; above 0 by chance alone, the more so the more groups)"
    return table(caption, columns, rows, note, folded=True)


def _groups(material: Material) -> Table:
    groups = material.tables["groups"]
    groups = groups[groups["attribute"] != "speaker"]
    emotions = [column.removeprefix("recall_") for column in groups.columns if column.startswith("recall_")]
    minimum = material.settings["intervals"]["minimum_speakers"]
    rows = []
    for row in groups.to_dict("records"):
        values = {key: value for key, value in row.items() if pd.notna(value)}
        absent = "refused" if row["utterances"] else "no utterances"
        rows.append(
            [
                ATTRIBUTES.get(row["attribute"], row["attribute"]),
                words.plain(row["group"]),
                int(row["utterances"]),
                int(values["speakers"]) if "speakers" in values else "unknown",
                estimated(values, "uar") if "uar" in values else absent,
                *(values.get(f"recall_{emotion}", absent) for emotion in emotions),
                values.get("calibration_error", absent),
            ]
        )
    columns = ["attribute", "group", "utterances", "speakers", "UAR", *emotions, "calibration error"]
    caption = (
        f"Every group: UAR, with intervals from {minimum} speakers on; recall of each emotion; and calibration error "
        "(how far the model's certainty is from its share of hits; 0 is best)"
    )
    return table(caption, columns, rows)
