import itertools

import numpy as np
import pytest
import scipy.stats

from ser.encoders import pooling

ALL = list(pooling.STATISTICS)
OF_LEVEL = ["mean", "min", "max", "median", "p10", "p90"]  # the others tell movement or shape
OF_TIME = ["slope", "delta_mean", "delta_std"]
ORACLES = {
    "iqr": lambda channel: scipy.stats.iqr(channel),
    "skewness": lambda channel: scipy.stats.skew(channel),
    "kurtosis": lambda channel: scipy.stats.kurtosis(channel, fisher=False),
    "slope": lambda channel: scipy.stats.linregress(range(len(channel)), channel).slope,
    "delta_mean": lambda channel: np.mean([abs(b - a) for a, b in itertools.pairwise(channel)]),
    "delta_std": lambda channel: scipy.stats.tstd(np.ediff1d(channel)) * np.sqrt(1 - 1 / (len(channel) - 1)),
}


def test_statistics_of_a_case_worked_by_hand():
    frames = np.array([[4.0, 0.0, 1.0, 2.0, 3.0]])

    vector = pooling.pool(frames, ["mean", "std", "min", "max", "median", "p10", "p90"])

    # Sorted 0 1 2 3 4: the 10th percentile lies 0.1 * 4 steps from the first; the variance is (4 + 1 + 0 + 1 + 4) / 5.
    np.testing.assert_allclose(vector, [2, np.sqrt(2), 0, 4, 2, 0.4, 3.6], rtol=1e-6)


@pytest.mark.parametrize("statistic", ORACLES)
def test_statistics_equal_their_oracle(statistic):
    frames = np.random.default_rng(1).gamma(2, size=(3, 40)).cumsum(axis=1).astype(np.float32)

    expected = [ORACLES[statistic](channel.astype(float)) for channel in frames]
    np.testing.assert_allclose(pooling.pool(frames, [statistic]), expected, rtol=1e-6)


def test_every_statistic_has_a_test_of_its_own():
    assert set(ALL) == set(ORACLES) | set(OF_LEVEL) | {"std"}


def test_names_stand_where_their_numbers_stand():
    frames = np.array([[1.0, 3.0], [10.0, 10.0]])

    named = dict(zip(pooling.names(["a", "b"], ["std", "mean"]), pooling.pool(frames, ["std", "mean"]), strict=True))

    assert named == {"a_std": 1, "b_std": 0, "a_mean": 2, "b_mean": 10}


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_channel_that_does_not_move_has_its_level_and_nothing_else(count):
    level = np.random.default_rng(0).normal(size=5).astype(np.float32)
    frames = np.repeat(level[:, np.newaxis], count, axis=1)

    for statistic in ALL:
        expected = level if statistic in OF_LEVEL else np.zeros(5)
        np.testing.assert_allclose(
            pooling.pool(frames, [statistic]), expected, rtol=1e-6, atol=1e-12, err_msg=statistic
        )


def test_the_order_of_frames_matters_to_statistics_of_time_alone():
    frames = np.random.default_rng(0).normal(size=(4, 50))
    shuffled = np.random.default_rng(1).permuted(frames, axis=1)

    for statistic in ALL:
        same = np.allclose(pooling.pool(shuffled[:1], [statistic]), pooling.pool(frames[:1], [statistic]), rtol=1e-6)
        assert same == (statistic not in OF_TIME), statistic


def test_time_turned_round_turns_the_slope_and_nothing_else():
    frames = np.random.default_rng(0).normal(size=(4, 50))

    for statistic in ALL:
        sign = -1 if statistic == "slope" else 1
        forward, backward = (pooling.pool(values, [statistic]) for values in (frames, frames[:, ::-1]))
        np.testing.assert_allclose(backward, sign * forward, rtol=1e-5, err_msg=statistic)


def test_a_small_movement_on_a_large_offset_is_not_lost():
    frames = (10_000 + np.random.default_rng(0).normal(size=(1, 1000))).astype(np.float32)

    (std,) = pooling.pool(frames, ["std"])

    assert std == pytest.approx(np.sqrt(np.mean((frames.astype(float) - frames.astype(float).mean()) ** 2)), rel=1e-6)


def test_vectors_are_float32():
    assert pooling.pool(np.ones((2, 3)), ALL).dtype == np.float32


@pytest.mark.parametrize("count", [50, 98, 100, 101])  # of the extractors: a frame every 20 ms or every 10 ms
def test_active_frames_are_those_within_30_db_of_the_loudest(count):
    levels_db = np.repeat([0, -20, -29, -31, -60], 3200)  # 0.2 s each
    signal = (10 ** (levels_db / 20) * np.random.default_rng(0).choice([-1, 1], 16_000)).astype(np.float32)

    active = pooling.active(signal, count)

    seconds = (np.arange(count) + 0.5) / count
    clear = np.abs(seconds - 0.6) > 0.0125  # a window across the change hears both
    np.testing.assert_array_equal(active[clear], seconds[clear] < 0.6)


def test_frames_are_judged_around_their_centres():
    signal = np.repeat([1.0, 0.0], 8000)
    np.testing.assert_array_equal(pooling.active(signal, 10), np.arange(10) < 5)
    np.testing.assert_array_equal(pooling.active(signal[::-1], 10), np.arange(10) >= 5)


@pytest.mark.parametrize(("level_db", "expected"), [(-29, True), (-31, False)])
def test_a_frame_at_an_end_is_judged_by_its_mean_though_its_window_is_shorter(level_db, expected):
    signal = np.repeat([10 ** (level_db / 20), 1.0, 10 ** (level_db / 20)], [280, 15_440, 280])
    active = pooling.active(signal, 100)  # every 160 samples: 280 are left of the first and the last window
    assert active[[0, -1]].tolist() == [expected] * 2
    assert active[3:-3].all()


@pytest.mark.parametrize("gain", [1e-4, 1.0, 30.0])
def test_activity_does_not_depend_on_the_gain(gain):
    signal = np.random.default_rng(0).laplace(size=8000) ** 5

    np.testing.assert_array_equal(pooling.active(gain * signal, 50), pooling.active(signal, 50))
    assert 0 < pooling.active(signal, 50).sum() < 50


@pytest.mark.parametrize("samples", [400, 471, 960, 16_000])
def test_there_is_always_an_active_frame(samples):
    click = np.zeros(samples, np.float32)
    assert pooling.active(click, samples // 160).all()

    click[0] = 1
    assert pooling.active(click, samples // 160)[0]


@pytest.mark.parametrize("block", [1, 160, 3999, 8000, 2**18])
def test_activity_does_not_depend_on_the_blocks_that_it_is_summed_in(monkeypatch, block):
    signal = np.random.default_rng(0).normal(size=8000).astype(np.float32)
    positions = np.array([0, 0, 1, 160, 161, 3999, 4000, 7999, 8000, 8000])
    monkeypatch.setattr(pooling, "BLOCK", block)

    sums = pooling.energy(signal, positions)

    expected = np.concatenate([[0.0], np.cumsum(signal.astype(float) ** 2)])[positions]
    assert sums.tobytes() == expected.tobytes()


@pytest.mark.parametrize("statistics", [["std", "mean"], ["max", "mean", "min", "std"], ["p90"], ALL])
def test_frames_in_pieces_are_pooled_as_the_whole(statistics):
    frames = (5 + np.random.default_rng(0).normal(size=(35, 100)).cumsum(axis=1)).astype(np.float32)
    pool = pooling.Pool(statistics)

    for piece in np.split(frames, [0, 1, 40, 40, 99], axis=1):
        pool.add(piece)

    np.testing.assert_allclose(pool.vector(), pooling.pool(frames, statistics), rtol=1e-5, atol=1e-7)
    assert pool.vector().dtype == np.float32


def test_frames_are_kept_only_for_statistics_that_need_all_of_them():
    for statistic in ALL:
        pool = pooling.Pool(["mean", statistic])
        pool.add(np.ones((2, 3), np.float32))

        assert bool(pool.pieces) == (statistic not in ("mean", "std", "min", "max")), statistic


def test_a_small_movement_on_a_large_offset_is_not_lost_in_pieces():
    frames = (10_000 + np.random.default_rng(0).normal(size=(1, 1000))).astype(np.float32)
    pool = pooling.Pool(["std"])
    for piece in np.split(frames, 10, axis=1):
        pool.add(piece)

    assert pool.vector()[0] == pytest.approx(frames.astype(float).std(), rel=1e-6)


def test_statistics_of_steps_know_up_from_down():
    frames = np.array([[0.0, 2.0, 1.0, 1.0]])  # steps +2, -1, 0
    vector = pooling.pool(frames, ["delta_mean", "delta_std"])
    np.testing.assert_allclose(vector, [1.0, np.sqrt((4 + 1 + 0) / 3 - (1 / 3) ** 2)], rtol=1e-6)
