"""Classifiers of clean speech, or of clean and distorted speech, asked about test speakers under every condition."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from joblib import delayed
from threadpoolctl import threadpool_limits

from ser import predictions
from ser.confidence import familiarity
from ser.confidence.familiarity import FamiliarityParams
from ser.features import Features
from ser.files import tables
from ser.files.failures import InputError
from ser.files.tables import Schema
from ser.learning import fitting
from ser.learning.recipe import Recipe, TrainParams
from ser.machine import processes
from ser.robustness.vectors import AUGMENTED, CLEAN, PLAIN
from ser.splits import protocols, table
from ser.splits.names import RANDOM
from ser.splits.protocols import SplitParams

PIPELINE = "pipeline"
MIXED = ("babble",)  # distortions that mix in the voices of other speakers of the corpus
Classifier = Literal["pipeline", "mlp", "lda", "svm"]  # that of the main pipeline's params, or another one
SCHEMA = Schema(
    {
        "encoder": tables.text(),
        "training": tables.word(PLAIN, AUGMENTED),
        "condition": tables.text(),
        "fold": tables.whole(),
        "id": tables.text(),
        "prediction": tables.text(),
        "distance": tables.number(0),  # from training speech; above 1 it is unfamiliar
    },
    "run the stage predict again",
    ("encoder", "training", "condition", "id"),
)


@dataclass(frozen=True)
class Augment:
    """What trains beside clean speech.

    Attributes:
        encoders: each gets a second classifier, which trains on the copies as well; ``[]`` for none.
        conditions: of each of these a distorted copy of all training utterances.
    """

    encoders: list[str]
    conditions: list[str]

    def __post_init__(self):
        if self.encoders and not self.conditions:
            raise ValueError("conditions: expected one at least to train on copies of, found none")

    def check(self, encoders: Iterable[str], measured: pd.DataFrame) -> None:
        """Refuse what cannot be trained on.

        Args:
            encoders: those that there are.
            measured: the corpus' conditions, ``ser.robustness.vectors.SCHEMA``.

        Raises:
            InputError: an encoder is not among them, or a condition mixes in the voices of other speakers.
        """
        unknown = sorted(set(self.encoders) - set(encoders))
        if unknown:
            raise InputError(f"augment.encoders: expected some of {', '.join(encoders)}, found {', '.join(unknown)}")
        mixed = measured[measured["condition"].isin(self.conditions) & measured["distortion"].isin(MIXED)]
        if self.encoders and not mixed.empty:
            raise InputError(
                f"augment.conditions: expected no voices of other speakers, found {', '.join(mixed['condition'])}; "
                "those who test would be in training"
            )


def changed(params: TrainParams, classifier: Classifier) -> TrainParams:
    """Give how the main pipeline trains, or the same with another classifier."""
    return params if classifier == PIPELINE else dataclasses.replace(params, classifier=classifier)


def folds(manifest: pd.DataFrame, emotions: Sequence[str], params: SplitParams) -> list[tuple[str, int, np.ndarray]]:
    """Split a corpus as the main pipeline does; the leakage gate sees it.

    Returns:
        Protocol, number and parts, (utterances,), of each fold.

    Raises:
        InputError: the corpus does not allow the protocol.
    """
    split = protocols.make(manifest, emotions, params)
    table.check(split, manifest)
    return [fold for fold in table.folds(split, manifest) if fold[0] != RANDOM]


def predict(
    found: Sequence[tuple[str, int, np.ndarray]],
    vectors: Mapping[str, Mapping[str, Features]],
    manifest: pd.DataFrame,
    emotions: Sequence[str],
    params: Mapping[str, TrainParams],
    alarms: FamiliarityParams,
    augment: Augment,
    workers: int = 1,
    progress: Callable[..., Iterable[pd.DataFrame]] = lambda tables, total: tables,
) -> pd.DataFrame:
    """Train every encoder's classifier on every fold, and ask it about the test utterances under all conditions.

    Args:
        found: the folds, as from ``folds``.
        vectors: by encoder and condition, in the manifest's order.
        manifest: the utterances.
        emotions: the label set.
        params: how to train, by encoder.
        alarms: how often speech of others may be unfamiliar, as in the main pipeline.
        augment: which encoders train on distorted copies as well, and on which.
        workers: processes.
        progress: wraps the tables as they come, with ``total``: ``tqdm``, for one.

    Returns:
        A table with the columns of ``SCHEMA`` and the probabilities.

    Raises:
        InputError: a condition of which copies are wanted was not measured, or a classifier cannot be trained.
    """
    jobs = []
    for name, own in vectors.items():
        missing = [copy for copy in augment.conditions if copy not in own]
        if missing:
            raise InputError(f"augment.conditions: expected conditions that were measured, found {', '.join(missing)}")
        for copies in [(), augment.conditions] if name in augment.encoders else [()]:
            recipes = [Recipe(list(emotions), params[name], "", protocol, number) for protocol, number, _ in found]
            jobs += [
                delayed(_fold)(name, own, manifest, recipe, parts, copies, alarms)
                for recipe, (_, _, parts) in zip(recipes, found, strict=True)
            ]
    done = progress(processes.parallel(jobs, workers), total=len(jobs))
    return pd.concat(done, ignore_index=True)


def read(path: Path, emotions: Sequence[str]) -> pd.DataFrame:
    """Read predictions.

    Raises:
        InputError: as ``ser.files.tables.read_checked``.
    """
    shares = dict.fromkeys(predictions.probability_columns(emotions), tables.number(0, 1))
    return tables.read_checked(path, dataclasses.replace(SCHEMA, columns={**SCHEMA.columns, **shares}))


def _fold(
    encoder: str,
    features: Mapping[str, Features],
    manifest: pd.DataFrame,
    recipe: Recipe,
    parts: np.ndarray,
    copies: Sequence[str],
    alarms: FamiliarityParams,
) -> pd.DataFrame:
    """Train as the main pipeline does, copies included, and ask about the test utterances under every condition."""
    recipe = dataclasses.replace(recipe, extractor=features[CLEAN].extractor)
    clean, lent = features[CLEAN].vectors, [features[copy].vectors for copy in copies]
    truth, speakers = (manifest[column].to_numpy() for column in ("emotion", "speaker"))
    known, test, told = np.isin(parts, fitting.FITTED), parts == "test", []
    with threadpool_limits(1):
        model, _ = fitting.fit(recipe, clean, truth, parts, speakers, manifest, copies=lent)
        heard = [each[known] for each in lent]
        familiar = familiarity.fit(clean[known], truth[known], speakers[known], alarms, heard)
        for condition, found in features.items():
            own = found.vectors[test]
            # Of a speaker's utterances at once: where speakers are normalised, by all that they said under it.
            shares = model.probabilities(own, speakers[test])
            asked = predictions.fold(recipe.protocol, recipe.fold, manifest[test], shares, recipe.labels)
            told.append(asked.assign(condition=condition, distance=familiar.distances(own)))
    told = pd.concat(told).drop(columns=["protocol", "truth"])
    return told.assign(encoder=encoder, training=AUGMENTED if copies else PLAIN)
