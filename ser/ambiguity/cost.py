"""What ambiguity costs: how much higher the model scores without the most ambiguous utterances."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ser.ambiguity.doubt import AmbiguityParams
from ser.ambiguity.references import DOUBT
from ser.scores import metrics
from ser.scores.intervals import Bootstrap, IntervalParams

# By whom the most ambiguous are chosen. A score that looks at predictions would pick the errors; the model's score here
# does not. Still, what is hard for neighbours is hard for a model of the same features, so it overstates the cost.
JUDGES = {**DOUBT, "model": "neighbour_disagreement"}


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

    Both sides score the same speakers, so each replicate draws them once for both. The gain is also compared with
    leaving out at random, as many utterances of each emotion: then it is 0 on average for the UAR, but scatters.

    Args:
        people: one protocol's predictions, joined with the manifest.
        doubt: by id; utterances where it is missing are left out of everything. Equal ones are in random order.
        emotions: the label set.
        params: the share to leave out, and how intervals are made.

    Returns:
        ``utterances``, ``left_out`` (how many), and for each of uar and accuracy: ``all``, ``without``, ``gain``
        (without minus all) with ``gain_low`` and ``gain_high`` where there are enough speakers, and ``random_low`` and
        ``random_high``: where the gain of leaving out at random lies with the wanted confidence. Nothing where no
        utterance would be left out, or none would remain.
    """
    values = doubt.reindex(people["id"]).to_numpy(dtype=float)
    people, values = people[np.isfinite(values)], values[np.isfinite(values)]
    out = round(params.leave_out * len(people))
    if out in (0, len(people)):
        return {}
    generator = np.random.default_rng(params.seed)
    kept = np.ones(len(people), dtype=bool)
    kept[np.lexsort((generator.permutation(len(people)), -values))[:out]] = False
    speakers = sorted(set(people["speaker"]))
    every, rest = (
        metrics.confusions(part["truth"], part["prediction"], part["speaker"], speakers, emotions)
        for part in (people, people[kept])
    )
    total, remaining = metrics.scores(every.sum(axis=0)), metrics.scores(rest.sum(axis=0))
    by_chance = _without_random(every.sum(axis=0), rest.sum(axis=0), generator, params)
    bootstrap = Bootstrap.of(speakers, params)
    without, whole = (metrics.scores(metrics.resampled(stack, bootstrap.weights)) for stack in (rest, every))
    result = {"utterances": len(people), "left_out": out}
    for name in ("uar", "accuracy"):
        tail = (1 - params.confidence) / 2
        low, high = np.quantile(by_chance[name] - total[name], [tail, 1 - tail])
        result[name] = {
            "all": float(total[name]),
            "without": float(remaining[name]),
            "gain": float(remaining[name] - total[name]),
            "random_low": float(low),
            "random_high": float(high),
            **bootstrap.interval(without[name] - whole[name], "gain_"),
        }
    return result


def _without_random(
    every: np.ndarray, rest: np.ndarray, generator: np.random.Generator, params: IntervalParams
) -> dict[str, np.ndarray]:
    """Score (resamples,) what remains when as many utterances of each emotion are left out at random.

    How many right ones are among those that remain is hypergeometric; which emotion a wrong one is taken for matters
    to neither recall nor accuracy.
    """
    right, support, remaining = np.diagonal(every), every.sum(axis=1), rest.sum(axis=1)
    draws = generator.hypergeometric(right, support - right, remaining, size=(params.resamples, len(right)))
    confusion = np.zeros((*draws.shape, len(right)))
    places = np.arange(len(right))
    confusion[:, places, (places + 1) % len(right)] = remaining - draws
    confusion[:, places, places] = draws
    return metrics.scores(confusion)
