"""How every text of the project writes a figure and its interval: ``0.752 [0.698, 0.804]``."""

import math
from collections.abc import Mapping

import pandas as pd

SHOWN = 3  # decimals
CLOSE = 0.05  # the usual level of tests


def level(confidence: float) -> float:
    """Give the level of the tests that belong to intervals of a confidence, without the dust of 1 - 0.9."""
    return round(1 - confidence, 12)


def rounded(value: float) -> float:
    """Round to what is shown; there is no negative zero."""
    return round(float(value), SHOWN) + 0.0


def number(value: float, sign: bool = False) -> str:
    """Write a number with three decimals: ``0.752``; as a difference ``+0.154``, ``-0.035``, ``0.000``."""
    shown = rounded(value)
    return f"{shown:+.{SHOWN}f}" if sign and shown else f"{shown:.{SHOWN}f}"


def ends(values: Mapping[str, float], key: str) -> tuple[float, float] | None:
    """Look up the interval of a figure; None where there is none.

    Its ends are ``key_low`` and ``key_high``, or ``low`` and ``high`` where the values are those of one figure.
    """
    low, high = (values.get(f"{key}_{end}", values.get(end)) for end in ("low", "high"))
    return None if pd.isna(low) or pd.isna(high) else (low, high)


def interval(values: Mapping[str, float], key: str, sign: bool = False) -> str:
    """Write the interval of a figure: ``[0.698, 0.804]``; nothing where there is none."""
    known = ends(values, key)
    return f"[{', '.join(number(end, sign) for end in known)}]" if known else ""


def estimate(values: Mapping[str, float], key: str, otherwise: str = "no interval", sign: bool = False) -> str:
    """Write a figure and its interval.

    Args:
        values: holds ``key``, and perhaps the ends of its interval.
        key: of the figure.
        otherwise: why there is no interval, where there is none; ``""`` where the text around says it.
        sign: whether it is a difference.

    Returns:
        ``0.752 [0.698, 0.804]``, or ``0.752 (no interval)``.
    """
    beside = interval(values, key, sign) or (f"({otherwise})" if otherwise else "")
    return f"{number(values[key], sign)} {beside}".rstrip()


def p_value(p: float) -> str:
    """Write a p-value: ``p = 0.009``, ``p = 0.0504`` where rounding would hide that it is above 0.05, ``p < 0.001``."""
    if math.isnan(p):
        return "no p"
    if rounded(p) == CLOSE and p > CLOSE + 1e-9:
        return f"p = {p:.{SHOWN + 1}f}"
    return f"p = {number(p)}" if rounded(p) > 0 else "p < 0.001"
