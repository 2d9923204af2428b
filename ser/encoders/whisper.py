"""Whisper's encoder, base size, trained on speech and its words of 680,000 hours: any of its layers."""

from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from ser.encoders.encoder import Window, channel_names
from ser.encoders.network import NetworkEncoder
from ser.encoders.recipe import Recipe
from ser.files.failures import InputError
from ser.whisper import encoder
from ser.whisper.encoder import HOW_TO_GET

LAYERS = ("block1", "block2", "block3", "block4", "block5", "block6", "output")


class WhisperBaseEncoder(NetworkEncoder):
    """Whisper base with the weights of a file.

    A signal of more than 30 s is encoded in equal pieces, one of more than 60 s in windows of 10 s
    (``ser.encoders.windows``). A state knows its place in what was encoded, so vectors of such signals differ from
    those of shorter ones by more than what is said: compare recordings of one kind.

    Raises:
        InputError: the weights are missing or wrong, or there is no such device.
    """

    LAYERS: ClassVar = {"whisper_base": LAYERS}
    PACKAGES = ("torchaudio",)
    minimum_samples = hop = encoder.STATE_HOP

    def __init__(self, recipe: Recipe, weights: Path | None = None, device: str = "cpu") -> None:
        if weights is None:
            raise InputError(f"{recipe.encoder} needs its weights: give their file by --weights; {HOW_TO_GET}")
        network = encoder.load(weights)
        if tuple(network.layers) != LAYERS:
            found = len(network.layers) - 1
            raise InputError(
                f"{weights}: expected Whisper base, of {len(LAYERS) - 1} blocks, found {found}; {HOW_TO_GET}"
            )
        super().__init__(network, device)
        self.layers = list(recipe.layers)
        self.channels = channel_names(recipe, network.layers)

    def encode(self, signal: Tensor, window: Window | None) -> Tensor:
        """Encode a signal: see ``NetworkEncoder``."""
        pieces = signal.tensor_split(-(-len(signal) // self.network.longest_samples))
        given = [self.network(piece[None], self.layers) for piece in pieces]
        return torch.cat([torch.cat([layers[name][0] for name in self.layers]) for layers in given], dim=1)
