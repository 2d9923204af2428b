"""Which group of people a speaker belongs to: gender, age band, both, corpus, language."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

import numpy as np
import pandas as pd

from ser.manifest import detail

ATTRIBUTES = ("gender", "age", "gender_age", "corpus", "language", "speaker")
COMPARED = ATTRIBUTES[:-1]  # a speaker is no group: their spread is measured, not the gap between two of them
PAIRED = ("gender", "age", "corpus", "language")  # pairs of genders and ages at once are many, of few speakers each
GENDERS = ("female", "male")
UNKNOWN = "unknown"
MINUS = "_minus_"  # between the names of what a difference is between


def rising(ages: tuple[int, ...]) -> tuple[int, ...]:
    """Check edges of age bands; give them back.

    Raises:
        ValueError: there are none, or they do not rise from above 0.
    """
    if not ages or any(upper <= lower for lower, upper in pairwise((0, *ages))):
        raise ValueError(f"expected rising ages above 0, such as [30, 45, 60], found {list(ages)}")
    return ages


# ``age_bands`` of params.yaml, ages in years at which a new band begins: 30 and 45 make under_30, 30-44, 45_and_over.
AgeBands = Annotated[tuple[int, ...], rising]


def band_names(edges: Sequence[int]) -> list[str]:
    """Name the age bands between edges: ``[30, 45]`` gives under_30, 30-44, 45_and_over."""
    middle = [f"{lower}-{upper - 1}" for lower, upper in pairwise(edges)]
    return [f"under_{edges[0]}", *middle, f"{edges[-1]}_and_over"]


def groups_of(people: pd.DataFrame, attribute: str, age_bands: Sequence[int]) -> tuple[pd.Series, list[str]]:
    """Say which group each utterance belongs to.

    Args:
        people: rows with the manifest's columns.
        attribute: one of ``ATTRIBUTES``; the groups of ``gender_age`` are named ``female_under_30`` and the like.
        age_bands: ages in years at which a new band begins.

    Returns:
        Each row's group, ``unknown`` where it is not known, such as of an age told as a band (the detail ``age_band``)
        that reaches into two groups; and the groups in order, some of which may be empty.
    """
    if attribute == "age":
        names = band_names(age_bands)
        edges = [-np.inf, *age_bands, np.inf]
        groups = pd.cut(people["age"].astype(float), edges, right=False, labels=names).astype(object)
        return groups.where(groups.notna() & ~_across(people, age_bands), UNKNOWN), names
    if attribute == "gender_age":
        (genders, words), (ages, bands) = (groups_of(people, part, age_bands) for part in ("gender", "age"))
        both = (genders + "_" + ages).where((genders != UNKNOWN) & (ages != UNKNOWN), UNKNOWN)
        return both, [f"{word}_{band}" for word in words for band in bands]
    groups = people[attribute].replace("", UNKNOWN)
    expected = GENDERS if attribute == "gender" else ()
    return groups, sorted({*expected, *groups} - {UNKNOWN})


def _across(people: pd.DataFrame, age_bands: Sequence[int]) -> pd.Series:
    """Find the people whose age was told as a band that has an edge of the groups within."""
    if "details" not in people or not people["details"].str.contains('"age_band"', regex=False).any():
        return pd.Series(False, index=people.index)
    told = detail(people, "age_band").astype(object).map(str)  # a further column, of whatever, may be called so
    years = {text: [int(number) for number in re.findall(r"\d+", text)] for text in told.unique()}
    years = {text: ages for text, ages in years.items() if ages}
    ends = {text: (ages[0], ages[-1] if len(ages) > 1 else ages[0] + 9) for text, ages in years.items()}  # 20s
    across = [text for text, (low, high) in ends.items() if any(low < edge <= high for edge in age_bands)]
    return told.isin(across)


def pair_name(first: str, second: str) -> str:
    """Name the difference between two groups, or two spaces, with its sign: ``female_minus_male``."""
    return f"{first}{MINUS}{second}"


def by_group(people: pd.DataFrame, attribute: str, age_bands: Sequence[int]) -> dict[str, pd.DataFrame]:
    """Take people apart by group, in order: empty groups too, and last ``unknown`` where some are."""
    membership, names = groups_of(people, attribute, age_bands)
    places = membership.groupby(membership).indices
    return {name: people.iloc[places.get(name, [])] for name in names + [UNKNOWN] * (UNKNOWN in places)}
