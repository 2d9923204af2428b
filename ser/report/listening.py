"""The utterances to listen to: the list of the most ambiguous ones, and clips of the first of them."""

import pandas as pd

from ser.naming import JUDGES
from ser.report import words
from ser.report.content import Clip, Clips, Table, table
from ser.report.material import Material, clip_name

LISTED = 20


def ranking(utterances: pd.DataFrame) -> Table:
    """List the most ambiguous utterances."""
    shown = utterances.head(LISTED)
    rows = [
        [int(row.rank), row.path, row.label, row.other, _evidence(row), float(row.mean_rank)]
        for row in shown.itertuples()
    ]
    columns = ["rank", "file", "label", "perhaps rather", "evidence", "doubt of the model (mean rank)"]
    caption = f"To listen to: the {len(shown)} most ambiguous of {words.amount(len(utterances), 'utterance')}"
    note = "" if rows else "No utterance could be judged."
    return table(caption, columns, rows, note)


def clips(material: Material) -> list[Clips]:
    """Let the reader hear and see the first utterances of the list; nothing where no clips were asked for."""
    table = material.tables["clips"]
    if table.empty:
        return []
    ranked = material.tables["ambiguous"].set_index("rank")
    players = []
    for row in table[table["seconds"].notna()].itertuples():
        of = ranked.loc[row.rank]
        other = f", perhaps rather {of.other}" if of.other else ""
        length = f"the first {row.clip_seconds:.1f} s of {row.seconds:.1f} s"
        length = length if row.clip_seconds < row.seconds else f"{row.seconds:.1f} s"
        evidence = _evidence(of)
        title = f"{row.rank}. Labelled {of.label}{other}. {evidence[0].upper()}{evidence[1:]}; {row.path}, {length}"
        players.append(Clip(clip_name(row.rank), title))
    absent = list(table.loc[table["seconds"].isna(), "path"])
    note = f"Not to be heard, as the audio was not at hand where this page was made: {', '.join(absent)}."
    return [
        Clips(
            "Listen: the most ambiguous utterances, with their mel spectrograms (dark: much energy). The recordings "
            "belong to their corpora, whose licences hold for a copy of this page, too.",
            players,
            note if absent else "",
        )
    ]


def _evidence(row) -> str:
    """Say why an utterance of the ranking is held to be ambiguous."""
    if row.by == "votes":
        return f"{words.amount(row.raters, 'rater')}, largest share of votes {words.number(row.majority_share)}"
    if row.by == "listeners":
        return f"recognised by {words.number(row.recognition)} of the listeners"
    return JUDGES[row.by]
