"""Generated sounds that are no speech, to measure how many of them a description of speech calls unfamiliar."""

from collections.abc import Callable

import numpy as np

from ser.audio import SAMPLING_RATE_HZ
from ser.encoders.extractor import Extractor

COUNT = 20  # of each kind
SAMPLES = 2 * SAMPLING_RATE_HZ
LEVELS_DB = (-40.0, -10.0)  # root mean square, of full scale; drawn
TIMES = np.arange(SAMPLES) / SAMPLING_RATE_HZ


def white(generator: np.random.Generator) -> np.ndarray:
    """Make Gaussian noise of a flat spectrum."""
    return generator.standard_normal(SAMPLES)


def pink(generator: np.random.Generator) -> np.ndarray:
    """Make Gaussian noise that falls by 3 dB an octave: power over frequency."""
    spectrum = np.fft.rfft(generator.standard_normal(SAMPLES))
    return np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(spectrum.size), 1)), SAMPLES)


def hum(generator: np.random.Generator) -> np.ndarray:
    """Make mains hum: 50 Hz and nine harmonics of drawn levels."""
    levels, phases = generator.uniform(0, 1, 10), generator.uniform(0, 2 * np.pi, 10)
    waves = np.sin(2 * np.pi * 50 * np.outer(np.arange(1, 11), TIMES) + phases[:, np.newaxis])
    return levels @ waves


def tone(generator: np.random.Generator) -> np.ndarray:
    """Make one pure tone, 100 to 4,000 Hz, such as a beep."""
    return np.sin(2 * np.pi * np.exp(generator.uniform(np.log(100), np.log(4000))) * TIMES)


def clicks(generator: np.random.Generator) -> np.ndarray:
    """Make clicks of 4 ms, which fade away, at drawn moments, about eight a second, such as typing."""
    signal = np.zeros(SAMPLES)
    decay = np.exp(-np.arange(64) / 16)
    for start in generator.integers(0, SAMPLES - 64, 16):
        signal[start : start + 64] += decay * generator.standard_normal(64)
    return signal


KINDS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "white noise": white,
    "pink noise": pink,
    "mains hum": hum,
    "tones": tone,
    "clicks": clicks,
}


def sounds(kind: str, count: int) -> list[np.ndarray]:
    """Make sounds of a kind, always the same ones.

    Args:
        kind: out of ``KINDS``.
        count: how many.

    Returns:
        float32 (samples,) each, two seconds, mono at 16 kHz; peaks are cut at full scale.
    """
    generator = np.random.default_rng([list(KINDS).index(kind), 0])
    made = []
    for _ in range(count):
        signal = KINDS[kind](generator)
        level = 10 ** (generator.uniform(*LEVELS_DB) / 20)
        made.append(np.clip(signal * level / np.sqrt(np.mean(signal**2)), -1, 1).astype(np.float32))
    return made


def vectors(extractor: Extractor) -> dict[str, np.ndarray]:
    """Encode ``COUNT`` sounds of each kind: by kind float32 (sounds, numbers)."""
    return {kind: np.stack([extractor.vector(signal) for signal in sounds(kind, COUNT)]) for kind in KINDS}
