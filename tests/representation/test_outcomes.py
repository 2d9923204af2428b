import numpy as np
import pytest

from ser.representation import outcomes
from ser.representation.outcomes import Outcome
from ser.scores.intervals import Bootstrap, IntervalParams

PARAMS = IntervalParams(resamples=2000, confidence=0.95, seed=0, minimum_speakers=5)
SPEAKERS = [f"c/{number}" for number in range(12)]
SUPPORT = np.full((12, 2), 20.0)


def outcome(right):
    return Outcome(SPEAKERS, np.zeros(12, int), right, SUPPORT, 0.5, 480, 2, 1, "speakers", "")


def test_the_interval_of_a_difference_between_spaces_is_a_paired_one():
    right = np.random.default_rng(0).integers(4, 15, (12, 2)).astype(float)
    more = outcomes.interval([outcome(right + 4), outcome(right)], PARAMS)[0]
    assert more == pytest.approx({"low": 0.2, "high": 0.2})  # of each draw the same
    bootstrap = Bootstrap.of(SPEAKERS, PARAMS)
    one, other = (
        (bootstrap.weights @ own / (bootstrap.weights @ SUPPORT)).mean(axis=1) for own in (right[::-1], right)
    )
    low, high = bootstrap.bounds(one - other)
    found = outcomes.interval([outcome(right[::-1]), outcome(right)], PARAMS)[0]
    assert found == pytest.approx({"low": low, "high": high})
