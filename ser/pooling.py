"""Frames to one vector: statistics over time, channel by channel."""

from collections.abc import Callable, Sequence

import numpy as np

# Each takes (channels, frames), at least one frame, and gives (channels,). All are defined for a single frame and for a
# channel that does not move, which skewness and kurtosis are not.
STATISTICS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": lambda frames: frames.mean(axis=1),
    "std": lambda frames: frames.std(axis=1),  # of the frames themselves, ddof 0: one frame gives 0
    "min": lambda frames: frames.min(axis=1),
    "max": lambda frames: frames.max(axis=1),
    "median": lambda frames: np.median(frames, axis=1),
    "p10": lambda frames: np.percentile(frames, 10, axis=1),
    "p90": lambda frames: np.percentile(frames, 90, axis=1),
}


def pool(frames: np.ndarray, statistics: Sequence[str], count: int | None = None) -> np.ndarray:
    """Pool frames over time.

    Args:
        frames: (channels, frames).
        statistics: names out of ``STATISTICS``.
        count: how many frames count, where the others are the padding of a batch; all of them by default.

    Returns:
        float32 (statistics * channels,): the first statistic of every channel, then the second; computed in float64.

    Example:
        >>> pool(np.array([[1.0, 3.0], [5.0, 5.0]]), ["mean", "std"])
        array([2., 5., 1., 0.], dtype=float32)
    """
    own = frames[:, :count].astype(np.float64)
    assert own.shape[1] > 0, "an extractor gives at least one frame"
    return np.concatenate([STATISTICS[statistic](own) for statistic in statistics]).astype(np.float32)


def names(channels: Sequence[str], statistics: Sequence[str]) -> list[str]:
    """Name the numbers of a pooled vector, in its order: ``mfcc_03_mean`` is the mean of the channel ``mfcc_03``."""
    return [f"{channel}_{statistic}" for statistic in statistics for channel in channels]
