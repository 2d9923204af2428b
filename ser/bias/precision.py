"""How precisely the speakers of a group tell its figures: variances by linearisation, by which gaps are studentised.

Groups differ in how many speakers they have, how much each of them speaks, and how alike they are. A permutation of the
speakers takes all of them for equally precise. So the raw gap is no statistic for it: of 5 women with 8 utterances each
and 20 men with 80, drawn from the same population, it calls one gap in four significant. The gap over its standard
error, estimated anew in each arrangement, keeps the level (A. Janssen, "Studentized permutation tests for non-i.i.d.
hypotheses and the generalized Behrens-Fisher problem", Statistics and Probability Letters 36, 1997; E. Chung and
J. Romano, "Exact and asymptotically robust permutation tests", Annals of Statistics 41, 2013).

The standard error is that of a ratio of sums over speakers: with ``c`` of a speaker's ``n`` utterances of an emotion
recognised, and ``R`` of the group's ``N``, the speaker moves the group's recall by ``z = (c - R n) / N``, and the
variance over k speakers is k / (k - 1) times the sum of the squares of z. Of a mean over emotions, z is the mean of
theirs. The squares are multiplied out, so that what is summed over speakers are whole numbers, c c, c n and n n: each
arrangement costs a few matrix products, and equal arrangements have equal sums to the last bit.
"""

import numpy as np

CHUNK = 2**22  # numbers held at a time


def variances(stack: np.ndarray, labels: np.ndarray, groups: int, target: np.ndarray) -> dict[str, np.ndarray]:
    """Estimate the variance of each group's figures, over its speakers.

    Args:
        stack: counts of each speaker (speakers, emotions, emotions): row is truth, column is prediction.
        labels: the group of each speaker, 0 1 2 ..., in each arrangement (arrangements, speakers).
        groups: how many there are.
        target: the shares of emotions to which ``rate_matched`` matches, as ``ser.bias.disparity.differences`` does.

    Returns:
        By the measures of ``differences``: (arrangements, groups, 1) for ``uar``, else (arrangements, groups,
        emotions); NaN where a group has no such figure, or one speaker alone.
    """
    speakers, emotions, _ = stack.shape
    step = max(1, CHUNK // max(groups * speakers, 4 * emotions**3))
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 is NaN, as it should be
        parts = [_variances(stack, labels[at : at + step], groups, target) for at in range(0, len(labels), step)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _variances(stack: np.ndarray, labels: np.ndarray, groups: int, target: np.ndarray) -> dict[str, np.ndarray]:
    members = (labels[:, None, :] == np.arange(groups)[:, None]).astype(float)  # (arrangements, groups, speakers)

    def total(*factors: np.ndarray, over: str) -> np.ndarray:
        """Sum products of speakers' counts over each group: (arrangements, groups, ...)."""
        products = np.einsum(over, *factors)
        return np.tensordot(members, products, axes=1)

    # Of each speaker: utterances of each emotion, those recognised, predictions of each emotion, all utterances.
    support, hits, predictions = stack.sum(axis=-1), np.diagonal(stack, axis1=1, axis2=2), stack.sum(axis=1)
    utterances = support.sum(axis=-1)
    # The same of each group in each arrangement, (arrangements, groups, ...).
    group_confusion, group_support = total(stack, over="ste->ste"), total(support, over="st->st")
    group_utterances = group_support.sum(axis=-1, keepdims=True)
    shared = (group_support > 0).all(axis=1, keepdims=True)  # (arrangements, 1, emotions): what every group has
    pairs = total(support, support, over="st,su->stu")

    recall = np.diagonal(group_confusion, axis1=-2, axis2=-1) / group_support
    squares, mixed = total(hits, hits, over="st,su->stu"), total(hits, support, over="st,su->stu")
    covariance = _residuals(recall, squares, mixed, pairs) / (group_support[..., :, None] * group_support[..., None, :])
    shared_pairs = shared[..., :, None] & shared[..., None, :]
    uar = np.where(shared_pairs, covariance, 0.0).sum(axis=(-2, -1))[..., None]
    uar = uar / np.square(shared.sum(axis=-1, keepdims=True))

    rates = group_confusion.sum(axis=-2) / group_utterances
    rate = total(predictions, predictions, over="se,se->se")
    rate = rate - 2 * rates * total(predictions, utterances, over="se,s->se")
    rate = rate + np.square(rates) * total(utterances, utterances, over="s,s->s")[..., None]
    rate = rate / np.square(group_utterances)

    target_shares = np.where(shared, target, 0.0) / np.where(shared, target, 0.0).sum(axis=-1, keepdims=True)
    weights = np.where(shared, target_shares / group_support, 0.0)  # of each emotion's residuals
    matched = []
    for emotion in range(stack.shape[-1]):
        predicted = stack[..., emotion]
        squares, mixed = total(predicted, predicted, over="st,su->stu"), total(predicted, support, over="st,su->stu")
        share = np.where(shared, group_confusion[..., emotion] / group_support, 0.0)
        residuals = _residuals(share, squares, mixed, pairs)
        matched.append(np.einsum("agt,agu,agtu->ag", weights, weights, residuals))

    speakers = members.sum(axis=-1)[..., None]
    result = {
        "uar": uar,
        "recall": np.diagonal(covariance, axis1=-2, axis2=-1),
        "rate": rate,
        "rate_matched": np.where(shared.any(axis=-1)[..., None], np.stack(matched, axis=-1), np.nan),
    }
    factor = np.where(speakers > 1, speakers / (speakers - 1), np.nan)
    return {name: np.maximum(values, 0.0) * factor for name, values in result.items()}


def _residuals(share: np.ndarray, squares: np.ndarray, mixed: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Sum the products of residuals ``c - R n`` of two emotions over a group's speakers.

    Args:
        share: R of each emotion (..., emotions).
        squares: sums of c c (..., emotions, emotions).
        mixed: sums of c n, c of the first emotion (..., emotions, emotions).
        pairs: sums of n n (..., emotions, emotions).
    """
    first, second = share[..., :, None], share[..., None, :]
    return squares - second * mixed - first * np.swapaxes(mixed, -2, -1) + first * second * pairs
