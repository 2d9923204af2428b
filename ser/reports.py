"""Metrics as JSON: plain numbers, sorted keys, stable bytes."""

import json
import math
from collections.abc import Mapping
from pathlib import Path

from ser.files import whole_file

DECIMALS = 4


def write(metrics: Mapping, path: Path) -> None:
    """Write nested metrics as JSON that ``dvc metrics diff`` can compare.

    Args:
        metrics: nested mappings whose leaves are numbers; floats are rounded to four decimals.
        path: the JSON file, written whole or not at all.

    Raises:
        ValueError: a leaf is not a finite number. A number that could not be measured is left out, not written as NaN.
    """
    rounded = _rounded(metrics, "")
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(rounded, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _rounded(value, place: str):
    if isinstance(value, Mapping):
        return {str(key): _rounded(member, f"{place}.{key}".lstrip(".")) for key, member in value.items()}
    if hasattr(value, "item"):  # a NumPy or torch scalar
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"metrics: expected a finite number at {place}, found {value!r}")
    return value if isinstance(value, int) else round(value, DECIMALS) + 0.0
