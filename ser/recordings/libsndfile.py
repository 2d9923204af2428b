"""What libsndfile decodes: WAV, AIFF, CAF and their like, exact to the bit."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from ser.files.failures import InputError
from ser.recordings import wav
from ser.recordings.cut import check_container, cut_off

BLOCK_SAMPLES = 2**18  # read at a time: a damaged header that promises a billion frames must not fill the memory
# Of a file that was cut off libsndfile reads what is there, and only logs it: "SSND : 64000 (should be 32000)".
SHORTENED = re.compile(r"^ *(?:data|Data Size|SSND|riff|Riff size) *: (\d+) \(should be (\d+)\)", re.MULTILINE)
SHORTENED_FRAMES = re.compile(r"Calculated frame count (\d+) does not match value from 'ds64' chunk of (\d+)")
NIST_FRAMES = re.compile(rb"sample_count -i (\d+)")
UNKNOWN_BYTES = 0x7FFF_F000  # from here up a size means "unknown": written by programs that cannot seek back


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
    check_container(path)
    size = wav.unwritten_size(path)
    file = os.fsencode(path) if size is None else wav.Unclosed(path, size)  # as bytes: not every name is UTF-8
    read, whole = 0, ""
    try:
        with soundfile.SoundFile(file) as stream:
            rate, promised = stream.samplerate, stream.frames
            yield np.empty((0, stream.channels), np.float32), rate
            whole = f" after {{:.2f}} of {promised / rate:.2f} s"
            frames = max(1, BLOCK_SAMPLES // stream.channels)
            most = wav.gsm_samples(path) if stream.subtype == "GSM610" else None
            promised = promised if most is None else min(promised, most)
            while len(block := stream.read(frames, dtype="float32", always_2d=True)):
                block = block if most is None else block[: most - read]
                read += len(block)
                yield block, rate
            log, container = stream.extra_info, stream.format
    except soundfile.LibsndfileError as error:
        where = whole.format(read / rate) if whole else " in its beginning"
        raise InputError(
            f"{path}: expected audio that libsndfile reads, found it cut off or damaged{where}: "
            f"{error.error_string.strip()}; copy or convert it again"
        ) from error
    if container not in ("WAV", "WAVEX"):  # whose sizes ``wav`` knows better
        for said, there in SHORTENED.findall(log):
            if int(there) < int(said) < UNKNOWN_BYTES:
                raise cut_off(path, f"{int(there):,} bytes", f"{int(said):,}")
    promised = max([promised, *(int(said) for _, said in SHORTENED_FRAMES.findall(log))])
    if container == "NIST" and (said := NIST_FRAMES.search(path.read_bytes()[:1024])):
        promised = int(said[1])
    if read < promised:
        raise cut_off(path, f"{read / rate:.2f} s", f"{promised / rate:.2f} s")
