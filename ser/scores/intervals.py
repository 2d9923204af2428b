"""Confidence intervals that resample speakers, not utterances.

Utterances of one speaker resemble each other, so an interval that resamples utterances is too narrow: it knows how
certain we are about these speakers, not about the next one. Speakers are drawn with replacement, whole, and the
percentiles of the replicates are the interval, with two corrections for the few speakers that speech corpora have:

- of n speakers n - 1 are drawn, which makes the bootstrap's variance unbiased (J. Rao and C. Wu, "Resampling inference
  with complex survey data", Journal of the American Statistical Association 83, 1988);
- the percentiles lie at the normal probabilities of Student's quantiles (the expanded percentile interval of
  T. Hesterberg, "What teachers should know about the bootstrap", 2014, arXiv 1411.5279).

No percentile interval reaches beyond the best and the worst speaker, so that of n speakers covers no more than
1 - 2^(1 - n): 0.75 for three, 0.94 for five. Hence ``minimum_speakers``.

An interval speaks of other speakers under the trained models as they are, not of what training anew would change.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ser.files.params import SEEDS, check_ranges
from ser.machine import memory


@dataclass(frozen=True)
class IntervalParams:
    """How intervals are made.

    Attributes:
        resamples: bootstrap replicates.
        confidence: wanted coverage, between 0 and 1.
        seed: of the draws.
        minimum_speakers: below so many speakers, in any stratum, there is no interval.
    """

    resamples: int
    confidence: float
    seed: int
    minimum_speakers: int

    def __post_init__(self):
        check_ranges(self, resamples=(100, 10**6), seed=SEEDS, minimum_speakers=(2, math.inf))
        if not 0 < self.confidence < 1:
            raise ValueError(f"confidence: expected a number between 0 and 1, such as 0.95, found {self.confidence}")


def obstacle(speakers: Sequence[str], params: IntervalParams) -> str:
    """Say why these speakers allow no interval.

    Args:
        speakers: the distinct speakers of one stratum; ``""`` stands for unknown.
        params: how intervals are made.

    Returns:
        The reason in a few words, or ``""`` where an interval can be had.
    """
    if "" in speakers:
        return "speakers unknown"
    if len(speakers) < params.minimum_speakers:
        return f"test speakers: {len(speakers)}, minimum_speakers: {params.minimum_speakers}"
    return ""


def draws(strata: Sequence[int], params: IntervalParams) -> np.ndarray:
    """Draw speakers with replacement, within strata.

    Args:
        strata: each speaker's stratum, 0 1 2 ...; all 0 where speakers form one population.
        params: how intervals are made.

    Returns:
        How often each replicate draws each speaker, float64 (resamples, speakers).

    Raises:
        InputError: memory does not suffice.
    """
    strata = np.asarray(strata)
    # Twice, as they are drawn as whole numbers.
    memory.require(2 * 8 * params.resamples * len(strata), f"resamples {params.resamples} of {len(strata)} speakers")
    generator = np.random.default_rng(params.seed)
    weights = np.zeros((params.resamples, len(strata)))
    for stratum in np.unique(strata):
        (members,) = np.nonzero(strata == stratum)
        even = np.full(len(members), 1 / len(members))
        weights[:, members] = generator.multinomial(len(members) - 1, even, size=params.resamples)
    return weights


def bounds(replicates: np.ndarray, strata: Sequence[int], params: IntervalParams) -> tuple[np.ndarray, np.ndarray]:
    """Turn replicates into an interval.

    Args:
        replicates: (resamples, ...); NaN where a replicate says nothing.
        strata: as given to ``draws``. The smallest stratum gives the degrees of freedom: the careful choice of the
            textbooks for two groups.
        params: how intervals are made.

    Returns:
        The lower and the upper bound, each of the shape of one replicate.
    """
    freedom = np.unique(strata, return_counts=True)[1].min() - 1
    tail = stats.norm.cdf(stats.t.ppf((1 - params.confidence) / 2, freedom))
    low, high = np.nanquantile(replicates, [tail, 1 - tail], axis=0)
    return low, high
