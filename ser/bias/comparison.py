"""Restrict comparisons of groups to corpora that have speakers of every group.

One corpus may be easier than another, and have more women; then women are served better, whoever they are.
"""

from collections.abc import Sequence

import pandas as pd


def within(people: pd.DataFrame, attribute: str) -> pd.Series:
    """Give the corpus of each utterance; of corpora themselves "", as they are what is compared."""
    return pd.Series("", people.index) if attribute == "corpus" else people["corpus"]


def cells(parts: Sequence[pd.DataFrame], attribute: str) -> dict[str, list[list[str]]]:
    """Gather the speakers of each group in each corpus that has every group.

    Args:
        parts: the utterances of each group, with the manifest's columns.
        attribute: what makes the groups.

    Returns:
        By corpus, for each group: its speakers, sorted, ``""`` for unknown ones. A corpus with a single speaker of some
        group is left out: a gap there would be said of that person.
    """
    speakers = [part.groupby(within(part, attribute))["speaker"].unique().map(sorted) for part in parts]
    shared = sorted(set.intersection(*(set(of_group.index) for of_group in speakers)))
    found = {corpus: [of_group[corpus] for of_group in speakers] for corpus in shared}
    return {
        corpus: groups
        for corpus, groups in found.items()
        if all(len(members) > 1 or "" in members for members in groups)
    }
