"""Compare metrics with those that were committed: equal, within what other processors make of them, or not.

A figure may move by ``FIGURE``, or by that share of a figure above 1; one with an interval by a quarter of half that
interval, where this is more: far less than other speakers would move it. Counts must be equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass

FIGURE = 0.02
SHARE_OF_INTERVAL = 0.25


@dataclass(frozen=True)
class Difference:
    """A figure that is not the committed one.

    Attributes:
        name: of the figure, such as ``random.uar``.
        committed: what it was; None where it is new.
        found: what it is; None where it is gone.
        allowed: how much it may differ.
    """

    name: str
    committed: float | None
    found: float | None
    allowed: float

    @property
    def tolerable(self) -> bool:
        """Whether the difference is within what is allowed."""
        if self.committed is None or self.found is None:
            return False
        return abs(self.found - self.committed) <= self.allowed

    def __str__(self) -> str:
        words = (f"{value:g}" if value is not None else "missing" for value in (self.committed, self.found))
        return f"{self.name}: committed {next(words)}, found {next(words)}, allowed {self.allowed:.4f}"


def compare(committed: Mapping, found: Mapping) -> list[Difference]:
    """Compare nested figures.

    Args:
        committed: nested mappings whose leaves are numbers, as ``metrics/*.json`` hold them.
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
        elif isinstance(value, int):
            allowed[f"{place}{key}"] = 0.0
        else:
            stem = key.removesuffix("_low").removesuffix("_high")
            bounds = [node.get(f"{stem}_low", node.get("low")), node.get(f"{stem}_high", node.get("high"))]
            width = 0.0 if None in bounds else SHARE_OF_INTERVAL * (bounds[1] - bounds[0]) / 2
            allowed[f"{place}{key}"] = max(FIGURE, FIGURE * abs(value), width)
    return allowed
