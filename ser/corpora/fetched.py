"""Whether a corpus' files are there themselves: git without git-lfs leaves a pointer to each."""

from collections.abc import Sequence
from pathlib import Path

from ser.files.failures import InputError

POINTER = b"version https://git-lfs.github.com/spec/"
LONGEST_POINTER = 1024  # bytes, by the specification of git-lfs


def check(folder: Path, files: Sequence[Path]) -> None:
    """Refuse a corpus of nothing but git-lfs pointers; single ones among recordings are rejected one by one.

    Args:
        folder: the corpus, for the message.
        files: what should be audio, or tables.

    Raises:
        InputError: all are pointers.
    """
    pointers = [path for path in files if _is_pointer(path)]
    if pointers and len(pointers) == len(files):
        raise InputError(
            f"{folder}: all {len(files)} files are pointers of git-lfs in place of their content, such as "
            f"{pointers[0]}; install git-lfs and run in the clone: git lfs pull"
        )


def _is_pointer(path: Path) -> bool:
    if not path.is_file() or path.stat().st_size > LONGEST_POINTER:
        return False
    with path.open("rb") as stream:
        return stream.read(len(POINTER)) == POINTER
