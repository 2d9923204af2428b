"""How many packets the index of MP4, M4A, MOV and 3GP promises: FFmpeg makes room for all of them before it reads one.

A few bytes can promise billions (ISO 14496-12, 8.6 to 8.8).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ser.files.failures import InputError

# Boxes into which FFmpeg looks, whatever box they stand in.
CONTAINERS = set(
    b"moov,trak,mdia,minf,stbl,edts,dinf,udta,tref,mvex,moof,traf,wide,sinf,schi,ipro,free,hoov".split(b",")
)
DEEPEST = 10  # of boxes in boxes; FFmpeg looks no deeper
HANDLERS = {b"soun", b"vide", b"m1a ", b"subp", b"clcp"}  # which say what a track is
FEWEST_SAMPLES = 160  # in a packet of a track whose index counts single samples
COUNTING = (b"stsz", b"stz2", b"stsc", b"trun")


@dataclass
class _Track:
    """What the tables of a track say: samples, chunks and the most samples of one, edits, durations, handlers."""

    samples: int = 0
    chunks: int = 0
    chunk_samples: int = 0
    edits: int = 0
    steps: set[tuple[int, int]] = field(default_factory=set)
    handlers: set[bytes] = field(default_factory=set)

    def packets(self) -> int:
        """Tell how many packets FFmpeg makes of it, at most: single samples of sound become packets by the chunk."""
        by_chunk = self.chunks * -(-self.chunk_samples // FEWEST_SAMPLES)
        single = {count for count, _ in self.steps} == {1} and {step for _, step in self.steps} == {1}
        single &= self.handlers & HANDLERS == {b"soun"}
        return max(by_chunk, 0 if single else self.samples) * max(1, self.edits)


def check(path: Path) -> None:
    """Refuse a file whose index promises more packets than the file has bytes; other formats pass.

    Raises:
        InputError: it does; or the index is compressed, or hides in the description of a codec.
    """
    size, runs, tracks = path.stat().st_size, 0, [_Track()]
    with path.open("rb") as file:
        for kind, start, stop in _boxes(file, 0, size):
            if kind == b"trak":
                tracks.append(_Track())
            elif kind == b"cmov" or (kind == b"stsd" and _hides(file, start, stop)):
                raise InputError(
                    f"{path}: expected an index (moov) that can be read, found one that is compressed or hidden; "
                    "convert it to WAV or FLAC"
                )
            elif kind == b"trun":
                runs += _numbers(file, start, 2)[1]
            else:
                _add(tracks[-1], kind, file, start, size)
    if (promised := runs + sum(track.packets() for track in tracks)) > size:
        raise InputError(
            f"{path}: the file promises {promised:,} packets in {size:,} bytes; it is damaged or hostile, copy or "
            "convert it again"
        )


def _add(track: _Track, kind: bytes, file: BinaryIO, start: int, size: int) -> None:
    """Add what a table says; FFmpeg reads tables to the end of the file, whatever their box says."""
    if kind in (b"stsz", b"stz2"):
        track.samples += _numbers(file, start, 3)[2]
    elif kind == b"stsc":
        entries = min(_numbers(file, start, 2)[1], (size - start) // 12)
        found = np.frombuffer(file.read(12 * entries)[: 12 * entries], ">u4")
        track.chunk_samples = max(track.chunk_samples, int(found[1::3].max(initial=0)))
    elif kind in (b"stco", b"co64"):
        track.chunks += min(_numbers(file, start, 2)[1], (size - start) // 4)
    elif kind == b"elst":
        track.edits += min(_numbers(file, start, 2)[1], (size - start) // 12)
    elif kind == b"stts":
        _, entries, _, step = _numbers(file, start, 4)
        track.steps.add((entries, step))
    elif kind == b"hdlr":
        file.seek(start + 8)
        track.handlers.add(file.read(4))


def _boxes(file: BinaryIO, begin: int, end: int, depth: int = 0) -> Iterator[tuple[bytes, int, int]]:
    """Walk through boxes and those in them: the name of each, where its content begins, and where that ends."""
    at = begin
    while at + 8 <= end:
        file.seek(at)
        length, kind, long = struct.unpack(">I4sQ", file.read(16).ljust(16, b"\0"))
        head, length = (16, long) if length == 1 else (8, length or end - at)
        if length < head:
            return
        start, at = at + head, min(at + length, end)
        yield kind, start, at
        if kind in CONTAINERS and depth < DEEPEST:
            yield from _boxes(file, start, at, depth + 1)


def _numbers(file: BinaryIO, start: int, count: int) -> tuple[int, ...]:
    """Read 32-bit numbers; zeros for what is not there."""
    file.seek(start)
    return struct.unpack(f">{count}I", file.read(4 * count).ljust(4 * count, b"\0"))


def _hides(file: BinaryIO, start: int, stop: int) -> bool:
    """Tell whether a table that counts packets stands in the description of codecs, where FFmpeg would take it."""
    file.seek(start)
    content = file.read(max(0, stop - start))
    return any(name in content for name in COUNTING)
