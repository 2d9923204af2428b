"""When to give no emotion: the rule of command and service alike, which needs no package of either."""

from dataclasses import dataclass

import numpy as np

from ser.files.failures import InputError

SILENCE = "silence"
SILENCE_DB = -60.0
LEVEL_SAMPLES = 800  # 50 ms at 16 kHz, a short syllable


@dataclass(frozen=True)
class Policy:
    """When to give no emotion.

    Attributes:
        any_sound: whether what is unlike the training speech has an emotion, too; else the answer is ``unfamiliar``.
            Silence is no sound.
        threshold: the confidence, 0..1, below which the answer is ``uncertain``.
        silence_db: the level, in dB of full scale, that 50 ms must reach somewhere, else the answer is ``silence``.
    """

    threshold: float = 0.5
    silence_db: float = SILENCE_DB
    any_sound: bool = False

    def __post_init__(self):
        if not 0 <= self.threshold <= 1:
            raise InputError(f"--threshold: expected 0 to 1, found {self.threshold}")
        if not -120 <= self.silence_db <= 0:
            raise InputError(f"--silence-db: expected -120 to 0, found {self.silence_db}")

    def silent(self, signal: np.ndarray) -> bool:
        """Tell whether there is nothing to hear in a signal, so that the model need not be asked."""
        return level_db(signal) < self.silence_db


def level_db(signal: np.ndarray) -> float:
    """Give the level of a signal's loudest 50 ms, less their mean: a constant is no sound.

    Args:
        signal: float32 (samples,), at least one.

    Returns:
        In dB of full scale, 20 log10 of the root mean square; at least -200.
    """
    whole = range(0, signal.size - LEVEL_SAMPLES, LEVEL_SAMPLES)
    parts = [*(signal[start : start + LEVEL_SAMPLES] for start in whole), signal[-LEVEL_SAMPLES:]]
    loudest = max(float(np.var(part, dtype=np.float64)) for part in parts)
    return 10 * np.log10(max(loudest, 1e-20))
