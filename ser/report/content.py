"""The parts of a section: findings, tables, figures, clips and lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from ser.report import words


@dataclass(frozen=True)
class Cell:
    """A cell of a table: what it says, and what it is sorted by."""

    text: str
    order: float | str
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        caption: what it is.
        columns: their titles.
        rows: as long as ``columns``.
        note: why there are no rows, or what is missing.
        folded: whether a reader has to open it.
        heads: how many columns, from the left, say what their row is about.
    """

    kind: ClassVar[str] = "table"
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    folded: bool = False
    heads: int = 1

    @property
    def numeric(self) -> list[bool]:
        """Whether each column holds numbers."""
        return [any(row[index].numeric for row in self.rows) for index in range(len(self.columns))]


@dataclass(frozen=True)
class Figure:
    """A picture.

    Attributes:
        picture: its name in ``Material.pictures``.
        title: what it is, in a few words.
        shows: what is drawn and, where that can be said, what is seen, for readers who do not see it.
        caption: how to read it.
    """

    kind: ClassVar[str] = "figure"
    picture: str
    title: str
    shows: str
    caption: str


@dataclass(frozen=True)
class Clip:
    """An utterance to hear and see: its name in ``Material.sounds`` and ``Material.pictures``, and what it is."""

    name: str
    title: str


@dataclass(frozen=True)
class Clips:
    """Utterances to hear and see; the note says which cannot be heard, and why."""

    kind: ClassVar[str] = "clips"
    caption: str
    clips: Sequence[Clip]
    note: str = ""


@dataclass(frozen=True)
class Points:
    """A list of sentences under a title."""

    kind: ClassVar[str] = "points"
    title: str
    points: Sequence[str]


@dataclass(frozen=True)
class Finding:
    """What was asked, what was found, how sure that is, and what the data cannot say.

    Attributes:
        asked: the question.
        verdict: one of ``words.Verdict``, or ``measured`` where a number is reported and nothing is decided.
        found: with the numbers.
        sure: how sure, or why nobody knows.
        cannot: what the data cannot say.
    """

    kind: ClassVar[str] = "finding"
    asked: str
    verdict: str
    found: str
    sure: str
    cannot: str


@dataclass(frozen=True)
class Section:
    """A section of the report, its parts in the order in which they are read; ``name`` is the title in one word."""

    anchor: str
    name: str
    title: str
    introduction: str
    parts: Sequence[Table | Figure | Finding | Points | Clips]


MEASURED = "measured"


def present(row: Mapping) -> dict:
    """Leave out the cells of a table's row that are missing."""
    return {key: value for key, value in row.items() if pd.notna(value)}


def cell(value) -> Cell:
    """Make a cell: of a float with three decimals, of a count, or of words; a missing number says so."""
    if isinstance(value, Cell):
        return value
    if isinstance(value, str):
        return Cell(value, value)
    if value is None or pd.isna(value):
        return Cell("not known", "")
    if isinstance(value, float):
        return Cell(words.number(value), words.rounded(value), numeric=True)
    return Cell(words.amount(value), int(value), numeric=True)


def table(
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Sequence],
    note: str = "",
    folded: bool = False,
    heads: int = 1,
) -> Table:
    """Make a table of plain values."""
    made = [[cell(value) for value in row] for row in rows]
    assert all(len(row) == len(columns) for row in made)
    return Table(caption, columns, made, note, folded, heads)


def estimated(values: Mapping[str, float], key: str, otherwise: str = "no interval", sign: bool = False) -> Cell:
    """Make a cell of a number and its interval, sorted by the number; of a missing number, ``not known``."""
    if key not in values:
        return cell(None)
    return Cell(words.estimate(values, key, otherwise, sign), words.rounded(values[key]), numeric=True)
