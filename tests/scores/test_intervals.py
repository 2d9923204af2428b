import dataclasses
import statistics
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from ser.files.failures import InputError
from ser.scores.intervals import Bootstrap, IntervalParams

PARAMS = IntervalParams(resamples=2000, confidence=0.95, seed=0, minimum_speakers=5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"resamples": 99}, "resamples: expected 100 to 1000000, found 99"),
        ({"confidence": 0.0}, "confidence: expected a number between 0 and 1"),
        ({"confidence": 95.0}, "confidence: expected a number between 0 and 1, such as 0.95, found 95.0"),
        ({"seed": -1}, "seed: expected 0 to 4294967295, found -1"),
        ({"minimum_speakers": 1}, "minimum_speakers: expected 2 or more, found 1"),
    ],
)
def test_a_value_out_of_range_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(PARAMS, **change)


def test_draws_that_memory_cannot_hold_are_refused():
    bootstrap = Bootstrap([0] * 10**6, dataclasses.replace(PARAMS, resamples=10**6))
    with pytest.raises(InputError, match=r"resamples 1000000 of 1000000 speakers: .* takes 14,901\.2 GiB"):
        _ = bootstrap.weights


def test_every_replicate_draws_one_speaker_fewer_than_each_stratum_has():
    weights = Bootstrap([0, 1, 0, 1, 1, 0, 0, 1, 1], PARAMS).weights
    assert weights.shape == (2000, 9)
    assert set(weights[:, [0, 2, 5, 6]].sum(axis=1)) == {3}
    assert set(weights[:, [1, 3, 4, 7, 8]].sum(axis=1)) == {4}


def test_every_speaker_of_a_stratum_is_drawn_equally_often():
    weights = Bootstrap([0] * 4 + [1] * 6, PARAMS).weights
    np.testing.assert_allclose(weights[:, :4].mean(axis=0), 3 / 4, atol=0.06)
    np.testing.assert_allclose(weights[:, 4:].mean(axis=0), 5 / 6, atol=0.06)


def test_the_seed_decides_the_draws():
    again = Bootstrap([0] * 6, PARAMS).weights
    np.testing.assert_array_equal(Bootstrap([0] * 6, PARAMS).weights, again)
    assert not np.array_equal(Bootstrap([0] * 6, dataclasses.replace(PARAMS, seed=1)).weights, again)


def test_few_speakers_of_an_emotion_among_many_give_the_degrees_of_freedom():
    bootstrap, replicates = Bootstrap.of([str(n) for n in range(60)], PARAMS), np.linspace(0, 1, 10_001)
    few, most = (np.arange(60) < count for count in (6, 30))
    for needs, freedom in (([few, ~few], 5), ([most, ~most], 59), (None, 59)):
        tail = stats.norm.cdf(stats.t.ppf((1 - PARAMS.confidence) / 2, freedom))
        low, high = bootstrap.bounds(replicates, needs)
        assert (low, high) == pytest.approx((tail, 1 - tail))


def test_the_variance_of_a_mean_is_unbiased_even_for_few_speakers():
    values = np.array([0.2, 0.9, 0.4, 0.5, 0.7])
    weights = Bootstrap([0] * 5, dataclasses.replace(PARAMS, resamples=200_000)).weights
    expected = statistics.variance(values) / 5  # drawing all five would give four fifths of it
    assert (weights @ values / 4).var() == pytest.approx(expected, rel=0.02)


def test_with_many_speakers_the_interval_is_the_plain_percentile_interval():
    replicates = np.random.default_rng(0).normal(size=20_000)
    low, high = Bootstrap([0] * 5000, PARAMS).bounds(replicates)
    assert (low, high) == pytest.approx(np.quantile(replicates, [0.025, 0.975]), abs=0.01)


def test_with_few_speakers_the_interval_of_normal_replicates_is_that_of_student():
    replicates = np.random.default_rng(0).normal(size=1_000_000)
    low, high = Bootstrap([0] * 10, PARAMS).bounds(replicates)
    assert (low, high) == pytest.approx((-2.262, 2.262), abs=0.02)  # the 0.975 quantile for 9 degrees of freedom


def test_the_smallest_stratum_decides_how_careful_the_interval_is():
    replicates = np.random.default_rng(0).normal(size=1_000_000)
    low, high = Bootstrap([0] * 10 + [1] * 200, PARAMS).bounds(replicates)
    assert (low, high) == pytest.approx((-2.262, 2.262), abs=0.02)


def test_bounds_are_those_of_each_number_and_pass_over_missing_replicates():
    replicates = np.random.default_rng(0).normal([0, 5], size=(2000, 2))
    gaps = np.vstack([replicates, [[np.nan, np.nan]] * 500])
    low, high = Bootstrap([0] * 10, PARAMS).bounds(gaps)
    for column in range(2):
        assert (low[column], high[column]) == Bootstrap([0] * 10, PARAMS).bounds(replicates[:, column])


@pytest.mark.parametrize(
    ("speakers", "reason"),
    [
        (list("abcde"), ""),
        (list("abcd"), "test speakers: 4, minimum_speakers: 5"),
        ([], "test speakers: 0, minimum_speakers: 5"),
        ([*"abcde", ""], "speakers unknown"),
        ([""], "speakers unknown"),
    ],
)
def test_what_allows_no_interval_is_said(speakers, reason):
    assert PARAMS.obstacle(speakers) == Bootstrap.of(speakers, PARAMS).obstacle == reason


def test_every_stratum_needs_enough_speakers():
    strata = np.array([0, 1] * 4 + [0, 0, 1])
    assert Bootstrap.of(list("abcdefghijk"), PARAMS, strata).obstacle == ""
    assert Bootstrap.of(list("abcdefghij"), PARAMS, strata[:10]).obstacle == "test speakers: 4, minimum_speakers: 5"
    assert PARAMS.obstacle(set("abcdef"), set("ab")) == "test speakers: 2, minimum_speakers: 5"


def mean(weights):
    return {"mean": weights @ np.arange(5) / weights.sum(axis=1)}


def test_a_figure_is_that_of_everybody_and_its_interval_that_of_the_draws():
    bootstrap = Bootstrap.of(list("abcde"), PARAMS)
    low, high = bootstrap.bounds(bootstrap.weights @ np.arange(5) / 4)
    assert bootstrap.figures(mean) == {"mean": 2, "mean_low": pytest.approx(low), "mean_high": pytest.approx(high)}
    assert low < 2 < high


def test_at_an_obstacle_there_are_figures_and_no_replicates():
    bootstrap = Bootstrap.of(["a", "b", "c", "d", ""], PARAMS)
    assert bootstrap.weights.shape == (0, 5)
    assert bootstrap.figures(mean) == {"mean": 2}


def test_a_speaker_of_no_stratum_is_never_drawn():
    some, all_of_them = Bootstrap([0, -1, 0, 1, 0, 1, -1], PARAMS), Bootstrap([0, 0, 1, 0, 1], PARAMS)
    assert not some.weights[:, [1, 6]].any()
    np.testing.assert_array_equal(some.weights[:, [0, 2, 3, 4, 5]], all_of_them.weights)
    replicates = np.random.default_rng(0).normal(size=2000)
    assert some.bounds(replicates) == all_of_them.bounds(replicates)


@pytest.mark.parametrize("strata", [[0] * 8, [0, 0, 0, 0, 0, 1, 1, 1], [0, 1, 0, 1, 0, 1, -1, -1]])
def test_the_share_of_draws_without_some_speakers_is_that_of_drawing(strata):
    bootstrap = Bootstrap(strata, dataclasses.replace(PARAMS, resamples=50_000))
    members = np.isin(np.arange(8), [0, 1, 5])
    assert bootstrap.absent(members) == pytest.approx(
        (bootstrap.weights[:, members].sum(axis=1) == 0).mean(), abs=0.005
    )
    assert bootstrap.absent(members) > 0
    assert bootstrap.absent(np.ones(8, dtype=bool)) == 0
    assert bootstrap.absent(np.zeros(8, dtype=bool)) == 1


def test_a_figure_that_draws_often_lack_has_no_interval():
    bootstrap, few = Bootstrap([0] * 28, PARAMS), np.arange(28) < [[4], [28]]  # (24 / 28) ** 27 is 0.016
    replicates = {"rare": np.zeros(bootstrap.params.resamples), "usual": np.zeros(bootstrap.params.resamples)}
    found = bootstrap.figures(
        lambda weights: {name: values[: len(weights)] for name, values in replicates.items()}, {"rare": few}
    )
    assert set(found) == {"rare", "usual", "usual_low", "usual_high"}
    more = np.arange(28) < [[5], [28]]  # (23 / 28) ** 27 is 0.005
    assert bootstrap.interval(replicates["rare"], "rare_", more) == {"rare_low": 0, "rare_high": 0}


def test_the_draws_are_those_of_drawing_one_by_one():
    """An independent bootstrap of one statistic: how often two given speakers are drawn together."""
    weights = Bootstrap([0] * 4, dataclasses.replace(PARAMS, resamples=50_000)).weights
    found = ((weights[:, 0] > 0) & (weights[:, 1] > 0)).mean()
    every = [Counter((a, b, c)) for a in range(4) for b in range(4) for c in range(4)]
    assert found == pytest.approx(sum(bool(draw[0] and draw[1]) for draw in every) / len(every), abs=0.01)


def test_a_single_speaker_of_an_emotion_in_a_stratum_sets_no_degrees_of_freedom():
    members = np.array([[True] + [False] * 9 + [True] * 10])
    tail = stats.norm.cdf(stats.t.ppf(0.025, 9))  # ten speakers in either stratum
    bounds = Bootstrap([0] * 10 + [1] * 10, PARAMS).bounds(np.linspace(0, 1, 10_001), members)
    assert bounds == pytest.approx((tail, 1 - tail))
