"""Audio files in: any format, sampling rate and channel count that libsndfile reads; float32 out."""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ser.files.failures import InputError
from ser.files.whole import check_file

SAMPLING_RATE_HZ = 16_000  # of every signal in the pipeline: the rate of the PASE+ encoder

# What counts as audio in a folder.
COMMON = {".aif", ".aiff", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".wav"}
RARE = {".aifc", ".au", ".caf", ".nist", ".rf64", ".snd", ".sph", ".w64", ".wave"}
FOREIGN = {".3gp", ".aac", ".amr", ".ape", ".m4a", ".mp4", ".raw", ".webm", ".wma", ".wv"}  # to be named as unreadable
SUFFIXES = frozenset(COMMON | RARE | FOREIGN)

# From a tenth of a telephone's rate, which leaves nothing of speech, to the highest of converters for music. A damaged
# header can say 1 Hz: at 16 kHz that would be 16,000 times as many samples.
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1_000, 768_000
SILENCE = 2e-4  # the range, highest minus lowest sample, below which a signal is silent: about -80 dB of full scale
BLOCK_SAMPLES = 2**18  # read at a time: a damaged header that promises a billion frames must not fill the memory
# Of a file that was cut off libsndfile reads what is there, and only logs it: "data : 64000 (should be 32000)".
SHORTENED = re.compile(r"^ *(?:data|Data Size|SSND|riff|Riff size) *: (\d+) \(should be (\d+)\)", re.MULTILINE)
STREAMED_BYTES = 0x7FFF_F000  # from here up a size means "unknown": written by programs that cannot seek back
OGG_PAGE_MAX_BYTES = 65_307
OGG_LAST_PAGE = 0x04


def decode(path: Path) -> tuple[np.ndarray, int]:
    """Read an audio file as it is.

    Args:
        path: the audio file.

    Returns:
        The samples, float32 (channels, frames), integers scaled to -1..1, and the sampling rate in Hz.

    Raises:
        InputError: the file is missing, cannot be read, has no bytes, is not audio, has no plausible sampling rate, is
            damaged, or is cut off.
    """
    blocks = _blocks(path)
    none, rate = next(blocks)
    content = bytearray()  # grows in place, where blocks to be joined would be there twice
    for block, _ in blocks:
        content += block.tobytes()
    return np.ascontiguousarray(np.frombuffer(content, np.float32).reshape(-1, none.shape[1]).T), rate


def _blocks(path: Path) -> Iterator[tuple[np.ndarray, int]]:
    """Read an audio file block by block.

    Yields:
        Samples, float32 (frames, channels), and the sampling rate in Hz; a first block without frames tells channels
        and rate of a file that has none.

    Raises:
        InputError: as ``decode``; that the file is cut off shows at its end.
    """
    check_file(path, "audio")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: expected audio, found a file of zero bytes")
    if path.suffix.lower() == ".raw":
        raise InputError(f"{path}: expected a format with a header, found raw samples; convert it to WAV")
    try:
        with soundfile.SoundFile(os.fsencode(path)) as stream:  # as bytes: not every file name is UTF-8
            if not LOWEST_RATE_HZ <= stream.samplerate <= HIGHEST_RATE_HZ:
                raise InputError(
                    f"{path}: expected a sampling rate of {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz, found "
                    f"{stream.samplerate} Hz; its header is damaged, convert the recording again"
                )
            yield np.empty((0, stream.channels), np.float32), stream.samplerate
            read, frames = 0, max(1, BLOCK_SAMPLES // stream.channels)
            while len(block := stream.read(frames, dtype="float32", always_2d=True)):
                read += len(block)
                yield block, stream.samplerate
            promised, log, container = stream.frames, stream.extra_info, stream.format
    except soundfile.LibsndfileError as error:
        raise InputError(f"{path}: expected audio that libsndfile reads: {error.error_string}") from error
    cut = any(int(there) < int(said) < STREAMED_BYTES for said, there in SHORTENED.findall(log))
    if cut or read < promised or (container == "OGG" and not _ogg_ends(path)):
        raise InputError(f"{path}: the file is cut off, its end is missing; copy or convert it again")


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


def silent(signal: np.ndarray) -> bool:
    """Tell whether a signal, at least one sample, moves so little that nothing can be heard: ``SILENCE``."""
    return bool(np.ptp(signal) < SILENCE)


def load(path: Path, allow_silence: bool = True, watch: Callable[[np.ndarray, int], None] | None = None) -> np.ndarray:
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
    for block, rate in _blocks(path):
        if watch:
            watch(block, rate)
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


def _ogg_ends(path: Path) -> bool:
    """Tell whether the last page of an Ogg file is whole and marked as the last (RFC 3533, section 6)."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - OGG_PAGE_MAX_BYTES))
        tail = stream.read()
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < 27 or not page[5] & OGG_LAST_PAGE:
        return False
    segments = page[26]
    return len(page) >= 27 + segments + sum(page[27 : 27 + segments])
