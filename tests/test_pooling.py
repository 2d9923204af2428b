import numpy as np
import pytest

from ser import pooling

ALL = list(pooling.STATISTICS)


def test_statistics_of_a_case_worked_by_hand():
    frames = np.array([[4.0, 0.0, 1.0, 2.0, 3.0]])

    vector = pooling.pool(frames, ["mean", "std", "min", "max", "median", "p10", "p90"])

    # Sorted 0 1 2 3 4: the 10th percentile lies 0.1 * 4 steps from the first; the variance is (4 + 1 + 0 + 1 + 4) / 5.
    np.testing.assert_allclose(vector, [2, np.sqrt(2), 0, 4, 2, 0.4, 3.6], rtol=1e-6)


def test_names_stand_where_their_numbers_stand():
    frames = np.array([[1.0, 3.0], [10.0, 10.0]])

    named = dict(zip(pooling.names(["a", "b"], ["std", "mean"]), pooling.pool(frames, ["std", "mean"]), strict=True))

    assert named == {"a_std": 1, "b_std": 0, "a_mean": 2, "b_mean": 10}


def test_one_frame_does_not_vary():
    frame = np.random.default_rng(0).normal(size=(5, 1)).astype(np.float32)

    for statistic in ALL:
        expected = np.zeros(5) if statistic == "std" else frame[:, 0]
        np.testing.assert_array_equal(pooling.pool(frame, [statistic]), expected, statistic)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("padding", [0.0, 1e9, np.nan])
def test_padding_changes_nothing(seed, padding):
    rng = np.random.default_rng(seed)
    frames = rng.normal(size=(4, rng.integers(1, 30))).astype(np.float32)
    padded = np.pad(frames, ((0, 0), (0, int(rng.integers(1, 30)))), constant_values=padding)

    assert pooling.pool(padded, ALL, frames.shape[1]).tobytes() == pooling.pool(frames, ALL).tobytes()


def test_the_order_of_frames_does_not_matter():
    frames = np.random.default_rng(0).normal(size=(4, 50))

    np.testing.assert_allclose(pooling.pool(frames[:, ::-1], ALL), pooling.pool(frames, ALL), rtol=1e-6)


def test_a_small_movement_on_a_large_offset_is_not_lost():
    frames = (10_000 + np.random.default_rng(0).normal(size=(1, 1000))).astype(np.float32)

    (std,) = pooling.pool(frames, ["std"])

    assert std == pytest.approx(np.sqrt(np.mean((frames.astype(float) - frames.astype(float).mean()) ** 2)), rel=1e-6)


def test_vectors_are_float32():
    assert pooling.pool(np.ones((2, 3)), ALL).dtype == np.float32
