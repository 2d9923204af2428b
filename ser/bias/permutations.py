"""Permutation tests that permute an attribute over speakers, not over utterances.

If an attribute had nothing to do with how speakers are served, its values could as well have been handed out to the
same speakers otherwise. So each arrangement of the values over the speakers says what the gap would have been, and the
share of the arrangements whose gap is at least as large as the one seen is the p-value. Where all arrangements can be
gone through, the test is exact; otherwise some are drawn, and the one seen counts as one of them (B. Phipson and
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


def count(sizes: Sequence[int]) -> int:
    """Count the ways to arrange groups of these sizes over their speakers."""
    return math.factorial(sum(sizes)) // math.prod(map(math.factorial, sizes))


def smallest_p(sizes: Sequence[int], limit: int) -> float:
    """Give the smallest p-value that a gap between groups can have, however large it is.

    Args:
        sizes: speakers of each group. Groups of the same size can change places, which changes no gap's size.
        limit: as given to ``arrangements``.

    Returns:
        Above 0, up to 1.
    """
    total = count(sizes)
    if total > limit:
        return 1 / (limit + 1)
    return math.prod(math.factorial(alike) for alike in Counter(sizes).values()) / total


def arrangements(sizes: Sequence[int], limit: int, seed: int) -> tuple[np.ndarray, bool]:
    """Arrange groups over their speakers: in all ways, or in ``limit`` ways drawn where there are more.

    Args:
        sizes: speakers of each group.
        limit: at most so many arrangements.
        seed: of the draws.

    Returns:
        The group of each speaker, 0 1 2 ..., int8 (arrangements, speakers); and whether these are all.

    Raises:
        InputError: memory does not suffice.
    """
    if count(sizes) <= limit:
        return _all(sizes), True
    memory.require(2 * limit * sum(sizes), f"permutations {limit} of {sum(sizes)} speakers")
    labels = np.repeat(np.arange(len(sizes), dtype=np.int8), sizes)
    generator = np.random.default_rng(seed)
    return generator.permuted(np.tile(labels, (limit, 1)), axis=1), False


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
    reached = ~(np.abs(null) < np.abs(observed) - ROUNDING)
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
    arranged = np.full((count(sizes) // len(others), len(others), len(places)), len(sizes) - 1, dtype=np.int8)
    for labels, chosen in zip(arranged, combinations(places, sizes[-1]), strict=True):
        labels[:, np.delete(places, chosen)] = others
    return arranged.reshape(-1, len(places))
