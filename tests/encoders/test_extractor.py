import numpy as np
import pytest

from ser.encoders import pooling
from ser.encoders.catalogue import build
from ser.encoders.encoder import Encoder
from ser.encoders.extractor import Extractor
from ser.encoders.recipe import Recipe
from ser.files.failures import InputError

FREE = ["pase_plus_untrained", "pase_untrained", "mfcc", "egemaps", "compare_2016"]  # need no weights file


class Broken(Encoder):
    """Gives what is no number."""

    channels = ("broken_one",)
    minimum_samples = 1
    hop = None

    def __init__(self):
        pass

    def frames(self, signal, window=None):
        return np.array([[np.nan]], np.float32)


@pytest.mark.parametrize(("name", "numbers"), [*zip(FREE, [512, 200, 120, 88, 6373], strict=True)])
def test_a_signal_becomes_one_finite_number_per_name(tone, extractors, name, numbers):
    extractor = extractors[name]

    vector = extractor.vector(tone(0.5))

    assert vector.shape == (numbers,) == (len(set(extractor.names)),)
    assert vector.dtype == np.float32
    assert np.isfinite(vector).all()
    assert all(number.startswith(f"{name}_") for number in extractor.names)


@pytest.mark.parametrize("name", FREE)
def test_the_signal_is_left_as_it_is(tone, extractors, name):
    signal = tone(0.3)
    before = signal.copy()

    extractors[name].vector(signal)

    np.testing.assert_array_equal(signal, before)


@pytest.mark.parametrize("name", FREE)
def test_the_same_recipe_gives_the_same_bytes(tone, extractors, name):
    again = build(Recipe(name))

    assert again.vector(tone(0.3)).tobytes() == extractors[name].vector(tone(0.3)).tobytes()
    assert again.fingerprint == extractors[name].fingerprint


@pytest.mark.parametrize("name", FREE)
def test_what_went_before_leaves_no_trace(tone, extractors, name):
    first = extractors[name].vector(tone(0.3))
    extractors[name].vector(tone(0.4, 110.0))

    assert extractors[name].vector(tone(0.3)).tobytes() == first.tobytes()


@pytest.mark.parametrize("name", FREE)
def test_the_shortest_signal_is_taken_and_a_shorter_one_refused(tone, extractors, name):
    extractor = extractors[name]
    signal = tone(1.0)[: extractor.encoder.minimum_samples]

    assert np.isfinite(extractor.vector(signal)).all()
    with pytest.raises(InputError, match=f"at least {signal.size} samples .* for {name}, found {signal.size - 1}"):
        extractor.vector(signal[:-1])


@pytest.mark.parametrize("level", [None, -26.0])
def test_integers_are_refused_rather_than_taken_for_samples_beyond_full_scale(tone, level):
    extractor = build(Recipe("mfcc", level=level))

    with pytest.raises(InputError, match="expected floating-point samples of -1 to 1"):
        extractor.vector((32767 * tone(0.5)).astype(np.int16))


def test_numbers_that_are_not_finite_are_refused(tone):
    broken = Extractor(Recipe("broken"), Broken())

    with pytest.raises(InputError, match="finite numbers from broken"):
        broken.vector(tone(0.1))


@pytest.mark.parametrize("name", ["pase_untrained", "mfcc"])
def test_active_frames_alone_are_pooled_where_that_is_asked(tone, name):
    silence = np.zeros(8000, np.float32)
    signal = np.concatenate([silence, tone(1.0), silence])
    measured = {frames: build(Recipe(name, ["mean", "std"], frames=frames)).vector(signal) for frames in pooling.FRAMES}

    inside = build(Recipe(name, ["mean"])).vector(tone(1.0))
    distances = {frames: np.abs(vector[: inside.size] - inside).mean() for frames, vector in measured.items()}
    assert distances["active"] < 0.2 * distances["all"]


@pytest.mark.parametrize("name", FREE)
def test_of_a_steady_sound_all_frames_are_active(tone, extractors, name):
    active = build(Recipe(name, frames="active"))

    assert active.vector(tone(0.5)).tobytes() == extractors[name].vector(tone(0.5)).tobytes()
    assert (active.fingerprint == extractors[name].fingerprint) == (name in ("egemaps", "compare_2016"))
