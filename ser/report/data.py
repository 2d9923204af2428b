"""The section on the data: what was taken in, what was rejected, and which claims the data can carry."""

import pandas as pd

from ser import naming
from ser.bias.claims import ANY, EVERYWHERE, GAP, INTERVAL, TEST, UAR, Claims
from ser.report import words
from ser.report.content import MEASURED, Figure, Finding, Section, Table, table
from ser.report.material import Material
from ser.report.performance import chosen
from ser.splits import oracle
from ser.splits.names import SINGLE

REASONS = {
    "unmapped": "of an emotion outside the label set (a choice, no flaw)",
    "unreadable": "cannot be decoded",
    "empty": "holds no samples",
    "silent": "silence throughout",
    "not_finite": "holds samples that are no numbers",
    "too_short": "too short",
    "too_long": "too long",
    "duplicate": "the same audio as another file",
}
CLAIMS = {
    ANY: "any figure",
    UAR: "the UAR",
    GAP: "any gap between groups",
    INTERVAL: "an interval",
    TEST: "a test",
}
LISTED = 20  # rejected files; the table of the stage has them all


def section(material: Material) -> Section:
    """Build the section: the corpora, the rejected files, and the audit."""
    manifest = material.metrics["manifest"]
    tested = " (of the test part alone)" if chosen(material) in SINGLE else ""
    parts = [_corpora(manifest), _rejected(manifest), *_rejected_files(material.tables["rejected"]), tied(material)]
    parts += [
        Figure(
            "audit",
            "Utterances of each group and emotion",
            _audited(material),
            f"Utterances of each group and emotion{tested}: in each cell the share of the group's utterances and their "
            "number. An orange frame marks an emotion of which nothing is claimed for this group, a dotted one a group "
            "without a UAR, or without an interval of it.",
        ),
        _counts(material.tables["audit"], tested),
        refused(material.tables["refused"], tested),
    ]
    return Section(
        "data",
        "Data",
        "The data, and what they can carry",
        "Before any score is looked at, the labels alone decide what may be said of whom. Claims that the data cannot "
        "carry are refused by name, not averaged away.",
        parts,
    )


def size(manifest: dict) -> str:
    """Say how much data there is."""
    count = manifest.get("speakers")
    speakers = words.amount(count, "speaker") if count else "unknown speakers"
    if count and manifest["without_speaker"]:
        speakers += f" and, {manifest['without_speaker']:,} of them, by unknown ones"
    corpora = words.listing(sorted(manifest["corpora"]))
    hours = f"{words.number(manifest['hours'])} hours"
    return f"{words.amount(manifest['utterances'], 'utterance')} by {speakers}, {hours} of speech, from {corpora}"


def tied(material: Material) -> Finding:
    """Say whether emotions go together with speakers, groups or sentences."""
    known = {of: material.get("split", f"{of}_oracle_uar") for of in ("speaker", "sentence", "corpus")}
    asked = "Are emotions tied to speakers, to groups of them, or to sentences?"
    unrecorded = "the room, the day of the recording" if known["sentence"] else "the sentence spoken, the room, the day"
    cannot = f"Whether emotions go together with what the corpora do not record: {unrecorded}."
    said = [
        f"The best guess by the {of} alone, without listening (the {of} oracle), has "
        f"{oracle.words(found, material.get('split', f'{of}_oracle_uar_by_chance'))}."
        for of, found in known.items()
        if found is not None
    ]
    association = material.get("bias", "audit", "association") or {}
    if association:
        values = [f"{naming.ATTRIBUTES.get(name, name)} {words.number(value)}" for name, value in association.items()]
        said.append(
            "Association of emotion with each attribute, from 0 (none) to 1 (each tells the other; Cramér's V, "
            f"corrected for chance): {', '.join(values)}."
        )
    reason = Claims(material.tables["refused"]).refusal(EVERYWHERE, ANY)
    verdict = words.FOUND if reason else MEASURED
    if reason:
        said.append(f"Every claim about groups is refused: {reason}.")
    sure = (
        "These are counts of the corpora at hand, not estimates of others: there is nothing uncertain about them but "
        "the shuffling. A guess is made of the utterances that it is scored on, so shuffled labels have more than one "
        "over their number, too; what is not above them is balanced."
    )
    if not said:
        return Finding(asked, words.UNKNOWN, "Speakers and groups are unknown.", "Nothing can be counted.", cannot)
    if known["speaker"] is None:
        said.insert(0, f"{unknown(material.metrics['manifest'])}, so there is no speaker oracle.")
    return Finding(asked, verdict, " ".join(said), sure, cannot)


def _audited(material: Material) -> str:
    """Say what the picture of the audit shows."""
    shown = "A matrix with a row for each group of people and a column for each emotion"
    association = material.get("bias", "audit", "association") or {}
    if not association:
        return f"{shown}."
    most = max(association, key=association.get)
    tied = (
        f"emotion goes most strongly with the attribute {naming.ATTRIBUTES.get(most, most)}, "
        f"{words.number(association[most])} from 0 to 1"
        if words.rounded(association[most])
        else "emotion goes with no attribute"
    )
    return f"{shown}, and bars: {tied}."


def unknown(manifest: dict) -> str:
    """Say that speakers are unknown: some, or all."""
    return "Some speakers are unknown" if manifest.get("speakers") else "The speakers are unknown"


def _corpora(manifest: dict) -> Table:
    emotions = sorted(manifest["emotions"])
    columns = ["corpus", "utterances", "speakers", "without speaker", "hours", *emotions]
    rows = [
        [
            name,
            of["utterances"],
            of["speakers"],
            of["without_speaker"],
            float(of["hours"]),
            *(of["emotions"].get(emotion, 0) for emotion in emotions),
        ]
        for name, of in sorted(manifest["corpora"].items())
    ]
    return table("Utterances of each corpus, and of each emotion", columns, rows)


def _rejected(manifest: dict) -> Table:
    counts = {reason: count for reason, count in sorted(manifest["rejected"].items()) if count}
    rows = [[naming.plain(reason), REASONS.get(reason, ""), count] for reason, count in counts.items()]
    note = "No file was rejected." if not rows else ""
    return table("Rejected files by reason", ["reason", "meaning", "files"], rows, note)


def _rejected_files(rejected: pd.DataFrame) -> list[Table]:
    if rejected.empty:
        return []
    listed = rejected.head(LISTED)
    rows = [[row.path, naming.plain(row.reason), row.detail or "–"] for row in listed.itertuples()]
    caption = f"Rejected files: {len(listed)} of {words.amount(len(rejected))}"
    return [table(caption, ["file", "reason", "detail"], rows)]


def _counts(audit: pd.DataFrame, tested: str) -> Table:
    groups = audit[audit["attribute"] != "speaker"]
    emotions = list(dict.fromkeys(audit["emotion"]))
    rows = []
    for (attribute, group), part in groups.groupby(["attribute", "group"], sort=False):
        counts = part.set_index("emotion")["utterances"]
        cells = [int(counts[emotion]) for emotion in emotions]
        rows.append([naming.ATTRIBUTES.get(attribute, attribute), naming.plain(group), *cells, sum(cells)])
    columns = ["attribute", "group", *emotions, "all"]
    return table(f"Utterances of each group and emotion{tested}", columns, rows, folded=True, heads=2)


def refused(claims: pd.DataFrame, tested: str = "") -> Table:
    """List the refused claims in words, groups that lack the same claim for the same reason together.

    Args:
        claims: as in ``Claims.refused``.
        tested: which utterances the reasons speak of, in brackets, where these are not all.
    """
    rows = []
    for (attribute, claim, reason), part in claims.groupby(["attribute", "claim", "reason"], sort=False):
        groups = [
            naming.plain(group).replace(" minus ", " against ") if group else "each group" for group in part["group"]
        ]
        rows.append(
            [
                "any" if attribute == EVERYWHERE else naming.ATTRIBUTES.get(attribute, attribute),
                words.listing(groups),
                CLAIMS.get(claim, f"recall, precision and F1 of {claim}"),
                words.reason(reason),
            ]
        )
    caption = f"Claims that the data{tested} cannot carry"
    note = "" if rows else "None: the data carry every claim that this report could make."
    return table(caption, ["attribute", "group", "what is not claimed", "why"], rows, note, heads=2)
