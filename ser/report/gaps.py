"""Gaps between two groups of people: how large each is, what it is worth, and why there are none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ser import naming
from ser.bias.claims import ANY, EVERYWHERE, GAP, UAR, UNRECORDED, Claims
from ser.people import MINUS
from ser.report import words
from ser.report.content import Cell, Finding, Table, cell, estimated, table
from ser.report.material import Material
from ser.scores import words as figures

# Attributes whose groups are compared in pairs.
PLURALS = {"gender": "genders", "age": "ages", "corpus": "corpora", "language": "languages"}


@dataclass(frozen=True)
class Gap:
    """A difference in UAR between two groups.

    Attributes:
        first: a group.
        second: the group whose UAR is subtracted.
        values: ``uar``, and where they are known its interval, ``p``, ``p_holm`` (adjusted for the number of
            comparisons), ``unbiased_low``, ``unbiased_high`` and ``detectable``.
        verdict: what interval and test say of it.
        hopeless: whether no p-value that the speakers allow is significant after the adjustment for all tests.
    """

    first: str
    second: str
    values: Mapping[str, float]
    verdict: words.Verdict
    hopeless: bool = False

    @property
    def tested(self) -> bool:
        """Whether there is a test."""
        return "p_holm" in self.values

    @property
    def interval(self) -> str:
        """The interval in words; ``""`` where there is none."""
        return words.interval(self.values, "uar", sign=True)

    def said(self) -> str:
        """Say how large the gap is.

        Returns:
            ``UAR is 0.154 higher for female than for male (+0.154 [+0.064, +0.241]; adjusted p = 0.018)``.
        """
        value = words.rounded(self.values["uar"])
        higher = "higher" if value > 0 else "lower"
        direction = f"UAR is {words.number(abs(value))} {higher} for {self.first} than for {self.second}"
        if not value:
            direction = f"UAR is as high for {self.first} as for {self.second}"
        test = f"adjusted {words.p_value(self.values['p_holm'])}" if self.tested else "no test"
        beside = f"{words.GLUE}{self.interval}" if self.interval else ", no interval"
        return f"{direction} ({words.signed(self.values['uar'])}{beside}; {test})"

    def missed(self) -> str:
        """Say how large a gap would mostly be found, as the end of a sentence; ``""`` if nobody knows.

        Nor is it said where there is no interval: a test by itself shows nothing.
        """
        if "detectable" not in self.values or not self.interval:
            return ""
        detectable = words.number(self.values["detectable"])
        return f"; a true gap of {detectable} would be found, after adjustment, in about three of four such corpora"


def of_attribute(material: Material, attribute: str) -> list[Gap]:
    """Give the comparisons of two groups that have a gap in UAR."""
    level = figures.level(material.settings["intervals"]["confidence"])
    pairs = {
        of: {name: values for name, values in (material.get("bias", of, GAP) or {}).items() if MINUS in name}
        for of in PLURALS
    }
    tests = sum("p_holm" in values for each in pairs.values() for values in each.values())
    return [
        Gap(
            *map(naming.plain, name.split(MINUS)),
            values,
            _verdict(values, level),
            hopeless=values.get("p_smallest", 0.0) * tests > level + words.DUST,
        )
        for name, values in pairs[attribute].items()
        if "uar" in values
    ]


def _verdict(values: Mapping[str, float], level: float) -> words.Verdict:
    """Judge a gap; where too few speakers allow no test, its interval alone finds nothing."""
    found = words.verdict(values, "uar", level)
    return words.UNSURE if found == words.FOUND and "p_holm" not in values else found


def finding(material: Material, attribute: str) -> Finding:
    """Say whether the UAR differs between the groups of an attribute."""
    asked = f"Does the UAR differ between {PLURALS[attribute]}?"
    cannot = "Why groups differ, and whether people of groups that these corpora lack would be served alike."
    every = of_attribute(material, attribute)
    if not every:
        return Finding(asked, words.UNKNOWN, _why_not(material, attribute), "There is nothing to be sure of.", cannot)
    verdict = min((gap.verdict for gap in every), key=words.BY_WEIGHT.index)
    alike = [gap for gap in every if gap.verdict == verdict]
    largest = max(alike, key=lambda gap: abs(gap.values["uar"]))
    listed = "; ".join(gap.said() for gap in alike)
    said = {
        words.FOUND: f"It differs: {listed}.",
        words.UNSURE: f"Interval and adjusted test differ, or one of them is missing: {listed}.",
        words.NOT_SHOWN: f"No gap was shown. The largest: {largest.said()}{largest.missed()}.",
        words.UNKNOWN: f"Neither interval nor test can be had. The largest gap seen: {largest.said()}.",
    }
    return Finding(asked, verdict, said[verdict], _sure(every), cannot)


def _why_not(material: Material, attribute: str) -> str:
    """Say why there is no comparison, out of the refused claims."""
    claims = Claims(material.tables["refused"])
    for where in (EVERYWHERE, attribute):
        for claim in (ANY, GAP):
            reason = claims.refusal(where, claim)
            if reason == UNRECORDED:
                return f"The corpora record no {PLURALS[attribute]}."
            if reason:
                return f"No comparison ({reason})."
    rows = claims.refused[(claims.refused["attribute"] == attribute) & (claims.refused["group"] != "")]
    rows = rows[rows["claim"].isin([ANY, UAR, GAP])]  # those on single emotions would not keep two groups apart
    reasons = [f"{naming.plain(row.group)}: {row.reason}" for row in rows.itertuples()]
    return f"No comparison. {'; '.join(reasons)}." if reasons else "No two groups can be compared."


def _sure(gaps: Sequence[Gap]) -> str:
    """Say how many comparisons were made, how many were tested, and why others have no interval."""
    without = [_against(gap) for gap in gaps if not gap.interval]
    silent = [_against(gap) for gap in gaps if gap.verdict == words.UNKNOWN]
    parts = [
        f"{words.amount(len(gaps), 'comparison')}, {sum(gap.tested for gap in gaps)} tested; p-values are adjusted "
        "(Holm) for all tests of gaps in UAR, over all attributes."
    ]
    if hopeless := [_against(gap) for gap in gaps if gap.hopeless]:
        parts.append(
            f"Too few speakers for so many tests: whatever the gap, none of these can become significant after the "
            f"adjustment, unless others are: {words.listing(hopeless)}."
        )
    if without:
        parts.append(f"No interval, for the reasons that the refused claims give: {words.listing(without)}.")
    if silent:
        parts.append(f"Neither interval nor test, so nothing is said: {words.listing(silent)}.")
    return " ".join(parts)


def _against(gap: Gap) -> str:
    return f"{gap.first} against {gap.second}"


def every_gap(material: Material) -> Table:
    """List the gaps of all attributes."""
    rows = []
    for attribute in PLURALS:
        for gap in of_attribute(material, attribute):
            rows.append(
                [
                    naming.ATTRIBUTES[attribute],
                    f"{gap.first} minus {gap.second}",
                    estimated(gap.values, "uar", sign=True),
                    p_cell(gap.values, "p"),
                    p_cell(gap.values, "p_holm"),
                    words.interval(gap.values, "unbiased", sign=True) or "no test",
                    cell(_shown_from(gap)),
                    gap.verdict,
                ]
            )
    columns = [
        "attribute",
        "groups",
        "gap in UAR",
        "p",
        "p, adjusted",
        "range if the group made no difference",
        "smallest gap to be shown",
        "verdict",
    ]
    note = "" if rows else "No two groups can be compared; the table of refused claims says why."
    return table("Gaps between two groups", columns, rows, note, heads=2)


def _shown_from(gap: Gap) -> float | str:
    """The smallest gap that would be shown, or why none would: as of ``Gap.missed``, a test alone shows nothing."""
    if gap.tested and not gap.interval:
        return "no interval"
    return gap.values.get("detectable", "none" if gap.hopeless else "no test")


def p_cell(values: Mapping[str, float], key: str) -> Cell:
    """Make a cell of a p-value."""
    if key not in values:
        return cell("no test")
    text = words.number(values[key]) if words.rounded(values[key]) else "< 0.001"
    return Cell(text, values[key], numeric=True)
