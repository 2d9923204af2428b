"""What libsndfile decodes: WAV, AIFF, CAF and their like, exact to the bit."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from ser.files.failures import InputError
from ser.recordings import sizes
from ser.recordings.cut import check_container, cut_off
from ser.recordings.units import check_units

BLOCK_SAMPLES = 2**18  # read at a time: a damaged header that promises a billion frames must not fill the memory
NIST_BYTES = 1024  # of its head
NIST_FRAMES = re.compile(rb"sample_count -i (\d+)")


def blocks(path: Path) -> Iterator[tuple[np.ndarray, int]]:
    """Decode a file block by block.

    Args:
        path: the audio file.

    Yields:
        Samples, float32 (frames, channels), and the sampling rate in Hz; a first block without frames tells channels
        and rate of a file that has none.

    Raises:
        InputError: libsndfile cannot read the file, or it is cut off, which shows at its end.
    """
    file = sizes.mended(path)
    if file is None:
        check_container(path)
    read, whole = 0, ""
    try:
        # Without the file's name, by whose end soundfile takes some for raw samples.
        with (
            path.open("rb", buffering=0) as opened,
            soundfile.SoundFile(file or opened.fileno(), closefd=False) as stream,
        ):
            rate, promised = stream.samplerate, stream.frames
            yield np.empty((0, stream.channels), np.float32), rate
            whole = f" after {{:.2f}} of {promised / rate:.2f} s"
            frames = max(1, BLOCK_SAMPLES // stream.channels)
            most = sizes.gsm_samples(path) if stream.subtype == "GSM610" else None
            if stream.format == "NIST" and (said := NIST_FRAMES.search(_head(path))):
                promised = most = int(said[1])
            promised = promised if most is None else min(promised, most)
            while len(block := stream.read(frames, dtype="float32", always_2d=True)):
                block = block if most is None else block[: most - read]
                check_units(path, block)
                read += len(block)
                yield block, rate
    except soundfile.LibsndfileError as error:
        where = whole.format(read / rate) if whole else " in its beginning"
        raise InputError(
            f"{path}: expected audio that libsndfile reads, found it cut off or damaged{where}: "
            f"{error.error_string.strip()}; copy or convert it again"
        ) from error
    if read < promised:
        raise cut_off(path, f"{read / rate:.2f} s", f"{promised / rate:.2f} s")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(NIST_BYTES)
