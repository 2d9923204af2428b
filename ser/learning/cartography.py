"""How training went for each utterance, epoch by epoch.

S. Swayamdipta et al., "Dataset cartography: mapping and diagnosing datasets with training dynamics", EMNLP 2020 (arXiv
2009.10795). An utterance whose label is given a high probability throughout is easy to learn; a low one throughout is
hard to learn, and often mislabelled; one that changes from epoch to epoch is ambiguous.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ser.files import tables
from ser.files.tables import Schema

SCHEMA = Schema(
    {
        "id": tables.text(),
        "folds": tables.whole(least=1),
        "epochs": tables.whole(least=1),
        "confidence": tables.number(0, 1),
        "variability": tables.number(0, 1),
        "correctness": tables.number(0, 1),
    },
    "run the stage train again",
)
COLUMNS = tuple(SCHEMA.columns)


class Recorder:
    """Collects what one fold's training makes of its utterances, epoch by epoch.

    Args:
        truth: the emotions of the training utterances.
        labels: the label set.
    """

    def __init__(self, truth: Sequence[str], labels: Sequence[str]):
        self._label = pd.Index(labels).get_indexer(truth)
        self._probability, self._right = [], []

    def record(self, probabilities: np.ndarray) -> None:
        """Take in the probabilities after an epoch, (utterances, labels)."""
        self._probability.append(probabilities[np.arange(len(self._label)), self._label])
        self._right.append(probabilities.argmax(axis=1) == self._label)

    def of_fold(self, ids: Sequence[str]) -> pd.DataFrame:
        """Sum up the fold.

        Args:
            ids: of the training utterances.

        Returns:
            A row an utterance: id, epochs; mean of the label's probability, and squares, the sum of its squared
            deviations from that mean; right, the number of epochs with the right prediction.
        """
        probability = np.stack(self._probability)  # (epochs, utterances)
        return pd.DataFrame(
            {
                "id": np.asarray(ids),
                "epochs": len(probability),
                "mean": probability.mean(axis=0),
                "squares": probability.var(axis=0) * len(probability),
                "right": np.sum(self._right, axis=0),
            }
        )


def combine(folds: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Pool the folds in which an utterance was a training utterance.

    Args:
        folds: as ``Recorder.of_fold`` gives them.

    Returns:
        A row for each utterance that trained in any fold, sorted by id, with ``COLUMNS``: folds; the epochs of all of
        them together; and over these epochs ``confidence``, the mean probability of the label, ``variability``, its
        standard deviation (of the population, as in the paper), ``correctness``, the share with the right prediction.
    """
    rows = pd.concat(folds, ignore_index=True)
    rows["weighted"] = rows["epochs"] * rows["mean"]
    total = rows.groupby("id").agg(
        folds=("epochs", "size"), epochs=("epochs", "sum"), weighted=("weighted", "sum"), right=("right", "sum")
    )
    total["confidence"] = total["weighted"] / total["epochs"]
    apart = rows["mean"] - total["confidence"].loc[rows["id"]].to_numpy()
    squares = (rows["squares"] + rows["epochs"] * apart**2).groupby(rows["id"]).sum()
    total["variability"] = np.sqrt(squares / total["epochs"])
    total["correctness"] = total["right"] / total["epochs"]
    return total.reset_index()[list(COLUMNS)]


def read(path: Path) -> pd.DataFrame:
    """Read what ``combine`` made.

    Args:
        path: the CSV file.

    Returns:
        A table with at least ``COLUMNS``.

    Raises:
        InputError: the file is missing, a cell is not what its column says, or an id stands there twice.
    """
    return tables.read_checked(path, SCHEMA)
