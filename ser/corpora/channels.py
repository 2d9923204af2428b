"""Whether the channels of a recording cancel each other when they are mixed to one."""

import numpy as np

# The mix of unrelated channels has the mean of their powers, divided by their number. With less than this share of
# that, 20 dB softer, channels have opposite signs.
CANCELLED = 0.01


class Mixing:
    """The powers of a recording's channels and of their mean, block by block. Constant offsets do not count."""

    def __init__(self):
        self._frames, self._sums, self._squares = 0, 0.0, 0.0

    def add(self, block: np.ndarray) -> None:
        """Take a block of finite samples in: (frames, channels)."""
        if block.shape[1] > 1:
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
        if mixed >= CANCELLED / len(channels) * power:
            return ""
        softer = f"they are {-10 * np.log10(mixed / power):.0f} dB softer" if mixed > 0 else "nothing is left"
        return f"its {len(channels)} channels cancel each other out: mixed to one {softer}; keep one of them"
