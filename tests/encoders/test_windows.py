import numpy as np
import pytest
import torch

from ser.encoders import pooling, windows
from ser.encoders.catalogue import build
from ser.encoders.encoder import Encoder
from ser.encoders.extractor import Extractor
from ser.encoders.mfcc import MfccEncoder
from ser.encoders.pase_plus import PaseEncoder
from ser.encoders.recipe import Recipe
from ser.encoders.selfsupervised import SelfSupervisedEncoder
from ser.pase import checkpoint
from ser.pase.encoder import PASE, PASE_PLUS
from ser.pase.frozen import Frozen

PASE_FREE = {"pase_plus_untrained": PASE_PLUS, "pase_untrained": PASE}


@pytest.fixture
def short_windows(monkeypatch):
    """Windows of a second, of signals longer than a second and a half."""
    for name, samples in (("WHOLE", 24_000), ("WINDOW", 16_000), ("CONTEXT", 3200)):
        monkeypatch.setattr(windows, name, samples)


@pytest.fixture(scope="module")
def long_memory(tmp_path_factory):
    """Weights of a PASE+ whose QRNN hardly forgets, as trained ones do in many units."""
    network = checkpoint.untrained(PASE_PLUS, seed=5)
    bias = network.rnn.layers[0].linear.bias
    with torch.no_grad():
        bias[512:1024] -= 6
    path = tmp_path_factory.mktemp("memory") / "weights.safetensors"
    checkpoint.save(network, path, torch.float32)
    return path


def whole(recipe, signal, weights=None):
    """The vector of a signal that is encoded at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "WHOLE", 2 * signal.size)
        return build(recipe, weights).vector(signal)


class FirstSamples(Encoder):
    """The first sample of each 400, every 320: frames begin where those of the self-supervised networks do."""

    channels = ("first_samples_one",)
    minimum_samples = 400
    hop = 320

    def __init__(self):
        pass

    def frames(self, signal, window=None):
        return np.lib.stride_tricks.sliding_window_view(signal, 400)[::320, 0][np.newaxis]


@pytest.mark.parametrize("frames", pooling.FRAMES)
@pytest.mark.parametrize("samples", [24_160, 32_000, 32_160, 51_200])
def test_a_long_signal_in_windows_has_the_numbers_of_the_whole(tone, long_memory, short_windows, samples, frames):
    swelling = np.linspace(0.01, 1, samples, dtype=np.float32) * tone(4.0)[:samples]  # so that not all is active
    recipe = Recipe("pase_plus", layers=list(PaseEncoder.LAYERS["pase_plus"]), frames=frames)

    vector = build(recipe, long_memory).vector(swelling)

    np.testing.assert_allclose(vector, whole(recipe, swelling, long_memory), atol=1e-5)


@pytest.mark.parametrize("name", [*PASE_FREE, "mfcc"])
def test_every_frame_of_a_long_signal_counts_once(tone, short_windows, name):
    signal = tone(3.5)
    recipe = Recipe(name, ["mean", "p10", "slope"])

    vector, expected = build(recipe).vector(signal), whole(recipe, signal)

    if name == "mfcc":  # the whole has one frame more, half of it beyond the end
        np.testing.assert_allclose(vector, expected, atol=1, rtol=0.05)
    else:
        np.testing.assert_allclose(vector, expected, atol=1e-5)


@pytest.mark.parametrize("samples", [24_320, 32_000, 32_320, 51_200])
def test_frames_that_begin_at_their_hop_join_without_a_gap(short_windows, samples):
    recipe = Recipe("first_samples", ["mean", "min", "max", "slope", "delta_std"])
    encoder, ramp = FirstSamples(), np.arange(samples, dtype=np.float32)

    vector = Extractor(recipe, encoder).vector(ramp)

    np.testing.assert_array_equal(vector, pooling.pool(encoder.frames(ramp), recipe.statistics))


@pytest.mark.parametrize("samples", [24_320, 32_000, 32_320, 51_200])
def test_a_signal_with_its_only_sound_at_the_very_end_has_a_vector(short_windows, samples):
    click = np.zeros(samples, np.float32)
    click[-100:] = 0.5  # in the last hop, of which these encoders give no frame
    recipe = Recipe("first_samples", ["mean", "std"], frames="active")

    vector = Extractor(recipe, FirstSamples()).vector(click)

    np.testing.assert_array_equal(vector, [0, 0])


def test_the_windows_of_a_long_signal_are_of_bounded_length(tone, short_windows, monkeypatch):
    lengths, layers = [], Frozen.layers

    def recorded(network, signal, *rest):
        lengths.append(signal.shape[-1])
        return layers(network, signal, *rest)

    monkeypatch.setattr(Frozen, "layers", recorded)
    build(Recipe("pase_untrained")).vector(tone(3.5))
    assert lengths == [19_200, 22_400, 22_400, 11_200]


@pytest.mark.parametrize("name", ["pase_plus_untrained", "mfcc"])
def test_a_signal_of_the_longest_utterance_is_encoded_as_one(tone, short_windows, extractors, name):
    signal = tone(1.5)
    assert signal.size == windows.WHOLE

    assert extractors[name].vector(signal).tobytes() == whole(Recipe(name), signal).tobytes()


def test_windows_are_multiples_of_every_hop():
    assert windows.WHOLE == 60 * 16_000
    for samples in (windows.WINDOW, windows.CONTEXT):
        for hop in (PASE_PLUS.hop, MfccEncoder.hop, SelfSupervisedEncoder.hop):
            assert samples % hop == 0
