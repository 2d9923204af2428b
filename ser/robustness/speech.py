"""How loud and how long it is: gain, clipping, silence at both ends."""

import numpy as np

from ser.audio import SAMPLING_RATE_HZ


def gain(signal: np.ndarray, gain_db: float, generator: np.random.Generator) -> np.ndarray:
    """Make it louder or softer; what is beyond full scale is clipped. Nothing is drawn."""
    return np.clip(signal * 10 ** (gain_db / 20), -1, 1).astype(np.float32)


def clipping(signal: np.ndarray, share: float, generator: np.random.Generator) -> np.ndarray:
    """Clip it at a share of its peak, as a microphone set too high does; the peak stays. Nothing is drawn."""
    peak = np.abs(signal).max()
    return np.clip(signal / share, -peak, peak).astype(np.float32)


def silence(signal: np.ndarray, seconds: float, generator: np.random.Generator) -> np.ndarray:
    """Put silence, zeros, before it and after it, so long each. Nothing is drawn."""
    return np.pad(signal, round(seconds * SAMPLING_RATE_HZ))
