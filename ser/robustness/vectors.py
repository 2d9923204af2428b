"""The vectors that ``ser.robustness.encoding`` made, for whoever trains on them; reading them takes no encoder."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from ser import features
from ser.features import Features
from ser.files import tables
from ser.files.failures import InputError
from ser.files.tables import Schema

CLEAN = "clean"  # the condition without any distortion
PLAIN, AUGMENTED = "clean", "augmented"  # what is trained on: clean speech; distorted copies of it beside
AGAIN = "run the stage encode again"
SCHEMA = Schema(
    {
        "condition": tables.text(),
        "kind": tables.text(),
        "distortion": tables.text(),
        "family": tables.text(),
        "level": tables.number(empty=True),
        "unit": tables.text(empty=True),
        "note": tables.text(empty=True),  # why it was not measured; "" where it was
    },
    AGAIN,
    ("condition",),
)


def read_conditions(path: Path) -> pd.DataFrame:
    """Read the conditions of a corpus, a row each.

    Raises:
        InputError: as ``ser.files.tables.read_checked``.
    """
    return tables.read_checked(path, SCHEMA)


def measured(path: Path) -> list[str]:
    """Name the conditions of a corpus that have vectors."""
    table = read_conditions(path)
    return table.loc[table["note"] == "", "condition"].tolist()


def read(
    folder: Path, manifest: pd.DataFrame, conditions: Sequence[str], encoders: Iterable[str], emotions: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, dict[str, Features]]]:
    """Read the vectors of a task.

    Args:
        folder: as given to ``ser.robustness.encoding.encode``.
        manifest: all utterances of the corpus.
        conditions: those that have vectors.
        encoders: their names.
        emotions: of the task.

    Returns:
        The utterances of these emotions, and their features by encoder and condition, in the same order.

    Raises:
        InputError: a file is missing, damaged, or not of this manifest.
    """
    wanted = manifest[manifest["emotion"].isin(emotions)].reset_index(drop=True)
    return wanted, {
        name: {condition: _of(folder / name / f"{condition}.npz", wanted) for condition in conditions}
        for name in encoders
    }


def _of(path: Path, wanted: pd.DataFrame) -> Features:
    found = features.load(path)
    places = {key: place for place, key in enumerate(zip(found.ids, found.sha256, strict=True))}
    keys = list(zip(wanted["id"], wanted["sha256"], strict=True))
    missing = [key for key in keys if key not in places]
    if missing:
        raise InputError(f"{path}: expected the vectors of all utterances, found {len(missing)} missing; {AGAIN}")
    rows = np.array([places[key] for key in keys])
    return replace(found, ids=found.ids[rows], sha256=found.sha256[rows], vectors=found.vectors[rows])
