"""What is in a file, by its first bytes: which library decodes it, and the name of what is no sound."""

from pathlib import Path
from typing import BinaryIO

from ser.files.failures import InputError
from ser.files.whole import check_file
from ser.recordings import ogg

# What counts as audio in a folder.
READ = (
    ".3g2 .3gp .aac .ac3 .aif .aifc .aiff .amr .au .avi .awb .caf .eac3 .flac .m4a .m4b .m4v .mka .mkv .mov .mp2 .mp3 "
    ".mp4 .mpga .nist .oga .ogg .ogv .opus .qta .rf64 .snd .sph .spx .tta .w64 .wav .wave .weba .webm .wma .wmv .wv"
)
UNREAD = ".ape .au3 .dsf .dss .dts .dvf .flv .gsm .mid .mpc .mpg .msv .ra .raw .rm .shn .tak .ts .voc .vox"
SUFFIXES = frozenset(READ.split()) | frozenset(UNREAD.split())  # the latter to be named as unreadable

HEAD_BYTES = 4096
ZEROS_BYTES = 65_536  # that may stand before the first frame of MP3, for players look no farther either
MOST_TAGS = 16  # ID3v2, one behind another
MOST_CHUNKS = 1000  # before the one that tells the codec
LIBSNDFILE, FFMPEG = "libsndfile", "FFmpeg"
# Codecs in a WAV file, by their number there, that libsndfile decodes: PCM, float, A-law and µ-law, ADPCM, GSM, and
# "extensible", which is one of the first four.
WAV_CODECS = {1, 2, 3, 6, 7, 0x11, 0x31, 0x38, 0x40, 0xFFFE}
CAF_CODECS = {b"lpcm", b"alaw", b"ulaw"}
IN_LIBSNDFILE = (b"RIFX", b"RF64", b"BW64", b"riff", b"FORM", b".snd", b"dns.", b"NIST_1A")
NO_SOUND = {
    b"version https://git-lfs": "a pointer of git-lfs in place of the recording; fetch that: git lfs pull",
    b"/annex/objects/": "a pointer of git-annex in place of the recording; fetch that: git annex get, or datalad get",
    b"PK\x03\x04": "a zip archive; unpack it",
    b"PK\x05\x06": "a zip archive, an empty one; download it again",
    b"\x1f\x8b": "a gzip archive; unpack it",
    b"7z\xbc\xaf": "a 7z archive; unpack it",
    b"Rar!": "a rar archive; unpack it",
    b"%PDF": "a PDF document; take it out",
    b"\x89PNG": "a picture; take it out",
    b"\xff\xd8\xff": "a picture; take it out",
    b"MThd": "MIDI, which is notes and no sound; take it out",
    b"#EXTM3U": "a playlist; take the recordings that it names",
}
WEB_PAGE = (b"<!doctype html", b"<html", b"<?xml", b"<head", b"<error")


def library(path: Path) -> str:
    """Choose the library for a file: libsndfile where that is exact, FFmpeg for the rest.

    Of Vorbis in Ogg, FFmpeg 8.1 loses up to 256 samples at the end, and libsndfile all files but the first of several
    that were joined. Of FLAC, libsndfile loses what the header does not count.

    Args:
        path: the audio file.

    Returns:
        ``LIBSNDFILE`` or ``FFMPEG``.

    Raises:
        InputError: the file is missing, cannot be read, has no bytes, or is something else than sound that has a name.
    """
    check_file(path, "audio")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: expected audio, found a file of zero bytes")
    with path.open("rb") as file:
        file.seek(beginning(file))
        head = file.read(HEAD_BYTES)
        name = _no_sound(head, path.suffix.lower())
        if name:
            raise InputError(f"{path}: expected audio, found {name}")
        if head[28:35] == b"\x01vorbis":
            exact = not ogg.several_streams(path)
        elif head[:4] == b"RIFF":
            exact = head[8:12] == b"WAVE" and _wav_codec(file) in WAV_CODECS
        elif head[:4] == b"caff":
            exact = head[28:32] in CAF_CODECS
        else:
            exact = head.startswith(IN_LIBSNDFILE)
    return LIBSNDFILE if exact else FFMPEG


def beginning(file: BinaryIO) -> int:
    """Tell where a file begins behind the tags and zeros that may stand before it, in bytes."""
    at = 0
    for _ in range(MOST_TAGS):
        file.seek(at)
        head = file.read(ZEROS_BYTES)
        if length := id3_bytes(head):
            at += length
        elif len(rest := head.lstrip(b"\0")) in (0, len(head)):
            break
        else:
            at += len(head) - len(rest)
    return at


def id3_bytes(head: bytes) -> int:
    """Tell how long the tag ID3v2 is with which a file begins, in bytes; 0 where there is none."""
    if len(head) < 10 or head[:3] != b"ID3":
        return 0
    size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    return 10 + size + (10 if head[5] & 0x10 else 0)  # the footer


def _no_sound(head: bytes, suffix: str) -> str:
    for magic, name in NO_SOUND.items():
        if head.startswith(magic):
            return name
    if head.startswith(b"NIST_1A") and b",embedded-" in head:
        return "SPHERE compressed by shorten, as LDC's older corpora are; unpack it: sph2pipe -p -f wav IN OUT"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(WEB_PAGE):
        return "a web page in place of the recording; download it again, perhaps after logging in"
    if suffix == ".raw" and not head.startswith((b"RIFF", b"fLaC", *IN_LIBSNDFILE)):
        return "raw samples; convert it to WAV"
    if not head:
        return "nothing behind the tag at its beginning; copy it again"
    if not any(head):
        return "nothing but zeros in its beginning, as after a copy that failed; copy it again"
    return ""


def _wav_codec(file: BinaryIO) -> int:
    """The number of the codec in a WAV file; that of PCM where it is not told."""
    at = 12
    for _ in range(MOST_CHUNKS):
        file.seek(at)
        head = file.read(10)
        if len(head) < 10:
            break
        if head[:4] == b"fmt ":
            return int.from_bytes(head[8:], "little")
        length = int.from_bytes(head[4:8], "little")
        at += 8 + length + length % 2
    return 1
