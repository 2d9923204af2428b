"""How far groups lie apart: differences of two groups, spreads of many, out of their confusion matrices.

Groups may have been given different emotions to speak. Recall does not see that, but the share of predictions that say
"angry" does. So every measure that depends on it is there twice: as it is, and **matched**: every utterance weighted so
that each group has the emotions in the shares that they have in all these groups together (the weight is the wanted
share over the group's own share). Recall and UAR are the same either way.
"""

import numpy as np

from ser.scores.metrics import by_emotion, mean_where


def matched(confusion: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Weight utterances so that all groups have the same shares of emotions.

    Args:
        confusion: counts (..., groups, emotions, emotions): row is truth, column is prediction.
        target: the shares wanted (emotions,), over the emotions that all groups have.

    Returns:
        Shares (..., groups, emotions, emotions) that sum to 1 in each group, without emotions that any group lacks.
    """
    support = confusion.sum(axis=-1, keepdims=True)
    shared = (support > 0).all(axis=-3, keepdims=True)
    wanted = np.where(shared, target[:, None], 0.0)
    whole = wanted.sum(axis=-2, keepdims=True)
    wanted = np.divide(wanted, whole, out=np.full(wanted.shape, np.nan), where=whole > 0)
    return confusion / np.where(support > 0, support, 1) * wanted


def differences(confusion: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray]:
    """Compare the first group with the second.

    Args:
        confusion: counts (..., 2, emotions, emotions).
        target: the shares of emotions to which both are matched (emotions,).

    Returns:
        First minus second: ``uar`` (..., 1) over the emotions that both have; ``recall`` (..., emotions), NaN where a
        group lacks the emotion; ``rate``, the share of predictions that are an emotion, and ``rate_matched``, each
        (..., emotions).
    """
    each = by_emotion(confusion)
    recall = each["recall"][..., 0, :] - each["recall"][..., 1, :]
    measures = {"uar": mean_where(recall, (each["support"] > 0).all(axis=-2))[..., None], "recall": recall}
    for name, counts in (("rate", confusion), ("rate_matched", matched(confusion, target))):
        rate = _rates(counts)
        measures[name] = rate[..., 0, :] - rate[..., 1, :]
    return measures


def spreads(confusion: np.ndarray, target: np.ndarray, told: np.ndarray | bool = True) -> dict[str, np.ndarray]:
    """Compare all groups at once, over the emotions that all of them have; 0 is evenness.

    Args:
        confusion: counts (..., groups, emotions, emotions).
        target: the shares of emotions to which all are matched (emotions,).
        told: the emotions whose recall and F1 may be told of every group, (emotions,) of bool, or all; measures of
            single emotions look at these.

    Returns:
        Each (..., 1) or (..., emotions), 0 to 1, NaN where there is no such emotion; the names ending in ``_matched``
        with matched emotions.

        - ``uar_largest``: the largest difference in UAR
        - ``equalised_odds``: the largest difference, over emotions, in the share of hits or the share of false alarms
          (M. Hardt, E. Price and N. Srebro, 2016, arXiv 1610.02413), of each emotion against all others
        - ``demographic_parity``: for each emotion the largest difference in the share of predictions that are it
        - ``unweighted_average_bias``: the standard deviation of F1 over groups, averaged over emotions (that of
          audmetric; an emotion that is never predicted in a group has an F1 of 0 there)
    """
    each = by_emotion(confusion)
    present = (each["support"] > 0).all(axis=-2)
    measures = {"uar_largest": np.ptp(_mean_recall(each["recall"], present), axis=-1)[..., None]}
    shared = present & told
    for ending, counts in (("", confusion), ("_matched", matched(confusion, target))):
        own = by_emotion(counts)
        false = counts.sum(axis=-2) - np.diagonal(counts, axis1=-2, axis2=-1)
        others = counts.sum(axis=(-2, -1))[..., None] - own["support"]
        alarms = np.divide(false, others, out=np.zeros(false.shape), where=others > 0)
        odds = np.maximum(np.ptp(own["recall"], axis=-2), np.ptp(alarms, axis=-2))
        odds = np.where(shared.any(axis=-1), np.where(shared, odds, 0.0).max(axis=-1), np.nan)
        measures[f"equalised_odds{ending}"] = odds[..., None]
        measures[f"demographic_parity{ending}"] = np.ptp(_rates(counts), axis=-2)
        measures[f"unweighted_average_bias{ending}"] = mean_where(own["f1"].std(axis=-2), shared)[..., None]
    return measures


def uars(confusion: np.ndarray, _: np.ndarray) -> dict[str, np.ndarray]:
    """Give the UAR of each group (..., groups) over the emotions that all of them have."""
    each = by_emotion(confusion)
    return {"uar": _mean_recall(each["recall"], (each["support"] > 0).all(axis=-2))}


def _mean_recall(recall: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Average recalls (..., groups, emotions) over the emotions that are ``present`` (..., emotions)."""
    return mean_where(recall, np.broadcast_to(present[..., None, :], recall.shape))


def _rates(confusion: np.ndarray) -> np.ndarray:
    """Give the share of predictions that are each emotion: (..., emotions, emotions) to (..., emotions)."""
    return confusion.sum(axis=-2) / confusion.sum(axis=(-2, -1))[..., None]
