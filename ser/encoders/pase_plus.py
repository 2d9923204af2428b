"""PASE+ and PASE as encoders: trained or with random weights, any of their layers."""

from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from ser.encoders.encoder import Window, channel_names
from ser.encoders.network import NetworkEncoder
from ser.encoders.recipe import Recipe
from ser.files.failures import InputError
from ser.pase import checkpoint
from ser.pase.encoder import PASE, PASE_PLUS
from ser.pase.qrnn import forget_mult

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
        self.layers = list(recipe.layers)
        self.channels = channel_names(recipe, geometry.layers)
        self.minimum_samples = geometry.minimum_samples
        self.hop = geometry.hop

    def encode(self, signal: Tensor, window: Window | None) -> Tensor:
        """Encode a signal: see ``NetworkEncoder``."""
        geometry = self.network.geometry
        recurrent = window is not None and geometry.qrnn_units is not None
        top = list(geometry.layers)[-3:] if recurrent else []
        frames = self.network.layers(signal[None, None], list(dict.fromkeys([*self.layers, *top])))
        if recurrent:
            self._remember(frames, window)
        return torch.cat([frames[layer] for layer in self.layers], dim=1)[0]

    def _remember(self, frames: dict[str, Tensor], window: Window) -> None:
        """Let the QRNN start from what it remembers of the windows before, rather than from nothing.

        Some of its units remember for minutes, so that no context would do. It is linear in its memory,
        c_t = (c_t from nothing) + (1 - f_0) ... (1 - f_t) c_{-1}, and what it changes reaches the output by linear
        layers.

        Args:
            frames: of the last block, the QRNN and the output, (1, channels, frames); of the last two those that the
                window keeps are corrected.
            window: the window; its memory, (1, units, 1), is brought up to date.
        """
        network = self.network
        below, qrnn, output = (frames[layer] for layer in list(network.geometry.layers)[-3:])
        before = functional.pad(below, (1, 0))[..., :-1]
        gates = network.rnn.layers[0].linear(torch.cat([below, before], dim=1).transpose(1, 2)).transpose(1, 2)
        z, f, o = gates[..., window.kept].chunk(3, dim=1)
        f = torch.sigmoid(f)
        state = forget_mult(f, torch.tanh(z)) + (1 - f).cumprod(dim=2) * window.memory
        window.memory = state[..., -1:]
        remembering = torch.sigmoid(o) * state
        scale = (network.norm_out.running_var + network.norm_out.eps).rsqrt()[:, None]
        output[..., window.kept] += scale * functional.conv1d(remembering - qrnn[..., window.kept], network.W.weight)
        qrnn[..., window.kept] = remembering
