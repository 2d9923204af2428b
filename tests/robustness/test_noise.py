import numpy as np
import pytest
from scipy.signal import welch

from ser.files.failures import InputError
from ser.robustness import noise

RATE_HZ = 16_000


def draws(seed=0):
    return np.random.default_rng(seed)


def power_db(samples):
    return 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)))


def slope_db(samples, low_hz, high_hz):
    """How many dB an octave the spectrum rises, by a line through it."""
    frequencies, density = welch(samples, RATE_HZ, nperseg=2048)
    band = (frequencies >= low_hz) & (frequencies <= high_hz)
    return np.polyfit(np.log2(frequencies[band]), 10 * np.log10(density[band]), 1)[0]


def loud_frames(speech):
    """The samples of 25 ms frames within 30 dB of the loudest, frame by frame."""
    marked = np.zeros(speech.size, dtype=bool)
    frames = [slice(first, first + 400) for first in range(0, speech.size, 400)]
    powers = [np.mean(np.square(speech[frame], dtype=np.float64)) for frame in frames]
    for frame, power in zip(frames, powers, strict=True):
        marked[frame] = power >= max(powers) / 1000
    return marked


@pytest.mark.parametrize("add", [noise.white, noise.pink, noise.car])
@pytest.mark.parametrize("snr_db", [20.0, 0.0])
def test_noise_has_the_wanted_ratio_over_the_active_frames(speech, add, snr_db):
    added = add(speech, snr_db, draws()) - speech
    heard = loud_frames(speech)
    assert 0.4 < heard.mean() < 0.7  # the fixture pauses half of the time
    assert power_db(speech[heard]) - power_db(added[heard]) == pytest.approx(snr_db, abs=0.05)


def test_pauses_make_no_difference_to_the_noise(speech):
    """Over all samples a pause would lower the power of speech, and so of the noise."""
    longer = np.concatenate([speech, np.zeros(32_000, np.float32)])
    short, long = (noise.white(one, 10.0, draws()) - one for one in (speech, longer))
    assert power_db(long) == pytest.approx(power_db(short), abs=0.3)


@pytest.mark.parametrize(("add", "slope"), [(noise.white, 0.0), (noise.pink, -3.0)])
def test_the_spectrum_falls_as_its_colour_says(add, slope):
    silence_with_a_click = np.zeros(160_000, np.float32)
    silence_with_a_click[0] = 0.5
    added = add(silence_with_a_click, 0.0, draws()) - silence_with_a_click
    assert slope_db(added, 100, 7000) == pytest.approx(slope, abs=0.3)


@pytest.mark.parametrize("seed", range(4))
def test_a_car_falls_by_6_to_12_db_an_octave_and_hums_at_harmonics_of_its_firings(seed):
    tone = np.sin(2 * np.pi * 3000 * np.arange(160_000) / RATE_HZ).astype(np.float32)
    added = noise.car(tone, -20.0, draws(seed)) - tone
    assert -12.5 < slope_db(added, 800, 2800) < -5.5
    frequencies, density = welch(added, RATE_HZ, nperseg=16_384)
    band = (frequencies >= noise.FIRING_HZ[0] - 2) & (frequencies <= noise.FIRING_HZ[1] + 2)
    peak, around = density[band].max(), np.median(density[band])
    assert peak > 10 * around


def test_a_recording_is_cut_out_and_repeated(speech):
    ramp = np.linspace(-1, 1, 1000).astype(np.float32)
    added = noise.recording(speech, 10.0, draws(), material=[ramp]) - speech
    scaled = added / np.abs(added).max()
    np.testing.assert_allclose(scaled[1000:2000], scaled[:1000], atol=1e-4)
    assert np.diff(np.sort(scaled[:1000])) == pytest.approx(np.full(999, 2 / 999), abs=1e-3)


def test_babble_is_of_all_its_voices_equally_loud(speech):
    times = np.arange(40_000) / RATE_HZ
    voices = [loudness * np.sin(2 * np.pi * hz * times) for loudness, hz in ((0.01, 500), (1.0, 2000))]
    added = noise.babble(speech, 0.0, draws(), material=voices) - speech
    spectrum = np.abs(np.fft.rfft(added)) ** 2
    one, other = (spectrum[2 * hz - 40 : 2 * hz + 40].sum() for hz in (500, 2000))
    assert one == pytest.approx(other, rel=0.05)


def test_a_voice_with_pauses_is_as_loud_where_it_speaks_as_one_without():
    times = np.arange(40_000) / RATE_HZ
    one, other = (np.sin(2 * np.pi * hz * times) for hz in (500, 2000))
    other[20_000:] = 0
    speech = np.random.default_rng(0).standard_normal(40_000).astype(np.float32)
    spectrum = np.abs(np.fft.rfft(noise.babble(speech, -20.0, draws(), material=[one, other]) - speech)) ** 2
    steady, half = (spectrum[int(2.5 * hz) - 40 : int(2.5 * hz) + 40].sum() for hz in (500, 2000))
    assert half == pytest.approx(steady / 2, rel=0.05)


def test_recordings_begin_at_a_drawn_moment(speech):
    rising = np.linspace(1, 2, 50_000)
    first, second = (noise.recording(speech, 0.0, draws(seed), material=[rising]) - speech for seed in (0, 1))
    assert np.argmax(np.diff(first)) != np.argmax(np.diff(second)) or first[0] != pytest.approx(second[0], rel=1e-3)


def test_a_silent_noise_is_refused(speech):
    with pytest.raises(InputError, match="noise: expected sound where the speech is, found silence"):
        noise.recording(speech, 10.0, draws(), material=[np.zeros(500, np.float32)])
