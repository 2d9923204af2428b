"""What every encoder is: a signal in, frames of named channels out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ser.encoders.recipe import OUTPUT, Recipe


@dataclass
class Window:
    """A part of a long signal, of which frames are made.

    Attributes:
        kept: which of its frames count; those before and after are context.
        memory: what a recurrent layer remembers of the windows before, brought up to date by the encoder; None before
            the first.
    """

    kept: slice | None = None
    memory: Any = None


class Encoder(ABC):
    """A network or a feature set, ready to use. Each kind is one class, in a module of its own.

    To add one, write the class, and name it in ``ser.encoders.catalogue``. What its module imports is found and goes
    into the fingerprint by itself.

    Args:
        recipe: which of the class' encoders to make, and of it which layers, and which seed.
        weights: the file of the trained weights, for an encoder that has one.
        device: where a network runs: ``cpu``, ``cuda``, ``cuda:1``.

    Attributes:
        LAYERS: the encoders that the class makes, by name, and the layers that each can give.
        PACKAGES: those whose versions decide its numbers, beside NumPy, soxr and PyTorch.
        choices: the fields of the recipe that have an effect.
        channels: the names of a frame's numbers, (channels,).
        minimum_samples: the shortest signal that it takes.
        hop: samples from one frame to the next; None if a signal of any length is one frame, of statistics already,
            which is not pooled.
        device: the type of the device that it runs on.
        digest: of its weights, where it has any.
    """

    LAYERS: ClassVar[Mapping[str, Sequence[str]]]
    PACKAGES: ClassVar[Sequence[str]] = ()
    choices: Sequence[str] = ("statistics", "layers", "frames")
    channels: Sequence[str]
    minimum_samples: int
    hop: int | None
    device: str = "cpu"
    digest: str | None = None

    @abstractmethod
    def __init__(self, recipe: Recipe, weights: Path | None = None, device: str = "cpu") -> None: ...

    @abstractmethod
    def frames(self, signal: np.ndarray, window: Window | None = None) -> np.ndarray:
        """Encode a signal.

        Args:
            signal: float32 (samples,), mono at 16 kHz.
            window: which part of a long signal this is; None if it is the whole.

        Returns:
            float32 (channels, frames).
        """


def channel_names(recipe: Recipe, widths: Mapping[str, int]) -> list[str]:
    """Name the channels of the chosen layers: ``pase_plus_block3_017``; without the layer if it is the output.

    Args:
        recipe: of which encoder, and of it which layers.
        widths: how many numbers a frame each layer gives.
    """
    prefixes = {layer: recipe.encoder if layer == OUTPUT else f"{recipe.encoder}_{layer}" for layer in recipe.layers}
    return [f"{prefix}_{channel:03d}" for layer, prefix in prefixes.items() for channel in range(widths[layer])]
