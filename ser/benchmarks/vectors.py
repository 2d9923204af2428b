"""The vectors that ``ser.benchmarks.encoding`` made, for whoever trains on them; reading them takes no encoder."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from ser import features
from ser.benchmarks import tasks
from ser.features import Features
from ser.files import tables
from ser.files.failures import InputError
from ser.files.tables import Column, Schema

SCHEMA = Schema(
    {
        "encoder": Column(str, "the name of a folder", re.compile(r"[\w.-]*\w").fullmatch),
        "numbers": tables.whole(),
        "note": tables.text(empty=True),  # why there are no vectors; "" where there are
    },
    "run the stage encode again",
    ("encoder",),
)
COLUMNS = tuple(SCHEMA.columns)


def available(encoders: pd.DataFrame, wanted: Sequence[str] = ()) -> list[str]:
    """Name the encoders that have vectors.

    Args:
        encoders: ``COLUMNS``.
        wanted: no others than these, where there are any.

    Raises:
        InputError: one is wanted that the corpus was not encoded with.
    """
    names = tasks.taken("encoders", wanted, encoders["encoder"].tolist())
    return [name for name in encoders.loc[encoders["note"] == "", "encoder"] if name in names]


def read_encoders(path: Path) -> pd.DataFrame:
    """Read which encoders have vectors of a corpus.

    Raises:
        InputError: as ``ser.files.tables.read_checked``.
    """
    return tables.read_checked(path, SCHEMA)


def read(
    folder: Path, manifest: pd.DataFrame, encoders: Sequence[str], emotions: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, Features]]:
    """Read the vectors of a task: those of the corpus' utterances that have one of the task's emotions.

    Args:
        folder: as given to ``ser.benchmarks.encoding.encode``.
        manifest: all utterances of the corpus.
        encoders: names of those that have vectors.
        emotions: of the task.

    Returns:
        The utterances of these emotions, and their features by encoder, in the same order.

    Raises:
        InputError: a file is missing, damaged, or not of this manifest.
    """
    wanted = manifest["emotion"].isin(emotions).to_numpy()
    found = {}
    for name in encoders:
        whole = features.read(folder / name, manifest)
        found[name] = replace(whole, ids=whole.ids[wanted], sha256=whole.sha256[wanted], vectors=whole.vectors[wanted])
    return manifest[wanted].reset_index(drop=True), found


def shared(encoders: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Find the encoders that every corpus was encoded with.

    Args:
        encoders: a table of each corpus.

    Returns:
        The rows of the first of these tables that all of them have, with the note of whichever corpus an encoder has
        no vectors of.

    Raises:
        InputError: there is none.
    """
    notes = pd.concat([table.set_index("encoder")["note"] for table in encoders], axis=1, join="inner").max(axis=1)
    if notes.empty:
        raise InputError("encoders: expected some that all corpora were encoded with, found none; name them in corpora")
    both = encoders[0][encoders[0]["encoder"].isin(notes.index)].reset_index(drop=True)
    return both.assign(note=both["encoder"].map(notes))


def joined(
    corpora: Sequence[tuple[pd.DataFrame, Mapping[str, Features]]],
) -> tuple[pd.DataFrame, dict[str, Features]]:
    """Put corpora one after another.

    Args:
        corpora: utterances and their features by encoder, each as from ``read``.

    Returns:
        The same of all of them.

    Raises:
        InputError: an encoder made the vectors of one corpus in another way than those of another.
    """
    found = {}
    for name, first in corpora[0][1].items():
        parts = [vectors[name] for _, vectors in corpora]
        if len({part.extractor for part in parts}) > 1:
            raise InputError(f"{name}: its vectors were made in different ways; run the stages encode again")
        arrays = {key: np.concatenate([getattr(part, key) for part in parts]) for key in ("ids", "sha256", "vectors")}
        found[name] = replace(first, **arrays)
    return pd.concat([utterances for utterances, _ in corpora], ignore_index=True), found
