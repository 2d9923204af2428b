"""The trained classifiers, one a fold: loaded, checked, and asked for the utterances that they may predict."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pandas as pd

from ser import predictions
from ser.features import Features
from ser.files.failures import InputError
from ser.learning import classifier
from ser.learning.classifier import Classifier
from ser.splits import table


def load(models: Path, protocol: str, fold: int, features: Features, split: str) -> Classifier:
    """Load the classifier of a fold.

    Args:
        models: the folder of the classifiers.
        protocol: of the split.
        fold: of the protocol.
        features: the vectors that it is to be fed with.
        split: the digest of that by which it shall have been trained (``ser.splits.table.digest``).

    Returns:
        The classifier.

    Raises:
        InputError: it is missing or damaged, or was trained on other features or another split.
    """
    path = models / classifier.file_name(protocol, fold)
    model = classifier.load(path)
    _check(path, "features of", features.extractor, model.recipe.extractor)
    _check(path, "the split", split, model.recipe.split)
    return model


def predict(
    split: pd.DataFrame,
    utterances: pd.DataFrame,
    features: Features,
    models: Path,
    emotions: Sequence[str],
    progress: Callable[[Sequence], Iterable] = iter,
) -> pd.DataFrame:
    """Predict the test utterances of every fold by the classifier that was not trained on them.

    Args:
        split: who trains and tests.
        utterances: the manifest.
        features: their vectors, in this order.
        models: the folder of the classifiers.
        emotions: the label set.
        progress: takes the folds and passes them on: ``tqdm``, for one.

    Returns:
        Predictions in the order of protocol, fold and id, and the temperature of each fold's classifier.

    Raises:
        InputError: as ``load``; or a classifier was trained on other emotions.
    """
    found, speakers, digest = [], utterances["speaker"].to_numpy(), table.digest(split)
    for protocol, fold, parts in progress(list(table.folds(split, utterances))):
        model = load(models, protocol, fold, features, digest)
        path = models / classifier.file_name(protocol, fold)
        _check(path, "the emotions", ", ".join(emotions), ", ".join(model.recipe.labels))
        tested = parts == "test"
        # All utterances go in: normalisation by speaker must see all of a speaker's, as it did in training.
        probabilities = model.probabilities(features.vectors, speakers)[tested]
        rows = predictions.fold(protocol, fold, utterances[tested], probabilities, emotions)
        found.append(rows.assign(**{predictions.TEMPERATURE: model.temperature}))
    return pd.concat(found, ignore_index=True)


def _check(path: Path, what: str, expected: str, found: str) -> None:
    if found != expected:
        raise InputError(
            f"{path}: expected a classifier trained on {what} {expected}, found {found or 'none'}; "
            "run the train stage again"
        )
