"""How loud, how long and how fast it is: gain, clipping, silence at both ends, speed of speech, pitch."""

import librosa
import numpy as np

from ser.audio import SAMPLING_RATE_HZ


def gain(signal: np.ndarray, gain_db: float, generator: np.random.Generator) -> np.ndarray:
    """Make it louder or softer; what is beyond full scale is clipped. Nothing is drawn."""
    return np.clip(signal * 10 ** (gain_db / 20), -1, 1).astype(np.float32)


def clipping(signal: np.ndarray, share: float, generator: np.random.Generator) -> np.ndarray:
    """Clip it at a share of its peak, as a microphone does that is set too high. Nothing is drawn."""
    limit = share * np.abs(signal).max()
    return np.clip(signal, -limit, limit).astype(np.float32)


def silence(signal: np.ndarray, seconds: float, generator: np.random.Generator) -> np.ndarray:
    """Put silence, zeros, before it and after it, so long each. Nothing is drawn."""
    return np.pad(signal, round(seconds * SAMPLING_RATE_HZ))


def tempo(signal: np.ndarray, factor: float, generator: np.random.Generator) -> np.ndarray:
    """Speak so many times faster at the same pitch, by a phase vocoder. Nothing is drawn."""
    return librosa.effects.time_stretch(signal, rate=factor).astype(np.float32)


def pitch(signal: np.ndarray, semitones: float, generator: np.random.Generator) -> np.ndarray:
    """Shift the pitch, and the formants with it, at the same speed, by a phase vocoder. Nothing is drawn."""
    return librosa.effects.pitch_shift(signal, sr=SAMPLING_RATE_HZ, n_steps=semitones).astype(np.float32)
