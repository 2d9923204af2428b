"""Whether samples are in the units of sound, where full scale is 1."""

from pathlib import Path

import numpy as np

from ser.files.failures import InputError

LOUDEST = 100.0  # 40 dB above full scale: integers that a program saved as floats are beyond it, speech never is
WHOLE = 2.0  # beyond it, samples that are all whole numbers are such integers of a soft recording


def check_units(path: Path, block: np.ndarray) -> None:
    """Refuse samples that are finite, and far beyond full scale or, beyond it, whole numbers.

    Args:
        path: the audio file.
        block: float32, a part of its samples.

    Raises:
        InputError: one is beyond ``LOUDEST``; or one is beyond ``WHOLE``, and all are whole numbers.
    """
    loudest = np.abs(block).max(initial=0.0)
    if WHOLE < loudest < np.inf and (loudest > LOUDEST or np.array_equal(block, np.round(block))):
        raise InputError(
            f"{path}: expected samples of about -1 to 1, found {loudest:.3g}: they are damaged, or in other units, as "
            "integers saved as floats, which must be divided by 32768; convert the recording again"
        )
