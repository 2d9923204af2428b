"""Permutation tests that permute an attribute over the speakers of each corpus, not over utterances.

If an attribute had nothing to do with how speakers are served, its values could as well have been handed out otherwise
to the same speakers of a corpus. So each arrangement of the values over the speakers says what the gap would have been,
and the share of the arrangements whose gap is at least as large as the one seen is the p-value. Where all arrangements
can be gone through, the test is exact; otherwise some are drawn, and the one seen counts as one of them (B. Phipson and
G. Smyth, "Permutation p-values should never be zero", Statistical Applications in Genetics and Molecular Biology 9,
2010).

Few speakers allow few arrangements: of 5 women and 5 men there are 252, of which one and its mirror image always reach
the gap seen, so that no gap whatsoever has a p below 2 / 252 = 0.008.
"""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from ser.machine import memory

ROUNDING = 1e-9  # two gaps that differ by less are the same gap, summed up in another order


def count(sizes: np.ndarray) -> int:
    """Count the ways to arrange groups over their speakers.

    Args:
        sizes: speakers of each group in each corpus (corpora, groups).
    """
    ways = (math.factorial(sum(row)) // math.prod(map(math.factorial, row)) for row in sizes.tolist())
    return math.prod(ways)


def partitions(sizes: np.ndarray) -> int:
    """Count the ways to part speakers into groups, whatever these are called; ``sizes`` as for ``count``.

    Groups of the same size in every corpus can change places, which parts nobody else.
    """
    return count(sizes) // math.prod(map(math.factorial, Counter(map(tuple, sizes.T.tolist())).values()))


def table(groups: np.ndarray, corpora: np.ndarray) -> np.ndarray:
    """Count the speakers of each group in each corpus.

    Args:
        groups: the group of each speaker, 0 1 2 ... (speakers,).
        corpora: the corpus of each speaker (speakers,).

    Returns:
        (corpora, groups).
    """
    _, rows = np.unique(corpora, return_inverse=True)
    sizes = np.zeros((rows.max() + 1, groups.max() + 1), dtype=int)
    np.add.at(sizes, (rows, groups), 1)
    return sizes


def smallest_p(sizes: np.ndarray, limit: int) -> float:
    """Give the smallest p-value that a gap between groups can have, however large it is.

    Args:
        sizes: as for ``count``. Groups of the same size in every corpus can change places, which changes no gap's size.
        limit: as given to ``arrangements``.

    Returns:
        Above 0, up to 1.
    """
    return 1 / (limit + 1) if count(sizes) > limit else 1 / partitions(sizes)


def arrangements(groups: np.ndarray, corpora: np.ndarray, limit: int, seed: int) -> tuple[np.ndarray, bool]:
    """Arrange groups over the speakers of each corpus: in all ways, or in ``limit`` ways drawn where there are more.

    Args:
        groups: the group of each speaker as it is, 0 1 2 ... (speakers,).
        corpora: the corpus of each speaker (speakers,).
        limit: at most so many arrangements.
        seed: of the draws.

    Returns:
        The group of each speaker, 0 1 2 ..., int8 (arrangements, speakers); and whether these are all.

    Raises:
        InputError: memory does not suffice.
    """
    exact = count(table(groups, corpora)) <= limit
    if not exact:
        memory.require(2 * limit * len(groups), f"permutations {limit} of {len(groups)} speakers")
    generator = np.random.default_rng(seed)
    arranged = np.tile(groups.astype(np.int8), (1 if exact else limit, 1))
    for corpus in np.unique(corpora):
        own = corpora == corpus
        if exact:
            there, sizes = np.unique(groups[own], return_counts=True)
            ways = there.astype(np.int8)[_all(sizes)]
            repeats = len(arranged)
            arranged = np.repeat(arranged, len(ways), axis=0)
            arranged[:, own] = np.tile(ways, (repeats, 1))
        else:
            arranged[:, own] = generator.permuted(arranged[:, own], axis=1)
    return arranged, exact


def p_values(observed: np.ndarray, null: np.ndarray, exact: bool) -> np.ndarray:
    """Say how often a gap as large as the one seen comes about by chance, whatever its sign.

    Args:
        observed: the gaps seen (...).
        null: the gaps of the arrangements (arrangements, ...); NaN, where an arrangement says nothing, counts as
            reaching the gap seen, which errs towards finding nothing.
        exact: whether the arrangements are all there are, the one seen among them.

    Returns:
        (...), above 0, up to 1; NaN where nothing was seen.
    """
    reached = ~(np.abs(null) < np.abs(observed) * (1 - ROUNDING) - ROUNDING)
    p = reached.mean(axis=0) if exact else (reached.sum(axis=0) + 1) / (len(null) + 1)
    return np.where(np.isnan(observed), np.nan, p)


def holm(p: Sequence[float]) -> np.ndarray:
    """Adjust the p-values of a family of tests for their number.

    The chance that even one of the family's gaps that are none has an adjusted p of 0.05 or less is at most 0.05,
    however the tests depend on each other (S. Holm, "A simple sequentially rejective multiple test procedure",
    Scandinavian Journal of Statistics 6, 1979).

    Args:
        p: p-values; NaN is no test.

    Returns:
        The adjusted values, in the same order; NaN where there was no test.
    """
    p = np.asarray(p, dtype=float)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1)
    return adjusted


def _all(sizes: Sequence[int]) -> np.ndarray:
    """Choose the places of the last group in every way, and arrange the others over what each choice leaves."""
    if len(sizes) == 1:
        return np.zeros((1, sizes[0]), dtype=np.int8)
    others, places = _all(sizes[:-1]), np.arange(sum(sizes))
    choices = math.comb(len(places), sizes[-1])
    arranged = np.full((choices, len(others), len(places)), len(sizes) - 1, dtype=np.int8)
    for labels, chosen in zip(arranged, combinations(places, sizes[-1]), strict=True):
        labels[:, np.delete(places, chosen)] = others
    return arranged.reshape(-1, len(places))
