"""Mel-frequency cepstral coefficients and their derivatives: the baseline that nothing trained."""

from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
import torchaudio

from ser.audio import SAMPLING_RATE_HZ
from ser.encoders.encoder import Encoder, Window
from ser.encoders.recipe import OUTPUT, Recipe

# Windows of 25 ms every 10 ms, the usual ones for speech.
COEFFICIENTS = 20
WINDOW = 400
HOP = 160
SPECTRUM = {"n_fft": 512, "win_length": WINDOW, "hop_length": HOP, "n_mels": 40, "f_min": 20.0, "f_max": 8000.0}
DERIVATIVES = ("_delta", "_delta2")
DERIVATIVE_WINDOW = 9  # frames


class MfccEncoder(Encoder):
    """Cepstra of a mel spectrogram in dB (80 dB below the signal's loudest at most), and their derivatives."""

    LAYERS: ClassVar = {"mfcc": (OUTPUT,)}
    PACKAGES = ("torchaudio",)
    minimum_samples = WINDOW
    hop = HOP

    def __init__(self, recipe: Recipe, weights: Path | None = None, device: str = "cpu") -> None:
        self.transform = torchaudio.transforms.MFCC(SAMPLING_RATE_HZ, COEFFICIENTS, melkwargs=SPECTRUM)
        self.channels = [
            f"{recipe.encoder}{order}_{number:02d}" for order in ("", *DERIVATIVES) for number in range(COEFFICIENTS)
        ]

    def frames(self, signal: np.ndarray, window: Window | None = None) -> np.ndarray:
        """Encode a signal: see ``Encoder``."""
        orders = [self.transform(torch.from_numpy(signal))]  # each (coefficients, frames)
        for _ in DERIVATIVES:
            orders.append(torchaudio.functional.compute_deltas(orders[-1], DERIVATIVE_WINDOW))
        return torch.cat(orders).numpy()
