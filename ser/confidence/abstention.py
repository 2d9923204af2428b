"""Abstention: what a classifier gets right where it answers only if it is sure enough.

Y. Geifman and R. El-Yaniv, "Selective classification for deep neural networks", 2017 (arXiv 1705.08500): coverage is
the share of utterances that are answered, risk the share of these answers that are wrong.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ser.predictions import probability_columns
from ser.scores.intervals import Bootstrap, IntervalParams
from ser.scores.metrics import confusions, needs, resampled, scores

POINTS = 100  # of the curve, at most
AT_ONCE = 2**22  # numbers that are summed up at a time


def report(predictions: pd.DataFrame, emotions: Sequence[str], below: float, params: IntervalParams) -> dict:
    """Score the answers of one protocol, folds pooled, that are given with enough confidence.

    Args:
        predictions: one protocol's rows, with ``truth``, ``prediction``, ``speaker`` and probabilities.
        emotions: the label set.
        below: the confidence below which there is no answer.
        params: how intervals are made.

    Returns:
        ``below``; ``coverage``, the share of utterances that are answered; ``accuracy`` and ``uar`` of the answers, the
        latter only where every emotion occurs among them, for otherwise it would be the mean of other emotions than
        that of all utterances; ``aurc``, the area under the whole risk-coverage curve: the risk, averaged over the
        coverages at which one utterance after another is let in. Each figure with ``_low`` and ``_high`` where there is
        an interval, for the answers only if enough speakers have some; without answers there is no accuracy.
    """
    speakers = sorted(set(predictions["speaker"]))
    confidence, wrong = _confidence(predictions, emotions), _wrong(predictions)
    answered = predictions[confidence >= below]
    every, given = (
        confusions(rows["truth"], rows["prediction"], rows["speaker"], speakers, emotions)
        for rows in (predictions, answered)
    )
    who = pd.Index(speakers).get_indexer(predictions["speaker"])
    whole = set(answered["truth"]) == set(predictions["truth"])
    scored = ("accuracy", "uar") if whole else ("accuracy",) if len(answered) else ()

    def statistic(weights: np.ndarray) -> dict[str, np.ndarray]:
        counts = resampled(given, weights)
        found = {"aurc": _areas(confidence, wrong, who, weights)}
        found["coverage"] = counts.sum(axis=(1, 2)) / resampled(every, weights).sum(axis=(1, 2))
        values = scores(counts)
        return found | {name: values[name] for name in scored}

    return {"below": below} | Bootstrap.of(speakers, params).figures(statistic, needs(given))


def risk_coverage(predictions: pd.DataFrame, emotions: Sequence[str]) -> pd.DataFrame:
    """Tabulate the risk-coverage curve.

    Args:
        predictions: as for ``report``.
        emotions: the label set.

    Returns:
        Rows of rising coverage, about a hundredth apart: ``confidence``, below which there is no answer, ``coverage``
        and ``risk``. Utterances of the same confidence are answered together.
    """
    confidence, wrong = _confidence(predictions, emotions), _wrong(predictions)
    order = np.argsort(-confidence, kind="stable")
    last = _last_of_equals(confidence[order])
    count = len(order)
    wanted = np.unique(last[np.ceil(count * np.arange(1, POINTS + 1) / POINTS).astype(int) - 1])
    risk = wrong[order].cumsum()[wanted] / (wanted + 1)
    return pd.DataFrame({"confidence": confidence[order][wanted], "coverage": (wanted + 1) / count, "risk": risk})


def _areas(confidence: np.ndarray, wrong: np.ndarray, who: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Give the area under the curve, (replicates,), where speakers are drawn, (replicates, speakers)."""
    order = np.argsort(-confidence, kind="stable")
    last, areas = _last_of_equals(confidence[order]), [np.empty(0)]
    for some in np.array_split(weights, max(1, weights.shape[0] * len(order) // AT_ONCE)):
        drawn = some[:, who[order]]
        answered, missed = (values.cumsum(axis=1)[:, last] for values in (drawn, drawn * wrong[order]))
        # Where nobody has been drawn yet there is no risk, nor does it count.
        risk = missed / np.maximum(answered, 1)
        areas.append((drawn * risk).sum(axis=1) / drawn.sum(axis=1))
    return np.concatenate(areas)


def _last_of_equals(confidence: np.ndarray) -> np.ndarray:
    """Give the last position of those who are as confident, of each of falling confidences, (utterances,)."""
    return np.searchsorted(-confidence, -confidence, side="right") - 1


def _confidence(predictions: pd.DataFrame, emotions: Sequence[str]) -> np.ndarray:
    return predictions[probability_columns(emotions)].to_numpy(dtype=float).max(axis=1)


def _wrong(predictions: pd.DataFrame) -> np.ndarray:
    return (predictions["truth"] != predictions["prediction"]).to_numpy(dtype=float)
