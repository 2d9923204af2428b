import numpy as np
import pytest

from ser.robustness import rooms


def backward_integral_rt60(taps):
    """The time of a fall by 60 dB, from where the energy that is left has fallen by 5 dB and by 35 dB."""
    left = [sum_ for sum_ in np.flip(np.cumsum(np.flip(np.square(taps))))]
    fallen_db = 10 * np.log10(np.array(left) / left[0] + 1e-30)
    first, last = np.argmax(fallen_db <= -5), np.argmax(fallen_db <= -35)
    return 2 * (last - first) / 16_000


@pytest.mark.parametrize("rt60_s", [0.3, 0.5])
@pytest.mark.parametrize("place", [0, 2])
def test_a_room_rings_as_long_as_it_says(rt60_s, place):
    assert backward_integral_rt60(rooms.response(rt60_s, place)) == pytest.approx(rt60_s, rel=0.12)


def test_the_time_that_is_measured_is_that_of_a_known_decay():
    decay = np.random.default_rng(0).standard_normal(16_000) * 10 ** (-3 * np.arange(16_000) / 16_000 / 0.4)
    assert rooms.reverberation_time(decay) == pytest.approx(0.4, rel=0.03)


def test_the_direct_sound_stays_where_it_was():
    white = np.random.default_rng(1).standard_normal(16_000).astype(np.float32)
    wet = rooms.room(white, 0.3, np.random.default_rng(0))
    lags = np.fft.irfft(np.fft.rfft(wet, 32_000) * np.conj(np.fft.rfft(white, 32_000)))
    assert np.abs(lags).argmax() == 0


@pytest.mark.parametrize("place", range(4))
def test_the_direct_sound_is_whole_so_that_it_has_no_colour(place):
    direct = rooms.response(0.3, place)[:63]  # the first reflection, of the floor, comes 1.35 m later
    spectrum_db = 20 * np.log10(np.abs(np.fft.rfft(direct, 512)))
    hz = np.fft.rfftfreq(512, 1 / 16_000)
    middle = spectrum_db[(hz > 300) & (hz < 6000)]
    assert np.ptp(middle) < 1.5  # cut at its peak it would be above 3


def test_the_speech_stays_as_loud(speech):
    wet = rooms.room(speech, 0.3, np.random.default_rng(0))
    active = np.repeat((np.square(speech.reshape(-1, 400)).mean(axis=1) > 1e-4), 400)
    assert np.std(wet[active]) == pytest.approx(np.std(speech[active]), rel=0.1)


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_a_measured_response_is_convolved_from_its_onset_on_and_mixed(speech, share):
    rest = np.random.default_rng(2).standard_normal(400) * np.exp(-np.arange(400) / 60) / 4
    taps = np.concatenate([np.full(700, 0.01), [1.0], rest]).astype(np.float32)
    wet = rooms.measured(speech, share, np.random.default_rng(0), [taps])
    plain = np.convolve(speech.astype(float), taps[700:].astype(float))[: speech.size]
    active = np.repeat((np.square(speech.reshape(-1, 400)).mean(axis=1) > 1e-4), 400)
    loud = np.std(speech[active]) / np.std(plain[active])
    np.testing.assert_allclose(wet, (1 - share) * speech + share * loud * plain, atol=0.01 * np.abs(speech).max())


def test_what_rings_into_a_pause_does_not_count_as_speech():
    signal = np.random.default_rng(3).standard_normal(32_000).astype(np.float32)
    signal[16_000:] = 0
    echo = np.zeros(16_001, np.float32)
    echo[[0, -1]] = 1.0  # all of it comes again, in the pause alone
    wet = rooms.measured(signal, 1.0, np.random.default_rng(0), [echo])
    np.testing.assert_allclose(wet[:16_000], signal[:16_000], atol=1e-4)
    np.testing.assert_allclose(wet[16_000:], signal[:16_000], atol=1e-4)


def test_one_of_several_responses_is_drawn(speech):
    short, long = np.ones(1, np.float32), np.ones(64, np.float32)
    heard = {rooms.measured(speech, 1.0, np.random.default_rng(seed), [short, long]).tobytes() for seed in range(9)}
    assert len(heard) == 2


def test_places_differ():
    responses = [rooms.response(0.3, place) for place in range(rooms.PLACES)]
    assert len({response.tobytes() for response in responses}) == rooms.PLACES
