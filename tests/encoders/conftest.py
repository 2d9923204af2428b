import numpy as np
import pytest
import torch

from ser.encoders.catalogue import build
from ser.encoders.recipe import Recipe
from ser.pase import checkpoint
from ser.pase.encoder import PASE_PLUS

FREE = ["pase_plus_untrained", "pase_untrained", "mfcc", "egemaps", "compare_2016"]  # need no weights file


@pytest.fixture(scope="session")
def tone():
    """A voice-like sound: ten harmonics and a little noise."""

    def tone(seconds: float, pitch_hz: float = 220.0, seed: int = 0) -> np.ndarray:
        times_s = np.arange(round(16_000 * seconds)) / 16_000
        harmonics = sum(np.sin(2 * np.pi * pitch_hz * k * times_s) / k for k in range(1, 11))
        noise = np.random.default_rng(seed).normal(size=times_s.size)
        return (0.1 * harmonics + 0.001 * noise).astype(np.float32)

    return tone


@pytest.fixture(scope="session")
def extractors():
    """An extractor of each encoder that needs no weights file."""
    return {name: build(Recipe(name)) for name in FREE}


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """A file of weights for PASE+: those that the seed 5 draws."""
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    checkpoint.save(checkpoint.untrained(PASE_PLUS, seed=5), path, torch.float32)
    return path
