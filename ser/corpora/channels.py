"""Whether the channels of a recording cancel each other when they are mixed to one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ser import audio
from ser.files.failures import InputError

# The mix of unrelated channels has the mean of their powers, divided by their number. With less than this share of
# that, 20 dB softer, channels have opposite signs.
CANCELLED = 0.01
QUIET = (audio.SILENCE / 2) ** 2  # the power of channels in which nothing is heard, so that nothing can cancel


class Mixing:
    """The powers of a recording's channels and of their mean, block by block. Constant offsets do not count."""

    def __init__(self):
        self._frames, self._sums, self._squares = 0, 0.0, 0.0

    def add(self, block: np.ndarray) -> None:
        """Take a block in, (frames, channels); not one with NaN, for which its file is refused anyway."""
        if block.shape[1] > 1 and np.isfinite(block).all():
            both = np.concatenate(
                [block, block.mean(axis=1, keepdims=True, dtype=np.float32)], axis=1, dtype=np.float64
            )
            self._frames += len(both)
            self._sums, self._squares = self._sums + both.sum(axis=0), self._squares + np.square(both).sum(axis=0)

    def fault(self) -> str:
        """Say in words that the channels cancel each other, and what to do; "" where they do not."""
        if not self._frames:
            return ""
        *channels, mixed = self._squares / self._frames - np.square(self._sums / self._frames)
        power = np.mean(channels)
        if power <= QUIET or mixed >= CANCELLED / len(channels) * power:
            return ""
        softer = f"they are {-10 * np.log10(mixed / power):.0f} dB softer" if mixed > 0 else "nothing is left"
        return f"its {len(channels)} channels cancel each other out: mixed to one {softer}; keep one of them"


def load(path: Path, watch: Callable[[np.ndarray, int], None] | None = None) -> np.ndarray:
    """Read an audio file's signal as ``ser.audio.load`` does, if its channels do not cancel each other.

    Raises:
        InputError: as ``ser.audio.load``; or they cancel each other.
    """
    mixing = Mixing()

    def add(block: np.ndarray, rate: int) -> None:
        if watch:
            watch(block, rate)
        mixing.add(block)

    signal = audio.load(path, watch=add)
    if fault := mixing.fault():
        raise InputError(f"{path}: {fault}")
    return signal
