"""What an interrupted recognition had heard, a line an utterance, for the next one to go on from."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ser.files.whole import whole_file

Told = tuple[str, str]  # the language, the words


class Kept:
    """The file of what was heard so far.

    It is begun anew where anything else than now decided the words; a line that is damaged, as the last one by a stop,
    counts as not heard.

    Args:
        path: the file; missing parent folders are made.
        made_by: all that decides the words, for JSON.

    Attributes:
        heard: what is there already, by the audio's hash.
    """

    def __init__(self, path: Path, made_by: Mapping[str, object]) -> None:
        self.path, self.heard = path, {}
        head = json.dumps(made_by, sort_keys=True)
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else []
        if lines[:1] == [head]:
            for line in lines[1:-1]:  # after the last line's end there is nothing, or what was cut off
                if (entry := _entry(line)) is not None:
                    sha256, *told = entry
                    self.heard[sha256] = tuple(told)
        written = [head, *(json.dumps([sha256, *told]) for sha256, told in self.heard.items())]
        with whole_file(path) as temporary:
            temporary.write_text("\n".join(written) + "\n", encoding="utf-8")

    def keeping(self, hashes: Iterable[str], told: Iterable[Told]) -> Iterator[Told]:
        """Write down what is told of audio, by its hashes, as it comes, and pass it on."""
        with self.path.open("a", encoding="utf-8") as file:
            for sha256, words in zip(hashes, told, strict=True):
                file.write(json.dumps([sha256, *words]) + "\n")
                file.flush()
                self.heard[sha256] = tuple(words)
                yield words


def _entry(line: str) -> list[str] | None:
    """Read a line: a hash, the language, the words; None where it is damaged."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    whole = isinstance(found, list) and len(found) == 3 and all(isinstance(part, str) for part in found)
    return found if whole else None
