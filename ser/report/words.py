"""How the report says numbers, and the rules by which it says that something was found.

A verdict is made from the numbers as they are shown, so that a reader who checks it against the page comes to the same
one: an interval from 0.0001 is shown, and judged, as one from 0.000. P-values are judged as they are, and near 0.05
they are shown with a decimal more.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from ser.scores import words as figures
from ser.scores.words import rounded

GLUE = "\N{NO-BREAK SPACE}"  # keeps a number and its interval on one line
FOUND, NOT_SHOWN, UNSURE, UNKNOWN = "found", "not shown", "inconclusive", "cannot be said"
DUST = 1e-9  # by which a p-value may be above the level through rounding
BY_WEIGHT = (FOUND, UNSURE, NOT_SHOWN, UNKNOWN)  # what says most comes first
Verdict = Literal["found", "not shown", "inconclusive", "cannot be said"]


def typeset(text: str) -> str:
    """Set a figure and its interval in type: a true minus sign, as hyphens break over lines, and unbroken intervals."""
    return text.replace("-", "\N{MINUS SIGN}").replace(", ", f",{GLUE}")


def number(value: float) -> str:
    """Write a number with three decimals: ``0.752``."""
    return typeset(figures.number(value))


def signed(value: float) -> str:
    """Write a difference with its sign: ``+0.154``, ``−0.035``, ``0.000``."""
    return typeset(figures.number(value, sign=True))


def amount(value: int, noun: str = "") -> str:
    """Write a count: ``7,442``, ``1 speaker``, ``24 speakers``."""
    plural = noun if value == 1 or not noun else f"{noun}s"
    return f"{int(value):,} {plural}".strip()


def interval(values: Mapping[str, float], key: str, sign: bool = False) -> str:
    """Write the interval of a figure, ``[0.698, 0.804]``; nothing where there is none."""
    return typeset(figures.interval(values, key, sign))


def estimate(values: Mapping[str, float], key: str, otherwise: str = "no interval", sign: bool = False) -> str:
    """Write a figure and its interval, ``0.752 [0.698, 0.804]``, or why there is none, as ``ser.scores.words`` does."""
    value = typeset(figures.number(values[key], sign))
    return f"{value} {interval(values, key, sign) or f'({otherwise})'}"


def p_value(p: float) -> str:
    """Write a p-value: ``p = 0.009``, or ``p < 0.001``."""
    return figures.p_value(p).replace(" ", GLUE)


def no_interval(speakers: int | None, minimum: int) -> str:
    """Say why there is no interval, with this number of speakers, None where unknown."""
    if speakers is None:
        return "no interval: speakers unknown"
    if speakers < minimum:
        return f"no interval: {amount(speakers, 'speaker')} of {minimum} needed"
    return "no interval: too few speakers have some emotion here"


def verdict(values: Mapping[str, float], key: str, level: float) -> Verdict:
    """Judge a difference by its interval and, where there is one, its test.

    Args:
        values: perhaps an interval of the difference, and ``p_holm``, adjusted for the number of comparisons.
        key: of the difference.
        level: below or at which a p-value counts, such as 0.05.

    Returns:
        ``found`` where an interval without zero, and a p-value of at most the level if there is a test, say so.
        ``not shown`` where all there is says otherwise, ``inconclusive`` where the two differ or a test stands alone,
        for too few speakers, ``cannot be said`` where there is neither.
    """
    signs = [excludes(values, key)] if figures.ends(values, key) else []
    if "p_holm" in values:
        signs += [values["p_holm"] <= level + DUST] if signs else [False, values["p_holm"] <= level + DUST]
    return judged(signs)


def excludes(values: Mapping[str, float], key: str, null: float = 0.0) -> bool:
    """Tell whether the interval of a figure, as it is shown, lies on one side of a value."""
    low, high = figures.ends(values, key)
    return rounded(low) > null or rounded(high) < null


def judged(signs: Sequence[bool]) -> Verdict:
    """Combine signs, each true where it says that there is something, into a verdict."""
    if not signs:
        return UNKNOWN
    return FOUND if all(signs) else UNSURE if any(signs) else NOT_SHOWN


def listing(items: Sequence[str]) -> str:
    """Join items: ``a, b and c``."""
    *rest, last = items
    return f"{', '.join(rest)} and {last}" if rest else last


def reason(text: str) -> str:
    """Make words of a reason for which there is no interval."""
    return text.replace("minimum_speakers", "needed")


def sentence(*parts: str) -> str:
    """Join sentences, leaving out empty ones."""
    return " ".join(part for part in parts if part)
