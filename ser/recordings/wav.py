"""The sizes in a WAV file: recorders that crashed or cannot seek leave wrong ones, and torn files have right ones."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ser.files.failures import InputError
from ser.recordings.cut import cut_off

STREAMED_BYTES = 0x7FFF_F000  # from here up a size means "unknown": written by programs that cannot seek back
RIFF_SIZE_AT = 4
GSM, GSM_BYTES, GSM_SAMPLES = 0x31, 65, 320  # the codec's number, and its block
BLOCK_BYTES = 2**20


def unwritten_size(path: Path) -> int | None:
    """Tell where the size of the samples stands in a WAV file whose recorder never wrote it.

    Args:
        path: an audio file of any kind.

    Returns:
        The offset of that size in bytes; or None, where the size holds, where the samples lead to the end of the
        file, or where the file is no WAV.

    Raises:
        InputError: the file ends before its samples do, or before they begin; or bytes follow that
            belong to no chunk.
    """
    there = path.stat().st_size
    with path.open("rb") as file:
        if (head := file.read(12))[:4] != b"RIFF" or head[8:] != b"WAVE":
            return None
        riff_end = 8 + int.from_bytes(head[4:8], "little")
        rate = 0  # bytes a second
        for name, start, length in _chunks(file):  # noqa: B007
            if name == b"fmt ":
                rate = struct.unpack("<8xI", file.read(12).ljust(12, b"\0"))[0]
            if name == b"data":
                break
        else:
            raise InputError(f"{path}: the file is cut off, it ends before its sound begins; copy or convert it again")
        end = start + length
        if length >= STREAMED_BYTES:
            return None
        if end > there:
            # A file that was torn had sizes that agreed. Some recorders write the size of the file for that of the
            # samples, which then lead beyond the end of all chunks.
            contradictory = end > riff_end and riff_end <= there + 8 and length <= there
            if contradictory:
                return None
            raise cut_off(path, _amount(there - start, rate), _amount(length, rate))
        if _chunks_lead_to_the_end(file, end + length % 2, there, torn=length > 0):
            return None
        if length == 0:
            return start - 4
    raise InputError(
        f"{path}: the header promises {_amount(length, rate)} of sound, and {_amount(there - end, rate)} follow that "
        "it does not name; open it in an audio editor and save it again"
    )


class Unclosed:
    """A WAV file with its two sizes, which its recorder left at 0, read as "unknown".

    Args:
        path: the file.
        size_at: where the size of the samples stands, in bytes.
    """

    def __init__(self, path: Path, size_at: int):
        self._file = path.open("rb")
        self._places = [place + byte for place in (RIFF_SIZE_AT, size_at) for byte in range(4)]

    def read(self, length: int = -1) -> bytes:
        """Read as from a file."""
        at = self._file.tell()
        content = bytearray(self._file.read(length))
        for place in self._places:
            if at <= place < at + len(content):
                content[place - at] = 0xFF
        return bytes(content)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move as in a file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Tell the place as a file does."""
        return self._file.tell()

    def __del__(self):
        self._file.close()


def gsm_samples(path: Path) -> int | None:
    """Tell how many samples a WAV file of GSM 6.10 holds; None for others.

    A block of 65 bytes has 320. libsndfile also decodes the byte that pads an odd number of them.
    """
    with path.open("rb") as file:
        if (head := file.read(12))[:4] != b"RIFF" or head[8:] != b"WAVE":
            return None
        codec = 0
        for name, start, length in _chunks(file):
            if name == b"fmt ":
                codec = int.from_bytes(file.read(2), "little")
            if name == b"data" and codec == GSM:
                return min(length, path.stat().st_size - start) // GSM_BYTES * GSM_SAMPLES
    return None


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Walk through the chunks: the name of each, where its content begins, and its length, both in bytes."""
    at = 12
    while True:
        file.seek(at)
        if len(head := file.read(8)) < 8:
            return
        length = int.from_bytes(head[4:], "little")
        yield head[:4], at + 8, length
        at += 8 + length + length % 2


def _chunks_lead_to_the_end(file: BinaryIO, at: int, there: int, torn: bool) -> bool:
    """Tell whether what follows the samples is chunks, the last of them ``torn`` perhaps, a tag, or zeros."""
    while at < there:
        file.seek(at)
        head = file.read(8)
        if not any(head):
            return not any(any(block) for block in iter(lambda: file.read(BLOCK_BYTES), b""))
        if head.startswith((b"TAG", b"ID3")):
            return True
        if len(head) < 8 or not all(0x20 <= byte < 0x7F for byte in head[:4]):
            return there - at < 2
        length = int.from_bytes(head[4:], "little")
        at += 8 + length + length % 2
    return torn or at <= there + 1


def _amount(length: int, rate: int) -> str:
    return f"{length / rate:.2f} s" if rate else f"{length:,} bytes"
