import numpy as np
import pytest

from ser.robustness import speech as distortions
from ser.robustness import speed
from tests.robustness.conftest import syllables

RATE_HZ = 16_000


def pitch_hz(signal):
    """By the autocorrelation of the loudest half second: a wave repeats after a period."""
    loudest = np.convolve(np.square(signal), np.ones(4000), "valid").argmax()
    frame = signal[loudest : loudest + 4000] * np.hanning(4000)
    lags = np.correlate(frame, frame, "full")[3999:]
    shortest = RATE_HZ // 400
    return RATE_HZ / (shortest + lags[shortest : RATE_HZ // 60].argmax())


def test_the_estimator_of_pitch_knows_a_pitch(speech):
    assert pitch_hz(speech) == pytest.approx(120, rel=0.02)


@pytest.mark.parametrize("semitones", [2.0, -3.0, 12.0, -12.0])
def test_pitch_moves_by_semitones_and_the_length_stays(speech, semitones):
    moved = speed.pitch(speech, semitones, None)
    assert moved.shape == speech.shape
    assert pitch_hz(moved) == pytest.approx(120 * 2 ** (semitones / 12), rel=0.03)


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25, 2.0])
def test_tempo_changes_the_duration_and_not_the_pitch(speech, factor):
    fast = speed.tempo(speech, factor, None)
    assert fast.size == round(speech.size / factor)
    assert pitch_hz(fast) == pytest.approx(120, rel=0.03)


@pytest.mark.parametrize(("distort", "there"), [(speed.tempo, 1.25), (speed.pitch, 2.0)])
def test_level_stays_where_speed_or_pitch_move(speech, distort, there):
    """A phase vocoder takes 3 dB away."""
    ratio = np.square(distort(speech, there, None)).mean() / np.square(speech).mean()
    assert abs(10 * np.log10(ratio)) < 1


@pytest.mark.parametrize("samples", [1, 160, 1600])
@pytest.mark.parametrize(("distort", "level", "size"), [(speed.tempo, 1.25, 0.8), (speed.pitch, 2.0, 1.0)])
def test_short_signals_have_the_length_they_should(distort, level, size, samples):
    changed = distort(np.full(samples, 0.1, np.float32), level, None)
    assert changed.shape == (round(samples * size),)
    assert changed.dtype == np.float32


def test_gain_is_in_decibels_and_clips_at_full_scale():
    signal = np.array([0.01, -0.05, 0.5, -0.8], np.float32)
    np.testing.assert_allclose(distortions.gain(signal, -20, None), signal / 10, rtol=1e-6)
    np.testing.assert_allclose(distortions.gain(signal, 20, None), [0.1, -0.5, 1, -1], rtol=1e-6)


def test_clipping_is_at_a_share_of_the_peak_which_stays():
    signal = np.array([0.1, -0.2, 0.5, -0.8], np.float32)
    np.testing.assert_allclose(distortions.clipping(signal, 0.25, None), [0.4, -0.8, 0.8, -0.8], rtol=1e-6)


def test_silence_is_put_before_and_after(speech):
    longer = distortions.silence(speech, 0.5, None)
    assert longer.size == speech.size + 16_000
    assert not longer[:8000].any()
    assert not longer[-8000:].any()
    np.testing.assert_array_equal(longer[8000:-8000], speech)


def test_all_this_is_of_another_voice_too():
    assert pitch_hz(speed.pitch(syllables(pitch_hz=220), 1.0, None)) == pytest.approx(220 * 2 ** (1 / 12), rel=0.03)
