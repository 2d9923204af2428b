"""Predictions of a grid -> one tidy table: scores, differences between systems on the same speakers, intervals.

A system is an encoder, a classifier and a normalisation. Its score is the mean over its seeds of the score of each
seed's pooled predictions; a bootstrap replicate is that mean over resampled speakers. All systems share the draws, so
the interval of a difference is a paired one: hard speakers are hard for both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ser.scores import metrics, words
from ser.scores.intervals import Bootstrap, IntervalParams
from ser.splits import oracle
from ser.splits.names import RANDOM

SYSTEM = ["encoder", "classifier", "normalisation"]
SCORES = ("uar", "accuracy", "macro_f1")
FIGURES = (*SCORES, "difference", "over_yardstick", "drop")
NUMBERS = tuple(f"{name}{end}" for name in FIGURES for end in ("", "_low", "_high"))
CHANCE, ORACLE, DEALT = "chance", "speaker oracle", "speaker oracle, labels shuffled"
FLOORS = {CHANCE: "chance_uar", ORACLE: "speaker_oracle_uar", DEALT: "speaker_oracle_uar_by_chance"}
NOTES = {
    CHANCE: "a guess that knows nothing",
    ORACLE: "the best guess by the speaker alone, without audio",
    DEALT: "what it has by chance",
}
COLUMNS = (*SYSTEM, "protocol", "seeds", *NUMBERS, "note")


@dataclass(frozen=True)
class System:
    """An encoder, a classifier and a normalisation."""

    encoder: str
    classifier: str
    normalisation: str


@dataclass(frozen=True)
class CompareParams:
    """How systems are compared.

    Attributes:
        reference: the encoder that every other is compared with, under the same classifier and normalisation.
        yardstick: the system that all systems are compared with.
        intervals: how intervals over speakers are made.
    """

    reference: str
    yardstick: System
    intervals: IntervalParams


def table(
    predictions: pd.DataFrame, manifest: pd.DataFrame, emotions: Sequence[str], params: CompareParams
) -> pd.DataFrame:
    """Score and compare all systems.

    Args:
        predictions: ``ser.benchmarks.tasks.COLUMNS``; under each seed every system tests every utterance once.
        manifest: the utterances, with id, emotion and speaker.
        emotions: the label set.
        params: what to compare with, and how.

    Returns:
        ``COLUMNS``, a row per system and protocol, ``random`` last: the scores; ``difference``, the UAR minus that of
        the reference encoder; ``over_yardstick``, the UAR minus that of the yardstick; ``drop``, in rows of the other
        protocol, how much higher ``random`` scores. Then a row each for chance and, where all speakers are known, the
        speaker oracle and what that has by chance. What cannot be had is missing.
    """
    asked = manifest[manifest["id"].isin(predictions["id"])]
    tested = predictions.groupby([*SYSTEM, "protocol", "seed"])["id"].agg(["size", "nunique"])
    assert (tested == len(asked)).all(axis=None), "a system does not test every utterance once under each seed"
    speakers = sorted(set(asked["speaker"]))
    bootstrap = Bootstrap.of(speakers, params.intervals)
    scored = replicates(predictions, manifest, emotions, speakers, bootstrap)
    needed = needs(asked, speakers, emotions)
    yardstick = (params.yardstick.encoder, params.yardstick.classifier, params.yardstick.normalisation)
    seeds = predictions.groupby([*SYSTEM, "protocol"])["seed"].nunique()
    lines = []
    for key, own in scored.items():
        (_, *manner), protocol = key[:3], key[3]
        figures = own | {
            "difference": _minus(own, scored.get((params.reference, *manner, protocol))),
            "over_yardstick": _minus(own, scored.get((*yardstick, protocol))),
            "drop": _minus(scored.get((*key[:3], RANDOM)), own) if protocol != RANDOM else None,
        }
        line = dict(zip((*SYSTEM, "protocol"), key, strict=True)) | {"seeds": seeds[key], "note": ""}
        for name, figure in figures.items():
            if figure is not None:
                line |= {name: figure[0]} | bootstrap.interval(figure[1:], f"{name}_", needed.get(name, needed["uar"]))
        lines.append(line)
    lines.sort(key=lambda line: line["protocol"] == RANDOM)
    floors = {"chance_uar": oracle.chance(asked)} | oracle.figures(asked["emotion"], asked["speaker"], "speaker")
    lines += [
        {"encoder": name, "uar": floors[key], "note": NOTES[name]} for name, key in FLOORS.items() if key in floors
    ]
    return pd.DataFrame(lines, columns=list(COLUMNS)).astype({"seeds": "Int64"})


def needs(asked: pd.DataFrame, speakers: Sequence[str], emotions: Sequence[str]) -> dict[str, np.ndarray]:
    """Give ``metrics.needs`` of systems that are all asked the same utterances."""
    return metrics.needs(metrics.confusions(asked["emotion"], asked["emotion"], asked["speaker"], speakers, emotions))


def replicates(
    predictions: pd.DataFrame,
    manifest: pd.DataFrame,
    emotions: Sequence[str],
    speakers: Sequence[str],
    bootstrap: Bootstrap,
) -> dict[tuple[str, ...], dict[str, np.ndarray]]:
    """Score all systems on all speakers, and again on each draw of them.

    Args:
        predictions: as for ``table``.
        manifest: as for ``table``.
        emotions: the label set.
        speakers: all of them, in the order of the draws.
        bootstrap: draws them.

    Returns:
        By encoder, classifier, normalisation and protocol, in their order: each of ``SCORES``, the figure, then its
        replicates, (1 + resamples,).
    """
    rows = predictions.merge(manifest[["id", "emotion", "speaker"]], on="id", validate="many_to_one")
    return {
        key: _scores(part, speakers, emotions, bootstrap.weights)
        for key, part in rows.groupby([*SYSTEM, "protocol"], sort=False)
    }


def with_absent(scored: pd.DataFrame, encoders: pd.DataFrame) -> pd.DataFrame:
    """Add a row for each encoder that has no vectors, which says why.

    Args:
        scored: a table of ``table``.
        encoders: ``ser.benchmarks.vectors.COLUMNS``.
    """
    absent = encoders.loc[encoders["note"] != "", ["encoder", "note"]]
    return pd.concat([scored, absent], ignore_index=True)


def best(scored: pd.DataFrame) -> str:
    """Name the system with the highest speaker-independent UAR under normalisation ``train``, and that UAR."""
    rows = scored[(scored["normalisation"] == "train") & (scored["protocol"] != RANDOM)].nlargest(1, "uar")
    if rows.empty:
        return "none with the normalisation train"
    row = rows.iloc[0]
    return f"{row['encoder']} + {row['classifier']}, UAR {words.number(row['uar'])}"


def nested(scored: pd.DataFrame) -> dict:
    """Key a table's numbers by encoder, classifier and normalisation, for JSON.

    Args:
        scored: a table of ``table``.

    Returns:
        Its numbers, those that are missing left out; the scores of ``random`` under that name; and, beside the
        encoders, those of ``FLOORS``.
    """
    result = {}
    for row in scored[scored["uar"].notna()].to_dict("records"):
        if row["encoder"] in FLOORS:
            result[FLOORS[row["encoder"]]] = row["uar"]
            continue
        place = result
        for key in SYSTEM:
            place = place.setdefault(row[key], {})
        if row["protocol"] == RANDOM:
            place = place.setdefault(RANDOM, {})
        place |= {name: row[name] for name in ("seeds", *NUMBERS) if pd.notna(row[name])}
    return result


def _scores(
    rows: pd.DataFrame, speakers: Sequence[str], emotions: Sequence[str], weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Score a system under one protocol, as the mean over its seeds.

    Args:
        rows: its predictions, with emotion and speaker.
        speakers: all of them.
        emotions: the label set.
        weights: the bootstrap's draws (resamples, speakers).

    Returns:
        Each of ``SCORES``: the figure, then its replicates, (1 + resamples,).
    """
    weights = np.concatenate([np.ones((1, len(speakers))), weights])
    of_seeds = []
    for _, part in rows.groupby("seed"):
        stack = metrics.confusions(part["emotion"], part["prediction"], part["speaker"], speakers, emotions)
        of_seeds.append(metrics.scores(metrics.resampled(stack, weights)))
    return {name: np.mean([scores[name] for scores in of_seeds], axis=0) for name in SCORES}


def _minus(one: Mapping[str, np.ndarray] | None, other: Mapping[str, np.ndarray] | None) -> np.ndarray | None:
    """Subtract UARs, figure and replicates; None where either is not there or both are the same system."""
    return None if one is None or other is None or one is other else one["uar"] - other["uar"]
