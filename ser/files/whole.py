"""Write a file or a folder whole or not at all, even where the program is killed; and tell why one cannot be read."""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ser.files.failures import InputError

PARTIAL = ".partial"  # the suffix of what is not whole yet; .gitignore and .dvcignore name it

OTHER_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def check_file(path: Path, expected: str) -> None:
    """Refuse what is not a file that can be read, before a reader waits for it or gives it another name.

    Args:
        path: the file.
        expected: what it shall be, for the message.

    Raises:
        InputError: there is none, it is a folder, a pipe or the like, or may not be read.
    """
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
        if kind == stat.S_IFREG:
            path.open("rb").close()
    except (FileNotFoundError, NotADirectoryError) as error:
        if path.is_symlink():
            raise InputError(
                f"{path}: expected {expected}, found a link to {path.readlink()}, where there is no file; mend the link"
            ) from error
        raise InputError(f"{path}: no such file; expected {expected}") from error
    except OSError as error:
        raise InputError(f"{path}: expected {expected}, found a file that cannot be read: {error.strerror}") from error
    if kind != stat.S_IFREG:
        raise InputError(f"{path}: expected {expected}, found {OTHER_KINDS.get(kind, 'no file')}; give a file")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a path to write to, and put the file in its place only when the block ends without an error.

    The last step is one atomic rename; a full disk, a crash or Ctrl-C leaves the old file, if any, as it was.

    Args:
        path: where the file shall be; missing parent folders are made.

    Yields:
        The temporary path, with the target's name.
    """
    with _work_folder(path.parent) as work:
        temporary = work / path.name
        try:
            yield temporary
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
        except OSError as error:
            _name(error, path, work)
            raise


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder to fill, and put it in its place only when the block ends without an error.

    The old folder is moved aside, never deleted before the new one is in place.

    Args:
        path: where the folder shall be; what stood there before is replaced.

    Yields:
        The temporary folder.
    """
    with _work_folder(path.parent) as work:
        new, old = work / "new", work / "old" / path.name
        new.mkdir()
        old.parent.mkdir()
        try:
            yield new
        except OSError as error:
            _name(error, path, work)
            raise
        try:
            if path.exists():
                path.rename(old)
            new.rename(path)
        finally:
            _restore(work)


def _name(error: OSError, path: Path, work: Path) -> None:
    """Let an error name the target: of a full disk Python names no file, or one in the folder of work."""
    if error.filename is None or str(error.filename).startswith(str(work)):
        error.filename = str(path)


@contextmanager
def _work_folder(folder: Path) -> Iterator[Path]:
    """Make a hidden folder to work in, beside the target: on the same file system, where a rename is atomic.

    It is locked as long as its process lives. What a killed process left is deleted by whoever writes there next.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    work, lock = _locked_folder(folder)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)  # what cannot be deleted is swept later
        os.close(lock)


def _locked_folder(folder: Path) -> tuple[Path, int]:
    while True:
        work = Path(tempfile.mkdtemp(dir=folder, prefix=".", suffix=PARTIAL))
        with suppress(FileNotFoundError):  # another process swept it before it was locked
            lock = os.open(work, os.O_RDONLY)
            with suppress(OSError):  # a file system without locks, where nobody can sweep either
                fcntl.flock(lock, fcntl.LOCK_EX)
            if work.exists():
                return work, lock
            os.close(lock)


def _sweep(folder: Path) -> None:
    for work in folder.glob(f".*{PARTIAL}"):
        with suppress(OSError):  # of somebody else, or gone already
            descriptor = os.open(work, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while its process lives
                _restore(work)
                shutil.rmtree(work)
            finally:
                os.close(descriptor)


def _restore(work: Path) -> None:
    """Put the old folder back where the new one has not come into its place."""
    for old in work.glob("old/*"):
        if not (work.parent / old.name).exists():
            old.rename(work.parent / old.name)
