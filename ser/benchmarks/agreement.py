"""Compare metrics and tables with those that were committed: equal, within what other processors make of them, or not.

A figure may move by ``FIGURE``, or by that share of a figure above 1; one with an interval by a quarter of half that
interval, where this is more: far less than other speakers would move it. Counts and words must be equal; a column of a
table counts where all its numbers are whole.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FIGURE = 0.02
SHARE_OF_INTERVAL = 0.25
BESIDE = ("p", "p_value", "p_holm", "p_smallest", "chance", "permuted")  # an interval low to high is of another figure


@dataclass(frozen=True)
class Difference:
    """A figure, or a word of a table, that is not the committed one.

    Attributes:
        name: of the figure, such as ``random.uar``.
        committed: what it was; None where it is new.
        found: what it is; None where it is gone.
        allowed: how much it may differ.
    """

    name: str
    committed: float | str | None
    found: float | str | None
    allowed: float

    @property
    def tolerable(self) -> bool:
        """Whether the difference is within what is allowed."""
        if not all(isinstance(value, int | float) for value in (self.committed, self.found)):
            return False
        return abs(self.found - self.committed) <= self.allowed

    def __str__(self) -> str:
        committed, found = map(_worded, (self.committed, self.found))
        return f"{self.name}: committed {committed}, found {found}, allowed {self.allowed:.4f}"


def _worded(value: float | str | None) -> str:
    return "missing" if value is None else repr(value) if isinstance(value, str) else f"{value:g}"


def compare(committed: Mapping, found: Mapping) -> list[Difference]:
    """Compare nested figures.

    Args:
        committed: nested mappings whose leaves are numbers, as ``metrics/*.json`` hold them, or of ``cells``.
        found: the same, computed anew.

    Returns:
        What differs at all, in the order of the names.
    """
    old, new, allowed = _flat(committed), _flat(found), _allowed(committed)
    return [
        Difference(name, old.get(name), new.get(name), allowed.get(name, 0.0))
        for name in sorted(old | new)
        if old.get(name) != new.get(name)
    ]


def cells(text: str) -> dict[str, dict[str, float | str]]:
    """Read a CSV table, as ``plots/*.csv`` are: its cells by column, by row.

    Args:
        text: the table, its first line the names of the columns.

    Returns:
        By ``row 2``, as an editor counts lines, and column: numbers where cells are some, else words.
    """
    rows = csv.reader(io.StringIO(text))
    columns = next(rows, [])
    found = [dict(zip(columns, row, strict=False)) for row in rows]
    kinds = {column: _kind([row[column] for row in found if row.get(column)]) for column in columns}
    return {
        f"row {line}": {column: kinds[column](cell) if cell else cell for column, cell in row.items()}
        for line, row in enumerate(found, start=2)
    }


def _kind(cells: Sequence[str]) -> type:
    """Find what all cells of a column are: whole numbers, numbers, or words."""
    for kind in (int, float):
        try:
            list(map(kind, cells))
        except ValueError:
            continue
        return kind
    return str


def _flat(node: Mapping, place: str = "") -> dict[str, float]:
    flat = {}
    for key, value in node.items():
        flat |= _flat(value, f"{place}{key}.") if isinstance(value, Mapping) else {f"{place}{key}": value}
    return flat


def _allowed(node: Mapping, place: str = "") -> dict[str, float]:
    allowed = {}
    for key, value in node.items():
        if isinstance(value, Mapping):
            allowed |= _allowed(value, f"{place}{key}.")
        elif isinstance(value, int | str):
            allowed[f"{place}{key}"] = 0.0
        else:
            stem = key.removesuffix("_low").removesuffix("_high")
            bounds = [node.get(f"{stem}_low", node.get("low")), node.get(f"{stem}_high", node.get("high"))]
            own = key not in BESIDE or f"{key}_low" in node
            known = own and all(isinstance(bound, int | float) for bound in bounds)  # a cell may be empty
            width = SHARE_OF_INTERVAL * (bounds[1] - bounds[0]) / 2 if known else 0.0
            allowed[f"{place}{key}"] = max(FIGURE, FIGURE * abs(value), width)
    return allowed
