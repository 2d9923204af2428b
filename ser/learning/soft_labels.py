"""The target that the network learns for an utterance: its label, what its raters heard, or the label with some doubt.

A target is a distribution over the label set. The cross-entropy to it is least where the predicted probabilities are
the target itself: soft labels say how sure to be, not only which emotion.
"""

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ser.files.failures import InputError


def one_hot(truth: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """Put all weight on the label.

    Args:
        truth: each utterance's emotion.
        labels: the label set.

    Returns:
        float64 (utterances, labels).
    """
    return np.eye(len(labels))[pd.Index(labels).get_indexer(truth)]


def smoothed(truth: Sequence[str], labels: Sequence[str], smoothing: float) -> np.ndarray:
    """Spread a share of each label's weight evenly over the label set, itself included.

    C. Szegedy et al., "Rethinking the Inception architecture for computer vision", 2016, section 7.

    Args:
        truth: each utterance's emotion.
        labels: the label set.
        smoothing: the share, 0 to 1.

    Returns:
        float64 (utterances, labels).
    """
    return (1 - smoothing) * one_hot(truth, labels) + smoothing / len(labels)


def from_votes(utterances: pd.DataFrame, labels: Sequence[str]) -> np.ndarray:
    """Give each emotion its share of the votes; votes for words outside the label set are left out.

    Args:
        utterances: rows of the manifest: id, corpus, votes.
        labels: the label set.

    Returns:
        float64 (utterances, labels).

    Raises:
        InputError: an utterance has no vote for any of the labels.
    """
    votes = np.array([[row.get(label, 0) for label in labels] for row in _rows(utterances)], dtype=float)
    total = votes.sum(axis=1)
    without = utterances[total == 0].drop_duplicates("id")  # a copy has its original's
    if len(without):
        corpora = without["corpus"].value_counts()
        counts = ", ".join(f"{corpora[name]} of '{name}'" for name in sorted(corpora.index))
        raise InputError(
            f"train.labels soft: expected votes for {', '.join(labels)} with every utterance, found none with "
            f"{counts}, such as '{without['id'].iloc[0]}'; choose train.labels smoothed"
        )
    return votes / total[:, None]


def same_as_hard(utterances: pd.DataFrame, labels: Sequence[str]) -> list[str]:
    """Name the corpora whose votes say nothing that the label does not say.

    So it is where listeners were only asked whether they recognised the emotion (EMO-DB): what the others heard is not
    in the label set, and what is left is the label.

    Args:
        utterances: rows of the manifest: corpus, emotion, votes.
        labels: the label set.

    Returns:
        The corpora, sorted: none of their utterances has a vote for a label other than its own.
    """
    heard = [set(row) & set(labels) - {own} for row, own in zip(_rows(utterances), utterances["emotion"], strict=True)]
    other = pd.Series([bool(words) for words in heard], index=utterances["corpus"])
    return sorted(other.index[~other.groupby(level=0).transform("any")].unique())


def _rows(utterances: pd.DataFrame) -> list[dict[str, int]]:
    return [json.loads(text) if text else {} for text in utterances["votes"]]
