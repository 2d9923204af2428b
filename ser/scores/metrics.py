"""Truth and prediction -> numbers, with intervals over speakers.

Every number comes from confusion matrices, one per speaker: their sum gives the figure, their resampled sums its
interval, so that a figure and its interval cannot disagree about a formula.

The unweighted average recall (UAR) is the mean of the recalls of the emotions that occur in ``truth``; macro precision
and macro F1 are means over the same emotions. An emotion that is never predicted has precision 0.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ser.scores import words
from ser.scores.intervals import Bootstrap, IntervalParams
from ser.splits.names import INDEPENDENT, RANDOM, chosen

RARE = "an emotion of too few speakers"  # why there is no interval, where a draw may miss its speakers


def confusions(
    truth: Sequence[str],
    prediction: Sequence[str],
    groups: Sequence[str],
    names: Sequence[str],
    emotions: Sequence[str],
) -> np.ndarray:
    """Count a confusion matrix for each group of utterances.

    Args:
        truth: each utterance's emotion.
        prediction: each utterance's predicted emotion.
        groups: each utterance's group, such as its speaker.
        names: the groups to count, in the order of the result.
        emotions: the label set, the order of rows and columns.

    Returns:
        Counts, int64 (groups, emotions, emotions): row is truth, column is prediction.
    """
    axes = zip((names, emotions, emotions), (groups, truth, prediction), strict=True)
    places = np.array([pd.Index(known).get_indexer(values) for known, values in axes])
    assert (places >= 0).all(), "a group or an emotion that is not in the list"
    counts = np.zeros((len(names), len(emotions), len(emotions)), dtype=np.int64)
    np.add.at(counts, tuple(places), 1)
    return counts


def by_emotion(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """Score each emotion.

    Args:
        confusion: counts (..., emotions, emotions): row is truth, column is prediction.

    Returns:
        ``precision``, ``recall``, ``f1`` and ``support``, each (..., emotions). Recall and F1 are NaN for an emotion
        that does not occur in truth, precision for one that occurs neither in truth nor in prediction.
    """
    support, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    correct = np.diagonal(confusion, axis1=-2, axis2=-1)
    return {
        "precision": _ratio(correct, predicted, np.where(support > 0, 0.0, np.nan)),
        "recall": _ratio(correct, support, np.nan),
        "f1": np.where(support > 0, _ratio(2 * correct, support + predicted, np.nan), np.nan),
        "support": support,
    }


def scores(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """Score all emotions together.

    Args:
        confusion: counts (..., emotions, emotions): row is truth, column is prediction.

    Returns:
        ``accuracy``, ``uar``, ``macro_precision`` and ``macro_f1``, each (...), 0 to 1; NaN without utterances.
    """
    each = by_emotion(confusion)
    present = each["support"] > 0
    correct = np.trace(confusion, axis1=-2, axis2=-1)
    return {
        "accuracy": _ratio(correct, confusion.sum(axis=(-2, -1)), np.nan),
        "uar": mean_where(each["recall"], present),
        "macro_precision": mean_where(each["precision"], present),
        "macro_f1": mean_where(each["f1"], present),
    }


def mean_where(values: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Average over the last axis where ``present`` holds; NaN where it holds nowhere."""
    return _ratio(np.where(present, values, 0.0).sum(axis=-1), present.sum(axis=-1), np.nan)


def needs(*stacks: np.ndarray) -> dict[str, np.ndarray]:
    """Say which speakers each of ``scores`` needs, as ``ser.scores.intervals.Bootstrap.interval`` asks.

    Args:
        stacks: counts (speakers, emotions, emotions), of all of which there is to be a score.

    Returns:
        For the accuracy those who have utterances; for means over emotions those of each emotion that occurs.
    """
    heard = np.stack([stack.any(axis=(-2, -1)) for stack in stacks])
    voices = np.concatenate([stack.any(axis=-1).T for stack in stacks])
    means = ("uar", "macro_precision", "macro_f1")
    return {"accuracy": heard} | dict.fromkeys(means, voices[voices.any(axis=-1)])


def comparable(stack: np.ndarray, groups: Sequence[np.ndarray]) -> bool:
    """Tell whether groups of speakers may be compared by a mean over emotions: two of each, and the same emotions.

    Args:
        stack: counts (speakers, emotions, emotions).
        groups: which speakers are in each, (speakers,) of bool.
    """
    heard = [stack[group].any(axis=(0, 2)) for group in groups]
    return all(group.sum() > 1 for group in groups) and all((one == stack.any(axis=(0, 2))).all() for one in heard)


def summary(predictions: pd.DataFrame, emotions: Sequence[str], params: IntervalParams) -> dict:
    """Score the predictions of one protocol, folds pooled.

    Args:
        predictions: one protocol's rows, with ``truth``, ``prediction``, ``fold`` and ``speaker`` (``""``: unknown).
        emotions: the label set.
        params: how intervals are made.

    Returns:
        Each of ``scores`` with its ``_low`` and ``_high``; ``recall`` by emotion; ``folds``: mean and standard
        deviation of the UAR over folds; ``utterances``, ``speakers``. What cannot be had is left out: intervals as
        ``IntervalParams.obstacle`` says, or where too few have some emotion; the count of speakers where some are
        unknown; ``folds`` where one lacks an emotion, as then they are means over different ones; the deviation of one
        fold.
    """
    speakers = sorted(set(predictions["speaker"]))
    stack = _by_speaker(predictions, speakers, emotions)
    result = Bootstrap.of(speakers, params).figures(lambda weights: scores(resampled(stack, weights)), needs(stack))
    recall = zip(emotions, by_emotion(stack.sum(axis=0))["recall"], strict=True)
    result["recall"] = {emotion: float(value) for emotion, value in recall if np.isfinite(value)}
    uars, heard = folds(predictions, emotions)["uar"], predictions.groupby("fold")["truth"].nunique()
    if (heard == predictions["truth"].nunique()).all():
        spread = {"uar_std": float(uars.std(ddof=1))} if len(uars) > 1 else {}
        result["folds"] = {"uar_mean": float(uars.mean())} | spread
    return result | {"utterances": len(predictions)} | ({} if "" in speakers else {"speakers": len(speakers)})


def drop(predictions: pd.DataFrame, protocol: str, emotions: Sequence[str], params: IntervalParams) -> dict:
    """Measure how much lower a protocol scores than ``random``: what knowing the speakers was worth.

    Both protocols score the same speakers, so each replicate draws speakers once for both: the difference is far
    better known than its two terms. Where the protocols test different speakers (``holdout``), those tested by both,
    by the one and by the other are drawn apart, so that no replicate is without test speakers.

    Args:
        predictions: rows of both protocols, as for ``summary``.
        protocol: the protocol to compare with ``random``.
        emotions: the label set.
        params: how intervals are made.

    Returns:
        For each of ``scores`` random minus protocol, with ``_low`` and ``_high`` where an interval can be had.
    """
    speakers = sorted(set(predictions["speaker"]))
    sides = [
        _by_speaker(predictions[predictions["protocol"] == name], speakers, emotions) for name in (RANDOM, protocol)
    ]
    tested = np.stack([stack.any(axis=(1, 2)) for stack in sides], axis=1)
    strata = np.unique(tested, axis=0, return_inverse=True)[1]

    def difference(weights: np.ndarray) -> dict[str, np.ndarray]:
        random, other = (scores(resampled(stack, weights)) for stack in sides)
        return {name: random[name] - other[name] for name in random}

    return Bootstrap.of(speakers, params, strata).figures(difference, needs(*sides))


def report(predictions: pd.DataFrame, emotions: Sequence[str], params: IntervalParams) -> dict:
    """Score all protocols and compare them.

    Args:
        predictions: rows of all protocols, as for ``summary``.
        emotions: the label set.
        params: how intervals are made.

    Returns:
        ``speaker_independent``: the ``summary`` of the protocol beside ``random``, under one name whatever it is, so
        that ``dvc metrics diff`` can compare protocols; ``random`` likewise; ``drop_from_random``; ``chance_uar``, of
        guessing. What needs a protocol that was not run is left out.
    """
    protocol = chosen(predictions["protocol"])
    rows = {name: group for name, group in predictions.groupby("protocol")}
    result = {"chance_uar": 1 / rows[protocol]["truth"].nunique()}
    if RANDOM in rows:
        result[RANDOM] = summary(rows[RANDOM], emotions, params)
    if protocol != RANDOM:
        result[INDEPENDENT] = summary(rows[protocol], emotions, params)
    if len(rows) == 2:
        result["drop_from_random"] = drop(predictions, protocol, emotions, params)
    return result


def classes(predictions: pd.DataFrame, emotions: Sequence[str]) -> pd.DataFrame:
    """Tabulate the scores of each emotion.

    Args:
        predictions: rows of all protocols.
        emotions: the label set.

    Returns:
        A row per protocol and emotion: protocol, emotion, precision, recall, f1, support. An emotion that does not
        occur keeps its row, with NaN.
    """
    names = sorted(set(predictions["protocol"]))
    stack = confusions(predictions["truth"], predictions["prediction"], predictions["protocol"], names, emotions)
    parts = []
    for name, confusion in zip(names, stack, strict=True):
        parts.append(pd.DataFrame({"protocol": name, "emotion": list(emotions)} | by_emotion(confusion)))
    return pd.concat(parts, ignore_index=True)


def folds(predictions: pd.DataFrame, emotions: Sequence[str]) -> pd.DataFrame:
    """Tabulate the scores of each fold.

    Args:
        predictions: rows of one or more protocols, with ``speaker`` (``""``: unknown).
        emotions: the label set.

    Returns:
        A row per protocol and fold: protocol, fold, uar, accuracy, utterances, speakers (missing where unknown).
    """
    rows = []
    for (protocol, number), part in predictions.groupby(["protocol", "fold"]):
        values = scores(_by_speaker(part, sorted(set(part["speaker"])), emotions).sum(axis=0))
        speakers = pd.NA if (part["speaker"] == "").any() else part["speaker"].nunique()
        rows.append((protocol, number, float(values["uar"]), float(values["accuracy"]), len(part), speakers))
    table = pd.DataFrame(rows, columns=["protocol", "fold", "uar", "accuracy", "utterances", "speakers"])
    return table.astype({"speakers": "Int64"})


def titled(people: pd.DataFrame, report: dict, emotions: Sequence[str]) -> dict[str, np.ndarray]:
    """Count the confusion matrices of all protocols, the speaker-independent one first, and say what they are of.

    Args:
        people: the predictions, with ``protocol``, ``truth`` and ``prediction``.
        report: their figures, as ``report`` gives them.
        emotions: the label set.

    Returns:
        Counts (emotions, emotions) by title.
    """
    protocols = sorted(set(people["protocol"]), key=lambda name: name == RANDOM)
    counts = confusions(people["truth"], people["prediction"], people["protocol"], protocols, emotions)
    titles = []
    for name in protocols:
        speakers = "in training as well" if name == RANDOM else "unknown in training"
        values = report[RANDOM if name == RANDOM else INDEPENDENT]
        titles.append(f"{name}: test speakers {speakers}\n{values['utterances']} utterances, UAR {figure(values)}")
    return dict(zip(titles, counts, strict=True))


def line(report: dict, protocol: str, obstacle: str) -> str:
    """Say the main figures in a few words.

    Args:
        report: as for ``titled``.
        protocol: of the split.
        obstacle: why these speakers allow no interval, or empty.
    """
    told = report[RANDOM if protocol == RANDOM else INDEPENDENT]
    without = "" if "uar_low" in told else f", no interval ({obstacle or RARE})"
    if protocol == RANDOM:
        said = f"UAR {figure(report[RANDOM])} random{without}"
        return f"{said}; no speaker-independent figure: split.protocol is random"
    said = f"UAR {figure(report[INDEPENDENT])} speaker-independent ({protocol}){without}"
    return said + (f", {words.number(report[RANDOM]['uar'])} random" if RANDOM in report else "")


def figure(values: dict) -> str:
    """Write a UAR, with its interval where there is one."""
    return words.estimate(values, "uar", otherwise="")


def resampled(stack: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sum confusion matrices, each as often as its speaker was drawn.

    Args:
        stack: counts (speakers, emotions, emotions).
        weights: draws (resamples, speakers).

    Returns:
        Counts (resamples, emotions, emotions).
    """
    return np.tensordot(weights, stack.astype(float), axes=1)


def _by_speaker(predictions: pd.DataFrame, speakers: Sequence[str], emotions: Sequence[str]) -> np.ndarray:
    return confusions(predictions["truth"], predictions["prediction"], predictions["speaker"], speakers, emotions)


def _ratio(part: np.ndarray, whole: np.ndarray, otherwise) -> np.ndarray:
    """Divide, and put another value where the whole is 0."""
    safe = np.where(whole > 0, whole, 1)
    return np.where(whole > 0, part / safe, otherwise)
