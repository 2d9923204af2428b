"""Predictions of voice, words and both -> scores, gains and gaps, with intervals that are paired over speakers."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ser.fusion.folds import KINDS, MATCHED, SENTENCES, SPEAKERS
from ser.fusion.task import VOICE, FusionParams
from ser.scores.intervals import Bootstrap
from ser.scores.metrics import RARE, confusions, needs, resampled, scores

SCORES = ("uar", "accuracy", "macro_f1")
# The gain over the voice on the same folds; of folds that keep speakers alone apart, how much higher they score.
FIGURES = (*SCORES, "gain", "gap")
NUMBERS = tuple(f"{name}{end}" for name in FIGURES for end in ("", "_low", "_high"))
COLUMNS = ("folds", "system", *NUMBERS, "weight", "note")
CLAIM = "words help"


def table(
    predictions: pd.DataFrame, weights: pd.DataFrame, emotions: Sequence[str], params: FusionParams
) -> tuple[pd.DataFrame, str]:
    """Score all systems on all kinds of folds.

    Args:
        predictions: as ``ser.fusion.run.predict`` gives them; within a kind of folds every utterance is tested once.
        weights: of the words, likewise.
        emotions: the label set.
        params: which systems, and how intervals are made.

    Returns:
        ``COLUMNS``, a row per kind of folds and system: scores; ``gain``, the UAR minus that of the voice; ``gap``, the
        UAR minus that of the same system on folds that keep sentences apart; ``weight``, the mean over folds, of the
        weighted mean. Every replicate draws speakers once for all. And why there is no interval, or ``""``.
    """
    speakers = sorted(set(predictions["speaker"]))
    bootstrap = Bootstrap.of(speakers, params.intervals)
    draws = np.concatenate([np.ones((1, len(speakers))), bootstrap.weights])
    counts = {
        key: confusions(rows["truth"], rows["prediction"], rows["speaker"], speakers, emotions)
        for key, rows in predictions.groupby(["folds", "system"])
    }
    scored = {key: scores(resampled(own, draws)) for key, own in counts.items()}
    needed = needs(*counts.values())
    mean = weights.groupby("folds")["weight"].mean()
    lines = []
    for kind in KINDS:
        for system in params.systems:
            figures = {name: scored[kind, system][name] for name in SCORES}
            if system != VOICE:
                figures["gain"] = figures["uar"] - scored[kind, VOICE]["uar"]
            if kind in (SPEAKERS, MATCHED):
                figures["gap"] = figures["uar"] - scored[SENTENCES, system]["uar"]
            line = {"folds": kind, "system": system, "note": ""}
            for name, values in figures.items():
                line |= {name: values[0]} | bootstrap.interval(values[1:], f"{name}_", needed.get(name, needed["uar"]))
            if system == params.fused and pd.notna(mean[kind]):
                line["weight"] = mean[kind]
            lines.append(line)
    obstacle = bootstrap.obstacle or (RARE if bootstrap.misses(needed["uar"]) else "")
    return pd.DataFrame(lines, columns=list(COLUMNS)), obstacle


def nested(scored: pd.DataFrame) -> dict[str, dict[str, dict[str, float]]]:
    """Key the numbers of ``table`` by kind of folds and system; those that are missing are left out."""
    result: dict[str, dict[str, dict[str, float]]] = {}
    for row in scored.to_dict("records"):
        numbers = {name: row[name] for name in (*NUMBERS, "weight") if pd.notna(row[name])}
        result.setdefault(row["folds"], {})[row["system"]] = numbers
    return result
