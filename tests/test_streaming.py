from pathlib import Path

import numpy as np
import pytest

from ser import streaming
from ser.encoders import catalogue
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


def near(found, wanted):
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_each_window_is_measured_as_if_alone(extractor, speech):
    stream = Stream(extractor)
    for end in range(HALF, speech.size + 1, HALF):
        start = max(0, end - WINDOW)
        near(stream.vector(speech[start:end], start), extractor.vector(speech[start:end]))


@pytest.mark.parametrize("step", [HOP, 5 * HOP, 11 * HOP])
def test_windows_may_follow_closely(extractor, speech, step):
    """What serves one window's beginning is nothing for the next one's."""
    stream = Stream(extractor)
    for start in range(0, 6 * step, step):
        near(stream.vector(speech[start : start + RATE], start), extractor.vector(speech[start : start + RATE]))


def test_a_window_may_begin_where_the_last_one_did(extractor, speech):
    stream = Stream(extractor)
    for start, end in ((0, RATE), (HALF, 2 * RATE), (HALF, 3 * RATE)):
        near(stream.vector(speech[start:end], start), extractor.vector(speech[start:end]))


def test_only_what_is_new_is_encoded_and_the_windows_beginning(extractor, speech, monkeypatch):
    encoded, frozen = [], extractor.encoder.frozen
    whole = frozen.convolve

    def convolve(signal):
        encoded.append(signal.shape[-1])
        return whole(signal)

    monkeypatch.setattr(frozen, "convolve", convolve)
    stream = Stream(extractor)
    for end in (WINDOW, WINDOW + HALF, WINDOW + 2 * HALF):
        stream.vector(speech[end - WINDOW : end], end - WINDOW)
    assert encoded == [WINDOW, HALF + 16 * HOP, 16 * HOP, HALF + 16 * HOP, 16 * HOP]


def test_after_a_gap_a_window_is_encoded_as_if_alone(extractor, speech):
    stream = Stream(extractor)
    stream.vector(speech[:RATE], 0)
    start = speech.size - WINDOW
    near(stream.vector(speech[start:], start), extractor.vector(speech[start:]))


def test_only_frames_with_something_to_hear_count_where_the_recipe_says_so(speech):
    extractor = catalogue.build(Recipe("pase_plus_untrained", ["median"], frames="active", seed=3))
    quiet = speech.copy()
    quiet[RATE : 2 * RATE] *= 1e-3
    stream = Stream(extractor)
    for end in (WINDOW, WINDOW + HALF):
        start = end - WINDOW
        near(stream.vector(quiet[start:end], start), extractor.vector(quiet[start:end]))


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
        near(stream.vector(speech[start:end], start), extractor.vector(speech[start:end]))
