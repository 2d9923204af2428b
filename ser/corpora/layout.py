"""What the parsers share: finding the audio files of a corpus, and checking that none is missing."""

import unicodedata
from pathlib import Path

from ser.corpora.walk import walk
from ser.files.failures import InputError


def audio_files(folder: Path) -> list[Path]:
    """List the audio files below a folder, sorted; hidden files and folders are left out.

    Raises:
        InputError: a folder below is a link, or cannot be listed.
    """
    if not folder.is_dir():
        return []
    found = walk(folder)
    for link in found.links:
        check_not_linked(link)
    if found.faults:
        raise InputError(
            f"{found.faults[0]}, nor can {len(found.faults) - 1} others; make them readable: chmod -R u+rX"
        )
    return found.files


def same_letters(name: str) -> str:
    """Write a name in the one way in which all programs write it: an accent with its letter (Unicode's form NFC).

    macOS writes an accent as a sign of its own, and both look the same.
    """
    return unicodedata.normalize("NFC", name)


def check_not_linked(folder: Path) -> None:
    """Refuse a link to a folder: DVC does not look behind it, so that changed audio would go unnoticed.

    Links to files are well: DVC takes what they point to.

    Raises:
        InputError: the folder is a link.
    """
    if folder.is_symlink():
        raise InputError(
            f"{folder}: a link to a folder, behind which DVC sees no change; link the files instead: rm {folder} && "
            f"cp -rs {folder.resolve()} {folder}"
        )


def check_size(folder: Path, what: str, found: int, expected: int, incomplete: bool) -> None:
    """Check that a corpus is as large as it was distributed.

    Args:
        folder: the corpus; its name is the corpus' name in params.
        what: what is counted, such as ``"files of speech"``.
        found: how many there are.
        expected: how many were distributed.
        incomplete: whether the user declared that some are missing.

    Raises:
        InputError: there are none, too many, or, undeclared, too few.
    """
    if found == expected or (incomplete and 0 < found < expected):
        return
    declare = f", or declare it by manifest.allow_incomplete: [{folder.name}]" if 0 < found < expected else ""
    raise InputError(f"{folder}: expected {expected} {what}, found {found}; unpack the corpus again{declare}")


def has_table(path: Path, incomplete: bool) -> bool:
    """Tell whether a table of the corpus is there; only a corpus declared incomplete may lack it.

    Raises:
        InputError: it is missing and the corpus is not declared incomplete.
    """
    if not path.is_file() and not incomplete:
        raise InputError(
            f"{path}: no such file; it comes with the corpus: add it, or do without what it tells by naming the corpus "
            "in manifest.allow_incomplete"
        )
    return path.is_file()


def root(folder: Path, *marks: str) -> Path:
    """Find where a corpus begins, as archives put it into a folder, or two: the one folder that has a mark."""
    if any((folder / mark).is_dir() for mark in marks):
        return folder
    for above in ("*", "*/*"):
        inner = {path.parent for mark in marks for path in folder.glob(f"{above}/{mark}") if path.is_dir()}
        inner = [path for path in inner if not _hidden(path.relative_to(folder))]
        if inner:
            return inner[0] if len(inner) == 1 else folder
    return folder


def _hidden(relative: Path) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in relative.parts)
