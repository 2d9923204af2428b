"""Train a classifier for every fold of a split, and keep how that went."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from joblib import delayed

from ser.features import Features
from ser.learning import cartography, classifier, fitting, objective, soft_labels
from ser.learning.choices import Auxiliary
from ser.learning.curves import kept
from ser.learning.recipe import NETWORK, Recipe, TrainParams
from ser.machine import processes
from ser.splits import names, oracle, table


class Trained(NamedTuple):
    """How the training of all folds went.

    Attributes:
        curves: the learning curves, sorted.
        dynamics: how training went for each utterance, in the folds of the protocol beside ``random`` or, where it
            stands alone, of ``random``.
        networks: how many networks each fold has.
        shares: of the folds of that protocol, how much each was lent of other corpora for each own utterance.
    """

    curves: pd.DataFrame
    dynamics: pd.DataFrame
    networks: list[int]
    shares: list[float]


def train(
    split: pd.DataFrame,
    utterances: pd.DataFrame,
    features: Features,
    emotions: Sequence[str],
    params: TrainParams,
    folder: Path,
    workers: int = 1,
    progress: Callable[..., Iterable] = lambda folds, total: folds,
    copies: Sequence[np.ndarray] = (),
    auxiliary: Auxiliary | None = None,
) -> Trained:
    """Train all folds and fill a folder with their classifiers, the same however many workers there are.

    Args:
        split: who trains, validates and tests.
        utterances: the manifest.
        features: their vectors, in this order.
        emotions: the label set, the order of the probabilities.
        params: the block ``train``.
        folder: where the classifiers go.
        workers: processes.
        progress: wraps the folds as they are done, with ``total``, their number: ``tqdm``, for one.
        copies: for each condition a distorted copy of every utterance, which trains where that does (``fitting.fit``).
        auxiliary: utterances of other corpora, which train in every fold (``fitting.fit``).

    Raises:
        InputError: as ``ser.learning.fitting.fit``.
    """
    tasks, mapped = [], []
    alone, digest = set(split["protocol"]) == {names.RANDOM}, table.digest(split)
    for protocol, fold, parts in table.folds(split, utterances):
        recipe = Recipe(list(emotions), params, features.extractor, protocol, fold, digest)
        path = folder / classifier.file_name(protocol, fold)
        tasks.append(delayed(_train_fold)(recipe, features.vectors, utterances, parts, path, copies, auxiliary))
        mapped.append(alone or protocol != names.RANDOM)
    folds = list(progress(processes.parallel(tasks, workers), total=len(tasks)))
    curves, dynamics, networks, shares = zip(*folds, strict=True)
    shares = [share for share, wanted in zip(shares, mapped, strict=True) if wanted]
    dynamics = [went for went, wanted in zip(dynamics, mapped, strict=True) if wanted]
    return Trained(pd.concat(curves, ignore_index=True), cartography.combine(dynamics), list(networks), shares)


def _train_fold(
    recipe: Recipe,
    vectors: np.ndarray,
    utterances: pd.DataFrame,
    parts: np.ndarray,
    path: Path,
    copies: Sequence[np.ndarray],
    auxiliary: Auxiliary | None,
) -> tuple[pd.DataFrame, pd.DataFrame, int, float]:
    """Train one fold, in a process of its own where there are several workers."""
    truth, speakers = utterances["emotion"].to_numpy(), utterances["speaker"].to_numpy()
    training = utterances[parts == "train"]
    went = cartography.Recorder(training["emotion"], recipe.labels)
    model, curve = fitting.fit(recipe, vectors, truth, parts, speakers, utterances, went.record, copies, auxiliary)
    classifier.save(model, path)
    return curve, went.of_fold(training["id"]), len(model.networks), model.lent


def warnings(params: TrainParams, utterances: pd.DataFrame, emotions: Sequence[str]) -> list[str]:
    """Say which of the parameters do not do for this corpus what their names promise, a line each."""
    lines = []
    if oracle.tied_corpora(utterances):
        tied = "emotions are tied to speakers, so {} takes away the emotion with the speaker; choose {}"
        if params.normalisation == "speaker":
            lines.append(tied.format("train.normalisation speaker", "normalisation train"))
        if params.adversary.attribute == "speaker":
            lines.append(tied.format("train.adversary.attribute speaker", "none"))
    spoken = utterances["speaker"].value_counts()
    if params.normalisation == "speaker" and (few := (spoken < 3).sum()):
        lines.append(
            f"train.normalisation speaker: expected several utterances of every speaker, found one or two by {few} of "
            f"{len(spoken)} speakers, whose vectors become zeros, or plus and minus one; choose normalisation train"
        )
    if params.labels == "soft" and (same := soft_labels.same_as_hard(utterances, emotions)):
        lines.append(
            f"train.labels soft: the votes of {', '.join(same)} are for the label or for none of `emotions`, so that "
            "soft labels are hard ones there; choose smoothed"
        )
    if params.start == "lda" and params.adversary.attribute != "none":
        lines.append(
            f"train.adversary.attribute {params.adversary.attribute}: the scores of train.start lda would show what "
            "the last hidden layer shall not, so the networks stand alone"
        )
    if params.group_weights != "none":
        empty = objective.empty_cells(utterances["emotion"], utterances[params.group_weights])
        if empty:
            more = f" and {len(empty) - 3} more" if len(empty) > 3 else ""
            lines.append(
                f"train.group_weights {params.group_weights}: no utterances of {', '.join(empty[:3])}{more}; "
                "the other groups share the weight of that emotion"
            )
    return lines


def fewer_networks(params: TrainParams, networks: Sequence[int]) -> list[str]:
    """Say in how many of the trained folds there are fewer networks than the parameters ask for, a line or none."""
    fewer = [number for number in networks if number < params.networks]
    if params.classifier != NETWORK or not fewer:
        return []
    found = f"{min(fewer)} to {max(fewer)}" if len(set(fewer)) > 1 else fewer[0]
    return [
        f"train.networks: expected {params.networks}, found {found} in {len(fewer)} of {len(networks)} folds, as too "
        "few other speakers, or utterances in random, can validate; lower split.validation_share or train.networks"
    ]


def lending(shares: Sequence[float]) -> str:
    """Say how many folds chose which share of the auxiliary corpora."""
    folds = pd.Series(shares).value_counts().sort_index()
    return "lent by auxiliary corpora for each own utterance: " + ", ".join(
        f"{share:.2g} (folds: {count})" for share, count in folds.items()
    )


def summary(curves: pd.DataFrame) -> str:
    """Say how many folds were trained, and how well they did on their validation parts."""
    best = kept(curves).groupby("protocol")["validation_uar"].agg(["count", "mean"])
    scores = [f"{row.mean:.3f} {row.Index} (folds: {row.count})" for row in best.itertuples()]
    return f"{best['count'].sum()} classifiers; mean validation UAR {', '.join(scores)}"
