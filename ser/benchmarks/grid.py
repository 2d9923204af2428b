"""The grid: encoders x classifiers x normalisations x protocols x seeds, all on the same folds."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from joblib import delayed
from threadpoolctl import threadpool_limits

from ser.benchmarks import linear, tasks
from ser.benchmarks.tasks import Extent, Task
from ser.features import Features
from ser.files.params import COSTS, SEEDS, check_ranges
from ser.learning import fitting
from ser.learning.classifier import by_speaker
from ser.learning.recipe import NETWORK, Recipe, TrainParams
from ser.machine import processes
from ser.splits import protocols, table
from ser.splits.names import RANDOM
from ser.splits.protocols import SplitParams

# Those of the main pipeline, by its own names, beside the linear ones whose cost inner folds choose.
MAIN = ("mlp", "lda", "svm")
CLASSIFIERS = (*linear.MACHINES, *MAIN)
CROSS_CORPUS = "cross_corpus"  # the protocol of a fold that trains on one corpus and tests on another


@dataclass(frozen=True)
class Choice:
    """What one classifier is tried with.

    Attributes:
        normalisations: ``train``: by mean and deviation of the training utterances; ``speaker``: by each speaker's own,
            which uses the test speaker's audio, though no label.
        leave_out: encoders not to try it with, to save time.
        costs: of those whose cost inner folds choose, relative to the length of a vector, ascending.
    """

    normalisations: list[Literal["train", "speaker"]]
    leave_out: list[str]
    costs: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class GridParams:
    """What the grid spans.

    Attributes:
        classifiers: by name, out of ``CLASSIFIERS``.
        contrast: the normalisations with which the protocol ``random`` is run as well.
        seeds: each draws new folds, new validation speakers and new initial weights; what would be the same under
            another seed is run under the first one only.
        folds: of the protocol kfold.
        validation_share: of the training speakers, who stop the network's training; linear classifiers train on them.
        inner_folds: to choose the cost by; they keep speakers apart as the outer folds do.
    """

    classifiers: dict[str, Choice]
    contrast: list[Literal["train", "speaker"]]
    seeds: list[int]
    folds: int
    validation_share: float
    inner_folds: int

    def __post_init__(self):
        unknown = [name for name in self.classifiers if name not in CLASSIFIERS]
        if unknown or not self.classifiers:
            raise ValueError(f"classifiers: expected some of {', '.join(CLASSIFIERS)}, found {unknown or 'none'}")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise ValueError(f"seeds: expected different whole numbers, 0 or more, found {self.seeds}")
        for name, choice in self.classifiers.items():
            _check_costs(name, choice.costs)
        if max(self.seeds) > SEEDS[1]:
            raise ValueError(f"seeds: expected at most {SEEDS[1]}, found {max(self.seeds)}")
        check_ranges(self, inner_folds=(2, math.inf), folds=(2, math.inf))
        if not 0 < self.validation_share <= 0.5:
            raise ValueError(
                f"validation_share: expected a share above 0 and at most 0.5, found {self.validation_share}"
            )


@dataclass(frozen=True)
class Fold:
    """Who trains, validates and tests.

    Attributes:
        protocol: its name.
        seed: that drew it.
        number: from 0.
        parts: (utterances,) ``train``, ``validation`` or ``test``, in the manifest's order.
        repeated: whether an earlier seed cut the corpus into the same folds, all of them, so that a linear classifier
            would give the same predictions again.
    """

    protocol: str
    seed: int
    number: int
    parts: np.ndarray
    repeated: bool


@dataclass(frozen=True)
class Job:
    """One fold of one encoder under one normalisation, for all classifiers that want it."""

    encoder: str
    normalisation: str
    fold: Fold
    classifiers: tuple[str, ...]


def folds(manifest: pd.DataFrame, task: Task, params: GridParams) -> list[Fold]:
    """Split a corpus by its protocol and at random, once per seed; the leakage gate sees every split.

    Args:
        manifest: the utterances of the task's emotions.
        task: the protocol and the label set.
        params: seeds and sizes.

    Returns:
        The folds of all seeds.

    Raises:
        InputError: the corpus does not allow the protocol.
    """
    found, seen = [], set()
    for seed in params.seeds:
        share = params.validation_share
        split = protocols.make(manifest, task.emotions, SplitParams(task.protocol, params.folds, share, share, seed))
        table.check(split, manifest)
        drawn = list(table.folds(split, manifest))
        cuts = {
            name: (name, frozenset((parts == "test").tobytes() for of, _, parts in drawn if of == name))
            for name in {of for of, _, _ in drawn}
        }
        found += [Fold(protocol, seed, number, parts, cuts[protocol] in seen) for protocol, number, parts in drawn]
        seen |= set(cuts.values())
    return found


def cross_folds(manifest: pd.DataFrame, train: str, emotions: Sequence[str], params: GridParams) -> list[Fold]:
    """Train on one corpus, some of its speakers validating, and test on all others.

    Args:
        manifest: the utterances of all corpora, of emotions that they share.
        train: the corpus to train on.
        emotions: the label set.
        params: seeds and sizes.

    Returns:
        A fold per seed.

    Raises:
        InputError: the training corpus has too few speakers, or emotions that too few of them speak.
    """
    home = manifest[manifest["corpus"] == train]
    found = []
    for seed in params.seeds:
        # What a holdout split would test, validates here: its own validation part goes back to training.
        share = params.validation_share
        split = protocols.make(home, emotions, SplitParams("holdout", params.folds, share, share, seed))
        validating = split.loc[(split["protocol"] == "holdout") & (split["part"] == "test"), "id"]
        parts = np.where(manifest["id"].isin(validating), "validation", "train")
        parts = np.where(manifest["corpus"] == train, parts, "test")
        found.append(Fold(CROSS_CORPUS, seed, 0, parts, bool(found)))
    return found


def narrowed(params: GridParams, extent: Extent) -> GridParams:
    """Leave out of the grid the classifiers and seeds that a task does not take.

    Raises:
        InputError: the task names one that the grid has not.
    """
    names = tasks.taken("classifiers", extent.classifiers, list(params.classifiers))
    seeds = tasks.taken("seeds", extent.seeds, params.seeds)
    return dataclasses.replace(params, classifiers={name: params.classifiers[name] for name in names}, seeds=seeds)


def jobs(encoders: Sequence[str], found: Sequence[Fold], params: GridParams) -> list[Job]:
    """List what is to be done: nothing twice that gives the same result twice.

    Args:
        encoders: names of those that have vectors.
        found: the folds.
        params: what is tried with what.

    Returns:
        Jobs, those of an encoder together.
    """
    listed = []
    for encoder in encoders:
        for normalisation in ("train", "speaker"):
            for fold in found:
                chosen = tuple(
                    name
                    for name, choice in params.classifiers.items()
                    if normalisation in choice.normalisations
                    and encoder not in choice.leave_out
                    and (fold.protocol != RANDOM or normalisation in params.contrast)
                    and (name == NETWORK or not fold.repeated)
                )
                if chosen:
                    listed.append(Job(encoder, normalisation, fold, chosen))
    return listed


def predict(
    found: Sequence[Fold],
    vectors: Mapping[str, Features],
    manifest: pd.DataFrame,
    emotions: Sequence[str],
    params: GridParams,
    mlp: TrainParams,
    workers: int = 1,
    progress: Callable[..., Iterable[pd.DataFrame]] = lambda tables, total: tables,
) -> pd.DataFrame:
    """Run the grid: the same predictions however many workers there are.

    Args:
        found: the folds.
        vectors: by encoder, in the manifest's order.
        manifest: the utterances.
        emotions: the label set.
        params: what is tried with what.
        mlp: the network's parameters.
        workers: processes.
        progress: wraps the tables as they come, with ``total``, their number: ``tqdm``, for one.

    Returns:
        A table with ``ser.benchmarks.tasks.COLUMNS``, encoders in the order of ``vectors``.
    """
    calls = [
        delayed(run)(job, vectors[job.encoder], manifest, emotions, params, mlp)
        for job in jobs(list(vectors), found, params)
    ]
    done = processes.parallel(calls, workers)
    return pd.concat(progress(done, total=len(calls)), ignore_index=True)


def run(
    job: Job, features: Features, manifest: pd.DataFrame, emotions: Sequence[str], params: GridParams, mlp: TrainParams
) -> pd.DataFrame:
    """Train the classifiers of a job and predict its test utterances, on one thread.

    Args:
        job: what to do.
        features: the encoder's, in the manifest's order.
        manifest: the utterances.
        emotions: the label set.
        params: the costs of each classifier, and inner folds.
        mlp: the network's parameters; normalisation and seed come from the job.

    Returns:
        A table with ``ser.benchmarks.tasks.COLUMNS``.
    """
    truth, speakers = manifest["emotion"].to_numpy(), manifest["speaker"].to_numpy()
    fold, test = job.fold, job.fold.parts == "test"
    machines = {name: params.classifiers[name].costs for name in job.classifiers if name in linear.MACHINES}
    predicted = {}
    with threadpool_limits(1):
        if machines:
            vectors = features.vectors.astype(np.float64)
            own = job.normalisation == "speaker"
            predicted = linear.predict(
                machines,
                by_speaker(vectors, speakers) if own else vectors,
                truth,
                None if fold.protocol == RANDOM else speakers,
                fold.parts,
                params.inner_folds,
                scale=not own,
            )
        for name in (name for name in MAIN if name in job.classifiers):
            settings = dataclasses.replace(mlp, classifier=name, normalisation=job.normalisation, seed=fold.seed)
            recipe = Recipe(list(emotions), settings, features.extractor, fold.protocol, fold.number)
            model, _ = fitting.fit(recipe, features.vectors, truth, fold.parts, speakers)
            # Of all utterances at once: where speakers are normalised, by all that they said.
            predicted[name] = model.likeliest(features.vectors, speakers)[test]
    ids = manifest["id"].to_numpy()[test]
    keys = {"normalisation": job.normalisation, "protocol": fold.protocol, "seed": fold.seed, "fold": fold.number}
    parts = [
        pd.DataFrame({"encoder": job.encoder, "classifier": name, **keys, "id": ids, "prediction": words})
        for name, words in predicted.items()
    ]
    return pd.concat(parts, ignore_index=True)


def _check_costs(name: str, costs: Sequence[float]) -> None:
    least, most = COSTS
    if name in MAIN and costs:
        raise ValueError(f"classifiers.{name}.costs: expected none, as inner folds choose nothing of it, found {costs}")
    inside = {cost for cost in costs if least <= cost <= most}
    if name not in MAIN and (not inside or sorted(inside) != costs):
        raise ValueError(
            f"classifiers.{name}.costs: expected ascending numbers from {least} to {most}, found {costs or 'none'}"
        )
