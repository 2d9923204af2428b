"""How well one order of utterances agrees with another: AUROC and rank correlation, with intervals over speakers.

Drawing a speaker twice puts each of its utterances twice into the order, so all ranks change. The order of the scores
does not, so every replicate is ranked anew, exactly, by summing weights in that order.
"""

from collections.abc import Callable, Sequence

import numpy as np

from ser.scores.intervals import Bootstrap, IntervalParams

CELLS = 4_000_000  # numbers held at once: ranks of all utterances in some replicates


def auroc(scores: np.ndarray, flags: np.ndarray, speakers: Sequence[str], params: IntervalParams) -> dict[str, float]:
    """Measure how well a score separates flagged utterances from the others.

    Args:
        scores: (utterances,), larger for what should be flagged; finite.
        flags: (utterances,), true or false.
        speakers: each utterance's speaker; ``""`` where unknown.
        params: how intervals are made.

    Returns:
        ``auroc``, the chance that a flagged utterance scores above another one, ties counting half: 0.5 for a score
        that knows nothing; ``auroc_low`` and ``auroc_high`` where the flagged ones, and the others, have enough
        speakers. Nothing where all are flagged, or none.
    """
    flags = np.asarray(flags, dtype=bool)
    if flags.all() or not flags.any():
        return {}

    def value(weights: np.ndarray, ranks: list[np.ndarray]) -> np.ndarray:
        flagged = weights[flags].sum(axis=0)
        above = np.sum(weights[flags] * ranks[0][flags], axis=0) - flagged**2 / 2
        pairs = flagged * weights[~flags].sum(axis=0)
        return np.where(pairs > 0, above / np.where(pairs > 0, pairs, 1), np.nan)

    speakers = np.asarray(speakers)
    sides = [speakers[flags], speakers[~flags]]
    return _measure("auroc", value, [scores], speakers, params.obstacle(*map(set, sides)), params, sides)


def spearman(
    scores: np.ndarray, others: np.ndarray, speakers: Sequence[str], params: IntervalParams
) -> dict[str, float]:
    """Measure how well two scores agree on the order of the utterances: Spearman's rank correlation.

    Args:
        scores: (utterances,), finite.
        others: (utterances,), finite.
        speakers: each utterance's speaker; ``""`` where unknown.
        params: how intervals are made.

    Returns:
        ``spearman``, -1 to 1; ``spearman_low`` and ``spearman_high`` where there are enough speakers. Nothing where a
        score is constant.
    """
    if len(scores) == 0 or np.ptp(scores) == 0 or np.ptp(others) == 0:
        return {}

    def value(weights: np.ndarray, ranks: list[np.ndarray]) -> np.ndarray:
        total = weights.sum(axis=0)
        one, other = (each - np.sum(weights * each, axis=0) / total for each in ranks)
        spread = np.sum(weights * one**2, axis=0) * np.sum(weights * other**2, axis=0)
        return np.where(
            spread > 0, np.sum(weights * one * other, axis=0) / np.sqrt(np.where(spread > 0, spread, 1)), np.nan
        )

    speakers = np.asarray(speakers)
    return _measure("spearman", value, [scores, others], speakers, params.obstacle(set(speakers)), params)


def _measure(
    name: str,
    value: Callable[[np.ndarray, list[np.ndarray]], np.ndarray],
    scores: list[np.ndarray],
    speakers: np.ndarray,
    obstacle: str,
    params: IntervalParams,
    needed: Sequence[np.ndarray] = (),
) -> dict[str, float]:
    """Evaluate on all utterances, and on replicates if an interval can be had.

    Args:
        name: of the result.
        value: weights (utterances, replicates) and the ranks of each score, likewise, to a value (replicates,).
        scores: each (utterances,).
        speakers: (utterances,).
        obstacle: why there is no interval, or ``""``.
        params: how it is made.
        needed: speakers of whom each draw must have some.
    """
    names, members = np.unique(speakers, return_inverse=True)
    orders = [_Order(np.asarray(score)) for score in scores]

    def evaluate(weights: np.ndarray) -> dict[str, np.ndarray]:
        pieces = np.array_split(weights, max(1, -(-len(weights) * len(members) // CELLS)))
        each = (part.T[members] for part in pieces)
        return {name: np.concatenate([value(part, [order.ranks(part) for order in orders]) for part in each])}

    needs = {name: np.array([np.isin(names, some) for some in needed])}
    return Bootstrap(np.zeros(len(names), dtype=int), params, obstacle).figures(evaluate, needs)


class _Order:
    """The order of the utterances by a score."""

    def __init__(self, scores: np.ndarray):
        _, self._places = np.unique(scores, return_inverse=True)
        self._sorted = np.argsort(self._places, kind="stable")
        self._starts = np.flatnonzero(np.diff(self._places[self._sorted], prepend=-1))

    def ranks(self, weights: np.ndarray) -> np.ndarray:
        """Sum the weights of what is below each utterance, of equal ones half; its rank, less half an utterance.

        Args:
            weights: (utterances, replicates).

        Returns:
            (utterances, replicates); exact, as weights are whole numbers.
        """
        of_value = np.add.reduceat(weights[self._sorted], self._starts, axis=0)
        return (np.cumsum(of_value, axis=0) - of_value / 2)[self._places]
