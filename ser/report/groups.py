"""The section on bias: which groups of people the model serves worse."""

from ser import naming
from ser.bias.claims import GAP, LARGEST
from ser.report import gaps, words
from ser.report.confidence import LUCK
from ser.report.content import MEASURED, Figure, Finding, Section, Table, estimated, present, table
from ser.report.gaps import PLURALS, p_cell
from ser.report.material import Material

SPREADS = {
    "equalised_odds": "equalised-odds gap: the largest difference in hits or false alarms of any emotion",
    "unweighted_average_bias": "unweighted average bias: standard deviation of F1 over groups, averaged over emotions",
}
WITHIN = (
    " Corpora differ, so groups are compared, and dealt out, within each corpus that has several speakers of all of "
    "them; a gap is the mean over these corpora."
)


def section(material: Material) -> Section:
    """Build the section: gaps between groups, every group, and single speakers."""
    parts = [gaps.finding(material, attribute) for attribute in PLURALS]
    drawn = Figure(
        "groups",
        "Groups, gaps between them, and speakers",
        _drawn(material),
        "UAR and recall of each group, the gaps between groups (grey: the range of the gap if the group made no "
        "difference), and the UAR of each speaker. Lines are intervals over speakers; a hollow dot has none, and "
        "single speakers never do.",
    )
    parts += [drawn] * bool(material.tables["groups"]["uar"].notna().any())  # where all is refused it only says so
    parts += [
        gaps.every_gap(material),
        _spreads(material),
        _groups(material),
        speakers(material),
    ]
    return Section(
        "bias",
        "Bias",
        "Bias: are groups served alike?",
        "A gap says that groups fare differently here, not why: they may differ in age, recording or language as well. "
        "Each test deals the groups out anew over the speakers and asks how often chance alone gives as large a gap."
        + (WITHIN if material.several_corpora else ""),
        parts,
    )


def _drawn(material: Material) -> str:
    """Say what the picture of groups shows."""
    shown = "The UAR of each group as a dot with its interval, recalls as shaded numbers, and gaps between groups."
    every = [gap for attribute in PLURALS for gap in gaps.of_attribute(material, attribute)]
    if not every:
        return shown
    largest = max(every, key=lambda gap: abs(gap.values["uar"]))
    against = f"{largest.first} against {largest.second}"
    return f"{shown} The largest gap in UAR: {against}, {words.signed(largest.values['uar'])}."


def speakers(material: Material) -> Finding:
    """Say how evenly single speakers are served."""
    asked = "How evenly are single speakers served?"
    cannot = (
        "How much of the spread is chance: each speaker has few utterances, so it is above zero even where all are "
    )
    cannot += "served alike."
    values = material.get("bias", "speaker")
    if values is None:
        return Finding(
            asked,
            words.UNKNOWN,
            "No speaker has every emotion, or all are unknown.",
            "There is nothing to be sure of.",
            cannot,
        )
    if values["speakers"] < 2:
        only = "Only one speaker has every emotion, so that speakers cannot be compared."
        return Finding(asked, words.UNKNOWN, only, "There is nothing to be sure of.", cannot)
    few = values["speakers"] <= 10  # the worst tenth is the worst speaker
    worst = "" if few else f"; of the tenth that is served worst {words.number(values['uar_worst_decile'])}"
    gini = f"; Gini coefficient {words.number(values['uar_gini'])} (0: all alike)" if "uar_gini" in values else ""
    return Finding(
        asked,
        MEASURED,
        f"The UAR of {words.amount(values['speakers'], 'speaker')} with every emotion lies between "
        f"{words.number(values['uar_min'])} and {words.number(values['uar_max'])}, mean "
        f"{words.number(values['uar_mean'])}{worst}{gini}.",
        "These are the speakers at hand; no interval is drawn over other ones.",
        cannot,
    )


def _spreads(material: Material) -> Table:
    rows = []
    for attribute, name in naming.ATTRIBUTES.items():
        between = material.get("bias", attribute, GAP) or {}
        largest = between.get(LARGEST, {})
        if "uar" in largest:
            rows.append([name, "largest difference in UAR", largest["uar"], "–", p_cell(largest, "p_holm")])
        if "ratio" in largest:
            rows.append([name, "worst over best UAR", largest["ratio"], "–", "–"])
        for key, meaning in SPREADS.items():
            if key in between:
                rows.append([name, meaning, between[key]["raw"], between[key].get("matched", "–"), "–"])
        parity = between.get("demographic_parity", {})
        for emotion in parity.get("raw", {}):
            meaning = f"demographic-parity gap: difference in the share of predictions that are {emotion}"
            matched = parity.get("matched", {}).get(emotion, "–")  # no corpus may have an emotion of all groups
            rows.append([name, meaning, parity["raw"][emotion], matched, "–"])
    note = "" if rows else "No attribute has two groups that can be compared."
    columns = ["attribute", "measure", "as it is", "with emotions matched", "p, adjusted"]
    caption = (
        "All groups of an attribute together (0: alike; above 0 by chance alone, the more so the more groups; p: that "
        "all have the same UAR, adjusted over the attributes of this table, so it is another than above)"
    )
    return table(caption, columns, rows, note, folded=True, heads=2)


def _groups(material: Material) -> Table:
    groups = material.tables["groups"]
    groups = groups[groups["attribute"] != "speaker"]
    emotions = [column.removeprefix("recall_") for column in groups.columns if column.startswith("recall_")]
    minimum = material.settings["intervals"]["minimum_speakers"]
    rows = []
    for row in groups.to_dict("records"):
        values = present(row)
        absent = "refused" if row["utterances"] else "no utterances"
        rows.append(
            [
                naming.ATTRIBUTES.get(row["attribute"], row["attribute"]),
                naming.plain(row["group"]),
                int(row["utterances"]),
                int(values["speakers"]) if "speakers" in values else "unknown",
                estimated(values, "uar") if "uar" in values else absent,
                *(values.get(f"recall_{emotion}", absent) for emotion in emotions),
                *(values.get(f"calibration_error{of}", absent) for of in ("", "_by_chance")),
            ]
        )
    columns = ["attribute", "group", "utterances", "speakers", "UAR", *emotions, "calibration error", LUCK]
    caption = (
        f"Every group: UAR, with intervals from {minimum} speakers on; recall of each emotion; and calibration error "
        "(how far the model's certainty is from its share of hits; 0 is best), beside what the luck of speakers makes "
        "of a certainty that is right for their mean"
    )
    return table(caption, columns, rows, heads=2)
