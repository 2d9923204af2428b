"""The vectors of distorted utterances: of copies to train on, and of tests; reading them takes no encoder."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ser import features
from ser.features import Features
from ser.files import tables
from ser.files.failures import InputError
from ser.files.tables import Schema

CLEAN = "clean"  # the condition without any distortion
FROM_FOLDERS = ("recording", "response")  # the distortions by recordings of a folder, which each kind names
MEAN = "mean"  # of figures under all conditions but the clean one; no condition is called so
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
ENCODERS = Schema(
    {
        "encoder": tables.text(),
        "note": tables.text(empty=True),  # why it has no vectors; "" where it has
    },
    AGAIN,
    ("encoder",),
)


@dataclass(frozen=True)
class Copies:
    """Distorted copies of utterances, to train beside them.

    Attributes:
        conditions: ``SCHEMA``, a row per condition.
        vectors: for each condition those of all utterances, float32 (utterances, numbers).
    """

    conditions: pd.DataFrame
    vectors: list[np.ndarray]

    def described(self) -> dict[str, list[str]]:
        """Name the conditions under ``augmented``, where there are some."""
        names = self.conditions["condition"].tolist()
        return {"augmented": names} if names else {}


def read_copies(folder: Path, manifest: pd.DataFrame, extractor: str) -> Copies:
    """Read the copies that the stage ``augment`` made.

    Args:
        folder: as given to ``ser.robustness.copies.encode``, with the table of its conditions.
        manifest: the utterances.
        extractor: the fingerprint of what made their own vectors.

    Returns:
        The copies, in the order of the manifest.

    Raises:
        InputError: a file is missing, left over or damaged, or not of this manifest, or another extractor made it.
    """
    again = "run the stage augment again"
    conditions = tables.read_checked(folder / "conditions.csv", replace(SCHEMA, advice=again, filled=False))
    corpora, names = manifest["corpus"].to_numpy(), conditions["condition"].tolist()
    wanted = sorted(f"{corpus}/{name}.npz" for corpus in set(corpora) for name in names)
    there = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*.npz"))
    if there != wanted:
        expected, found = (", ".join(files) or "none" for files in (wanted, there))
        raise InputError(f"{folder}: expected the feature files {expected}, found {found}; {again}")
    vectors = []
    for name in names:
        parts = [
            (np.flatnonzero(corpora == corpus), folder / corpus / f"{name}.npz") for corpus in sorted(set(corpora))
        ]
        read = [_copies_of(path, manifest.iloc[rows], extractor, again) for rows, path in parts]
        order = np.concatenate([rows for rows, _ in parts])
        vectors.append(np.concatenate(read)[np.argsort(order)])
    return Copies(conditions, vectors)


def _copies_of(path: Path, wanted: pd.DataFrame, extractor: str, again: str) -> np.ndarray:
    found = _of(path, wanted, again)
    features.check_extractor(path, json.loads(found.extractor).get("extractor", {}), extractor, "copies", again)
    return found.vectors


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


def read_encoders(path: Path) -> pd.DataFrame:
    """Read which encoders have vectors of a corpus, a row each.

    Raises:
        InputError: as ``ser.files.tables.read_checked``.
    """
    return tables.read_checked(path, ENCODERS)


def available(path: Path, classifiers: Iterable[str]) -> list[str]:
    """Name the encoders of a corpus that have vectors.

    Args:
        path: a table ``ENCODERS``.
        classifiers: the encoders for which the params name a classifier.

    Raises:
        InputError: one has none; or as ``read_encoders``.
    """
    table = read_encoders(path)
    names = table.loc[table["note"] == "", "encoder"].tolist()
    without = [name for name in names if name not in classifiers]
    if without:
        raise InputError(f"classifiers: expected one for each encoder, found none for {', '.join(without)}")
    return names


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


def again(
    found: Mapping[str, dict[str, Features]], names: Mapping[str, str], classifiers: Sequence[str]
) -> dict[str, dict[str, Features]]:
    """Put the vectors of encoders under further names, each right behind the encoder.

    Args:
        found: vectors by encoder and condition.
        names: for each further name, whose vectors; those of encoders without vectors of this corpus are left out.
        classifiers: the names for which the params name a classifier.

    Raises:
        InputError: a further name is that of an encoder, or no classifier or none of the encoders is named.
    """
    for name, encoder in names.items():
        if name in found or name not in classifiers:
            raise InputError(f"again.{name}: expected a name that is no encoder's and has a line in classifiers")
        if encoder not in classifiers or encoder in names:
            raise InputError(f"again.{name}: expected an encoder with a line in classifiers, found {encoder!r}")
    result = {}
    for encoder, own in found.items():
        result |= {encoder: own} | {name: own for name, of in names.items() if of == encoder}
    return result


def _of(path: Path, wanted: pd.DataFrame, again: str = AGAIN) -> Features:
    found = features.load(path, again)
    places = {key: place for place, key in enumerate(zip(found.ids, found.sha256, strict=True))}
    keys = list(zip(wanted["id"], wanted["sha256"], strict=True))
    missing = [key for key in keys if key not in places]
    if missing:
        raise InputError(f"{path}: expected the vectors of all utterances, found {len(missing)} missing; {again}")
    rows = np.array([places[key] for key in keys])
    return replace(found, ids=found.ids[rows], sha256=found.sha256[rows], vectors=found.vectors[rows])
