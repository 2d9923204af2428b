"""How the report says numbers, and the rules by which it says that something was found.

A verdict is made from the numbers as they are shown, so that a reader who checks it against the page comes to the same
one: an interval from 0.0001 is shown, and judged, as one from 0.000.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from ser.files.tables import DECIMALS

SHOWN = 3  # decimals on the page
GLUE = "\N{NO-BREAK SPACE}"  # keeps a number and its interval on one line
FOUND, NOT_SHOWN, UNSURE, UNKNOWN = "found", "not shown", "a hint only", "cannot be said"
Verdict = Literal["found", "not shown", "a hint only", "cannot be said"]


def rounded(value: float) -> float:
    """Round to what the page shows, by way of what the metrics hold, so that a table and its metrics agree."""
    return round(round(float(value), DECIMALS), SHOWN) + 0.0


def number(value: float) -> str:
    """Write a number with three decimals: ``0.752``; a true minus sign, as hyphens break over lines."""
    return f"{rounded(value):.{SHOWN}f}".replace("-", "−")


def signed(value: float) -> str:
    """Write a difference with its sign: ``+0.154``, ``−0.035``, ``0.000``."""
    return f"+{number(value)}" if rounded(value) > 0 else number(value)


def amount(value: int, noun: str = "") -> str:
    """Write a count: ``7,442``, ``1 speaker``, ``24 speakers``."""
    plural = noun if value == 1 or not noun else f"{noun}s"
    return f"{int(value):,} {plural}".strip()


def interval(values: Mapping[str, float], key: str, sign: bool = False) -> str:
    """Write the interval that belongs to a key: ``[0.698, 0.804]``; nothing where there is none."""
    form = signed if sign else number
    ends = [values.get(f"{key}_{end}") for end in ("low", "high")]
    return "" if None in ends else f"[{form(ends[0])},{GLUE}{form(ends[1])}]"


def estimate(values: Mapping[str, float], key: str, otherwise: str = "no interval", sign: bool = False) -> str:
    """Write a number and its interval.

    Args:
        values: holds ``key``, and perhaps ``key_low`` and ``key_high``.
        key: of the number.
        otherwise: what to say in place of a missing interval.
        sign: whether it is a difference.

    Returns:
        ``0.752 [0.698, 0.804]``, or ``0.752 (no interval)``.
    """
    return f"{(signed if sign else number)(values[key])} {interval(values, key, sign) or f'({otherwise})'}"


def p_value(p: float) -> str:
    """Write a p-value: ``p = 0.009``, or ``p < 0.001``."""
    return f"p{GLUE}={GLUE}{number(p)}" if rounded(p) > 0 else f"p{GLUE}<{GLUE}0.001"


def no_interval(speakers: int | None, minimum: int) -> str:
    """Say why so many speakers allow no interval; None are unknown ones."""
    if speakers is None:
        return "no interval: speakers unknown"
    return f"no interval: {amount(speakers, 'speaker')} of {minimum} needed"


def verdict(values: Mapping[str, float], key: str, level: float) -> Verdict:
    """Judge a difference by its interval and, where there is one, its test.

    Args:
        values: perhaps ``key_low`` and ``key_high``, and ``p_holm``, adjusted for the number of comparisons.
        key: of the difference.
        level: below or at which a p-value counts, such as 0.05.

    Returns:
        ``found`` where all there is says so: an interval without zero, a p-value of at most the level. ``not shown``
        where all of it says otherwise, ``a hint only`` where the two differ, ``cannot be said`` where there is neither.
    """
    signs = []
    if interval(values, key):
        signs.append(excludes(values, key))
    if "p_holm" in values:
        signs.append(rounded(values["p_holm"]) <= level)
    return judged(signs)


def excludes(values: Mapping[str, float], key: str, null: float = 0.0) -> bool:
    """Tell whether an interval, as it is shown, lies on one side of a value."""
    return rounded(values[f"{key}_low"]) > null or rounded(values[f"{key}_high"]) < null


def judged(signs: Sequence[bool]) -> Verdict:
    """Make a verdict of all the signs there are: each says whether there is something."""
    if not signs:
        return UNKNOWN
    return FOUND if all(signs) else UNSURE if any(signs) else NOT_SHOWN


def listing(words: Sequence[str]) -> str:
    """Join words: ``a, b and c``."""
    *rest, last = words
    return f"{', '.join(rest)} and {last}" if rest else last


def plain(name: str) -> str:
    """Make words of a key: ``60_and_over`` becomes ``60 and over``."""
    return name.replace("_", " ")


def reason(text: str) -> str:
    """Make words of a reason for which there is no interval."""
    return text.replace("minimum_speakers", "needed")


def sentence(*parts: str) -> str:
    """Join sentences, leaving out empty ones."""
    return " ".join(part for part in parts if part)
