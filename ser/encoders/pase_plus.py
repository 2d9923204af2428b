"""PASE+ and PASE as encoders: trained or with random weights, any of their layers."""

from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from ser.encoders.encoder import Window, channel_names
from ser.encoders.network import NetworkEncoder
from ser.encoders.recipe import Recipe
from ser.files.failures import InputError
from ser.pase import checkpoint
from ser.pase.encoder import PASE, PASE_PLUS
from ser.pase.frozen import Frozen

GEOMETRIES = {"pase_plus": PASE_PLUS, "pase_plus_untrained": PASE_PLUS, "pase_untrained": PASE}


class PaseEncoder(NetworkEncoder):
    """PASE+ with the weights of a file; PASE+ or PASE with random ones.

    Raises:
        InputError: the weights are missing or wrong, or there is no such device.
    """

    LAYERS: ClassVar = {name: tuple(geometry.layers) for name, geometry in GEOMETRIES.items()}

    def __init__(self, recipe: Recipe, weights: Path | None = None, device: str = "cpu") -> None:
        geometry = GEOMETRIES[recipe.encoder]
        if recipe.encoder != "pase_plus":
            self.choices = (*self.choices, "seed")
            network = checkpoint.untrained(geometry, recipe.seed)
        elif weights is None:
            raise InputError("pase_plus needs its weights: give their file by --weights, or take another encoder")
        else:
            network = checkpoint.load(weights)
        super().__init__(network, device)
        self.frozen = Frozen(network)
        self.layers = list(recipe.layers)
        self.channels = channel_names(recipe, geometry.layers)
        self.minimum_samples = geometry.minimum_samples
        self.hop = geometry.hop

    def encode(self, signal: Tensor, window: Window | None) -> Tensor:
        """Encode a signal: see ``NetworkEncoder``.

        Some units of the QRNN remember for minutes, so that no context would do: in a window it begins with what it
        remembers of the windows before, and its frames before those that are kept are 0.
        """
        frozen = self.frozen
        if window is None or frozen.rnn is None:
            frames = frozen.layers(signal[None, None], self.layers)
        else:
            below, past, inner = frozen.convolve(signal[None, None], self.layers)
            first, stop = window.kept.start, window.kept.stop
            qrnn, states = frozen.rnn(below, window.memory, first)
            window.memory = states[..., stop - first - 1, None]
            frames = inner | {frozen.last: below, "qrnn": qrnn, "output": frozen.output(qrnn, past)}
        return torch.cat([frames[layer] for layer in self.layers], dim=1)[0]
