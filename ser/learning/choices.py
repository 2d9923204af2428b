"""Who trains, and who decides when training stops: folds within the training utterances, and others lent to them."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold


@dataclass(frozen=True)
class Auxiliary:
    """Utterances of other corpora, which train beside those of the chosen ones, and neither validate nor test.

    Attributes:
        utterances: their rows of a manifest.
        vectors: (utterances, numbers), in the same order.
    """

    utterances: pd.DataFrame
    vectors: np.ndarray

    def described(self) -> dict[str, dict[str, int]]:
        """Count the utterances of each corpus, under ``auxiliary``, where there are some."""
        counts = self.utterances["corpus"].value_counts().sort_index().to_dict()
        return {"auxiliary": counts} if counts else {}

    def drawn(self, number: int, seed: int) -> "Auxiliary":
        """Draw utterances, as evenly over corpora and emotions as there are some, and keep their order.

        Args:
            number: how many; all where there are fewer.
            seed: of the draw.
        """
        chance = pd.Series(np.random.default_rng(seed).random(len(self.utterances)))
        cells = [self.utterances[name].to_numpy() for name in ("corpus", "emotion")]
        rows = np.sort(np.lexsort((chance, chance.groupby(cells).rank()))[:number])
        return Auxiliary(self.utterances.iloc[rows], self.vectors[rows])


def validation_choices(parts: np.ndarray, labels: np.ndarray, groups: np.ndarray | None, most: int) -> list[np.ndarray]:
    """List choices of the validation part: that of the split, then others about as large out of its training part.

    Utterances of unknown speakers always train: these may be known ones, and so must not validate. A choice whose
    training part would lack an emotion is left out, and none is made where too few utterances train; so there may be
    fewer than asked for.

    Args:
        parts: (utterances,) ``train``, ``validation``, ``test`` or ``left_out``, of the split.
        labels: (utterances,) emotions, as numbers 0 1 2 ...
        groups: (utterances,) what to keep apart, the speakers, ``""`` for unknown ones; None for nothing.
        most: how many choices.

    Returns:
        Parts, (utterances,), for each choice.
    """
    train = np.flatnonzero((parts == "train") & (True if groups is None else groups != ""))
    emotions, chosen = set(labels[parts == "train"]), [parts]
    pieces = round(len(train) / (parts == "validation").sum())
    for _, ask in inner_folds(labels, groups, train, pieces) if most > 1 else ():
        other = np.where(parts == "validation", "train", parts).astype(object)
        other[ask] = "validation"
        if len(ask) and set(labels[other == "train"]) == emotions:
            chosen.append(other)
    return chosen[:most]


def inner_folds(
    truth: np.ndarray, groups: np.ndarray | None, train: np.ndarray, folds: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Cut training utterances into folds, stratified by emotion, groups kept whole.

    Args:
        truth: (utterances,) emotions.
        groups: (utterances,) what to keep apart; None for nothing.
        train: positions of the training utterances.
        folds: how many; fewer where there are fewer groups, or fewer utterances of every emotion.

    Yields:
        Positions to fit on and positions to ask, per fold; nothing where not even two folds can be cut.
    """
    number = min(folds, np.unique(truth[train], return_counts=True)[1].max(initial=0))
    if groups is not None:
        number = min(number, len(set(groups[train])))
    if number < 2:
        return
    if groups is None:
        pieces = StratifiedKFold(number, shuffle=True, random_state=0).split(train, truth[train])
    else:
        pieces = StratifiedGroupKFold(number).split(train, truth[train], groups[train])
    with warnings.catch_warnings():
        # Expected: a rare emotion is spread over as many folds as it has utterances.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        for fit, ask in pieces:
            yield train[fit], train[ask]
