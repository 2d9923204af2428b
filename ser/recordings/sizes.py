"""The size of the samples in WAV and its kin: torn files have it right, recorders that crashed or cannot seek wrong."""

import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from ser.files.failures import InputError
from ser.recordings.cut import FARTHEST, TAGS, cut_off

# From here up a size of four or of eight bytes means "unknown": written by programs that cannot seek back. SoX writes
# 0x7FFFF000, less what is beyond whole blocks.
STREAMED_BYTES = {4: 0x7FFF_E000, 8: 2**62}
GSM, GSM_BYTES, GSM_SAMPLES = 0x31, 65, 320  # the codec's number, and its block
BLOCK_BYTES = 2**20
MOST_CHUNKS = 100_000  # of which none is looked for behind: each costs time
LONG = 0xFFFF_FFFF  # where RF64 has a size elsewhere
TORN_BYTES = 2**16  # at a file's beginning, in which its samples begin
LAST_BYTES = 2**16  # at a file's end, in which a chunk behind samples of unknown size is looked for
TEXT_BYTES = 1024  # behind the samples, at most, that are text without a chunk
# Chunks that may stand last and be torn, behind samples that are whole: samples can look like a name, too.
BEHIND = frozenset(
    b"LIST,id3 ,ID3 ,bext,iXML,cue ,smpl,inst,fact,PEAK,JUNK,junk,PAD ,FLLR,DISP,_PMX,axml,chna,acid,cart,afsp,ResU,"
    b"minf,umid,strc,NAME,AUTH,ANNO,COMT,MARK,APPL,INST,free,info,uuid,peak,mark,strg,LGWV,SMED,levl,regn,elm1,DGDA,"
    b"ovwf,SAUR,CDif,link,mext,qlty,bxml,SXML,note,labl,plst,clm ,trkn,MD5 ,FILL".split(b",")
)


class Memory(mmap.mmap):
    """A file in memory whose changes stay there, and in which a place behind the end is the end."""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> None:
        """Move as in a file."""
        super().seek(min(len(self), (0, self.tell(), len(self))[whence] + offset))


class Form(NamedTuple):
    """How a format is made of chunks, each a name, a size and content.

    Attributes:
        begins: where the first stands, in bytes.
        name: how many bytes a name has; 0 where the sound is all there is.
        size: how many bytes a size has.
        counted: how many bytes of name and size the size counts, too.
        step: chunks stand at multiples of so many bytes.
        order: of the bytes of a size.
        sound: the name of the chunk of samples.
        empty: its size without any.
        types: what may stand behind the size of the whole; nothing where a format has none.
        reads_on: whether libsndfile takes what is behind the samples for sound.
    """

    begins: int
    name: int
    size: int
    counted: int
    step: int
    order: Literal["little", "big"]
    sound: bytes
    empty: int = 0
    types: tuple[bytes, ...] = ()
    reads_on: bool = False


class Chunk(NamedTuple):
    """A chunk: its name, where its size stands and in how many bytes, where its content begins, and how long it is."""

    name: bytes
    size_at: int
    size: int
    start: int
    length: int


class Sound(NamedTuple):
    """Where a file has its samples.

    Attributes:
        form: how the file is made of chunks.
        magic: its first four bytes.
        chunk: that of the samples.
        rate: bytes a second, or 0 where that is not known.
        chunks_end: where the head says that all chunks end; None where it is not WAV.
        odd: where the size of a chunk stands whose padding libsndfile takes for the next one.
    """

    form: Form
    magic: bytes
    chunk: Chunk
    rate: int
    chunks_end: int | None
    odd: list[int]


WAV = Form(12, 4, 4, 0, 2, "little", b"data", types=(b"WAVE",))  # RF64 and BW64: EBU Tech 3306, ITU-R BS.2088
AIFF = Form(12, 4, 4, 0, 2, "big", b"SSND", 8, types=(b"AIFF", b"AIFC"))
CAF = Form(8, 4, 8, 0, 1, "big", b"data", 4)
W64 = Form(40, 16, 8, 24, 8, "little", b"data" + bytes.fromhex("f3acd3118cd100c04f8edb8a"), reads_on=True)
AU = Form(0, 0, 4, 0, 1, "big", b"", reads_on=True)
FORMS = {
    b"RIFF": WAV,
    b"RF64": WAV,
    b"BW64": WAV,
    b"RIFX": WAV._replace(order="big"),
    b"FORM": AIFF,
    b"caff": CAF,
    b"riff": W64,
    b".snd": AU,
    b"dns.": AU._replace(order="little"),
}
LONG_FORMS = (b"RF64", b"BW64")


def check(path: Path) -> None:
    """Check the size that a file gives its samples.

    Args:
        path: an audio file of any kind.

    Raises:
        InputError: the file ends before its samples do; or bytes follow that belong to no chunk.
    """
    with path.open("rb") as file:
        if sound := _find(path, file):
            _true_end(path, file, sound)


def mended(path: Path) -> Memory | None:
    """Check the size that a file gives its samples, and put the true one where its recorder wrote none.

    Args:
        path: an audio file of any kind.

    Returns:
        The file, mended for libsndfile: with the size of the samples, and without what is behind them where it takes
        that for sound. None where the file can be read as it is, or is of no format of ``FORMS``.

    Raises:
        InputError: as ``check``.
    """
    with path.open("rb") as file:
        sound = _find(path, file)
        end = _true_end(path, file, sound) if sound else None
        if end is None:
            return None
        whole = Memory(file.fileno(), end, access=mmap.ACCESS_COPY)
    form, chunk = sound.form, sound.chunk
    size = min(end - chunk.start + form.counted, 256**chunk.size - 1)
    whole[chunk.size_at : chunk.size_at + chunk.size] = size.to_bytes(chunk.size, form.order)
    for place in sound.odd:
        whole[place] += 1
    if sound.magic in LONG_FORMS:
        whole[:4] = b"RF64"  # libsndfile does not know the other name
        if chunk.size == 8:
            whole[chunk.start - 4 : chunk.start] = LONG.to_bytes(4, "little")
    return whole


def _find(path: Path, file: BinaryIO) -> Sound | None:
    """Find the samples; None in a file of another format, or one that is not WAV and has none.

    Raises:
        InputError: a WAV file ends before they begin.
    """
    there = path.stat().st_size
    head = file.read(12)
    form = FORMS.get(head[:4])
    if form is None or (form.types and head[8:] not in form.types):
        return None
    if not form.name:
        chunk = _rest(file, form)
        return Sound(form, head[:4], chunk, 0, None, []) if chunk and chunk.start <= there else None
    wav, rate, odd = form.types == WAV.types, 0, []
    for chunk in _chunks(file, form, form.begins):
        if chunk.name == b"fmt " and wav:
            rate = int.from_bytes(file.read(12)[8:], form.order)
        if chunk.name == form.sound and chunk.start <= there:
            chunks_end = 8 + int.from_bytes(head[4:8], form.order) if wav else None
            return Sound(form, head[:4], chunk, rate, chunks_end, odd)
        if head[:4] in LONG_FORMS and chunk.length % 2:
            odd.append(chunk.size_at)
    if wav:
        file.seek(0)
        if form.sound in file.read(TORN_BYTES)[form.begins :]:
            raise InputError(
                f"{path}: the sizes of its chunks do not lead to its samples; open it in an audio editor and save it "
                "again"
            )
        raise InputError(f"{path}: the file is cut off, it ends before its sound begins; copy or convert it again")
    return None


def _true_end(path: Path, file: BinaryIO, sound: Sound) -> int | None:
    """Tell where the samples end; None where libsndfile ends there by itself.

    Raises:
        InputError: as ``check``.
    """
    there, (form, magic, chunk, rate, chunks_end, odd) = path.stat().st_size, sound
    length, end = chunk.length, chunk.start + chunk.length
    unknown = end > there and length >= STREAMED_BYTES[chunk.size]
    if end > there and not unknown:
        # A file that was torn had sizes that agreed. Some recorders write the size of the file for that of the
        # samples, which then lead beyond the end of all chunks.
        if chunks_end is not None and chunks_end < end and chunks_end <= there + 8 and length <= there:
            return None
        raise cut_off(path, *_amounts(there - chunk.start, length, rate))
    if not unknown and (another := _another(file, form, end)):
        raise InputError(f"{path}: expected one recording, found {another} behind its samples; take them apart")
    named = not unknown and any(_named(file, form, at, there) for at in {end, end + -end % form.step})
    if not named and (unknown or length <= form.empty):
        return _before_last(file, form, chunk.start, there)
    if not named:
        promised, more = _amounts(length, there - end, rate)
        raise InputError(
            f"{path}: the header promises {promised} of sound, and {more} follow that it does not name; open it in an "
            "audio editor and save it again"
        )
    return end if (form.reads_on and end < there) or magic == b"BW64" or odd else None


def gsm_samples(path: Path) -> int | None:
    """Tell how many samples a WAV file of GSM 6.10 holds; None for others.

    A block of 65 bytes has 320. libsndfile also decodes the byte that pads an odd number of them.
    """
    with path.open("rb") as file:
        if file.read(4) != b"RIFF":
            return None
        codec = 0
        for chunk in _chunks(file, WAV, WAV.begins):
            if chunk.name == b"fmt ":
                codec = int.from_bytes(file.read(2), "little")
            if chunk.name == b"data" and codec == GSM:
                return min(chunk.length, path.stat().st_size - chunk.start) // GSM_BYTES * GSM_SAMPLES
    return None


def _chunks(file: BinaryIO, form: Form, at: int) -> Iterator[Chunk]:
    """Walk through the chunks from a place on; the file then stands where the content begins."""
    long = 0  # where RF64 has the size of the samples
    for _ in range(MOST_CHUNKS):
        file.seek(min(at, FARTHEST))
        head = file.read(form.name + form.size)
        if len(head) < form.name + form.size:
            return
        name, size_at, size, start = head[: form.name], at + form.name, form.size, at + len(head)
        length = int.from_bytes(head[form.name :], form.order)
        if name == b"ds64":
            long = start + 8
        if name == form.sound and long and length in (0, LONG):
            file.seek(long)
            size_at, size, length = long, 8, int.from_bytes(file.read(8), "little")
            file.seek(start)
        length = max(0, length - form.counted)
        yield Chunk(name, size_at, size, start, length)
        at = start + length
        at += -at % form.step


def _rest(file: BinaryIO, form: Form) -> Chunk | None:
    """Read the head of AU, behind which there is nothing but the samples."""
    file.seek(4)
    head = file.read(8)
    if len(head) < 8:
        return None
    return Chunk(b"", 8, 4, int.from_bytes(head[:4], form.order), int.from_bytes(head[4:], form.order))


def _named(file: BinaryIO, form: Form, at: int, there: int) -> bool:
    """Tell whether from a place to the end there are chunks, the last torn perhaps, a tag, a little text, or zeros."""
    for _ in range(MOST_CHUNKS):
        if at + 1 >= there:
            break
        file.seek(at)
        head = file.read(8)
        if head.startswith(TAGS):
            return True
        if not any(head):
            return all(block.count(0) == len(block) for block in iter(lambda: file.read(BLOCK_BYTES), b""))
        if there - at <= TEXT_BYTES and _is_text(head + file.read(TEXT_BYTES)):
            return True
        chunk = next(_chunks(file, form, at), None) if form.name else None
        if chunk is None or (form.name == 4 and not all(0x20 <= byte < 0x7F for byte in chunk.name)):
            return False
        at = chunk.start + chunk.length
        if at > there and chunk.name in BEHIND:
            return True
        file.seek(min(at, FARTHEST))
        if form.step > 2 or file.read(1) == b"\0":  # some write no padding
            at += -at % form.step
    return at - there < max(2, form.step)


def _is_text(content: bytes) -> bool:
    return all(0x20 <= byte < 0x7F or byte in b"\t\r\n" for byte in content.rstrip(b"\0"))


def _another(file: BinaryIO, form: Form, end: int) -> str:
    """Name the recording that begins behind the samples, or the second chunk of them; ``""`` without one."""
    for at in {end, end + -end % form.step} if form.name == 4 else ():
        file.seek(min(at, FARTHEST))
        name = file.read(4)
        if name in FORMS or name == form.sound:
            return f"another one ({name.decode()})"
    return ""


def _before_last(file: BinaryIO, form: Form, start: int, there: int) -> int:
    """Tell where samples of unknown size end: before a chunk of ``BEHIND`` that ends exactly with the file."""
    if form.name != 4:
        return there
    begin = max(start, there - LAST_BYTES)
    file.seek(begin)
    last = file.read()
    for name in BEHIND:
        at = last.rfind(name)
        while at >= 0:
            length = int.from_bytes(last[at + 4 : at + 8], form.order)
            if 0 <= len(last) - (at + 8 + length) <= length % form.step and len(last) >= at + 8:
                return begin + at
            at = last.rfind(name, 0, at)
    return there


def _amounts(one: int, other: int, rate: int) -> tuple[str, str]:
    """Write two amounts of samples, in seconds where these tell them apart and neither is nothing."""
    seconds = [f"{length / rate:.2f} s" for length in (one, other)] if rate else []
    if len(set(seconds)) == 2 and "0.00 s" not in seconds:
        return tuple(seconds)
    return f"{one:,} bytes", f"{other:,}"
