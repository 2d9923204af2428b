"""The manifest: one row per utterance, the one home of what is known about it."""

import json
import re
from pathlib import Path

import pandas as pd

from ser.files import tables
from ser.files.tables import Column, Schema

CORPUS_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")  # which names folders and files, and cannot lead out of their folder
SHA256 = re.compile(r"[0-9a-f]{64}")


def inside(path: str) -> bool:
    """Tell whether a path stays within the folder that it starts from, and is written in the plainest way."""
    return not {"", ".", ".."} & set(path.split("/"))


def parsed(cell: str) -> dict | None:
    """Give the JSON object of a cell; None where it is none."""
    try:
        value = json.loads(cell)
        json.dumps(value, allow_nan=False)  # Python reads NaN, which JSON does not know
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def votes(cell: str) -> bool:
    """Tell whether a cell counts raters by emotion."""
    counts = parsed(cell)
    return counts is not None and all(type(count) is int and 0 <= count < 2**31 for count in counts.values())


SCHEMA = Schema(
    {
        "id": tables.text(),  # "<corpus>/<name>", unique
        # of the audio file, relative to the folder of the corpora, with "/"
        "path": Column(str, "a path within the folder of the corpora, without '..'", inside),
        "corpus": Column(str, "a name of letters, digits and the signs _ . -", CORPUS_NAME.fullmatch),
        "speaker": tables.text(empty=True),  # "<corpus>/<speaker>", or "" where unknown
        "gender": tables.text(empty=True),  # "female", "male", another word of the corpus, or ""
        "age": Column(float, "an age in years, or nothing", lambda age: 0 <= age < 150, empty=True),
        "language": tables.text(empty=True),  # ISO 639-1 code, or ""
        "emotion": tables.text(),  # one of the label set
        # raters per emotion as JSON, or ""
        "votes": Column(str, 'counts of raters as JSON, such as {"angry": 7, "sad": 3}, or nothing', votes, empty=True),
        "text": tables.text(empty=True),  # the words spoken, or ""
        "seconds": Column(float, "a number above 0", lambda seconds: seconds > 0),
        "sampling_rate": tables.whole(least=1),  # Hz, of the file
        "sha256": Column(str, "64 hexadecimal digits", SHA256.fullmatch),  # of the decoded audio
        # what else the corpus distributes, as JSON, or ""
        "details": Column(str, "a JSON object, or nothing", lambda cell: parsed(cell) is not None, empty=True),
    },
    "run the stage manifest again, or mend the table",
)
COLUMNS = tuple(SCHEMA.columns)


def read(path: Path) -> pd.DataFrame:
    """Read a manifest.

    Args:
        path: the CSV file.

    Returns:
        A table with at least ``COLUMNS``, sorted by id; unknown text is ``""``, an unknown age NaN.

    Raises:
        InputError: the file is missing or not a manifest, a cell is not what its column says, or an id stands there
            twice.
    """
    return tables.read_checked(path, SCHEMA)


def detail(manifest: pd.DataFrame, name: str) -> pd.Series:
    """Give one of the details of each utterance.

    Args:
        manifest: utterances, with ``details``.
        name: of the detail.

    Returns:
        Values as the corpus gives them, in the order of the manifest; None where there is none.
    """
    found = [json.loads(cell).get(name) if cell else None for cell in manifest["details"]]
    return pd.Series(found, index=manifest.index, dtype=object)
