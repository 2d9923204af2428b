"""The voice of the bundled corpus: one row of its plan, spoken.

Rate, pitch, loudness and tilt of the emotions go in the directions, not by the amounts, that Juslin and Laukka (2003)
collect in "Communication of emotions in vocal expression and music performance", Psychological Bulletin 129(5).
"""

import numpy as np

from ser.synthesis import espeak

SAMPLING_RATE_HZ = 16_000

# Ways in which one utterance differs from another. Their units add up, so that the cues of an utterance are the sum of
# the speaker's voice, the emotion's manner and chance.
CUES = ("rate", "pitch", "pitch_range", "loudness", "tilt", "breath")
# in octaves, semitones, octaves, dB, dB per octave, dB
MANNERS = {
    "angry": np.array([0.38, 6.0, 0.40, 13.0, 4.5, -6.0]),
    "happy": np.array([0.30, 7.5, 0.90, 8.0, 1.6, 6.0]),
    "neutral": np.array([0.00, 0.0, 0.00, 0.0, 0.0, 0.0]),
    "sad": np.array([-0.50, -4.5, -0.90, -10.0, -4.0, 12.0]),
}
# Standard deviation between the utterances of one speaker in one emotion, as large as it takes for emotions to overlap.
CHANCE_SPREAD = np.array([0.04, 0.45, 0.06, 0.6, 0.2, 1.0])

RATE_WPM = 165
RANGE = 28  # of espeak-ng's 0 to 99: low enough for all but a handful of utterances to stay within
LEVEL_DB = -36.0  # root mean square of a voice whose loudness is 0, relative to full scale; leaves room for the loudest
BREATH_DB = -32.0  # relative to the voice
FLOOR_DB = -65.0  # the recording's own noise, relative to full scale
TILT_PIVOT_HZ = 500.0  # below it the tilt changes nothing
ENVELOPE_S = 0.02


def render(row) -> np.ndarray:
    """Speak one row of the plan.

    Args:
        row: as ``plan(params).itertuples()`` gives it.

    Returns:
        16-bit integers (samples,) at ``SAMPLING_RATE_HZ``; the same row gives the same samples.

    Raises:
        InputError: espeak-ng is missing or cannot speak.
    """
    rng = np.random.default_rng(row.seed)
    manner = sum(share * MANNERS[emotion] for emotion, share in row.blend.items())
    cues = row.voice + row.strength * manner + CHANCE_SPREAD * rng.standard_normal(len(CUES))
    rate, pitch, pitch_range, loudness, tilt, breath = cues
    # Formants are moved by resampling, which moves pitch and rate as well; that is set off here.
    octaves = pitch / 12 - np.log2(row.formants)
    spoken = espeak.speak(
        row.text,
        f"{row.language}+{row.variant}",
        rate_wpm=round(RATE_WPM * 2**rate / row.formants),
        pitch=_setting(50 + 50 * octaves),
        pitch_range=_setting(RANGE * 2 ** (pitch_range + octaves)),  # in Hz there, so it rises with the pitch
    )
    voice = _resample_and_tilt(np.array(spoken, dtype=np.float64), espeak.SAMPLING_RATE_HZ * row.formants, tilt)
    voice *= _gain(LEVEL_DB + loudness) / np.sqrt(np.mean(voice**2))
    window = np.ones(round(ENVELOPE_S * SAMPLING_RATE_HZ))
    envelope = np.sqrt(np.convolve(voice**2, window / len(window), mode="same"))
    aspiration, floor = rng.standard_normal((2, len(voice)))
    signal = voice + _gain(BREATH_DB + breath) * envelope * aspiration + _gain(FLOOR_DB) * floor
    return np.round(np.clip(signal, -1, 1) * 32_767).astype("<i2")


def _setting(value: float) -> int:
    return min(max(round(value), 0), 99)


def _gain(decibels: float) -> float:
    return 10 ** (decibels / 20)


def _resample_and_tilt(samples: np.ndarray, rate_hz: float, tilt_db: float) -> np.ndarray:
    """Bring samples (n,) of any rate to ``SAMPLING_RATE_HZ``, louder by ``tilt_db`` per octave above the pivot."""
    length = round(len(samples) * SAMPLING_RATE_HZ / rate_hz)
    spectrum = np.fft.rfft(samples)[: length // 2 + 1]  # what lies above half the new rate is left out
    hertz = np.arange(len(spectrum)) * SAMPLING_RATE_HZ / length
    octaves = np.log2(np.maximum(hertz / TILT_PIVOT_HZ, 1))
    return np.fft.irfft(spectrum * _gain(tilt_db * octaves), n=length)
