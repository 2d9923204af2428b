"""Familiarity: how far a recording is from the speech that a classifier learned from.

A classifier names an emotion whatever it hears, and is sure of it. So its training speech is described by the mean and
the covariance of its vectors, and a vector that is further away gets the answer ``unfamiliar``: K. Lee and others, "A
simple unified framework for detecting out-of-distribution samples and adversarial attacks", 2018 (arXiv 1807.03888),
with one mean for all emotions and the covariance shrunk as O. Ledoit and M. Wolf say ("A well-conditioned estimator for
large-dimensional covariance matrices", 2004). How far is too far is learned from speakers whom the description does not
know: other speakers are not unfamiliar for being others.
"""

import json
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialised
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.preprocessing import StandardScaler

from ser.files.failures import InputError
from ser.files.whole import check_file, whole_file
from ser.learning.choices import inner_folds

ARRAYS = ("mean", "scale", "directions", "variances")  # of the file
FOLDS = 5  # of speakers, of whom some describe and the others say how far is too far


@dataclass(frozen=True)
class FamiliarityParams:
    """The block ``familiarity`` of params.yaml.

    Attributes:
        false_alarms: share of the utterances of speakers whom the description does not know that may be unfamiliar.
    """

    false_alarms: float

    def __post_init__(self):
        if not 0 < self.false_alarms < 1:
            raise ValueError(f"false_alarms: expected a share between 0 and 1, found {self.false_alarms}")


@dataclass(frozen=True)
class Familiarity:
    """What training speech is like.

    Attributes:
        mean: of the vectors, float32 (numbers,).
        scale: their deviation, by which they are standardised, float32 (numbers,).
        directions: orthonormal, in which standardised vectors vary, float32 (directions, numbers).
        variances: along each direction, float32 (directions,).
        rest: the variance assumed along every direction orthogonal to ``directions``.
        limit: the squared Mahalanobis distance beyond which a vector is unfamiliar.
    """

    mean: np.ndarray
    scale: np.ndarray
    directions: np.ndarray
    variances: np.ndarray
    rest: float
    limit: float

    def distances(self, vectors: np.ndarray) -> np.ndarray:
        """Measure how far vectors are from training speech.

        Args:
            vectors: (utterances, numbers), as the extractor made them.

        Returns:
            float64 (utterances,): the Mahalanobis distance over its limit; above 1 it is unfamiliar.
        """
        return np.sqrt(self._squared(vectors) / self.limit)

    def _squared(self, vectors: np.ndarray) -> np.ndarray:
        rows = (vectors - self.mean.astype(np.float64)) / self.scale
        along = rows @ self.directions.T.astype(np.float64)
        across = np.maximum(np.square(rows).sum(axis=1) - np.square(along).sum(axis=1), 0)
        return np.square(along) @ (1 / self.variances.astype(np.float64)) + across / self.rest


def fit(
    vectors: np.ndarray,
    labels: np.ndarray,
    speakers: np.ndarray | None,
    params: FamiliarityParams,
    copies: Sequence[np.ndarray] = (),
) -> Familiarity:
    """Describe training speech, and distorted copies of it where these train as well.

    The limit is a quantile of the distances of ``FOLDS`` groups of speakers, each from the description of the others.
    Unknown speakers may be those of any group, so they are in none, and join the description alone.

    Args:
        vectors: (utterances, numbers), of training utterances.
        labels: (utterances,) emotions, by which the groups are balanced.
        speakers: (utterances,), ``""`` for unknown ones; None to group utterances, where speakers are not kept apart.
        params: the block ``familiarity``.
        copies: for each condition a distorted copy of every utterance, (utterances, numbers); a copy counts as its
            original does, and is in its group.

    Returns:
        The description.

    Raises:
        InputError: there are fewer than two known speakers, no emotion has two of them, or too few differ to tell how
            far is too far.
    """
    if speakers is not None and (count := len(set(speakers) - {""})) < 2:
        raise InputError(f"familiarity: expected two known training speakers at least, found {count}; add speakers")
    if copies:
        speakers = np.tile(np.arange(len(vectors)) if speakers is None else speakers, 1 + len(copies))
        vectors, labels = np.concatenate([vectors, *copies]), np.tile(labels, 1 + len(copies))
    whole = np.arange(len(vectors)) if speakers is None else np.flatnonzero(speakers != "")
    folds = list(inner_folds(labels, speakers, whole, FOLDS))
    if not folds:
        raise InputError(
            "familiarity: expected two training utterances of an emotion at least, found one of each, "
            f"{len(vectors)} in all; add recordings"
        )
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():  # the limit is looked at below
        warnings.filterwarnings("ignore", "Only one sample available", UserWarning)
        strange = [_described(vectors[known])._squared(vectors[others]) for known, others in folds]
        limit = float(np.quantile(np.concatenate(strange), 1 - params.false_alarms))
    if not math.isfinite(limit):
        fewest = min(len(known) for known, _ in folds)
        raise InputError(
            "familiarity: expected three training utterances at least that differ, beside those that are left out to "
            f"set the limit, found {fewest} of {len(vectors)} from which no distance can be measured; add recordings"
        )
    return _described(vectors, limit)


def _described(vectors: np.ndarray, limit: float = 1.0) -> Familiarity:
    scaler = StandardScaler().fit(vectors.astype(np.float64))
    rows = scaler.transform(vectors.astype(np.float64))
    shrinkage = ledoit_wolf_shrinkage(rows, assume_centered=True)
    _, lengths, directions = np.linalg.svd(rows, full_matrices=False)
    variances = lengths**2 / len(rows)
    rest = shrinkage * variances.sum() / rows.shape[1]
    variances = (1 - shrinkage) * variances + rest
    arrays = (scaler.mean_, scaler.scale_, directions, variances)
    return Familiarity(*(array.astype(np.float32) for array in arrays), float(rest), limit)


def save(familiarity: Familiarity, path: Path) -> None:
    """Write a description.

    Args:
        familiarity: what to write.
        path: the ``.safetensors`` file, written whole or not at all.
    """
    arrays = {name: getattr(familiarity, name) for name in ARRAYS}
    numbers = json.dumps({"limit": familiarity.limit, "rest": familiarity.rest}, sort_keys=True)
    with whole_file(path) as temporary:
        temporary.write_bytes(serialised(arrays, {"familiarity": numbers}))


def load(path: Path) -> Familiarity:
    """Read a description.

    Raises:
        InputError: the file is missing, damaged, or no description.
    """
    check_file(path, "a description of training speech, which the stage familiarity makes")
    try:
        with safe_open(path, framework="np") as stream:
            numbers = json.loads((stream.metadata() or {})["familiarity"])
            arrays = [stream.get_tensor(name) for name in ARRAYS]
        found = Familiarity(*arrays, float(numbers["rest"]), float(numbers["limit"]))
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path}: no description of training speech ({error}); run the stage familiarity") from error
    mean, scale, directions, variances = arrays
    fits = directions.ndim == 2 and directions.shape == (*variances.shape, *mean.shape) and scale.shape == mean.shape
    if not fits or not all(np.isfinite(array).all() for array in arrays) or min(found.rest, found.limit) <= 0:
        raise InputError(f"{path}: its numbers do not describe training speech; run the stage familiarity again")
    return found
