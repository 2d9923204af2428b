"""What ambiguity costs: how much higher the model scores without the most ambiguous utterances."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ser.ambiguity.doubt import AmbiguityParams
from ser.ambiguity.references import DOUBT
from ser.scores import metrics
from ser.scores.intervals import Bootstrap

# By whom the most ambiguous are chosen. A score that looks at predictions would pick the errors; the model's score here
# does not. Still, what is hard for neighbours is hard for a model of the same features, so it overstates the cost.
# Votes judge twice, by agreement on any emotion and by agreement with the label: raters may agree on another emotion
# than the label, for instance where the label is what an actor was asked for.
JUDGES = {**DOUBT, "votes_for_label": "low_label_share", "model": "neighbour_disagreement"}


def by_judge(table: pd.DataFrame, people: pd.DataFrame, emotions: Sequence[str], params: AmbiguityParams) -> dict:
    """Measure the cost once for each of ``JUDGES``, without those that leave nothing out.

    Args:
        table: as ``doubt.judge`` gives it.
        people: one protocol's predictions, joined with the manifest.
        emotions: the label set.
        params: the share to leave out, and how intervals are made.
    """
    costs = {judge: cost(people, table[column], emotions, params) for judge, column in JUDGES.items()}
    return {judge: figures for judge, figures in costs.items() if figures}


def cost(people: pd.DataFrame, doubt: pd.Series, emotions: Sequence[str], params: AmbiguityParams) -> dict:
    """Measure how much higher the model scores without the most doubtful utterances.

    Doubtful utterances are unevenly spread over speakers and emotions, which score differently. So the score without
    them is also compared with what is to be expected where as many utterances of each speaker and emotion are left out
    at random. What is gained beyond that is what ambiguity costs.

    All sides score the same speakers, so each replicate draws them once for all.

    Args:
        people: one protocol's predictions, joined with the manifest.
        doubt: by id; utterances where it is missing are left out of everything. Of equal ones at the edge each is left
            out by the same share.
        emotions: the label set.
        params: the share to leave out, and how intervals are made.

    Returns:
        ``utterances``, ``left_out`` (how many), and for each of uar and accuracy: ``all``, ``without``, ``matched`` (as
        many of each speaker and emotion left out at random, in the mean), ``gain`` (without minus all) and ``cost``
        (without minus matched), these two with ``_low`` and ``_high`` where there are enough speakers. Nothing where no
        utterance would be left out, or an emotion would be left out whole, as what remains has another UAR.
    """
    values = doubt.reindex(people["id"]).to_numpy(dtype=float)
    people, values = people[np.isfinite(values)], values[np.isfinite(values)]
    out = round(params.leave_out * len(people))
    if out in (0, len(people)):
        return {}
    edge = np.sort(values)[-out]
    speakers = sorted(set(people["speaker"]))
    every, clear, tied = (
        metrics.confusions(part["truth"], part["prediction"], part["speaker"], speakers, emotions)
        for part in (people, people[values < edge], people[values == edge])
    )
    rest = clear + tied * (len(people) - out - clear.sum()) / tied.sum()
    if ((rest.sum(axis=(0, 2)) == 0) & (every.sum(axis=(0, 2)) > 0)).any():
        return {}
    spoken = every.sum(axis=2, keepdims=True)  # (speakers, emotions, 1)
    matched = every * rest.sum(axis=2, keepdims=True) / np.maximum(spoken, 1)
    bootstrap = Bootstrap.of(speakers, params)
    stacks = {"all": every, "without": rest, "matched": matched}
    found = {name: metrics.scores(stack.sum(axis=0)) for name, stack in stacks.items()}
    drawn = {name: metrics.scores(metrics.resampled(stack, bootstrap.weights)) for name, stack in stacks.items()}
    needs = metrics.needs(rest)
    result: dict = {"utterances": len(people), "left_out": out}
    for measure in ("uar", "accuracy"):
        result[measure] = {name: float(scores[measure]) for name, scores in found.items()}
        for name, reference in {"gain": "all", "cost": "matched"}.items():
            replicates = drawn["without"][measure] - drawn[reference][measure]
            result[measure][name] = float(found["without"][measure] - found[reference][measure])
            result[measure] |= bootstrap.interval(replicates, f"{name}_", needs[measure])
    return result
