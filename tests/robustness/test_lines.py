import numpy as np
import pytest
import soxr

from ser.robustness import lines
from ser.synthesis import espeak

RATE_HZ = 16_000
LEVELS = {"mulaw": 64, "amr": 4.75, "opus": 8, "mp3": 16}


def share_of_power(signal, low_hz, high_hz):
    power = np.abs(np.fft.rfft(signal)) ** 2
    frequencies = np.fft.rfftfreq(signal.size, 1 / RATE_HZ)
    return power[(frequencies >= low_hz) & (frequencies < high_hz)].sum() / power.sum()


@pytest.fixture(scope="module")
def sentence() -> np.ndarray:
    """A spoken sentence, for codecs that model speech make little of anything else."""
    samples = np.array(espeak.speak("The chair stands beside the window.", "en+f1", 165, 50, 30), np.float32) / 32768
    return soxr.resample(samples, espeak.SAMPLING_RATE_HZ, RATE_HZ)


@pytest.mark.parametrize(("name", "kbit_s"), [("mulaw", 64), ("amr", 4.75), ("amr", 12.2), ("opus", 8), ("mp3", 16)])
def test_a_codec_is_not_late(sentence, name, kbit_s):
    coded = lines.through(sentence, lines.CODECS[name], kbit_s)
    one, other = (np.fft.rfft(part, 2 * sentence.size) for part in (sentence, coded))
    late = int(np.fft.irfft(other * np.conj(one)).argmax())
    assert abs(late if late < sentence.size else late - 2 * sentence.size) <= 4  # a quarter of a millisecond


@pytest.mark.parametrize("name", LEVELS)
def test_a_codec_keeps_length_and_loudness_and_loses_something(name, speech):
    odd = speech[:-123]
    coded = lines.through(odd, lines.CODECS[name], LEVELS[name])
    assert coded.shape == odd.shape
    assert coded.dtype == np.float32
    assert not np.array_equal(coded, odd)
    assert np.std(coded) == pytest.approx(np.std(odd), rel=0.3)


def test_a_lower_bit_rate_loses_more(sentence):
    errors = [np.std(lines.opus(sentence, rate, None) - sentence) for rate in (6, 24, 64)]
    assert errors[0] > errors[1] > errors[2]


@pytest.mark.parametrize("name", ["mulaw", "amr"])
def test_nothing_passes_a_narrow_codec_above_4_khz(name):
    white = 0.1 * np.random.default_rng(0).standard_normal(32_000).astype(np.float32)
    assert share_of_power(lines.through(white, lines.CODECS[name], LEVELS[name]), 4100, 8000) < 1e-3


def test_the_telephone_leaves_its_band_and_does_not_shift_it():
    white = 0.1 * np.random.default_rng(0).standard_normal(64_000).astype(np.float32)
    narrow = lines.telephone(white, 3400, None)
    assert narrow.shape == white.shape
    assert share_of_power(narrow, 3700, 8000) < 0.01
    assert share_of_power(narrow, 0, 200) < 0.001
    middle = [np.fft.rfft(one)[4 * 1000 : 4 * 2000] for one in (white, narrow)]
    np.testing.assert_allclose(middle[1], middle[0], atol=0.02 * np.abs(middle[0]).max())


@pytest.mark.parametrize(("share", "lost"), [(0.0, 0), (0.1, 5), (0.155, 8), (0.5, 25)])
def test_the_share_of_lost_packets_is_lost_and_the_others_arrive(share, lost):
    signal = np.ones(320 * 50, np.float32)
    packets = lines.packet_loss(signal, share, np.random.default_rng(0)).reshape(50, 320)
    assert (packets == 0).all(axis=1).sum() == lost
    assert (packets == 1).all(axis=1).sum() == 50 - lost
