"""How precisely the speakers of a group tell its figures: variances by linearisation, by which gaps are studentised.

Groups differ in how many speakers they have, how much each of them speaks, and how alike they are. A permutation of the
speakers takes all of them for equally precise. So the raw gap is no statistic for it: of 5 women with 8 utterances each
and 20 men with 80, drawn from the same population, it calls one gap in four significant. The gap over its standard
error, estimated anew in each arrangement, keeps the level (A. Janssen, "Studentized permutation tests for non-i.i.d.
hypotheses and the generalized Behrens-Fisher problem", Statistics and Probability Letters 36, 1997; E. Chung and
J. Romano, "Exact and asymptotically robust permutation tests", Annals of Statistics 41, 2013).

The standard error is that of a ratio of sums over speakers: with ``c`` of a speaker's ``n`` utterances of an emotion
recognised, and ``R`` of the group's ``N``, the speaker moves the group's recall by ``z = (c - R n) / N``, and the
variance over k speakers is k / (k - 1) times the sum of the squares of z.
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
    step = max(1, CHUNK // stack.size)
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 is NaN, as it should be
        parts = [_variances(stack, labels[at : at + step], groups, target) for at in range(0, len(labels), step)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _variances(stack: np.ndarray, labels: np.ndarray, groups: int, target: np.ndarray) -> dict[str, np.ndarray]:
    support = stack.sum(axis=-1)  # (speakers, emotions)
    members = labels[:, None, :] == np.arange(groups)[:, None]  # (arrangements, groups, speakers)
    totals = np.tensordot(members.astype(float), stack, axes=1)  # (arrangements, groups, emotions, emotions)
    spoken = totals.sum(axis=-1)
    shared = (spoken > 0).all(axis=1)  # (arrangements, emotions)
    wanted = np.where(shared, target, 0.0)
    wanted = wanted / wanted.sum(axis=-1, keepdims=True)
    found = {name: [] for name in ("uar", "recall", "rate", "rate_matched")}
    for group in range(groups):
        own, count = members[:, group, :, None], members[:, group].sum(axis=-1)[:, None]
        factor = count / (count - 1)
        there, given = spoken[:, group], totals[:, group]
        answers = given / there[..., None]  # of each emotion, the shares of the answers
        moved = (stack - answers[:, None] * support[..., None]) / there[:, None, :, None]
        recall = np.diagonal(moved, axis1=-2, axis2=-1)
        uar = np.where(shared[:, None], recall, 0.0).sum(axis=-1, keepdims=True) / shared.sum(axis=-1)[:, None, None]
        rates = given.sum(axis=1) / there.sum(axis=-1)[:, None]
        rate = (stack.sum(axis=1) - rates[:, None] * support.sum(axis=-1)[:, None]) / there.sum(axis=-1)[:, None, None]
        matched = np.einsum("at,aste->ase", wanted, np.where(shared[:, None, :, None], moved, 0.0))
        for name, moves in (("uar", uar), ("recall", recall), ("rate", rate), ("rate_matched", matched)):
            found[name].append(factor * np.square(moves).sum(axis=1, where=own))
    return {name: np.stack(values, axis=1) for name, values in found.items()}
