"""What a probe got right, and its balanced accuracy with an interval over speakers."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ser.representation.folds import OF_SPEAKERS
from ser.scores.intervals import Bootstrap, IntervalParams
from ser.scores.metrics import mean_where


@dataclass(frozen=True)
class Outcome:
    """What a probe got right, speaker by speaker.

    Attributes:
        speakers: (speakers,).
        strata: each speaker's group, 0 1 2 ..., within which speakers are drawn; all 0 where they are one population.
        correct: utterances of each speaker and class that were recognised, (speakers, classes). Where the speaker is
            what is asked for, the share of each speaker's that were, (speakers, 1).
        support: how many there were, or 1.
        chance: the balanced accuracy of guessing.
        utterances: predicted utterances, counted once for each view that they are in.
        classes: how many there are to choose from; the most of any view.
        views: how many views could be probed.
        apart: what is never in training and test at once: speakers, sentences or utterances.
        remark: what was left out, or ``""``.
    """

    speakers: list[str]
    strata: np.ndarray
    correct: np.ndarray
    support: np.ndarray
    chance: float
    utterances: int
    classes: int
    views: int
    apart: str
    remark: str


def summed(rows: pd.DataFrame, attribute: str, views: int, apart: str, remark: str) -> Outcome:
    """Sum up utterances by speaker and class.

    Args:
        rows: of each utterance and view speaker, truth, right (1 or 0) and chance (that a guess is right).
        attribute: what was asked for.
        views: how many views could be probed.
        apart: what was never in training and test at once.
        remark: what was left out.
    """
    classes = round(1 / rows["chance"].min())
    if attribute == "speaker":
        means = rows.groupby("speaker")[["right", "chance"]].mean()
        names, correct, guessed = list(means.index), means[["right"]].to_numpy(), means[["chance"]].to_numpy()
        support = np.ones_like(correct)
        strata = np.zeros(len(names), dtype=int)
    else:
        sums = rows.pivot_table(
            index="speaker", columns="truth", values=["right", "chance"], aggfunc="sum", fill_value=0.0
        )
        counts = pd.crosstab(rows["speaker"], rows["truth"])
        names, support = list(counts.index), counts.to_numpy(dtype=float)
        correct, guessed = (sums[side][counts.columns].to_numpy() for side in ("right", "chance"))
        strata = support.argmax(axis=1) if attribute in OF_SPEAKERS else np.zeros(len(names), dtype=int)
    parts = (len(rows), classes, views, apart, remark)
    chance = balanced(Outcome(names, strata, guessed, support, 0.0, *parts))
    return Outcome(names, strata, correct, support, float(chance), *parts)


def balanced(outcome: Outcome, weights: np.ndarray | None = None) -> np.ndarray:
    """Give the balanced accuracy.

    Args:
        outcome: what a probe got right.
        weights: how often each speaker counts (..., speakers); once each by default.

    Returns:
        (...), 0 to 1.
    """
    weights = np.ones(len(outcome.speakers)) if weights is None else weights
    support = weights @ outcome.support
    return mean_where(weights @ outcome.correct / np.where(support > 0, support, 1), support > 0)


def interval(outcomes: list[Outcome], params: IntervalParams) -> tuple[dict[str, float], str]:
    """Give the interval of a balanced accuracy, or of the difference between two, over speakers.

    Args:
        outcomes: one, or two of the same speakers: the first minus the second, each replicate of the same draw.
        params: how intervals are made.

    Returns:
        ``low`` and ``high``, and ``""``; or nothing, and why.
    """
    bootstrap = Bootstrap.of(outcomes[0].speakers, params, outcomes[0].strata)
    if bootstrap.obstacle:
        return {}, f"no interval ({bootstrap.obstacle})"
    replicates = [balanced(outcome, bootstrap.weights) for outcome in outcomes]
    needs = np.concatenate([outcome.support.T > 0 for outcome in outcomes])
    bounds = bootstrap.interval(replicates[0] - sum(replicates[1:]), needs=needs[needs.any(axis=1)])
    return bounds, "" if bounds else "no interval (too few speakers have some of the classes)"
