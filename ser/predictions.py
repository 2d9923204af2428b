"""The predictions: one row per tested utterance and protocol, read by every analysis."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ser.files import tables
from ser.files.failures import InputError
from ser.files.tables import Schema

COLUMNS = ("id", "protocol", "fold", "truth", "prediction")
TEMPERATURE = "temperature"  # by which the logarithms of the fold's probabilities were divided
SUM_TOLERANCE = 1e-6  # of a row's probabilities from 1
TIE_TOLERANCE = 1e-8  # nine digits are written, so that near ties may look like the contrary


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
        InputError: the file is missing, not a table of predictions or empty; a cell is not what its column says: truth
            and prediction in the label set, probabilities from 0 to 1; an id stands twice within a protocol; or the
            probabilities of a row do not sum to 1, or speak for another emotion than the prediction.
    """
    names = probability_columns(emotions)
    emotion = tables.word(*emotions)
    columns = {"id": tables.text(), "protocol": tables.text(), "fold": tables.whole()}
    columns |= {"truth": emotion, "prediction": emotion} | dict.fromkeys(names, tables.number(0, 1))
    schema = Schema(columns, "run the stage evaluate again", ("id", "protocol"))
    table = tables.read_checked(path, schema)
    probabilities = table[names].to_numpy(float)
    sums = probabilities.sum(axis=1)
    chosen = probabilities[np.arange(len(table)), pd.Index(emotions).get_indexer(table["prediction"])]
    for column, bad, expected, found in (
        (f"{names[0]} to {names[-1]}", abs(sums - 1) > SUM_TOLERANCE, "a sum of 1", sums),
        (
            "prediction",
            chosen < probabilities.max(axis=1) - TIE_TOLERANCE,
            "the likeliest emotion",
            table["prediction"].to_numpy(),
        ),
    ):
        if bad.any():
            first = int(bad.argmax())
            raise tables.fault(path, schema, table, first, column, expected, found[first])
    return table


def with_people(predictions: pd.DataFrame, manifest: pd.DataFrame) -> pd.DataFrame:
    """Add to each prediction the manifest's columns, joined on the id.

    Raises:
        InputError: an id is not in the manifest, or has another emotion there.
    """
    unknown = predictions.loc[~predictions["id"].isin(manifest["id"]), "id"]
    if len(unknown):
        raise InputError(
            f"predictions: {len(unknown)} ids are not in the manifest, such as '{unknown.iloc[0]}'; run `dvc repro`, "
            "and compare runs on the same corpora only"
        )
    people = predictions.merge(manifest, on="id", how="left", validate="many_to_one")
    other = people[people["truth"] != people["emotion"]]
    if len(other):
        raise InputError(
            f"predictions: {len(other)} truths are not the manifest's emotions: '{other['id'].iloc[0]}' is "
            f"{other['truth'].iloc[0]} here and {other['emotion'].iloc[0]} there; run `dvc repro`"
        )
    return people
