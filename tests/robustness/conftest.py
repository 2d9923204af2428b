import numpy as np
import pytest

RATE_HZ = 16_000


def syllables(seconds: float = 2.0, pitch_hz: float = 120.0) -> np.ndarray:
    """Something like speech: harmonics that fall by 6 dB an octave, four syllables a second, and pauses between."""
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    orders = np.arange(1, int(7000 / pitch_hz))[:, np.newaxis]
    voiced = (np.sin(2 * np.pi * pitch_hz * orders * times + orders**2) / orders).sum(axis=0)
    loudness = np.clip(np.sin(2 * np.pi * 4 * times), 0, None) ** 2
    return (0.2 * voiced * loudness / np.abs(voiced).max()).astype(np.float32)


@pytest.fixture
def speech() -> np.ndarray:
    return syllables()
