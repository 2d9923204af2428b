"""The extractor: a signal in, one vector of named numbers out, by an encoder and the pooling of its frames."""

from functools import cached_property

import numpy as np

from ser import audio
from ser.audio import SAMPLING_RATE_HZ
from ser.encoders import fingerprint, pooling, windows
from ser.encoders.encoder import Encoder
from ser.encoders.recipe import Recipe
from ser.files.failures import InputError


class Extractor:
    """What turns a signal into a vector.

    Args:
        recipe: what to make of a signal.
        encoder: that of the recipe.

    Attributes:
        names: of the numbers that it gives, (numbers,).
    """

    def __init__(self, recipe: Recipe, encoder: Encoder) -> None:
        self.recipe = recipe
        self.encoder = encoder
        pooled = encoder.hop is not None
        self.names = tuple(pooling.names(encoder.channels, recipe.statistics) if pooled else encoder.channels)

    @cached_property
    def fingerprint(self) -> str:
        """A JSON object of all that decides the numbers, by which feature files and trained models recognise it."""
        return fingerprint.of(self.recipe, self.encoder)

    def vector(self, signal: np.ndarray) -> np.ndarray:
        """Measure a signal.

        Args:
            signal: float32 (samples,), mono at 16 kHz, full scale -1 to 1, as ``ser.audio.load`` gives it.

        Returns:
            float32 (numbers,), all finite.

        Raises:
            InputError: the signal is none (``ser.audio.checked``) or too short, or its vector's numbers are not finite.
        """
        signal = audio.checked(signal)
        name, minimum = self.recipe.encoder, self.encoder.minimum_samples
        if signal.size < minimum:
            raise InputError(
                f"expected at least {minimum} samples ({1000 * minimum / SAMPLING_RATE_HZ:.0f} ms at 16 kHz) for "
                f"{name}, found {signal.size}; leave out what is shorter (in the pipeline by manifest.min_seconds)"
            )
        vector = self._measure(signal)
        if not np.isfinite(vector).all():
            raise InputError(f"expected finite numbers from {name}, found NaN or infinity; leave this signal out")
        return vector

    def _measure(self, signal: np.ndarray) -> np.ndarray:
        if self.encoder.hop is None:
            return self.encoder.frames(signal)[:, 0]
        if signal.size > windows.WHOLE:
            return windows.pool(self.encoder, self.recipe, signal)
        frames = self.encoder.frames(signal)
        if self.recipe.frames == "active":
            frames = frames[:, pooling.active(signal, frames.shape[1])]
        return pooling.pool(frames, self.recipe.statistics)
