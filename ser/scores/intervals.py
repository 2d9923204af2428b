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

A draw may have nobody who speaks some emotion; its UAR is then a mean over fewer emotions and not to be compared. Where
that is to be expected of more than ``ABSENT`` of the draws, as of an emotion of four speakers out of 28, there is no
interval. Where less than half of the speakers have it, as five of 60, they give the degrees of freedom: with those of
all speakers an interval of 0.95 held the truth in 0.88 of generated corpora.

An interval speaks of other speakers under the trained models as they are, not of what training anew would change.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import stats

from ser.files.params import SEEDS, check_ranges
from ser.machine import memory

ABSENT = 0.01  # of the draws at most may lack what a figure is of


@dataclass(frozen=True)
class IntervalParams:
    """The block ``intervals`` of params.yaml: how intervals are made.

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

    def obstacle(self, *groups: Collection[str]) -> str:
        """Say why these speakers allow no interval.

        Args:
            groups: distinct speakers, of whom each group must have enough; ``""`` stands for unknown.

        Returns:
            The reason in a few words, of the first group that has one; ``""`` where an interval can be had.
        """
        for speakers in groups:
            if "" in speakers:
                return "speakers unknown"
            if len(speakers) < self.minimum_speakers:
                return f"test speakers: {len(speakers)}, minimum_speakers: {self.minimum_speakers}"
        return ""


@dataclass(frozen=True)
class Bootstrap:
    """Speakers who are drawn again and again, and the intervals that this gives.

    Attributes:
        strata: each speaker's stratum, 0 1 2 ..., within which speakers are drawn; -1 for one who is never drawn.
        params: how intervals are made.
        obstacle: why there is no interval, in a few words, or ``""``.
    """

    strata: Sequence[int]
    params: IntervalParams
    obstacle: str = ""

    @classmethod
    def of(cls, speakers: Sequence[str], params: IntervalParams, strata: Sequence[int] | None = None) -> "Bootstrap":
        """Make it for speakers who may allow no interval.

        Args:
            speakers: the distinct speakers; ``""`` stands for unknown.
            params: how intervals are made.
            strata: each speaker's stratum, each of which must have enough; by default speakers form one population.
        """
        if strata is None:
            return cls(np.zeros(len(speakers), dtype=int), params, params.obstacle(speakers))
        parts = [np.asarray(speakers, dtype=object)[strata == stratum] for stratum in np.unique(strata)]
        return cls(strata, params, params.obstacle(*parts))

    @cached_property
    def weights(self) -> np.ndarray:
        """How often each replicate draws each speaker, float64 (resamples, speakers); (0, speakers) at an obstacle.

        Raises:
            InputError: memory does not suffice.
        """
        strata, resamples = np.asarray(self.strata), 0 if self.obstacle else self.params.resamples
        # Twice, as they are drawn as whole numbers.
        memory.require(2 * 8 * resamples * len(strata), f"resamples {resamples} of {len(strata)} speakers")
        generator = np.random.default_rng(self.params.seed)
        weights = np.zeros((resamples, len(strata)))
        for stratum in np.unique(strata[strata >= 0]):
            (members,) = np.nonzero(strata == stratum)
            even = np.full(len(members), 1 / len(members))
            weights[:, members] = generator.multinomial(len(members) - 1, even, size=resamples)
        return weights

    def figures(
        self, statistic: Callable[[np.ndarray], dict[str, np.ndarray]], needs: Mapping[str, np.ndarray] | None = None
    ) -> dict[str, float]:
        """Evaluate a statistic on all speakers and on replicates.

        Args:
            statistic: weights (replicates, speakers) to replicates (replicates,) by name.
            needs: by name as for ``interval``.

        Returns:
            Each name's value where every speaker counts once; then its ``_low`` and ``_high``, unless at an obstacle.
        """
        everyone = statistic(np.ones((1, len(self.strata))))
        result = {name: float(value[0]) for name, value in everyone.items()}
        for name, replicates in statistic(self.weights).items():
            result |= self.interval(replicates, f"{name}_", (needs or {}).get(name))
        return result

    def interval(self, replicates: np.ndarray, prefix: str = "", needs: np.ndarray | None = None) -> dict[str, float]:
        """Give ``low`` and ``high`` of a figure, unless at an obstacle.

        Args:
            replicates: of the figure, (resamples,).
            prefix: of both names.
            needs: sets of speakers, bool (sets, speakers), of each of which a draw must have somebody, such as those of
                each emotion; where more than ``ABSENT`` of the draws have not, there is no interval.
        """
        if self.obstacle or (needs is not None and self.misses(needs)) or np.isnan(replicates).all():
            return {}
        low, high = self.bounds(replicates, needs)
        return {f"{prefix}low": float(low), f"{prefix}high": float(high)}

    def misses(self, needs: Iterable[np.ndarray]) -> bool:
        """Say whether more than ``ABSENT`` of the draws have nobody of one of the sets, as for ``interval``."""
        return max(map(self.absent, needs), default=0.0) > ABSENT

    def absent(self, members: np.ndarray) -> float:
        """Give the share of draws, to be expected, that have none of some speakers, (speakers,) of bool."""
        strata = np.asarray(self.strata)
        share = 1.0
        for stratum in np.unique(strata[strata >= 0]):
            own = members[strata == stratum]
            share *= float(1 - own.mean()) ** (len(own) - 1)
        return share

    def bounds(
        self, replicates: np.ndarray, needs: Iterable[np.ndarray] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Turn replicates into an interval.

        Args:
            replicates: (resamples, ...); NaN where a replicate says nothing.
            needs: as for ``interval``.

        Returns:
            The lower and the upper bound, each of the shape of one replicate.
        """
        tail = stats.norm.cdf(stats.t.ppf((1 - self.params.confidence) / 2, self.freedom(needs)))
        low, high = np.nanquantile(replicates, [tail, 1 - tail], axis=0)
        return low, high

    def freedom(self, needs: Iterable[np.ndarray] | None = None) -> int:
        """Give the degrees of freedom of an interval; ``needs`` as for ``interval``.

        The smallest stratum gives them: the careful choice of the textbooks for two groups. Where fewer than half of a
        stratum are in one of the ``needs``, as of a rare emotion, their number gives them instead.
        """
        strata = np.asarray(self.strata)
        sizes, given = [], () if needs is None else needs
        for stratum in np.unique(strata[strata >= 0]):
            own = strata == stratum
            few = [count for members in given if 1 < (count := np.sum(members[own])) < own.sum() / 2]
            sizes.append(min([own.sum(), *few]))
        return min(sizes) - 1
