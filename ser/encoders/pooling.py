"""Frames to one vector: statistics over time, channel by channel."""

from collections.abc import Callable, Sequence

import numpy as np

FRAMES = ("all", "active")  # which of them to pool
WINDOW = 400  # samples, 25 ms at 16 kHz
BLOCK = 2**18  # samples squared at a time
ACTIVE_DB = 30.0  # speech moves within about 30 dB; what lies below is pause, reverberation, noise of the room
SUMMED = ("mean", "std", "min", "max")  # statistics that need no frame once it is counted
CHANNELS = 16  # pooled at a time where frames are kept: float64 and its intermediates take much more than the frames


def standardised_moment(frames: np.ndarray, order: int) -> np.ndarray:
    """Compute a moment of the frames in units of their deviation, without correction for bias.

    Args:
        frames: float64 (channels, frames).
        order: 3 for the skewness, 4 for the kurtosis.

    Returns:
        (channels,); 0 where a channel does not move, which has no shape.
    """
    centred = frames - frames.mean(axis=1, keepdims=True)
    deviations = centred.std(axis=1, keepdims=True)
    # Not by the deviation itself: rounding can leave a channel that does not move one of 1e-17.
    moves = frames.min(axis=1, keepdims=True) < frames.max(axis=1, keepdims=True)
    scaled = np.divide(centred, deviations, out=np.zeros_like(centred), where=moves)
    return (scaled**order).mean(axis=1)


def slope(frames: np.ndarray) -> np.ndarray:
    """Fit a line to each channel by least squares.

    Args:
        frames: float64 (channels, frames).

    Returns:
        (channels,) its rise per frame; 0 for a single frame.
    """
    times = np.arange(frames.shape[1]) - (frames.shape[1] - 1) / 2
    return frames @ times / max(times @ times, 1.0)


def steps(frames: np.ndarray) -> np.ndarray:
    """Subtract from each frame the one before: (channels, frames - 1), or one step of 0 for a single frame."""
    return np.diff(frames, axis=1) if frames.shape[1] > 1 else np.zeros_like(frames)


# Each takes float64 (channels, frames), at least one frame, and gives (channels,). All are defined for a single frame
# and for a channel that does not move.
STATISTICS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": lambda frames: frames.mean(axis=1),
    "std": lambda frames: frames.std(axis=1),  # of the frames themselves, ddof 0: one frame gives 0
    "min": lambda frames: frames.min(axis=1),
    "max": lambda frames: frames.max(axis=1),
    "median": lambda frames: np.median(frames, axis=1),
    "p10": lambda frames: np.percentile(frames, 10, axis=1),
    "p90": lambda frames: np.percentile(frames, 90, axis=1),
    "iqr": lambda frames: np.subtract(*np.percentile(frames, [75, 25], axis=1)),
    "skewness": lambda frames: standardised_moment(frames, 3),
    "kurtosis": lambda frames: standardised_moment(frames, 4),  # a Gaussian's is 3
    "slope": slope,
    "delta_mean": lambda frames: np.abs(steps(frames)).mean(axis=1),
    "delta_std": lambda frames: steps(frames).std(axis=1),
}


def active(signal: np.ndarray, count: int) -> np.ndarray:
    """Find the frames in which there is something to hear.

    A frame is active if its level, the mean square over 25 ms around its centre, is within 30 dB of that of the loudest
    frame. So the loudest always is active, and of a signal without any sound all are.

    Args:
        signal: (samples,), mono at 16 kHz.
        count: how many frames an encoder made of it, at equal distances.

    Returns:
        bool (count,).
    """
    centres = (np.arange(count) + 0.5) * signal.size / count
    first = np.clip(centres - WINDOW / 2, 0, signal.size).astype(int)
    last = np.clip(centres + WINDOW / 2, 0, signal.size).astype(int)
    power = (energy(signal, last) - energy(signal, first)) / (last - first)
    return power >= power.max() * 10 ** (-ACTIVE_DB / 10)


def energy(signal: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Sum the squares of the samples before each position.

    Block by block, as the sums of all samples would take eight times the memory of the signal.

    Args:
        signal: (samples,).
        positions: (positions,) ascending, 0 to samples.

    Returns:
        float64 (positions,).
    """
    sums, carried = np.empty(len(positions)), 0.0
    for start in range(0, signal.size, BLOCK):
        squares = signal[start : start + BLOCK].astype(np.float64) ** 2
        running = np.cumsum(np.concatenate([[carried], squares]))
        here = slice(*np.searchsorted(positions, [start, start + BLOCK + 1]))
        sums[here] = running[positions[here] - start]
        carried = running[-1]
    return sums


def pool(frames: np.ndarray, statistics: Sequence[str]) -> np.ndarray:
    """Pool frames over time.

    Args:
        frames: (channels, frames), at least one.
        statistics: names out of ``STATISTICS``.

    Returns:
        float32 (statistics * channels,): the first statistic of every channel, then the second; computed in float64.

    Example:
        >>> pool(np.array([[1.0, 3.0], [5.0, 5.0]]), ["mean", "std"])
        array([2., 5., 1., 0.], dtype=float32)
    """
    assert frames.shape[1] > 0, "an encoder gives at least one frame"
    doubled = frames.astype(np.float64)
    return np.concatenate([STATISTICS[statistic](doubled) for statistic in statistics]).astype(np.float32)


class Pool:
    """Pools frames that come piece by piece, as ``pool`` does with all of them at once.

    Where every statistic is one of ``SUMMED``, nothing is kept but sums. Any other needs all frames, which are then
    kept as float32: of PASE+'s output, 0.1 MB for each second.

    Args:
        statistics: names out of ``STATISTICS``.
    """

    def __init__(self, statistics: Sequence[str]) -> None:
        self.statistics = statistics
        self.pieces: list[np.ndarray] = []
        self.count = 0

    def add(self, frames: np.ndarray) -> None:
        """Take the next frames: float32 (channels, frames), or none of them."""
        if not set(self.statistics) <= set(SUMMED):
            self.pieces.append(frames.copy())  # of a view the whole would stay
        elif frames.shape[1]:
            own = frames.astype(np.float64)
            self._sum(own.shape[1], own.mean(axis=1), own.var(axis=1), own.min(axis=1), own.max(axis=1))

    def _sum(self, count: int, mean: np.ndarray, variance: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
        """Join a piece's statistics to those of the pieces before (Chan, Golub and LeVeque, 1983)."""
        if self.count:
            share, distance = count / (self.count + count), mean - self.mean
            mean = self.mean + share * distance
            variance = (1 - share) * self.variance + share * variance + share * (1 - share) * distance**2
            low, high = np.minimum(self.low, low), np.maximum(self.high, high)
        self.count += count
        self.mean, self.variance, self.low, self.high = mean, variance, low, high

    def vector(self) -> np.ndarray:
        """Give the vector of all frames so far, at least one: float32 (statistics * channels,), as ``pool``."""
        if not self.pieces:
            summed = {"mean": self.mean, "std": np.sqrt(self.variance), "min": self.low, "max": self.high}
            return np.concatenate([summed[statistic] for statistic in self.statistics]).astype(np.float32)
        parts = []  # (statistics, some channels)
        for first in range(0, len(self.pieces[0]), CHANNELS):
            frames = np.concatenate([piece[first : first + CHANNELS] for piece in self.pieces], axis=1)
            parts.append(pool(frames, self.statistics).reshape(len(self.statistics), -1))
        return np.concatenate(parts, axis=1).ravel()


def names(channels: Sequence[str], statistics: Sequence[str]) -> list[str]:
    """Name the numbers of a pooled vector, in its order: ``mfcc_03_mean`` is the mean of the channel ``mfcc_03``."""
    return [f"{channel}_{statistic}" for statistic in statistics for channel in channels]
