"""Audio files in: any format, sampling rate and channel count that ``ser.recordings`` reads; float32 out."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soxr

from ser.files.failures import InputError
from ser.recordings import ffmpeg, kinds, libsndfile

SAMPLING_RATE_HZ = 16_000  # of every signal in the pipeline: the rate of the PASE+ encoder

# From a tenth of a telephone's rate, which leaves nothing of speech, to the highest of converters for music. A damaged
# header can say 1 Hz: at 16 kHz that would be 16,000 times as many samples.
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1_000, 768_000
LOUDEST = 1e6  # full scale is 1: what is beyond are no samples of sound, and their sums would be infinite
SILENCE = 2e-4  # the range, highest minus lowest sample, below which a signal is silent: about -80 dB of full scale


def decode(path: Path | str, watch: Callable[[np.ndarray, int], None] | None = None) -> tuple[np.ndarray, int]:
    """Read an audio file as it is.

    Args:
        path: the audio file.
        watch: as for ``load``.

    Returns:
        The samples, float32 (channels, frames), integers scaled to -1..1, and the sampling rate in Hz.

    Raises:
        InputError: the file is missing, cannot be read, has no bytes, is not audio, has no plausible sampling rate or
            samples, is damaged, or is cut off.
    """
    content, channels, rate = bytearray(), 1, 0  # grows in place, where blocks to be joined would be there twice
    for block, rate in _blocks(path, watch):  # noqa: B007
        content += block.tobytes()
        channels = block.shape[1]
    return np.ascontiguousarray(np.frombuffer(content, np.float32).reshape(-1, channels).T), rate


def _blocks(path: Path | str, watch: Callable[[np.ndarray, int], None] | None) -> Iterator[tuple[np.ndarray, int]]:
    """Read an audio file block by block, each of which is watched.

    Yields:
        Samples, float32 (frames, channels), and the sampling rate in Hz; at least one block, perhaps without frames.

    Raises:
        InputError: as ``decode``; that the file is cut off shows at its end.
    """
    path = Path(path)
    decoder = libsndfile if kinds.library(path) == kinds.LIBSNDFILE else ffmpeg
    for block, rate in decoder.blocks(path):
        if not LOWEST_RATE_HZ <= rate <= HIGHEST_RATE_HZ:
            raise InputError(
                f"{path}: expected a sampling rate of {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz, found {rate} Hz; its "
                "header is damaged, convert the recording again"
            )
        if block.size and LOUDEST < (loudest := np.abs(block).max()) < np.inf:
            raise InputError(
                f"{path}: expected samples of about -1 to 1, found {loudest:.3g}: they are damaged, or in other units; "
                "convert the recording again"
            )
        if watch:
            watch(block, rate)
        yield block, rate


def digest(samples: np.ndarray, sampling_rate: int) -> str:
    """Hash decoded audio, so that a WAV and a FLAC file of the same recording agree.

    Args:
        samples: float32 (channels, frames).
        sampling_rate: in Hz.

    Returns:
        The SHA-256 of the rate, the channel count and the interleaved little-endian float32 samples, as 64 hex digits.
    """
    sha256 = hashlib.sha256(f"{sampling_rate} Hz, {samples.shape[0]} channels\n".encode())
    sha256.update(np.ascontiguousarray(samples.T, "<f4"))
    return sha256.hexdigest()


def mono(samples: np.ndarray) -> np.ndarray:
    """Mix channels down to one by their mean: (channels, frames) to (frames,), float32."""
    return samples.mean(axis=0, dtype=np.float32)


def checked(signal: np.ndarray) -> np.ndarray:
    """Take a signal as a caller made it, and refuse what the pipeline would misread.

    Args:
        signal: floating-point (samples,), mono at ``SAMPLING_RATE_HZ``, full scale -1 to 1.

    Returns:
        The same as float32.

    Raises:
        InputError: it is something else, such as integers or several channels, or holds NaN, infinity, or numbers far
            beyond full scale.
    """
    found = np.asarray(signal)
    if found.ndim != 1 or found.dtype.kind != "f":
        raise InputError(
            f"signal: expected floating-point samples of -1 to 1, (samples,), mono at 16 kHz, found {found.dtype} "
            f"{found.shape}; ser.audio.load gives them of a file"
        )
    if found.size and not np.abs(found).max() <= LOUDEST:
        raise InputError("signal: expected samples of about -1 to 1, found NaN, infinity or far larger numbers")
    return found.astype(np.float32, copy=False)


def silent(signal: np.ndarray) -> bool:
    """Tell whether a signal, at least one sample, moves so little that nothing can be heard: ``SILENCE``."""
    return bool(np.ptp(signal) < SILENCE)


def load(
    path: Path | str, allow_silence: bool = True, watch: Callable[[np.ndarray, int], None] | None = None
) -> np.ndarray:
    """Read an audio file as the pipeline's signal.

    It is mixed and resampled as it is read, so that the memory taken is that of the signal.

    Args:
        path: the audio file.
        allow_silence: whether to take a file that is ``silent``, all channels mixed to one.
        watch: called with each block as it is decoded, float32 (frames, channels), and the sampling rate in Hz; what it
            raises ends the reading, as for a small file with hours of silence in it.

    Returns:
        The signal, float32 (samples,), mono at ``SAMPLING_RATE_HZ``; loudness is left as it is.

    Raises:
        InputError: as ``decode``; or the file holds no samples, some that are not finite numbers, or no sound.
    """
    content, extremes, resampler = bytearray(), [], None
    for block, rate in _blocks(path, watch):
        if not np.isfinite(block).all():
            raise InputError(f"{path}: expected finite samples, found NaN or infinity")
        mixed = mono(np.ascontiguousarray(block.T))
        if mixed.size:
            extremes += [mixed.min(), mixed.max()]
        if rate != SAMPLING_RATE_HZ:
            # soxr takes every ratio of rates at the same small cost; a table of filters for 44,101 Hz would be
            # gigabytes. Block by block it gives the same bytes as at once.
            resampler = resampler or soxr.ResampleStream(rate, SAMPLING_RATE_HZ, 1, dtype="float32")
            mixed = resampler.resample_chunk(mixed)
        content += mixed.tobytes()
    if resampler:
        content += resampler.resample_chunk(np.empty(0, np.float32), last=True).tobytes()
    if not content:
        raise InputError(f"{path}: expected audio, found no samples")
    if not allow_silence and silent(np.array(extremes)):
        raise InputError(f"{path}: silent: expected sound, found none, all channels mixed to one; leave this file out")
    return np.frombuffer(content, np.float32)
