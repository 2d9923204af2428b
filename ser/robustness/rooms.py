"""Rooms: one with a far microphone, simulated, and measured ones, or devices, by recorded impulse responses.

The simulation is the image method (J. Allen and D. Berkley, 1979) of pyroomacoustics.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy.signal import fftconvolve

from ser.audio import SAMPLING_RATE_HZ
from ser.robustness import noise

SIZE_M = (6.0, 5.0, 3.0)
DISTANCE_M = 2.0  # from the mouth to the microphone: beyond the distance at which room and direct sound are as loud
MARGIN_M = 0.5  # from the walls
MOUTH_M, MICROPHONE_M = 1.5, 1.2  # above the floor
PLACES = 4  # of speaker and microphone, one of which is drawn
SPEED_OF_SOUND = 343.0  # m/s
TOLERANCE = 0.02  # of the reverberation time
FIT_DB = (-5.0, -35.0)  # of the decay: T30
ONSET_DB = -20.0  # against its peak, from which on a response has begun (ISO 3382-1)


def room(signal: np.ndarray, rt60_s: float, generator: np.random.Generator) -> np.ndarray:
    """Put speech into a room, from the direct sound on, at the power it had over its active frames.

    Args:
        signal: float32 (samples,), mono at 16 kHz.
        rt60_s: the time in which the room's sound falls by 60 dB.
        generator: draws the place.

    Returns:
        float32 (samples,); what rings on after the end is cut off.

    Raises:
        ModuleNotFoundError: pyroomacoustics is not installed.
    """
    taps = response(rt60_s, int(generator.integers(PLACES)))
    return _through(signal, taps, int(np.abs(taps).argmax())).astype(np.float32)


def measured(
    signal: np.ndarray, share: float, generator: np.random.Generator, material: Sequence[np.ndarray]
) -> np.ndarray:
    """Send speech through one of several measured rooms or devices.

    What went through has the power over the active frames that the speech had.

    Args:
        signal: float32 (samples,), mono at 16 kHz.
        share: of the sound that went through it; the rest is the signal as it was.
        generator: draws which.
        material: impulse responses, (taps,) each; what comes before the first sound, 20 dB below the peak, is cut off.

    Returns:
        float32 (samples,); what rings on after the end is cut off.
    """
    taps = material[generator.integers(len(material))]
    first = np.argmax(np.abs(taps) >= np.abs(taps).max() * 10 ** (ONSET_DB / 20))
    return ((1 - share) * signal + share * _through(signal, taps[first:])).astype(np.float32)


def _through(signal: np.ndarray, taps: np.ndarray, delay: int = 0) -> np.ndarray:
    """Convolve, and take off the delay of the taps, in samples; at the power of the signal over its active frames."""
    wet = fftconvolve(signal, taps)[delay : delay + signal.size]
    heard = noise.active(signal)
    power, wet_power = (np.mean(np.square(part[heard], dtype=np.float64)) for part in (signal, wet))
    return wet * np.sqrt(power / max(wet_power, 1e-20))


@cache
def response(rt60_s: float, place: int) -> np.ndarray:
    """Give the response of the room, float64 (taps,), from the direct sound on, at one of ``PLACES``.

    The direct sound falls between two samples, so it is a filter around its peak; the response begins where that does.
    """
    # Imported here: an optional requirement (requirements-robustness.txt).
    import pyroomacoustics

    found = _response(_absorption(rt60_s), rt60_s, place)
    return found[np.abs(found).argmax() - pyroomacoustics.constants.get("frac_delay_length") // 2 :]


def reverberation_time(taps: np.ndarray) -> float:
    """Measure the RT60 in s of a response by M. Schroeder's backward integral, from the fall by 5 to 35 dB (T30)."""
    left = np.cumsum(np.square(taps)[::-1])[::-1]
    decay_db = 10 * np.log10(left[left > 0] / left[0])
    times = np.flatnonzero((decay_db <= FIT_DB[0]) & (decay_db >= FIT_DB[1])) / SAMPLING_RATE_HZ
    slope = np.polyfit(times, decay_db[(times * SAMPLING_RATE_HZ).round().astype(int)], 1)[0]
    return -60 / slope


@cache
def _absorption(rt60_s: float) -> float:
    """Find the walls' absorption that gives the time: formulas such as Sabine's are off by a fifth for images."""
    volume = np.prod(SIZE_M)
    surface = 2 * sum(SIZE_M[one] * SIZE_M[other] for one, other in ((0, 1), (0, 2), (1, 2)))
    exponent = 0.161 * volume / surface / rt60_s  # Eyring's, whose absorption stays below 1
    for _ in range(20):
        measured = reverberation_time(_response(1 - np.exp(-exponent), rt60_s, 0))
        if abs(measured / rt60_s - 1) < TOLERANCE:
            break
        exponent *= measured / rt60_s
    return 1 - np.exp(-exponent)


def _response(absorption: float, rt60_s: float, place: int) -> np.ndarray:
    import pyroomacoustics

    # Images as far as sound travels while it falls by 40 dB and more.
    order = int(np.ceil(0.8 * SPEED_OF_SOUND * rt60_s / min(SIZE_M)))
    box = pyroomacoustics.ShoeBox(
        SIZE_M, fs=SAMPLING_RATE_HZ, materials=pyroomacoustics.Material(absorption), max_order=order
    )
    mouth, microphone = _positions(place)
    box.add_source(mouth)
    box.add_microphone(microphone)
    box.compute_rir()
    return np.asarray(box.rir[0][0], dtype=np.float64)


def _positions(place: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw where mouth and microphone are, each (3,) in m."""
    generator = np.random.default_rng(place)
    high = np.array(SIZE_M[:2]) - MARGIN_M
    flat = np.sqrt(DISTANCE_M**2 - (MOUTH_M - MICROPHONE_M) ** 2)
    while True:
        mouth, angle = generator.uniform(MARGIN_M, high), generator.uniform(0, 2 * np.pi)
        microphone = mouth + flat * np.array([np.cos(angle), np.sin(angle)])
        if (microphone > MARGIN_M).all() and (microphone < high).all():
            return np.array([*mouth, MOUTH_M]), np.array([*microphone, MICROPHONE_M])
