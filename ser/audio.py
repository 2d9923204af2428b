"""Audio files in: any format, sampling rate and channel count that libsndfile reads; float32 out."""

import hashlib
import os
import re
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ser.failures import InputError
from ser.files import check_file

SAMPLING_RATE_HZ = 16_000  # of every signal in the pipeline: the rate of the PASE+ encoder

# What counts as audio in a folder.
COMMON = {".aif", ".aiff", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".wav"}
RARE = {".aifc", ".au", ".caf", ".nist", ".rf64", ".snd", ".sph", ".w64", ".wave"}
FOREIGN = {".3gp", ".aac", ".amr", ".ape", ".m4a", ".mp4", ".raw", ".webm", ".wma", ".wv"}  # to be named as unreadable
SUFFIXES = frozenset(COMMON | RARE | FOREIGN)

BLOCK_FRAMES = 2**18  # read at a time: a damaged header that promises a billion frames must not fill the memory
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
        InputError: the file is missing, cannot be read, has no bytes, is not audio, is damaged, or is cut off.
    """
    check_file(path, "audio")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: expected audio, found a file of zero bytes")
    if path.suffix.lower() == ".raw":
        raise InputError(f"{path}: expected a format with a header, found raw samples; convert it to WAV")
    try:
        with soundfile.SoundFile(os.fsencode(path)) as stream:  # as bytes: not every file name is UTF-8
            blocks = [np.empty((0, stream.channels), np.float32)]
            while len(block := stream.read(BLOCK_FRAMES, dtype="float32", always_2d=True)):
                blocks.append(block)
            promised, rate, log, container = stream.frames, stream.samplerate, stream.extra_info, stream.format
    except soundfile.LibsndfileError as error:
        raise InputError(f"{path}: expected audio that libsndfile reads: {error.error_string}") from error
    samples = np.concatenate(blocks)
    cut = any(int(there) < int(said) < STREAMED_BYTES for said, there in SHORTENED.findall(log))
    if cut or len(samples) < promised or (container == "OGG" and not _ogg_ends(path)):
        raise InputError(f"{path}: the file is cut off, its end is missing; copy or convert it again")
    return np.ascontiguousarray(samples.T), rate


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


def load(path: Path) -> np.ndarray:
    """Read an audio file as the pipeline's signal.

    Args:
        path: the audio file.

    Returns:
        The signal, float32 (samples,), mono at ``SAMPLING_RATE_HZ``; loudness is left as it is.

    Raises:
        InputError: as ``decode``; or the file holds no samples, or some that are not finite numbers.
    """
    samples, rate = decode(path)
    if not np.isfinite(samples).all():
        raise InputError(f"{path}: expected finite samples, found NaN or infinity")
    signal = mono(samples)
    if rate != SAMPLING_RATE_HZ:
        # soxr takes every ratio of rates at the same small cost; a table of filters for 44,101 Hz would be gigabytes.
        signal = soxr.resample(signal, rate, SAMPLING_RATE_HZ)
    if signal.size == 0:
        raise InputError(f"{path}: expected audio, found no samples")
    return signal


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
