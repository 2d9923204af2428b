"""What a line does to speech: the telephone's band, codecs by PyAV, lost packets."""

import io
from dataclasses import dataclass, field

import av
import numpy as np
import soxr
from scipy.signal import butter, sosfiltfilt

from ser.audio import SAMPLING_RATE_HZ

TELEPHONE_HZ = 8_000  # sampling rate
LOW_HZ = 300.0  # below which a telephone carries nothing
PACKET_S = 0.02
FULL_SCALE = 32767


@dataclass(frozen=True)
class Codec:
    """How a codec is reached.

    Attributes:
        name: of PyAV's encoder.
        container: in which the stream is written and read again.
        rate_hz: at which it runs.
        delay: samples at that rate by which it is late, beyond what the container tells the reader.
        options: of the encoder.
    """

    name: str
    container: str
    rate_hz: int
    delay: int = 0
    options: dict[str, str] = field(default_factory=dict)


CODECS = {
    "mulaw": Codec("pcm_mulaw", "wav", TELEPHONE_HZ),
    "amr": Codec("libopencore_amrnb", "amr", TELEPHONE_HZ, delay=40),
    "opus": Codec("libopus", "ogg", SAMPLING_RATE_HZ, options={"application": "voip"}),
    "mp3": Codec("libmp3lame", "mp3", SAMPLING_RATE_HZ),
}


def telephone(signal: np.ndarray, high_hz: float, generator: np.random.Generator) -> np.ndarray:
    """Leave what lies between 300 Hz and ``high_hz``, sampled at 8 kHz; nothing is drawn, no phase is changed."""
    narrow = soxr.resample(signal, SAMPLING_RATE_HZ, TELEPHONE_HZ)
    band = butter(6, (LOW_HZ, high_hz), "bandpass", fs=TELEPHONE_HZ, output="sos")
    return _back(sosfiltfilt(band, narrow), TELEPHONE_HZ, signal.size)


def mulaw(signal: np.ndarray, kbit_s: float, generator: np.random.Generator) -> np.ndarray:
    """Code by G.711, mu-law, at 8 kHz."""
    return through(signal, CODECS["mulaw"], kbit_s)


def amr(signal: np.ndarray, kbit_s: float, generator: np.random.Generator) -> np.ndarray:
    """Code by AMR narrow band, of GSM and UMTS, at 8 kHz."""
    return through(signal, CODECS["amr"], kbit_s)


def opus(signal: np.ndarray, kbit_s: float, generator: np.random.Generator) -> np.ndarray:
    """Code by Opus, for voice, at 16 kHz."""
    return through(signal, CODECS["opus"], kbit_s)


def mp3(signal: np.ndarray, kbit_s: float, generator: np.random.Generator) -> np.ndarray:
    """Code by MP3 (MPEG-2 layer III) at 16 kHz."""
    return through(signal, CODECS["mp3"], kbit_s)


def through(signal: np.ndarray, codec: Codec, kbit_s: float) -> np.ndarray:
    """Code a signal and decode it again, without the codec's delay.

    Args:
        signal: float32 (samples,), mono at 16 kHz; what is beyond full scale is clipped.
        codec: which.
        kbit_s: the bit rate.

    Returns:
        float32 (samples,).
    """
    narrow = signal if codec.rate_hz == SAMPLING_RATE_HZ else soxr.resample(signal, SAMPLING_RATE_HZ, codec.rate_hz)
    # What a codec holds back at the end shall be of the silence that follows.
    padded = np.concatenate([narrow, np.zeros(codec.rate_hz // 4, np.float32)])
    samples = np.round(np.clip(padded, -1, 1) * FULL_SCALE).astype(np.int16)
    content = io.BytesIO()
    with av.open(content, "w", format=codec.container) as out:
        stream = out.add_stream(codec.name, rate=codec.rate_hz, layout="mono", options=codec.options)
        stream.bit_rate = round(1000 * kbit_s)
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = codec.rate_hz
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    content.seek(0)
    resampler = av.AudioResampler("flt", "mono", codec.rate_hz)
    with av.open(content) as coded:
        frames = [part for frame in coded.decode(audio=0) for part in resampler.resample(frame)]
    decoded = np.concatenate([frame.to_ndarray()[0] for frame in [*frames, *resampler.resample(None)]])
    return _back(decoded[codec.delay :], codec.rate_hz, signal.size)


def packet_loss(signal: np.ndarray, share: float, generator: np.random.Generator) -> np.ndarray:
    """Lose a share of the packets of 20 ms, drawn one by one; zeros stand in their place, nothing conceals them."""
    length = round(PACKET_S * SAMPLING_RATE_HZ)
    packets = -(-signal.size // length)
    lost = np.zeros(packets, dtype=bool)
    lost[generator.choice(packets, round(share * packets), replace=False)] = True
    return np.where(np.repeat(lost, length)[: signal.size], np.float32(0), signal)


def _back(narrow: np.ndarray, rate_hz: int, samples: int) -> np.ndarray:
    """Resample to 16 kHz, and give exactly so many samples."""
    wide = narrow if rate_hz == SAMPLING_RATE_HZ else soxr.resample(narrow, rate_hz, SAMPLING_RATE_HZ)
    return np.pad(wide[:samples], (0, max(0, samples - wide.size))).astype(np.float32)
