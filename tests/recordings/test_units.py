import numpy as np
import pytest
import soundfile

from ser import audio
from ser.files.failures import InputError

RATE_HZ = 16_000


def write(path, samples):
    soundfile.write(path, samples.astype(np.float32), RATE_HZ, subtype="FLOAT")
    return path


@pytest.mark.parametrize("peak", [3, 60, 127, 16_400, 8_000_000])
def test_integers_saved_as_floats_are_refused_however_soft(tmp_path, peak):
    integers = np.round(np.random.default_rng(0).uniform(-peak, peak, RATE_HZ))
    with pytest.raises(InputError, match=r"a\.wav: expected samples of about -1 to 1, found .* divided by"):
        audio.load(write(tmp_path / "a.wav", integers))


@pytest.mark.parametrize("peak", [0.9, 1.0, 3.0, 60.0])
def test_floats_beyond_full_scale_are_read_as_they_are(tmp_path, peak):
    samples = np.random.default_rng(0).uniform(-peak, peak, RATE_HZ).astype(np.float32)
    np.testing.assert_array_equal(audio.load(write(tmp_path / "a.wav", samples)), samples)


def test_samples_of_full_scale_alone_are_no_integers(tmp_path):
    clicks = np.sign(np.random.default_rng(0).uniform(-1, 1, RATE_HZ))
    assert audio.load(write(tmp_path / "a.wav", clicks)).size == RATE_HZ
