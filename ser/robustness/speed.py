"""How fast and how high somebody speaks, by FFmpeg's atempo: waveform-similarity overlap-add (WSOLA).

W. Verhelst and M. Roelands, "An overlap-add technique based on waveform similarity (WSOLA) for high quality time-scale
modification of speech", ICASSP 1993. A phase vocoder would do more harm than the change itself: it smears onsets and
takes some 3 dB away. FFmpeg runs its kernels of plain C (``ser.recordings.ffmpeg``).
"""

from fractions import Fraction

import av
import numpy as np
import soxr
from av.filter import Graph

from ser.audio import SAMPLING_RATE_HZ


def tempo(signal: np.ndarray, factor: float, generator: np.random.Generator) -> np.ndarray:
    """Speak so many times faster at the same pitch. Nothing is drawn."""
    return _stretched(signal, factor, round(signal.size / factor))


def pitch(signal: np.ndarray, semitones: float, generator: np.random.Generator) -> np.ndarray:
    """Shift the pitch, and the formants with it, at the same speed. Nothing is drawn."""
    ratio = 2 ** (semitones / 12)
    slow = _stretched(signal, 1 / ratio, round(signal.size * ratio))
    return _sized(soxr.resample(slow, SAMPLING_RATE_HZ * ratio, SAMPLING_RATE_HZ), signal.size)


def _stretched(signal: np.ndarray, factor: float, size: int) -> np.ndarray:
    """Make a signal so many times as fast, cut or padded to a size: the filter is up to 1 % off."""
    graph, second = Graph(), Fraction(1, SAMPLING_RATE_HZ)
    source = graph.add_abuffer(sample_rate=SAMPLING_RATE_HZ, format="flt", layout="mono", time_base=second)
    stretch, sink = graph.add("atempo", repr(factor)), graph.add("abuffersink")
    source.link_to(stretch)
    stretch.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(signal[np.newaxis], np.float32), "flt", "mono")
    frame.sample_rate, frame.time_base, frame.pts = SAMPLING_RATE_HZ, second, 0
    graph.push(frame)
    graph.push(None)
    parts = []
    while True:
        try:
            parts.append(graph.pull().to_ndarray()[0])
        except (av.error.EOFError, av.error.BlockingIOError):
            return _sized(np.concatenate(parts) if parts else np.zeros(0, np.float32), size)


def _sized(signal: np.ndarray, size: int) -> np.ndarray:
    return np.pad(signal[:size], (0, max(size - signal.size, 0))).astype(np.float32)
