"""The manifest: one row per utterance, the one home of what is known about it."""

from pathlib import Path

import pandas as pd

from ser import tables

COLUMNS = (
    "id",  # "<corpus>/<name>", unique
    "path",  # of the audio file, relative to the folder of the corpora, with "/"
    "corpus",
    "speaker",  # "<corpus>/<speaker>", or "" where unknown
    "gender",  # "female", "male", another word of the corpus, or ""
    "age",  # years, or missing
    "language",  # ISO 639-1 code, or ""
    "emotion",  # one of the label set
    "votes",  # raters per emotion as JSON, {"angry": 7, "happy": 3}, or ""
    "text",  # the words spoken, or ""
    "seconds",
    "sampling_rate",  # Hz, of the file
    "sha256",  # of the decoded audio
    "details",  # what else the corpus distributes, as JSON, or ""
)
NUMBERS = ("age", "seconds", "sampling_rate")
TEXT = tuple(column for column in COLUMNS if column not in NUMBERS)


def read(path: Path) -> pd.DataFrame:
    """Read a manifest.

    Args:
        path: the CSV file.

    Returns:
        A table with at least ``COLUMNS``, sorted by id; unknown text is ``""``, an unknown age NaN.

    Raises:
        InputError: the file is missing or not a manifest.
    """
    return tables.read(path, COLUMNS, TEXT)
