"""Classifiers of clean speech, or of clean and distorted speech, asked about test speakers under every condition."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from joblib import delayed
from threadpoolctl import threadpool_limits

from ser import predictions
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
Classifier = Literal["pipeline", "mlp", "lda", "svm"]  # that of the main pipeline's params, or another one
SCHEMA = Schema(
    {
        "encoder": tables.text(),
        "training": tables.word(PLAIN, AUGMENTED),
        "condition": tables.text(),
        "fold": tables.whole(),
        "id": tables.text(),
        "prediction": tables.text(),
    },
    "run the stage predict again",
    ("encoder", "training", "condition", "id"),
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
    copies: Sequence[str] = (),
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
        copies: conditions of which training utterances lend distorted copies to a second classifier; none for none.
        workers: processes.
        progress: wraps the tables as they come, with ``total``: ``tqdm``, for one.

    Returns:
        A table with the columns of ``SCHEMA`` and the probabilities.

    Raises:
        InputError: a condition of which copies are wanted was not measured, or a classifier cannot be trained.
    """
    jobs = []
    for name, own in vectors.items():
        missing = [copy for copy in copies if copy not in own]
        if missing:
            raise InputError(f"augment: expected conditions that were measured, found {', '.join(missing)}")
        for chosen in [(), copies] if copies else [()]:
            jobs += [
                delayed(_fold)(
                    name, own, manifest, Recipe(list(emotions), params[name], "", protocol, number), parts, chosen
                )
                for protocol, number, parts in found
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


def with_copies(
    vectors: Mapping[str, np.ndarray], manifest: pd.DataFrame, parts: np.ndarray, copies: Sequence[str]
) -> tuple[np.ndarray, pd.DataFrame, np.ndarray]:
    """Put distorted copies of those who train and validate after the clean utterances.

    Args:
        vectors: by condition, (utterances, numbers).
        manifest: the utterances.
        parts: (utterances,) ``train``, ``validation`` or ``test``; a copy has its original's part.
        copies: the conditions.

    Returns:
        Vectors, rows of the manifest and parts, (utterances and copies, ...).
    """
    lent = np.flatnonzero(np.isin(parts, ("train", "validation")))
    rows = np.concatenate([np.arange(len(parts)), *[lent] * len(copies)])
    stacked = np.concatenate([vectors[CLEAN], *(vectors[copy][lent] for copy in copies)])
    return stacked, manifest.iloc[rows], parts[rows]


def _fold(
    encoder: str,
    features: Mapping[str, Features],
    manifest: pd.DataFrame,
    recipe: Recipe,
    parts: np.ndarray,
    copies: Sequence[str],
) -> pd.DataFrame:
    recipe = dataclasses.replace(recipe, extractor=features[CLEAN].extractor)
    vectors = {condition: found.vectors for condition, found in features.items()}
    taught, rows, of = with_copies(vectors, manifest, parts, copies)
    with threadpool_limits(1):
        model, _ = fitting.fit(recipe, taught, rows["emotion"].to_numpy(), of, rows["speaker"].to_numpy(), rows)
        test, told = parts == "test", []
        for condition, own in vectors.items():
            # Of a speaker's utterances at once: where speakers are normalised, by all that they said under it.
            shares = model.probabilities(own[test], manifest["speaker"].to_numpy()[test])
            asked = predictions.fold(recipe.protocol, recipe.fold, manifest[test], shares, recipe.labels)
            told.append(asked.assign(condition=condition))
    told = pd.concat(told).drop(columns=["protocol", "truth"])
    return told.assign(encoder=encoder, training=AUGMENTED if copies else PLAIN)
