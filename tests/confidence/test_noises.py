import numpy as np
import pytest
from scipy.signal import welch

from ser.audio import SAMPLING_RATE_HZ
from ser.confidence import noises


@pytest.mark.parametrize("kind", noises.KINDS)
def test_sounds_are_two_seconds_between_the_levels_all_different_and_the_same_again(kind):
    made, again = noises.sounds(kind, 4), noises.sounds(kind, 4)
    for signal, same in zip(made, again, strict=True):
        assert (signal.shape, signal.dtype) == ((2 * SAMPLING_RATE_HZ,), np.float32)
        assert -46 < 20 * np.log10(np.sqrt(np.mean(signal**2))) < -9.9  # clicks lose some where peaks are cut
        assert np.abs(signal).max() <= 1
        np.testing.assert_array_equal(signal, same)
    assert len({signal.tobytes() for signal in made}) == 4


@pytest.mark.parametrize(("kind", "slope_db"), [("white noise", 0), ("pink noise", -3)])
def test_noise_falls_by_so_many_decibels_an_octave(kind, slope_db):
    (signal,) = noises.sounds(kind, 1)
    frequencies, power = welch(signal, SAMPLING_RATE_HZ, nperseg=1024)
    kept = (frequencies > 100) & (frequencies < 6000)
    slope = np.polyfit(np.log2(frequencies[kept]), 10 * np.log10(power[kept]), 1)[0]
    assert slope == pytest.approx(slope_db, abs=0.4)


def test_hum_has_the_mains_frequency_and_a_tone_has_one():
    for kind, period in (("mains hum", 320), ("tones", None)):
        (signal,) = noises.sounds(kind, 1)
        power = np.abs(np.fft.rfft(signal)) ** 2
        if period:
            np.testing.assert_allclose(signal[period:], signal[:-period], atol=1e-5)
        else:
            peak = power.argmax()
            assert power[peak - 3 : peak + 4].sum() > 0.9 * power.sum()
