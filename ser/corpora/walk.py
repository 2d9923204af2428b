"""The recordings below a folder, and what is there besides: nothing is passed over without being counted or named."""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ser.files.failures import InputError
from ser.recordings.kinds import SUFFIXES

ELSEWHERE = ".icloud"  # of a hidden file that macOS leaves for one that it keeps in the cloud alone


@dataclass
class Found:
    """What is below a folder.

    Attributes:
        files: names of recordings, whatever is in them, links to nothing included; sorted.
        links: links to folders, which are not followed; sorted.
        faults: what could not be looked into, a line each that begins with its path; sorted.
        hidden: how many recordings and folders are hidden, as those that macOS leaves, ``._one.wav``.
        others: how many files are no recordings by their names, by suffix.
    """

    files: list[Path] = field(default_factory=list)
    links: list[Path] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    hidden: int = 0
    others: Counter = field(default_factory=Counter)

    def left_out(self) -> str:
        """Say what is there besides recordings; ``""`` where there is nothing else."""
        kinds = ", ".join(f"{count} {suffix or 'without a suffix'}" for suffix, count in sorted(self.others.items()))
        said = {"hidden": self.hidden, f"of other kinds ({kinds})": self.others.total()}
        return ", ".join(f"{count} {what}" for what, count in said.items() if count)


def walk(folder: Path, documents: tuple[str, ...] = ()) -> Found:
    """Look through a folder and all those in it.

    Args:
        folder: the folder.
        documents: names of files in it that are known and not counted.

    Raises:
        InputError: the folder itself cannot be listed.
    """
    found = Found()
    for place, folders, names in os.walk(folder, onerror=lambda error: found.faults.append(_fault(folder, error))):
        found.hidden += sum(name.startswith(".") for name in folders)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found.links += [path for name in folders if (path := Path(place, name)).is_symlink()]
        for name in names:
            path = Path(place, name)
            if path.suffix.lower() in SUFFIXES and not name.startswith("."):
                found.files.append(path)
            elif Path(name.lstrip("._")).suffix.lower() in SUFFIXES:
                found.hidden += 1
            elif name.startswith(".") and path.suffix == ELSEWHERE:
                found.others[ELSEWHERE] += 1
            elif not name.startswith(".") and not (name in documents and Path(place) == folder):
                found.others[path.suffix.lower()] += 1
    for part in (found.files, found.links, found.faults):
        part.sort()
    return found


def _fault(folder: Path, error: OSError) -> str:
    line = f"{error.filename}: expected a folder that can be listed, found one that cannot: {error.strerror}"
    if Path(error.filename) == folder:
        raise InputError(line) from error
    return line
