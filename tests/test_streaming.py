from pathlib import Path

import numpy as np
import pytest
import torch

from ser import streaming
from ser.encoders import catalogue, pooling
from ser.encoders.recipe import Recipe
from ser.files.failures import InputError
from ser.streaming import Stream

HOP, RATE = 160, 16_000
HALF, WINDOW = RATE // 2, 3 * RATE


@pytest.fixture(scope="module")
def extractor():
    return catalogue.build(Recipe("pase_plus_untrained", ["mean", "std"], frames="all", seed=3))


@pytest.fixture(scope="module")
def speech():
    """Noise that swells and fades, 5.5 s."""
    time = np.arange(int(5.5 * RATE)) / RATE
    noise = np.random.default_rng(0).normal(0, 0.1, time.size)
    return (noise * (0.3 + np.abs(np.sin(2 * time)))).astype(np.float32)


def expected(extractor, signal, start, statistics=("mean", "std"), frames="all"):
    """A window out of the whole stream's frames so far, the QRNN begun at its start: by the network's layers."""
    network = extractor.encoder.network
    layers = network.layers(torch.from_numpy(signal)[None, None], ["block7", "qrnn", "output"])
    first = start // HOP
    with torch.inference_mode():
        skipped = layers["output"] * torch.sqrt(network.norm_out.running_var + network.norm_out.eps)[:, None]
        skipped = skipped + network.norm_out.running_mean[:, None] - network.W(layers["qrnn"])
        anew = network.rnn(layers["block7"][..., first:])
        made = network.norm_out(network.W(anew) + skipped[..., first:])[0].numpy()
    if frames == "active":
        made = made[:, pooling.active(signal[start:], made.shape[1])]
    return pooling.pool(made, statistics)


def test_windows_are_made_of_the_whole_streams_frames(extractor, speech):
    stream = Stream(extractor)
    for end in range(HALF, speech.size + 1, HALF):
        start = max(0, end - WINDOW)
        found = stream.vector(speech[start:end], start)
        np.testing.assert_allclose(found, expected(extractor, speech[:end], start), atol=1e-4)


def test_while_the_window_reaches_back_to_the_beginning_it_is_encoded_as_if_alone(extractor, speech):
    stream = Stream(extractor)
    for end in range(HALF, WINDOW + 1, HALF):
        found = stream.vector(speech[:end], 0)
        np.testing.assert_allclose(found, extractor.vector(speech[:end]), atol=1e-4)


def test_only_what_is_new_is_encoded(extractor, speech, monkeypatch):
    encoded, frozen = [], extractor.encoder.frozen
    whole = frozen.convolve

    def convolve(signal):
        encoded.append(signal.shape[-1])
        return whole(signal)

    monkeypatch.setattr(frozen, "convolve", convolve)
    stream = Stream(extractor)
    for end in (WINDOW, WINDOW + HALF, WINDOW + 2 * HALF):
        stream.vector(speech[end - WINDOW : end], end - WINDOW)
    assert encoded == [WINDOW, HALF + 16 * HOP, HALF + 16 * HOP]


def test_after_a_gap_a_window_is_encoded_as_if_alone(extractor, speech):
    stream = Stream(extractor)
    stream.vector(speech[:RATE], 0)
    start = speech.size - WINDOW
    found = stream.vector(speech[start:], start)
    np.testing.assert_allclose(found, extractor.vector(speech[start:]), atol=1e-4)


def test_only_frames_with_something_to_hear_count_where_the_recipe_says_so(speech):
    extractor = catalogue.build(Recipe("pase_plus_untrained", ["median"], frames="active", seed=3))
    quiet = speech.copy()
    quiet[RATE : 2 * RATE] *= 1e-3
    stream = Stream(extractor)
    for end in (WINDOW, WINDOW + HALF):
        start = end - WINDOW
        found = stream.vector(quiet[start:end], start)
        np.testing.assert_allclose(found, expected(extractor, quiet[:end], start, ["median"], "active"), atol=1e-4)


def test_the_first_moments_of_a_stream_are_measured_or_refused_as_any_signal(extractor, speech):
    short = speech[: 10 * HOP]
    np.testing.assert_array_equal(Stream(extractor).vector(short, 0), extractor.vector(short))
    with pytest.raises(InputError, match="expected at least"):
        Stream(extractor).vector(speech[:HOP], 0)


@pytest.mark.parametrize(
    ("recipe", "possible"),
    [
        (Recipe("pase_plus_untrained"), True),
        (Recipe("pase_plus_untrained", layers=["block7", "output"]), False),
        (Recipe("pase_untrained"), False),
        (Recipe("mfcc"), False),
    ],
)
def test_only_the_output_of_pase_plus_can_be_streamed(recipe, possible):
    assert streaming.possible(catalogue.build(recipe)) == possible


@pytest.mark.parametrize("frames", ["all", "active"])
def test_the_shipped_weights_stream_too(frames, speech):
    weights = Path(__file__).parents[1] / "models/pase_plus.safetensors"
    extractor = catalogue.build(Recipe("pase_plus", frames=frames), weights)
    stream = Stream(extractor)
    for end in (WINDOW, WINDOW + HALF):
        start = end - WINDOW
        found = stream.vector(speech[start:end], start)
        np.testing.assert_allclose(found, expected(extractor, speech[:end], start, frames=frames), atol=1e-4)
