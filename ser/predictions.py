"""The predictions: one row per tested utterance and protocol, read by every analysis."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ser import tables
from ser.failures import InputError

COLUMNS = ("id", "protocol", "fold", "truth", "prediction")
TEXT = ("id", "protocol", "truth", "prediction")
RANDOM = "random"  # the protocol that lets test speakers into training, kept as the contrast


def probability_columns(emotions: Sequence[str]) -> list[str]:
    """Name the columns that hold the probabilities, in the order of the label set."""
    return [f"p_{emotion}" for emotion in emotions]


def fold(
    protocol: str, number: int, tested: pd.DataFrame, probabilities: np.ndarray, emotions: Sequence[str]
) -> pd.DataFrame:
    """Lay out the predictions of one fold.

    Args:
        protocol: the protocol's name.
        number: the fold, from 0.
        tested: rows of the manifest, at least ``id`` and ``emotion``.
        probabilities: (utterances, emotions), in the same order.
        emotions: the label set, the order of the probabilities.

    Returns:
        A table of ``COLUMNS`` and the probability columns; the prediction is the likeliest emotion.
    """
    table = pd.DataFrame({"id": tested["id"].to_numpy(), "protocol": protocol, "fold": number})
    table["truth"] = tested["emotion"].to_numpy()
    table["prediction"] = np.asarray(emotions, dtype=object)[probabilities.argmax(axis=1)]
    table[probability_columns(emotions)] = probabilities
    return table


def read(path: Path, emotions: Sequence[str]) -> pd.DataFrame:
    """Read predictions.

    Args:
        path: the CSV file.
        emotions: the label set.

    Returns:
        A table with at least ``COLUMNS`` and the probability columns, sorted by protocol, fold and id.

    Raises:
        InputError: the file is missing, not a table of predictions, empty, or holds an emotion outside the label set.
    """
    table = tables.read(path, (*COLUMNS, *probability_columns(emotions)), TEXT)
    if table.empty:
        raise InputError(f"{path}: expected predictions, found none; run the stage 'evaluate'")
    strange = sorted({*table["truth"], *table["prediction"]} - set(emotions))
    if strange:
        raise InputError(
            f"{path}: expected the emotions {', '.join(emotions)}, found {', '.join(strange)}; run the stage 'evaluate'"
        )
    return table


def with_people(predictions: pd.DataFrame, manifest: pd.DataFrame) -> pd.DataFrame:
    """Add to each prediction the manifest's columns, joined on the id.

    Raises:
        InputError: an id is not in the manifest.
    """
    unknown = predictions.loc[~predictions["id"].isin(manifest["id"]), "id"]
    if len(unknown):
        raise InputError(
            f"predictions: {len(unknown)} ids are not in the manifest, such as '{unknown.iloc[0]}'; run `dvc repro`"
        )
    return predictions.merge(manifest, on="id", how="left", validate="many_to_one")


def chosen(predictions: pd.DataFrame) -> str:
    """Find the protocol that the figures speak of: the one beside ``random``, or ``random`` where it stands alone.

    Raises:
        InputError: there is more than one beside ``random``.
    """
    names = sorted(set(predictions["protocol"]) - {RANDOM})
    if len(names) > 1:
        raise InputError(f"predictions: expected one protocol beside '{RANDOM}', found {', '.join(names)}")
    return names[0] if names else RANDOM
