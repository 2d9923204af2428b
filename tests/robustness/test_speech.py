import numpy as np
import pytest

from ser.robustness import speech as distortions
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


@pytest.mark.parametrize("semitones", [2.0, -3.0])
def test_pitch_moves_by_semitones_and_the_length_stays(speech, semitones):
    moved = distortions.pitch(speech, semitones, None)
    assert moved.shape == speech.shape
    assert pitch_hz(moved) == pytest.approx(120 * 2 ** (semitones / 12), rel=0.03)


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_tempo_changes_the_duration_and_not_the_pitch(speech, factor):
    fast = distortions.tempo(speech, factor, None)
    assert fast.size == pytest.approx(speech.size / factor, rel=0.01)
    assert pitch_hz(fast) == pytest.approx(120, rel=0.03)


def test_gain_is_in_decibels_and_clips_at_full_scale():
    signal = np.array([0.01, -0.05, 0.5, -0.8], np.float32)
    np.testing.assert_allclose(distortions.gain(signal, -20, None), signal / 10, rtol=1e-6)
    np.testing.assert_allclose(distortions.gain(signal, 20, None), [0.1, -0.5, 1, -1], rtol=1e-6)


def test_clipping_is_at_a_share_of_the_peak():
    signal = np.array([0.1, -0.2, 0.5, -0.8], np.float32)
    np.testing.assert_allclose(distortions.clipping(signal, 0.25, None), [0.1, -0.2, 0.2, -0.2], rtol=1e-6)


def test_silence_is_put_before_and_after(speech):
    longer = distortions.silence(speech, 0.5, None)
    assert longer.size == speech.size + 16_000
    assert not longer[:8000].any()
    assert not longer[-8000:].any()
    np.testing.assert_array_equal(longer[8000:-8000], speech)


def test_all_this_is_of_another_voice_too():
    assert pitch_hz(distortions.pitch(syllables(pitch_hz=220), 1.0, None)) == pytest.approx(
        220 * 2 ** (1 / 12), rel=0.03
    )
