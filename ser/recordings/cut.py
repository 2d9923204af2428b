"""Whether the end of a file is missing: what its container promises against what is there."""

import itertools
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from ser.files.failures import InputError
from ser.recordings import ogg
from ser.recordings.kinds import HEAD_BYTES, beginning

UNKNOWN = 2**64 - 1
FARTHEST = 2**40  # that a file can be asked for: damaged sizes lead farther
MOST_PARTS, BYTES_A_PART = 200_000, 50  # of a container: so many, and one more for so many bytes; each costs time
EBML = b"\x1aE\xdf\xa3"  # with which Matroska and WebM begin
SEGMENT, CLUSTER = 0x18538067, 0x1F43B675
# What may stand in a segment: SeekHead, Info, Tracks, Chapters, Cues, Attachments, Tags, Void, CRC-32; in a cluster:
# Timestamp, SimpleBlock, BlockGroup, Position, PrevSize, Void, CRC-32, SilentTracks, EncryptedBlock (RFC 9559).
IN_SEGMENT = {0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1043A770, 0x1C53BB6B, 0x1941A469, 0x1254C367, 0xEC, 0xBF}
IN_CLUSTERS = {0xE7, 0xA3, 0xA0, 0xA7, 0xAB, 0xEC, 0xBF, 0x5854, 0xAF}
# Zeros behind the end, at most: more are what a copy or a disk lost. Of bare frames, whose bit rate is known by then,
# so many as would last a second; of containers whose end is open a round number.
PADDING_BYTES, PADDING_S, OPEN_BYTES = 8192, 1.0, 1024
ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
AVI_LISTS = {b"RIFF", b"movi", b"rec "}  # which the sound is in
TAGS = (b"TAG", b"ID3", b"APETAGEX", b"LYRICSBEGIN")  # which other programs append to MP3 and AAC
UNWRITTEN = "zeros, as of a part that was never written"
BLANKS = b"\0\r\n"  # likewise
# Bit rates of MPEG audio in kbit/s, by whether it is version 1 and the layer; and sampling rates by version.
BIT_RATES = {
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def cut_off(path: Path, there: str, promised: str) -> InputError:
    """Word the refusal of a file whose end is missing."""
    return InputError(
        f"{path}: the file is cut off, its end is missing: {there} of {promised} are there; copy or convert it again"
    )


def check_container(path: Path) -> None:
    """Refuse a file whose container ends within one of its parts; formats without parts pass.

    Raises:
        InputError: its end is missing; or, of Ogg, any part; or it has far more parts than sound needs.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(16)
        if head[:4] == b"OggS":
            _check_pages(path, file, size)
        if head[:4] == EBML:
            _check_elements(path)
        try:
            for known, ends in _WALKS:
                if known(head):
                    end = max(_counted(path, ends(file, size)), default=0)
                    if size < end < UNKNOWN:
                        raise cut_off(path, f"{size:,} bytes", f"{end:,}" if end > size + 1 else f"more than {size:,}")
        except _FaultError as fault:
            raise InputError(f"{path}: the file is damaged: {fault}; copy or convert it again") from fault
        parts = _packets(file, size) if head == ASF else _avi_heads(file, size) if head[8:12] == b"AVI " else ()
        for at in _counted(path, parts):
            if not any(_read(file, at, 4)):
                raise _gap(path, at, UNWRITTEN)


class _FaultError(Exception):
    """What is wrong with a container, in words."""


def _counted(path: Path, parts: Iterable) -> Iterator:
    """Refuse a container of so many parts that they alone would take a computer's time."""
    most = MOST_PARTS + path.stat().st_size // BYTES_A_PART
    for number, part in enumerate(parts):
        if number == most:
            raise InputError(
                f"{path}: expected a recording, found a container of more than {most:,} parts; convert it to WAV"
            )
        yield part


def check_tail(path: Path, end: int, seconds: float, complete: bool) -> None:
    """Refuse a stream of bare frames with something behind the last whole one that is no tag: part of another frame.

    Args:
        path: the file.
        end: where the last frame ends, in bytes.
        seconds: how long the frames last.
        complete: whether all frames are known to be there, so that any number of zeros may follow.

    Raises:
        InputError: its end is missing.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(end)
        tail = file.read(HEAD_BYTES)
        if tail.strip(BLANKS) and not tail.startswith(TAGS):
            raise cut_off(path, f"{size - end:,} bytes", "the last frame")
        most = min(PADDING_BYTES, int(PADDING_S * end / seconds)) if seconds else 0
        if not any(tail) and not (complete or _padded(file, end, size, most)):
            raise _gap(path, end, UNWRITTEN)


def no_frame(packet: bytes) -> bool:
    """Tell whether bytes between frames are a tag, zeros or ends of lines."""
    return packet.startswith(TAGS) or not packet.strip(BLANKS)


def check_mp3(path: Path, frames: int, last: bytes) -> None:
    """Refuse an MP3 file (or MP2) whose last frame is torn, or that has fewer frames than it promises.

    Args:
        path: the file.
        frames: how many were found.
        last: the last one.

    Raises:
        InputError: its end is missing.
    """
    whole = _mpeg_frame_bytes(last[:4])
    if len(last) < whole:
        raise cut_off(path, f"{len(last):,} bytes", f"{whole:,} of the last frame")
    promised, _, padding = mp3_promised(path)
    if frames < promised:
        raise cut_off(path, f"{frames:,} frames", f"{promised:,}")
    if padding and 0 < promised < frames and not _joined(path):
        raise InputError(  # FFmpeg takes the padding out where the header says that the end is
            f"{path}: expected {promised:,} frames, as its header counts, found {frames:,}; convert it again"
        )


def _joined(path: Path) -> bool:
    """Tell whether an MP3 file was joined of several: another tag or header stands within it."""
    with path.open("rb") as file:
        file.seek(beginning(file) + HEAD_BYTES)
        rest = file.read()
    return any(mark in rest for mark in (b"ID3", b"Xing", b"Info"))


def mp3_promised(path: Path) -> tuple[int, int, int]:
    """Tell how many frames an MP3 file promises, and how many samples of delay and padding; 0 where it does not say.

    Its first frame says it, which holds no sound: that of Xing and LAME, or Fraunhofer's, where some count it, too.
    """
    with path.open("rb") as file:
        file.seek(beginning(file))
        head = file.read(200)
    if head[36:40] == b"VBRI":
        return int.from_bytes(head[50:54], "big") - 1, 0, 0
    at = max(head.find(b"Xing"), head.find(b"Info"))
    if at < 0 or len(head) < at + 144 or not head[at + 7] & 1:
        return 0, 0, 0
    both = int.from_bytes(head[at + 141 : at + 144], "big") if head[at + 7] == 15 else 0  # all fields are there
    return int.from_bytes(head[at + 8 : at + 12], "big"), both >> 12, both & 0xFFF


def _mpeg_frame_bytes(head: bytes) -> int:
    """Tell how long a frame is by its first 4 bytes (ISO 11172-3, 13818-3); 0 where they do not say."""
    if len(head) < 4 or head[0] != 0xFF:
        return 0
    version, layer, rate = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3), head[2] >> 2 & 3
    rates = BIT_RATES.get((version == 3, layer), ())
    if version == 1 or rate == 3 or not 0 < head[2] >> 4 < len(rates):
        return 0
    slots = 72_000 if layer == 3 and version != 3 else 144_000
    return slots * rates[head[2] >> 4] // RATES_HZ[version][rate] + (head[2] >> 1 & 1)


def samples_promised(path: Path) -> int:
    """Tell how many samples a FLAC (RFC 9639, 8.2), WavPack or TTA file promises in its header; 0 where it does not."""
    with path.open("rb") as file:
        file.seek(beginning(file))
        head = file.read(26)
    if head[:4] == b"fLaC":
        return int.from_bytes(head[21:26], "big") & 0xF_FFFF_FFFF
    if head[:4] == b"wvpk":
        said = int.from_bytes(head[12:16], "little")
        return said if said != 0xFFFF_FFFF else 0  # written to a pipe
    return int.from_bytes(head[14:18], "little") if head[:4] == b"TTA1" else 0


def _check_pages(path: Path, file: BinaryIO, size: int) -> None:
    """Refuse an Ogg file that lacks a page or a part of one: decoders leave it out without a word."""
    end, numbers, open_streams = 0, {}, set()
    for page in _counted(path, ogg.pages(path)):
        if page.end > size:
            raise cut_off(path, f"{size:,} bytes", f"{page.end:,}" if page.end > size + 1 else f"more than {size:,}")
        if not ogg.sound(file, page):
            raise _gap(path, page.start, "the checksum of its page is wrong")
        if not page.begins and page.number != numbers.get(page.stream, page.number - 1) + 1:
            raise _gap(path, page.start, "a page before it is missing")
        end, numbers[page.stream] = page.end, page.number
        open_streams = open_streams - {page.stream} if page.ends else open_streams | {page.stream}
    file.seek(end)
    tail = file.read(HEAD_BYTES)
    if tail.strip(BLANKS) and not tail.startswith(TAGS):
        raise _gap(path, end, "there is no page")
    if not any(tail) and open_streams and not _padded(file, end, size):
        raise _gap(path, end, UNWRITTEN)


def _gap(path: Path, at: int, found: str) -> InputError:
    return InputError(f"{path}: the file is damaged at byte {at:,}: {found}; copy or convert it again")


def _boxes(file: BinaryIO, size: int) -> Iterator[int]:
    """Where the boxes of MP4, M4A, MOV, 3GP end (ISO 14496-12, 4.2)."""
    at, kinds = 0, set()
    while at < size:
        length, kind, long = struct.unpack(">I4sQ", _read(file, at, 16))
        whole = {b"moov", b"mdat"} <= kinds and b"moof" not in kinds  # then an index names all that there is
        if length == 1:
            length = long
        elif length == 0 and kind.strip(b"\0"):  # to the end of the file
            return
        elif length == 0:  # zeros behind the last box
            if not (whole or _padded(file, at, size)):
                yield size + 1
            return
        if whole and _is_tail(file, at, size):
            return
        if whole and kind == b"ftyp":
            raise _FaultError("another recording stands behind its end, take them apart")
        if whole and not all(0x20 <= byte < 0x7F or byte == 0xA9 for byte in kind):
            raise _FaultError(f"{size - at:,} bytes at its end belong to no box")
        at += max(length, 8)
        kinds.add(kind)
        yield at
    if at == size and b"mdat" in kinds and not kinds & {b"moov", b"moof"}:
        raise _FaultError("it has no index (moov), which is written last: the recording was broken off")


def _chunks(file: BinaryIO, size: int) -> Iterator[int]:
    """Where an AVI's RIFF chunks end."""
    at = 0
    while at < size and (head := _read(file, at, 8))[:4] == b"RIFF":
        length = int.from_bytes(head[4:], "little")
        if length in (0, 0xFFFFFFFF):  # never closed
            return
        at += 8 + length
        yield at


def _caf_chunks(file: BinaryIO, size: int) -> Iterator[int]:
    at = 8
    while at < size:
        head = _read(file, at, 12)
        if (size - at < len(head) and not any(head)) or head.startswith(TAGS):  # libsndfile leaves zeros behind ALAC
            return
        length = int.from_bytes(head[4:], "big", signed=True)
        if length < 0:  # to the end of the file
            return
        at += 12 + length
        yield at


def _objects(file: BinaryIO, size: int) -> Iterator[int]:
    """Where the objects of ASF (WMA) end."""
    at = 0
    while at < size:
        length = int.from_bytes(_read(file, at, 24)[16:], "little")
        if length < 24:
            return
        at += length
        yield at


def _packets(file: BinaryIO, size: int) -> Iterator[int]:
    """Where the packets of ASF begin, none with zeros (Advanced Systems Format 3.2, 5.1 and 5.2)."""
    header = int.from_bytes(_read(file, 16, 8), "little")
    at = _read(file, 0, min(header, size)).find(ASF_PROPERTIES)
    length = int.from_bytes(_read(file, at + 92, 4), "little") if at >= 0 else 0
    data = int.from_bytes(_read(file, header + 16, 8), "little")
    yield from range(header + 50, min(header + data, size), length) if length else ()


def _avi_heads(file: BinaryIO, size: int) -> Iterator[int]:
    """Where the chunks of AVI begin, in its lists, too."""
    at = end = 0
    while at < size:
        head = _read(file, at, 12)
        length = int.from_bytes(head[4:8], "little")
        if head[:4] == b"RIFF":
            end = at + 8 + length if length not in (0, 0xFFFFFFFF) else size
        if at >= end or not head[:4].isascii():
            return
        yield at
        at += 12 if {head[:4], head[8:]} & AVI_LISTS else 8 + length + length % 2


def _blocks(file: BinaryIO, size: int) -> Iterator[int]:
    """Where the blocks of WavPack end."""
    at = 0
    while at < size and (head := _read(file, at, 8))[:4] in (b"wvpk", b"wvpk"[: size - at].ljust(4, b"\0")):
        at += 8 + int.from_bytes(head[4:], "little")
        yield at


def _elements(file: BinaryIO, size: int) -> Iterator[int]:
    """Where the elements of Matroska and WebM end (RFC 8794), those of segments and clusters without a length, too."""
    at = 0
    while at < size:
        head = _read(file, at, 12)
        width = 9 - head[0].bit_length()
        if width > 4 or width + 8 > len(head):
            return
        identity, length_at = int.from_bytes(head[:width], "big"), width
        width = 9 - head[length_at].bit_length()
        if width > 8:
            if at + length_at >= size:
                yield size + 1
            return
        length = int.from_bytes(head[length_at : length_at + width], "big") & ((1 << 7 * width) - 1)
        unknown = length == (1 << 7 * width) - 1
        at += length_at + width
        if not (unknown and identity in (SEGMENT, CLUSTER)):
            at += length
        yield at


def _check_elements(path: Path) -> None:
    """Refuse a Matroska or WebM file with something else than elements in its segment: decoders pass it over."""
    size, clusters = path.stat().st_size, None  # where the cluster ends
    with path.open("rb") as file:
        _, at, length = _element(file, 0)
        at += length or 0
        identity, at, length = _element(file, at)
        if identity != SEGMENT:
            return
        end, known = (size, False) if length is None else (min(size, at + length), True)
        for _ in _counted(path, itertools.count()):
            if at >= end:
                return
            if clusters is not None and at >= clusters:
                clusters = None
            identity, begins, length = _element(file, at)
            if identity == CLUSTER:
                at, clusters = begins, UNKNOWN if length is None else begins + length
                continue
            inside = clusters is not None and identity in IN_CLUSTERS
            if not inside:
                if identity not in IN_SEGMENT or clusters not in (None, UNKNOWN):
                    if not known and (_is_tail(file, at, size) or _padded(file, at, size)):
                        return
                    raise _gap(path, at, "there is no element of Matroska")
                clusters = None
            if length is None:
                return
            at = begins + length
            if inside and at > clusters:
                raise _gap(path, begins, "an element is longer than the cluster that it is in")


def _element(file: BinaryIO, at: int) -> tuple[int, int, int | None]:
    """Read the head of an element: its identity, where its content begins, and how long it is; None for unknown."""
    head = _read(file, at, 12)
    width = min(4, 9 - head[0].bit_length())
    identity, rest = int.from_bytes(head[:width], "big"), head[width:]
    wide = min(8, 9 - rest[0].bit_length())
    length = int.from_bytes(rest[:wide], "big") & ((1 << 7 * wide) - 1)
    return identity, at + width + wide, None if length == (1 << 7 * wide) - 1 else length


def _padded(file: BinaryIO, at: int, size: int, most: int = OPEN_BYTES) -> bool:
    """Tell whether from here on there are zeros alone, and no more of them than padding has."""
    file.seek(at)
    return size - at <= most and not any(file.read())


def _is_tail(file: BinaryIO, at: int, size: int) -> bool:
    """Tell whether from here on there is a tag that another program appended, or ends of lines."""
    head = _read(file, at, len(max(TAGS, key=len)))
    return head.startswith(TAGS) or (size - at < len(head) and not head.strip(BLANKS))


def _read(file: BinaryIO, at: int, length: int) -> bytes:
    """Read, with zeros for what is not there."""
    file.seek(min(at, FARTHEST))
    return file.read(length).ljust(length, b"\0")


_WALKS: tuple[tuple[Callable[[bytes], bool], Callable[[BinaryIO, int], Iterator[int]]], ...] = (
    (lambda head: head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"), _boxes),
    (lambda head: head[:4] == b"RIFF" and head[8:12] == b"AVI ", _chunks),
    (lambda head: head[:4] == b"caff", _caf_chunks),
    (lambda head: head == ASF, _objects),
    (lambda head: head[:4] == b"wvpk", _blocks),
    (lambda head: head[:4] == EBML, _elements),
)
