"""The pages of an Ogg file (RFC 3533, section 6): each has a checksum and a number, of which decoders make nothing."""

import itertools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

HEAD_BYTES, MOST_SEGMENTS = 27, 255
CHECKSUM = slice(22, 26)
REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes:
        start: where it begins, in bytes.
        end: where it ends; a byte behind the file where its head is torn.
        begins: whether it is the first of a stream.
        ends: whether it is the last.
        stream: the number of the stream that it belongs to.
        number: its own among those of the stream.
    """

    start: int
    end: int
    begins: bool = False
    ends: bool = False
    stream: int = 0
    number: int = 0


def pages(path: Path) -> Iterator[Page]:
    """Walk through the pages of a file, up to the first place where there should be one and is none."""
    size, at = path.stat().st_size, 0
    with path.open("rb") as file:
        while at < size:
            file.seek(at)
            head = file.read(HEAD_BYTES + MOST_SEGMENTS)
            if head[:4] != b"OggS"[: len(head)]:
                return
            if len(head) < HEAD_BYTES or len(head) < HEAD_BYTES + head[26]:
                yield Page(at, size + 1)
                return
            end = at + HEAD_BYTES + head[26] + sum(head[HEAD_BYTES : HEAD_BYTES + head[26]])
            stream, number = (int.from_bytes(head[place : place + 4], "little") for place in (14, 18))
            yield Page(at, end, bool(head[5] & 2), bool(head[5] & 4), stream, number)
            at = end


def sound(file: BinaryIO, page: Page) -> bool:
    """Tell whether a page's checksum is right."""
    file.seek(page.start)
    content = bytearray(file.read(page.end - page.start))
    said, content[CHECKSUM] = int.from_bytes(content[CHECKSUM], "little"), bytes(4)
    return _checksum(content) == said


def several_streams(path: Path) -> bool:
    """Tell whether a file has more than one stream: files were joined, or sound goes with pictures."""
    begun = (page for page in pages(path) if page.begins)
    return len(list(itertools.islice(begun, 2))) == 2


def links(path: Path) -> list[tuple[int, int]]:
    """Tell where each of the files begins and ends, in bytes, of which one was joined (RFC 3533, section 4)."""
    found, starting = [], False
    for page in pages(path):
        if not found or (page.begins and not starting):
            found.append((page.start, page.end))
        found[-1], starting = (found[-1][0], page.end), page.begins
    return found


def _checksum(content: bytes) -> int:
    """The CRC of a page: that of zlib with all bits in reverse, begun with 0 and not inverted at the end."""
    reverse = zlib.crc32(content.translate(REVERSED_BITS), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{reverse:032b}"[::-1], 2)
