"""Additive noise at a signal-to-noise ratio.

The ratio is that of the powers over the active frames of the speech: those of 25 ms within 30 dB of the loudest
(``ser.encoders.pooling.active``). Pauses would make the same noise count as a better ratio. The sum is not clipped.
"""

from collections.abc import Sequence

import numpy as np

from ser.audio import SAMPLING_RATE_HZ
from ser.encoders import pooling
from ser.files.failures import InputError

# A car's cabin: tyres and wind are broadband and fall with the frequency, the engine adds harmonics of its firings.
KNEE_HZ = 60.0  # below it the broadband part is flat
SLOPE_DB = (6.0, 12.0)  # by which it falls an octave, drawn
FIRING_HZ = (50.0, 80.0)  # drawn: two firings a turn of a four-cylinder engine, 1,500 to 2,400 turns a minute
HARMONICS = 8
ENGINE_DB = -6.0  # power of all harmonics against the broadband part


def active(signal: np.ndarray) -> np.ndarray:
    """Mark the samples of active frames: float32 (samples,) to bool (samples,)."""
    frames = max(1, signal.size // pooling.WINDOW)
    return pooling.active(signal, frames)[np.arange(signal.size) * frames // signal.size]


def add(signal: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """Add noise at a ratio over the active frames of the signal.

    Args:
        signal: float32 (samples,), mono at 16 kHz.
        noise: (samples,), of any power.
        snr_db: the ratio in dB.

    Returns:
        float32 (samples,).

    Raises:
        InputError: the noise is silent there.
    """
    heard = active(signal)
    power, noise_power = (np.mean(np.square(part[heard], dtype=np.float64)) for part in (signal, noise))
    if not noise_power > 0:
        raise InputError("noise: expected sound where the speech is, found silence; leave silent recordings out")
    return (signal + noise * np.sqrt(power / noise_power / 10 ** (snr_db / 10))).astype(np.float32)


def white(signal: np.ndarray, snr_db: float, generator: np.random.Generator) -> np.ndarray:
    """Add Gaussian noise of a flat spectrum."""
    return add(signal, generator.standard_normal(signal.size), snr_db)


def pink(signal: np.ndarray, snr_db: float, generator: np.random.Generator) -> np.ndarray:
    """Add Gaussian noise that falls by 3 dB an octave, flat below 20 Hz."""
    return add(signal, falling(signal.size, 3.0, 20.0, generator), snr_db)


def car(signal: np.ndarray, snr_db: float, generator: np.random.Generator) -> np.ndarray:
    """Add the noise of a car's cabin, synthesised: no recording of a car."""
    broadband = falling(signal.size, generator.uniform(*SLOPE_DB), KNEE_HZ, generator)
    times = np.arange(signal.size) / SAMPLING_RATE_HZ
    orders = np.arange(1, HARMONICS + 1)[:, np.newaxis]
    firing_hz, phases = generator.uniform(*FIRING_HZ), generator.uniform(0, 2 * np.pi, (HARMONICS, 1))
    engine = (np.sin(2 * np.pi * firing_hz * orders * times + phases) / orders).sum(axis=0)
    engine *= broadband.std() / engine.std() * 10 ** (ENGINE_DB / 20)
    return add(signal, broadband + engine, snr_db)


def falling(samples: int, slope_db: float, knee_hz: float, generator: np.random.Generator) -> np.ndarray:
    """Make Gaussian noise, float64 (samples,), flat to ``knee_hz``, then falling by ``slope_db`` an octave."""
    spectrum = np.fft.rfft(generator.standard_normal(samples))
    octaves = np.log2(np.maximum(np.fft.rfftfreq(samples, 1 / SAMPLING_RATE_HZ) / knee_hz, 1))
    return np.fft.irfft(spectrum * 10 ** (-slope_db * octaves / 20), samples)


def recording(
    signal: np.ndarray, snr_db: float, generator: np.random.Generator, material: Sequence[np.ndarray]
) -> np.ndarray:
    """Add one of several recordings of a noise, from a drawn moment on, repeated where it is shorter."""
    return add(signal, _excerpt(material[generator.integers(len(material))], signal.size, generator), snr_db)


def babble(
    signal: np.ndarray, snr_db: float, generator: np.random.Generator, material: Sequence[np.ndarray]
) -> np.ndarray:
    """Add other voices, all equally loud, each from a drawn moment on and repeated.

    Args:
        signal: float32 (samples,), mono at 16 kHz.
        snr_db: the ratio in dB of the speech and all of them.
        generator: draws.
        material: an utterance of each talker.

    Returns:
        float32 (samples,).
    """
    voices = [voice / np.sqrt(np.mean(np.square(voice[active(voice)], dtype=np.float64))) for voice in material]
    return add(signal, np.sum([_excerpt(voice, signal.size, generator) for voice in voices], axis=0), snr_db)


def _excerpt(sound: np.ndarray, samples: int, generator: np.random.Generator) -> np.ndarray:
    """Cut so many samples out of a sound that is repeated, from a drawn one on."""
    return np.take(sound, generator.integers(sound.size) + np.arange(samples), mode="wrap")
