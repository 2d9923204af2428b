"""Corpora whose files' names tell everything: every name must fit, and none stand there twice."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from ser.files.failures import InputError

OTHERWISE = ", or, if this is another corpus, name its folder otherwise"


def matched(files: Sequence[Path], pattern: re.Pattern, corpus: str, example: str) -> list[re.Match]:
    """Match the names of a corpus' files, without suffix.

    Args:
        files: the audio files.
        pattern: of a whole name.
        corpus: its name, for messages.
        example: a name that fits, with suffix.

    Returns:
        The match of each file.

    Raises:
        InputError: a name does not fit, or the same name stands in two folders.
    """
    matches = [pattern.fullmatch(path.stem) for path in files]
    for path, match in zip(files, matches, strict=True):
        if not match:
            raise InputError(
                f"{path}: expected a name of {corpus} such as {example}; take the file out of the folder{OTHERWISE}"
            )
    check_once(files)
    return matches


def check_once(files: Sequence[Path]) -> None:
    """Refuse copies: some archives, and many copies of corpora, hold everything twice.

    Raises:
        InputError: the same name stands in two folders.
    """
    places: dict[str, Path] = {}
    copies = [path for path in files if places.setdefault(path.stem, path) != path]
    if copies:
        raise InputError(
            f"{copies[0]}: the same name as {places[copies[0].stem]}; delete one of the two copies; {len(copies)} "
            f"files are there twice{_folder_of_copies(files)}"
        )


def _folder_of_copies(files: Sequence[Path]) -> str:
    """Name the largest folder all of whose files stand elsewhere, too; ``""`` where there is none.

    Returns:
        The end of a sentence.
    """
    top = Path(os.path.commonpath([path.parent for path in files]))
    held: dict[Path, set[str]] = defaultdict(set)
    for path in files:
        held[top / path.relative_to(top).parts[0]].add(path.stem)
    times = Counter(name for names in held.values() for name in names)
    doubled = [
        folder for folder, names in held.items() if folder not in files and all(times[name] > 1 for name in names)
    ]
    if not doubled:
        return ""
    largest = max(doubled, key=lambda folder: (len(held[folder]), folder))
    return f", among them all {len(held[largest])} in {largest}"
