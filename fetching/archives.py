"""Unpack an archive from the web: only the files that are wanted, none elsewhere, and no more than was promised."""

import lzma
import stat
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from ser.files.failures import InputError

PIECE_BYTES = 1 << 20
DAMAGED = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    UnicodeDecodeError,  # of a member's name
    lzma.LZMAError,
    zlib.error,
)


def unpack(archive: Path, folder: Path, keep: Sequence[str], inside: str, most_bytes: int) -> int:
    """Unpack a ZIP file.

    Args:
        archive: the file.
        folder: where to; nothing of it may be there.
        keep: patterns of the files to take, such as ``wav/*.wav``; a ``*`` is part of one name.
        inside: the folder of the archive that they are below, or ``""`` for the archive itself.
        most_bytes: how large all its files may be together.

    Returns:
        How many files were taken.

    Raises:
        InputError: it is no ZIP file, a name leads out of the folder, a member is a link, it is larger than promised,
            or damaged. Then files may be left in the folder.
    """
    try:
        with zipfile.ZipFile(archive) as source:
            _check(source, archive, most_bytes)
            wanted = {
                path.relative_to(inside): member
                for member in source.infolist()
                if not member.is_dir()
                and (path := PurePosixPath(member.filename)).is_relative_to(inside)
                and any(_fits(path.relative_to(inside), pattern) for pattern in keep)
            }
            for relative, member in wanted.items():
                target = folder / relative
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as stream:
                    _copy(source, member, stream)
    except DAMAGED as error:
        raise InputError(f"{archive}: {_kind(archive)}: {error}; fetch it again, or from another address") from error
    return len(wanted)


def _copy(source: zipfile.ZipFile, member: zipfile.ZipInfo, stream: BinaryIO) -> None:
    """Copy a member: of it no more is read than its size in the directory."""
    with source.open(member) as content:
        while piece := _read(content):
            stream.write(piece)


def _read(content: BinaryIO) -> bytes:
    try:
        return content.read(PIECE_BYTES)
    except OSError as error:  # so bzip2 says that its bytes are damaged
        raise EOFError(error) from error


def _fits(path: PurePosixPath, pattern: str) -> bool:
    return len(path.parts) == len(PurePosixPath(pattern).parts) and path.match(pattern)


def _check(source: zipfile.ZipFile, archive: Path, most_bytes: int) -> None:
    size = sum(member.file_size for member in source.infolist())
    if size > most_bytes:
        raise InputError(f"{archive}: holds {size} bytes, more than the {most_bytes} that its row of the table allows")
    for member in source.infolist():
        path = PurePosixPath(member.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename:
            raise InputError(f"{archive}: the name '{member.filename}' leads out of the folder; do not use it")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise InputError(f"{archive}: '{member.filename}' is a link; do not use it")


def _kind(archive: Path) -> str:
    with archive.open("rb") as stream:
        start = stream.read(512).lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "expected a ZIP file, found a web page"
    return "expected a whole ZIP file, found another or a damaged one"
