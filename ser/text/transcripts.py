"""Transcripts: the words that speech recognition heard in each utterance."""

from pathlib import Path

import pandas as pd

from ser.files import tables
from ser.files.failures import InputError
from ser.files.tables import Schema

SCHEMA = Schema(
    {
        "id": tables.text(),
        "language": tables.text(empty=True),  # as given to the model, or as it told it; "" of silence
        "text": tables.text(empty=True),  # the words heard; "" where none are
    },
    "run the stage transcribe again",
)
COLUMNS = tuple(SCHEMA.columns)


def read(path: Path, manifest: pd.DataFrame) -> pd.DataFrame:
    """Read transcripts.

    Args:
        path: the CSV file.
        manifest: all utterances of the corpus.

    Returns:
        ``COLUMNS``, in the order of the manifest.

    Raises:
        InputError: as ``tables.read_checked``; or they are not of exactly these utterances.
    """
    found = tables.read_checked(path, SCHEMA)
    if set(found["id"]) != set(manifest["id"]):
        raise InputError(
            f"{path}: expected the {len(manifest)} utterances of the manifest, found {len(found)}, other ones; "
            f"{SCHEMA.advice}"
        )
    return found.set_index("id").loc[manifest["id"]].reset_index()
