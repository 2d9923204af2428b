"""Which utterances are ambiguous: by raters where there are any, and by models.

A model-based score says that a label is doubtful for a model: ambiguity is one reason, a wrong label, a bad recording
and a weak model are others. So each score is checked against what raters heard, and against a flag that the corpus
itself distributes (``ambiguous`` of the manifest's details; the bundled corpus plants it).

All scores point the same way: larger is more doubtful.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from scipy import stats
from sklearn.neighbors import NearestNeighbors

from ser import manifest
from ser.ambiguity import votes
from ser.ambiguity.references import MEAN_RANK
from ser.ambiguity.votes import VotesParams
from ser.files.failures import InputError
from ser.files.params import check_ranges
from ser.predictions import probability_columns

# Of the out-of-fold probabilities, by models that knew neither the utterance nor its speaker: one minus cleanlab's
# quality of the label, 0 to 1.
FROM_PREDICTIONS = {
    "low_self_confidence": "self_confidence",  # the label's probability
    "low_margin": "normalized_margin",  # the label's probability less that of the likeliest other emotion
    "weighted_entropy": "confidence_weighted_entropy",  # entropy over the label's probability
}
LEAST = 1e-6  # below it cleanlab clips a self-confidence, and the quotient of entropy and self-confidence
SCORES = (
    *FROM_PREDICTIONS,
    "prediction_entropy",  # of the same probabilities, 0 to 1; does not look at the label
    "low_training_confidence",  # one minus the label's mean probability over epochs, as a training utterance
    "training_variability",  # its standard deviation over epochs
    "neighbour_disagreement",  # share of the nearest neighbours, of other speakers, with another label
    MEAN_RANK,  # of WITNESSES
)
WITNESSES = ("low_self_confidence", "low_training_confidence", "neighbour_disagreement")  # one of each source
OWN_SCORES = ("vote_entropy", "low_majority", "low_recognition")  # the doubt of raters and listeners
SEARCHED = 20_000  # utterances among which neighbours are looked for; all would cost the square of the corpus
FLAG = "ambiguous"  # in the manifest's details: 1 or 0


@dataclass(frozen=True)
class AmbiguityParams(VotesParams):
    """The block ``ambiguity`` of params.yaml, with intervals; ``resamples`` are its own.

    Attributes:
        bands: shares of agreement at which a band ends; the upper edge belongs to it.
        neighbours: how many nearest neighbours are asked.
        leave_out: share of the utterances, the most ambiguous, to leave out.
    """

    bands: tuple[float, ...]
    neighbours: int
    leave_out: float

    def __post_init__(self):
        super().__post_init__()
        edges = (0, *self.bands, 1)
        if len(edges) == 2 or any(upper <= lower for lower, upper in pairwise(edges)):
            raise ValueError(f"bands: expected rising shares between 0 and 1, found {list(self.bands)}")
        check_ranges(self, neighbours=(1, math.inf))
        if not 0 < self.leave_out < 1:
            raise ValueError(f"leave_out: expected a share between 0 and 1, such as 0.15, found {self.leave_out}")


def neighbour_disagreement(
    vectors: np.ndarray, labels: Sequence[str], speakers: Sequence[str], neighbours: int
) -> np.ndarray:
    """Measure how many of each utterance's nearest neighbours, by cosine of standardised vectors, have another label.

    Neighbours are of other speakers only: an utterance lies next to those of its own speaker whatever they express. Of
    more than ``SEARCHED`` utterances so many, drawn by chance, can be neighbours.

    Args:
        vectors: (utterances, numbers).
        labels: each utterance's emotion.
        speakers: each utterance's speaker; ``""`` where unknown.
        neighbours: how many to ask; fewer where the other speakers have fewer.

    Returns:
        Share of the neighbours with another label (utterances,), 0 to 1; NaN for an unknown speaker and where there is
        no other one.
    """
    labels, speakers = np.asarray(labels), np.asarray(speakers)
    varies = np.ptp(vectors, axis=0) > 0  # of a number that does not, rounding leaves a deviation
    standardised = (vectors - vectors.mean(axis=0)) / np.where(varies, vectors.std(axis=0), np.inf)
    result = np.full(len(labels), np.nan)
    (known,) = np.nonzero(speakers != "")
    if len(known) > SEARCHED:
        known = np.sort(np.random.default_rng(0).choice(known, SEARCHED, replace=False))
    for speaker in sorted(set(speakers) - {""}):
        own = speakers == speaker
        others = known[speakers[known] != speaker]
        if len(others):
            search = NearestNeighbors(n_neighbors=min(neighbours, len(others)), metric="cosine", algorithm="brute")
            nearest = search.fit(standardised[others]).kneighbors(standardised[own], return_distance=False)
            result[own] = (labels[others[nearest]] != labels[own, None]).mean(axis=1)
    return result


def from_predictions(predictions: pd.DataFrame, emotions: Sequence[str]) -> pd.DataFrame:
    """Score labels by the probabilities of models that did not see them.

    Args:
        predictions: one protocol's rows, an utterance each.
        emotions: the label set.

    Returns:
        By id: the scores of cleanlab and ``prediction_entropy``, each 0 to 1; ``label_issue``, 1 where confident
        learning (C. Northcutt et al., Journal of Artificial Intelligence Research 70, 2021) holds that the label is
        another one, else 0; ``likelier``, the likeliest emotion other than the label.
    """
    probabilities = predictions[probability_columns(emotions)].to_numpy(dtype=float)
    labels = pd.Index(emotions).get_indexer(predictions["truth"])
    # cleanlab divides the logarithm of one plus that quotient by the clipped one, so that a label that is right and as
    # good as certain would be doubtful. Where no probability is below LEAST, the quotient is above it.
    clipped = np.maximum(probabilities, LEAST)
    clipped /= clipped.sum(axis=1, keepdims=True)
    table = pd.DataFrame(index=pd.Index(predictions["id"], name="id"))
    for name, method in FROM_PREDICTIONS.items():
        scored = clipped if name == "weighted_entropy" else probabilities
        table[name] = 1 - get_label_quality_scores(labels, scored, method=method)
    table["prediction_entropy"] = stats.entropy(probabilities, axis=1) / np.log(len(emotions))
    issues = find_label_issues(labels, probabilities, filter_by="confident_learning", n_jobs=1)
    table["label_issue"] = issues.astype(int)
    others = np.where(np.arange(len(emotions)) == labels[:, None], -1, probabilities)
    table["likelier"] = np.asarray(emotions, dtype=object)[others.argmax(axis=1)]
    return table


def judge(
    utterances: pd.DataFrame,
    predictions: pd.DataFrame,
    vectors: np.ndarray,
    dynamics: pd.DataFrame,
    emotions: Sequence[str],
    params: AmbiguityParams,
) -> pd.DataFrame:
    """Collect everything that raters and models say about each utterance.

    Args:
        utterances: the manifest.
        predictions: the chosen protocol's rows; utterances that it does not test have no scores of predictions.
        vectors: features (utterances, numbers), in the manifest's order.
        dynamics: by utterance, ``id``, ``confidence`` and ``variability`` over the epochs of training (dataset
            cartography: S. Swayamdipta et al., EMNLP 2020).
        emotions: the label set.
        params: how many neighbours to ask.

    Returns:
        By id, in the manifest's order: path, speaker, label; ``raters``, ``vote_entropy`` (bits), ``majority_share``,
        ``tied``, ``agrees``, ``label_share`` and ``heard``, as in ``votes.statistics``; ``recognition``;
        ``low_majority``, ``low_label_share`` and ``low_recognition``, one minus each; ``planted``, the corpus' own
        flag; ``SCORES``; ``label_issue`` and ``likelier``, as in ``from_predictions``. What cannot be
        computed is missing.

    Raises:
        InputError: the dynamics are of another manifest.
    """
    ids = pd.Index(utterances["id"], name="id")
    table = utterances.set_index(ids)[["path", "speaker"]].assign(label=utterances["emotion"].to_numpy())
    heard = votes.statistics(votes.counts(utterances), utterances["emotion"])
    table = table.join(heard.rename(columns={"entropy": "vote_entropy"}))
    table["recognition"] = votes.recognition(utterances)
    table["low_majority"], table["low_recognition"] = 1 - table["majority_share"], 1 - table["recognition"]
    table["low_label_share"] = 1 - table["label_share"]
    marks = manifest.detail(utterances, FLAG)
    table["planted"] = [float(flag) if flag in (0, 1) else np.nan for flag in marks]
    table = table.join(from_predictions(predictions, emotions))
    unknown = sorted(set(dynamics["id"]) - set(ids))
    if unknown:
        raise InputError(
            f"dynamics: {len(unknown)} ids are not in the manifest, such as '{unknown[0]}'; run `dvc repro`"
        )
    training = dynamics.set_index("id").reindex(ids)
    table["low_training_confidence"] = 1 - training["confidence"]
    table["training_variability"] = training["variability"]
    table["neighbour_disagreement"] = neighbour_disagreement(
        vectors, table["label"], table["speaker"], params.neighbours
    )
    table[MEAN_RANK] = table[list(WITNESSES)].rank(pct=True).mean(axis=1)
    return table


def ranking(table: pd.DataFrame) -> pd.DataFrame:
    """List the utterances, the most ambiguous first, for a person to listen to.

    Args:
        table: as ``judge`` gives it.

    Returns:
        rank, id, path, label, ``other`` (what raters heard besides the label; where they heard nothing else, or are
        not known, the likeliest other emotion to the model), ``ambiguity``, ``by``, then what it is made of.
        ``ambiguity`` is a percentile, 0 to 1, among the utterances judged by the same (the middle of each one's share,
        so that the first of three, 0.83, is not before the first of thousands): by ``low_majority`` (``by``:
        votes), else ``low_recognition`` (listeners), else ``mean_rank`` (model). Equal ones stand in the order of
        ``vote_entropy``, then of ``mean_rank``, then of their ids.
    """
    table = table.copy()
    voted, recognised = table["low_majority"].notna(), table["low_recognition"].notna()
    table["by"] = np.select([voted, recognised], ["votes", "listeners"], "model")
    doubt = table["low_majority"].where(voted, table["low_recognition"].where(recognised, table[MEAN_RANK]))
    judged = doubt.groupby(table["by"])
    table["ambiguity"] = (judged.rank() - 0.5) / judged.transform("count")
    table["other"] = table["heard"].where(table["heard"] != "", table["likelier"])
    order = {"ambiguity": False, "vote_entropy": False, MEAN_RANK: False, "id": True}
    table = table.reset_index().sort_values(list(order), ascending=list(order.values()))
    table["rank"] = np.arange(1, len(table) + 1)
    table[["raters", "label_issue"]] = table[["raters", "label_issue"]].astype("Int64")
    columns = ("rank", "id", "path", "label", "other", "ambiguity", "by")
    evidence = ("raters", "majority_share", "vote_entropy", "recognition", "planted", "label_issue")
    return table[[*columns, *evidence, *SCORES]].reset_index(drop=True)
