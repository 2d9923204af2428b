import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import Ridge

from ser.pretraining import prosody_probe
from ser.pretraining.prosody_probe import MEASURES, ProsodyParams, explained

RATE_HZ = 16_000
SPEAKERS = [f"s{number}" for number in range(5) for _ in range(4)]


@pytest.fixture
def utterances() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Twenty utterances of 50 frames: eight numbers a frame, of which measures 0 and 1 are linear functions."""
    generator = np.random.default_rng(0)
    encoded = [generator.normal(size=(8, 50)) for _ in SPEAKERS]
    measured = [
        np.stack([frames[0] + frames[1], 0.5 + 0.2 * frames[2], *generator.normal(size=(2, 50))]) for frames in encoded
    ]
    return encoded, measured


def test_what_is_in_the_frames_is_explained_and_what_is_not_is_not(utterances):
    found = explained(*utterances, SPEAKERS)
    assert found["log_f0"] > 0.9
    assert found["voicing"] > 0.9
    assert abs(found["log_energy"]) < 0.1


def test_the_share_is_that_of_a_ridge_that_never_heard_the_speaker(utterances):
    encoded, measured = utterances
    errors, deviations = [], []
    x, y = (np.concatenate(part, axis=1).T for part in (encoded, measured))
    groups = np.repeat(SPEAKERS, 50)
    for speaker in sorted(set(SPEAKERS)):
        test = groups == speaker
        mean, deviation = x[~test].mean(0), x[~test].std(0)
        ridge = Ridge(100.0).fit((x[~test] - mean) / deviation, y[~test, 1])
        errors.append(y[test, 1] - ridge.predict((x[test] - mean) / deviation))
        deviations.append(y[test, 1] - y[:, 1].mean())
    expected = 1 - np.square(errors).sum() / np.square(deviations).sum()
    assert explained(encoded, measured, SPEAKERS)["voicing"] == pytest.approx(expected)


def test_pitch_is_asked_of_voiced_frames_alone(utterances):
    encoded, measured = utterances
    for frames in measured:
        frames[0, frames[1] < 0.45] = 1e6
    assert explained(encoded, measured, SPEAKERS)["log_f0"] > 0.8


def test_a_frame_more_on_either_side_is_left_out(utterances):
    encoded, measured = utterances
    longer = [np.pad(frames, ((0, 0), (0, 1)), constant_values=9.0) for frames in encoded]
    assert explained(longer, measured, SPEAKERS) == explained(encoded, measured, SPEAKERS)


def test_measures_are_those_of_the_signal():
    sine = (0.5 * np.sin(2 * np.pi * 200 * np.arange(RATE_HZ) / RATE_HZ)).astype(np.float32)
    (found,) = prosody_probe.measures([sine])
    assert found.shape == (len(MEASURES), 100)
    assert np.exp(found[0, 50]) == pytest.approx(200, rel=0.01)
    assert found[2, 50] == pytest.approx(np.log(0.125), abs=0.01)


def test_frames_are_the_encoders_own():
    class Halves(torch.nn.Module):
        def forward(self, signal):
            return signal[:, :, ::160] / 2

    (found,) = prosody_probe.frames(Halves(), [np.ones(320, np.float32)])
    np.testing.assert_array_equal(found, np.full((1, 2), 0.5, np.float32))


def test_the_sample_keeps_the_order_and_follows_the_seed():
    manifest = pd.DataFrame({"id": range(100)})
    drawn = {seed: prosody_probe.sample(manifest, ProsodyParams(20, seed))["id"].tolist() for seed in (0, 1)}
    assert all(ids == sorted(set(ids)) and len(ids) == 20 for ids in drawn.values())
    assert drawn[0] != drawn[1]
    assert prosody_probe.sample(manifest, ProsodyParams(20, 0))["id"].tolist() == drawn[0]


def test_a_small_corpus_is_asked_whole():
    manifest = pd.DataFrame({"id": range(5)})
    assert prosody_probe.sample(manifest, ProsodyParams(20, 0))["id"].tolist() == list(range(5))


def test_a_sample_of_nothing_is_refused():
    with pytest.raises(ValueError, match="utterances: expected 1 or more, found 0"):
        ProsodyParams(0, 0)
