"""The spaces that are compared: kinds of vectors of the same utterances.

- ``features``: the pooled vectors that the classifier is fed with;
- ``mfcc``: the same statistics (mean and deviation for openSMILE's) of cepstra, the baseline that was never trained;
  left out where these are the features;
- each of them ``_by_speaker``: with every speaker's own mean and deviation set to 0 and 1;
- ``hidden_held_out``: the last hidden layer of each fold's classifier, for the speakers whom it was not trained on.
  This is where it shows whether training took the speaker away, and every fold's layer is a space of its own. So it is
  compared with ``features_held_out``, the vectors that went in, of the same utterances in the same portions. A linear
  classifier has no such layer, and neither space.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ser.features import Features
from ser.files.params import COSTS, check_ranges
from ser.learning import trained
from ser.learning.classifier import by_speaker as standardised
from ser.scores.intervals import IntervalParams
from ser.splits import table
from ser.splits.names import RANDOM

# What is subtracted from what. The folds of a probe do not depend on the space, so that both sides are of the same
# utterances under the same folds.
PAIRS = (
    ("features", "mfcc"),
    ("features_by_speaker", "mfcc_by_speaker"),
    ("features_by_speaker", "features"),
    ("hidden_held_out", "features_held_out"),
)


@dataclass(frozen=True)
class RepresentationParams(IntervalParams):
    """The block ``representation`` of params.yaml, with intervals.

    Attributes:
        folds: of a probe, at most.
        cost: C of the logistic regression that probes: the smaller, the simpler the probe.
        permutations: of gender and age over speakers, to see what a probe scores where there is nothing to find.
        perplexity: of t-SNE, about the number of neighbours whose nearness it keeps.
        neighbours: of UMAP, the same.
        utterances: at most so many are looked at; of more, so many are drawn (``ser.representation.sample``).
    """

    folds: int
    cost: float
    permutations: int
    perplexity: float
    neighbours: int
    utterances: int

    def __post_init__(self):
        super().__post_init__()
        check_ranges(
            self,
            utterances=(100, math.inf),
            folds=(2, math.inf),
            cost=COSTS,
            permutations=(1, 10**6),
            perplexity=(1, math.inf),
            neighbours=(2, math.inf),
        )


@dataclass(frozen=True)
class View:
    """Vectors of some utterances in one system of coordinates.

    Attributes:
        rows: the utterances, positions in the manifest, (utterances,).
        vectors: float32 (utterances, numbers).
    """

    rows: np.ndarray
    vectors: np.ndarray


Space = Sequence[View]  # one, or one of each fold's classifier


def whole(vectors: np.ndarray) -> Space:
    """Take the vectors of all utterances, float32 (utterances, numbers), as a space of one view."""
    return [View(np.arange(len(vectors)), vectors)]


def by_speaker(vectors: np.ndarray, speakers: np.ndarray) -> Space:
    """Take away what is constant of a speaker: the mean and the deviation of each number.

    Args:
        vectors: (utterances, numbers).
        speakers: (utterances,); ``""`` stands for unknown, and those utterances are left out.

    Returns:
        A space of one view.
    """
    rows = np.flatnonzero(speakers != "")
    return [View(rows, standardised(vectors[rows], speakers[rows]).astype(np.float32))]


def held_out(
    manifest: pd.DataFrame,
    features: Features,
    split: pd.DataFrame,
    models: Path,
    protocol: str,
    drawn: np.ndarray | None = None,
) -> dict[str, Space]:
    """See the utterances that a fold's classifier was not trained on as they went in and as its last layer has them.

    These are the test part and the validation part: the latter's only say was when training stopped, and one speaker
    out would else leave one speaker, whom no probe could tell from others.

    Args:
        manifest: the utterances.
        features: their vectors, in this order.
        split: which utterances train.
        models: the folder of the classifiers.
        protocol: whose folds.
        drawn: the only utterances that are looked at, positions in the manifest; None for all. The rest of a large
            corpus is not copied.

    Returns:
        The spaces ``features_held_out`` and ``hidden_held_out``, a view a fold; none of linear classifiers.

    Raises:
        InputError: a classifier is missing or damaged, or was trained on other features or another split.
    """
    inputs, hidden, digest = [], [], table.digest(split)
    looked_at = np.ones(len(manifest), dtype=bool) if drawn is None else np.isin(np.arange(len(manifest)), drawn)
    for _, fold, parts in table.folds(split[split["protocol"] == protocol], manifest):
        model = trained.load(models, protocol, fold, features, digest)
        if not model.recipe.params.layers:
            return {}
        rows = np.flatnonzero(np.isin(parts, ("test", "validation")) & looked_at)
        # All utterances go in: normalisation by speaker must see all of a speaker's, as it did in training.
        layer = model.hidden(features.vectors, manifest["speaker"].to_numpy())
        inputs.append(View(rows, features.vectors[rows]))
        hidden.append(View(rows, layer[rows]))
    return {"features_held_out": inputs, "hidden_held_out": hidden}


def spaces(
    manifest: pd.DataFrame,
    features: Features,
    baseline: Features,
    split: pd.DataFrame,
    models: Path,
    protocol: str,
    drawn: np.ndarray | None = None,
) -> dict[str, Space]:
    """Gather all spaces.

    Args:
        manifest: the utterances.
        features: their vectors, in this order.
        baseline: the vectors of the baseline, likewise.
        split: which utterances train.
        models: the folder of the classifiers.
        protocol: whose folds the hidden layer is taken of.
        drawn: as for ``held_out``; the other spaces have all utterances.

    Returns:
        The spaces by name, as the module describes them.

    Raises:
        InputError: as ``held_out``.
    """
    speakers = manifest["speaker"].to_numpy()
    result = {}
    for name, vectors in (("features", features.vectors), ("mfcc", baseline.vectors)):
        if name == "mfcc" and np.array_equal(vectors, features.vectors):
            continue
        result[name] = whole(vectors)
        result[f"{name}_by_speaker"] = by_speaker(vectors, speakers)
    return result | held_out(manifest, features, split, models, protocol, drawn)


def by_space(rows: pd.DataFrame, aspect: str, names: Sequence[str]) -> dict[str, dict[str, dict[str, float]]]:
    """Gather the figures of a table as metrics.

    Args:
        rows: ``space``, a space or a pair of them, the aspect, and the figures.
        aspect: the column that says what was measured there.
        names: the columns of the figures.

    Returns:
        Figures by space and aspect; what is missing is left out.
    """
    result: dict[str, dict[str, dict[str, float]]] = {}
    for row in rows.to_dict("records"):
        figures = {name: row[name] for name in names if pd.notna(row[name])}
        if figures:
            result.setdefault(row["space"], {})[row[aspect]] = figures
    return result


def titles(encoder: str, protocol: str) -> dict[str, str]:
    """Name the spaces for people, in the order of the picture."""
    held_out = "utterances not trained on" if protocol == RANDOM else "speakers not trained on"
    return {
        "features": encoder,
        "features_by_speaker": f"{encoder}, normalised per speaker",
        "mfcc": "mfcc",
        "mfcc_by_speaker": "mfcc, normalised per speaker",
        "features_held_out": f"{encoder}, {held_out}",
        "hidden_held_out": f"classifier's last layer, {held_out}",
    }
