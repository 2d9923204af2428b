"""One level for all signals: what stands between the microphone's gain and an encoder that hears loudness."""

import json
from functools import cached_property

import numpy as np

from ser import audio
from ser.encoders import fingerprint, pooling
from ser.encoders.extractor import Extractor

HOP = 160  # samples, 10 ms at 16 kHz


def at_level(signal: np.ndarray, level: float) -> np.ndarray:
    """Scale a signal so that its active frames, as ``pooling.active`` finds them, have a level.

    Pauses do not count, so that a recording with long ones is not made louder than one without. What is scaled beyond
    full scale is not clipped.

    Args:
        signal: float32 (samples,), mono at 16 kHz.
        level: the mean square of the active frames, in dB re full scale.

    Returns:
        float32 (samples,); the signal as it was where there is nothing to hear, or what is no number.
    """
    if not (np.isfinite(signal).all() and signal.any()):
        return signal
    count = max(signal.size // HOP, 1)
    edges = np.arange(count + 1) * signal.size // count
    active = pooling.active(signal, count)
    sums = np.diff(pooling.energy(signal, edges))
    power = sums[active].sum() / np.diff(edges)[active].sum()
    return signal * np.float32(10 ** (level / 20) / np.sqrt(power))


class LevelExtractor(Extractor):
    """An extractor that brings each signal to the level of its recipe first."""

    @cached_property
    def fingerprint(self) -> str:
        """A JSON object as that of ``Extractor``; with the level, and the code that brings a signal to it."""
        made = json.loads(super().fingerprint)
        made["level"] = self.recipe.level
        made["modules"] |= fingerprint.modules([__name__], fingerprint.ROOT)
        return json.dumps(made, sort_keys=True)

    def vector(self, signal: np.ndarray) -> np.ndarray:
        """Measure a signal: see ``Extractor``."""
        return super().vector(at_level(audio.checked(signal), self.recipe.level))
