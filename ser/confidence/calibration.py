"""Calibration: how far a classifier's confidence is from its share of hits, with intervals over speakers.

A classifier is calibrated where, of all utterances that it is 80 % sure of, 80 % are right.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import softmax

from ser.predictions import TEMPERATURE, probability_columns
from ser.scores.intervals import Bootstrap, IntervalParams

BINS = 15  # of the confidence, equally wide: above 0 to 1/15, above 1/15 to 2/15, ...
DRAWS = 1000  # of signs, one a speaker
LEAST = np.finfo(float).eps  # a label that is held for impossible would cost infinitely much


def expected_calibration_error(confidence: Sequence[float], right: Sequence[bool]) -> float:
    """Measure how far the confidence is from the share that is right.

    Utterances are put into ``BINS`` by their confidence; the error is the distance between mean confidence and accuracy
    in each bin, averaged over bins with the weight of their utterances (C. Guo and others, "On calibration of modern
    neural networks", 2017, arXiv 1706.04599, equation 3). By chance alone it is above 0, the more so the fewer
    utterances there are: compare groups of different sizes with care.

    Args:
        confidence: the probability of the predicted emotion, 0 to 1, of each utterance.
        right: whether the prediction is the truth.

    Returns:
        0 (as often right as it believes) to 1; NaN without utterances.
    """
    if not len(confidence):
        return float("nan")
    return float(np.abs(_surplus(confidence, right, np.zeros(len(confidence), int), 1)).sum() / len(confidence))


def report(predictions: pd.DataFrame, emotions: Sequence[str], params: IntervalParams) -> dict:
    """Measure the calibration of one protocol's predictions, folds pooled, and what the temperature was worth.

    The same replicates give both sides and their difference, which is far better known than its two terms. A
    calibration error is the higher, the fewer speakers it is measured on, and replicates hold fewer different ones than
    there are: an interval of ``ece`` would lie high, sometimes above the figure itself, so there is none. Beside it
    stands what chance makes of a confidence that is right for the mean of such speakers.

    Args:
        predictions: one protocol's rows, with ``truth``, ``speaker``, probabilities and ``temperature``.
        emotions: the label set.
        params: how intervals are made.

    Returns:
        ``before`` and ``after`` the temperature, and ``after_minus_before``: of each ``ece``, as
        ``expected_calibration_error``, and of the two ``ece_by_chance`` and, from six speakers on,
        ``ece_by_chance_high``, as ``error_by_chance``; ``brier``, the squared distance to the label, summed over
        emotions (G. Brier, "Verification of forecasts expressed in terms of probability", 1950), 0 to 2; and ``nll``,
        the negative log-likelihood of the label, nats; with ``_low`` and ``_high`` where there is an interval.
        ``temperature``: its ``mean`` over the folds, ``lowest`` and ``highest``.
    """
    speakers = sorted(set(predictions["speaker"]))
    who = pd.Index(speakers).get_indexer(predictions["speaker"])
    truth = pd.Index(emotions).get_indexer(predictions["truth"])
    after = predictions[probability_columns(emotions)].to_numpy(dtype=float)
    logarithms = np.log(np.maximum(after, np.finfo(float).tiny))
    before = softmax(logarithms * predictions[TEMPERATURE].to_numpy()[:, np.newaxis], axis=1)
    sides = {"before": before, "after": after}
    sums = {name: _sums(side, truth, who, len(speakers)) for name, side in sides.items()}
    bootstrap = Bootstrap.of(speakers, params)

    def difference(weights: np.ndarray) -> dict[str, np.ndarray]:
        one, other = _measures(sums["before"], weights), _measures(sums["after"], weights)
        return {name: other[name] - one[name] for name in one}

    result = {name: bootstrap.figures(lambda weights, own=own: _measures(own, weights)) for name, own in sums.items()}
    for name, side in sides.items():
        result[name] = {key: value for key, value in result[name].items() if key not in ("ece_low", "ece_high")}
        right = side.argmax(axis=1) == truth
        mean, high = error_by_chance(side.max(axis=1), right, predictions["speaker"], params)
        result[name] |= {"ece_by_chance": mean} | ({} if np.isnan(high) else {"ece_by_chance_high": high})
    folds = predictions.groupby("fold")[TEMPERATURE].first()
    temperatures = {"mean": folds.mean(), "lowest": folds.min(), "highest": folds.max()}
    return result | {"after_minus_before": bootstrap.figures(difference), "temperature": temperatures}


def error_by_chance(
    confidence: np.ndarray, right: Sequence[bool], speakers: Sequence[str], params: IntervalParams
) -> tuple[float, float]:
    """Draw the calibration error of a confidence that is right for the mean of speakers, though for none exactly.

    Answers of one speaker are right together and wrong together, so that speakers, not utterances, are what chance
    deals out: a model that is too sure of some and too unsure of others is no worse than chance. Each draw turns
    round the sign of what each speaker's confidence is above the hits, in all bins, with a probability of one half.

    Args:
        confidence: of each utterance.
        right: whether the prediction is the truth.
        speakers: of each utterance; where unknown (``""``), each utterance counts as a speaker.
        params: the seed, and the wanted confidence.

    Returns:
        The mean error, and what it stays below with the wanted confidence; NaN without utterances. The second is NaN,
        too, of so few speakers that no error could be above it: of n speakers' signs two of the 2^n combinations give
        the error itself, so that 95 % need six.
    """
    if not len(confidence):
        return float("nan"), float("nan")
    names = [name or number for number, name in enumerate(speakers)]
    who, known = pd.factorize(pd.Series(names, dtype=object))
    testable = 2.0 ** (1 - len(known)) <= 1 - params.confidence
    surplus = _surplus(confidence, right, who, len(known))
    generator = np.random.default_rng(params.seed)
    turned = (generator.choice([-1.0, 1.0], size=len(known)) @ surplus for _ in range(DRAWS))
    drawn = [np.abs(total).sum() / len(confidence) for total in turned]
    return float(np.mean(drawn)), float(np.quantile(drawn, params.confidence)) if testable else float("nan")


def _sums(probabilities: np.ndarray, truth: np.ndarray, who: np.ndarray, speakers: int) -> dict[str, np.ndarray]:
    """Sum over each speaker's utterances what the measures are made of: (speakers,) or (speakers, bins)."""
    right = probabilities.argmax(axis=1) == truth
    labels = np.eye(probabilities.shape[1])[truth]
    likelihood = np.maximum((probabilities * labels).sum(axis=1), LEAST)

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(who, weights=values, minlength=speakers)

    return {
        "ece": _surplus(probabilities.max(axis=1), right, who, speakers),
        "brier": total(np.square(probabilities - labels).sum(axis=1)),
        "nll": total(-np.log(likelihood)),
        "utterances": total(np.ones(len(truth))),
    }


def _measures(sums: dict[str, np.ndarray], weights: np.ndarray) -> dict[str, np.ndarray]:
    """Give the measures, each (replicates,), of sums by speaker where speakers are drawn, (replicates, speakers)."""
    drawn = {name: weights @ values for name, values in sums.items()}
    count = drawn.pop("utterances")
    drawn["ece"] = np.abs(drawn["ece"]).sum(axis=1)
    return {name: values / count for name, values in drawn.items()}


def _surplus(confidence: Sequence[float], right: Sequence[bool], groups: np.ndarray, count: int) -> np.ndarray:
    """Sum confidence minus hits in each bin of each group, (groups, bins)."""
    confidence, right = np.asarray(confidence, dtype=float), np.asarray(right, dtype=float)
    return np.bincount(groups * BINS + _bins(confidence), confidence - right, count * BINS).reshape(count, BINS)


def _bins(confidence: np.ndarray) -> np.ndarray:
    return np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
