"""Train the one classifier that is used: nobody is held out for a test, and it is stopped as those of the folds are."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ser.features import Features
from ser.learning import fitting
from ser.learning.choices import Auxiliary
from ser.learning.classifier import Classifier
from ser.learning.recipe import NETWORK, Recipe, TrainParams
from ser.splits import names, table


def rule(classifier: str, protocol: str) -> str:
    """Say how a classifier of this kind is trained, after folds of that protocol."""
    whole = protocol != names.RANDOM
    units, on_them = ("speakers", "on whom it does not train") if whole else ("utterances", "which do not train it")
    held = f"trained with {'no speaker' if whole else 'nothing'} held out for a test"
    left_out = ", but for what split.test_parts leaves out" * (protocol == names.PREDEFINED)
    if classifier == NETWORK:
        return (
            f"{held}: for each network other {units}, {on_them}, decide when its training stops, and the rest train it"
            f"{left_out}"
        )
    return (
        f"{held}: the validation {units} of the protocol's first fold set how sure it is, then all {units} train it"
        f"{left_out}"
    )


def train(
    split: pd.DataFrame,
    utterances: pd.DataFrame,
    features: Features,
    emotions: Sequence[str],
    params: TrainParams,
    copies: Sequence[np.ndarray] = (),
    auxiliary: Auxiliary | None = None,
) -> Classifier:
    """Train a classifier by the ``rule`` of its kind.

    Nobody is left to test it, so it has no score of its own: that of the folds' classifiers, which learn from fewer
    speakers by the same recipe, is the nearest there is.

    Args:
        split: who trains, validates and tests in the folds.
        utterances: the manifest.
        features: their vectors, in this order.
        emotions: the label set, the order of the probabilities.
        params: the block ``train``.
        copies: for each condition a distorted copy of every utterance, which trains where that does (``fitting.fit``).
        auxiliary: utterances of other corpora, which train as in the folds (``fitting.fit``).

    Returns:
        The classifier. Its recipe has the number of the fold after the last, which gives it random numbers of its own.

    Raises:
        InputError: as ``ser.learning.fitting.fit``.
    """
    protocol = names.chosen(split["protocol"])
    folds = [parts for name, _, parts in table.folds(split, utterances) if name == protocol]
    truth, speakers = utterances["emotion"].to_numpy(), utterances["speaker"].to_numpy()
    validation = folds[0] == "validation"
    if protocol != names.PREDEFINED and names.LEFT_OUT in folds[0]:
        # Where sentences are kept apart a fold leaves some out; here all that its validation speakers say validates.
        validation = np.isin(speakers, speakers[validation])
    parts = np.where(validation, "validation", np.where(table.kept(split, utterances), "train", names.LEFT_OUT))
    recipe = Recipe(list(emotions), params, features.extractor, protocol, len(folds), table.digest(split))
    return fitting.fit(recipe, features.vectors, truth, parts, speakers, utterances, None, copies, auxiliary)[0]
