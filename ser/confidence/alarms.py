"""How often speech of other speakers, and what is no speech, is unfamiliar to the training speech of each fold."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from ser.confidence import familiarity
from ser.confidence.familiarity import Familiarity, FamiliarityParams
from ser.scores.intervals import Bootstrap, IntervalParams
from ser.scores.metrics import confusions, needs, resampled, scores
from ser.splits import names, table

SPEECH = "speech"  # kind of the test utterances, beside those of the sounds


def distances(
    split: pd.DataFrame,
    utterances: pd.DataFrame,
    vectors: np.ndarray,
    sounds: Mapping[str, np.ndarray],
    params: FamiliarityParams,
    copies: Sequence[np.ndarray] = (),
) -> pd.DataFrame:
    """Measure how far test utterances and other sounds are from the training speech of each fold.

    Args:
        split: who trains, validates and tests in the folds; of the chosen protocol all but the test part describe.
        utterances: the manifest.
        vectors: theirs, (utterances, numbers).
        sounds: vectors by kind, (sounds, numbers).
        params: the block ``familiarity``.
        copies: for each condition a distorted copy of every utterance; those of the test part describe nothing.

    Returns:
        fold, kind (``SPEECH`` or that of the sounds), id (``""`` of sounds) and distance; above 1 is unfamiliar.

    Raises:
        InputError: as ``ser.confidence.familiarity.fit``.
    """
    return pd.DataFrame(
        list(_rows(split, utterances, vectors, sounds, params, copies)), columns=["fold", "kind", "id", "distance"]
    )


def _rows(split, utterances, vectors, sounds, params, copies) -> Iterator[tuple]:
    chosen = names.chosen(split["protocol"])
    labels, ids = (utterances[column].to_numpy() for column in ("emotion", "id"))
    speakers = _speakers(split, utterances)
    for protocol, fold, parts in table.folds(split, utterances):
        if protocol != chosen:
            continue
        test, known = parts == "test", np.isin(parts, ("train", "validation"))
        people, lent = None if speakers is None else speakers[known], [each[known] for each in copies]
        found = familiarity.fit(vectors[known], labels[known], people, params, lent)
        for name, distance in zip(ids[test], found.distances(vectors[test]), strict=True):
            yield fold, SPEECH, name, distance
        for kind, made in sounds.items():
            for distance in found.distances(made):
                yield fold, kind, "", distance


def _speakers(split: pd.DataFrame, utterances: pd.DataFrame) -> np.ndarray | None:
    """Give who speaks; None where the split lets speakers train and test, so that nothing keeps them apart."""
    return None if names.chosen(split["protocol"]) == names.RANDOM else utterances["speaker"].to_numpy()


def whole(
    split: pd.DataFrame,
    utterances: pd.DataFrame,
    vectors: np.ndarray,
    params: FamiliarityParams,
    copies: Sequence[np.ndarray] = (),
) -> Familiarity:
    """Describe all speech that the deployed classifier learned from; arguments and errors as of ``distances``."""
    kept, speakers = table.kept(split, utterances), _speakers(split, utterances)
    people = None if speakers is None else speakers[kept]
    labels = utterances["emotion"].to_numpy()[kept]
    return familiarity.fit(vectors[kept], labels, people, params, [copy[kept] for copy in copies])


def report(measured: pd.DataFrame, predictions: pd.DataFrame, emotions: Sequence[str], params: IntervalParams) -> dict:
    """Count what is called unfamiliar.

    Args:
        measured: as from ``distances``.
        predictions: one protocol's rows, with ``id``, ``truth``, ``prediction`` and ``speaker``.
        emotions: the label set.
        params: how intervals are made.

    Returns:
        ``false_alarms``, the share of test utterances that are unfamiliar; ``uar_familiar``, of the others, where every
        emotion occurs among them, as the UAR is of other emotions else; each with ``_low`` and ``_high`` where there is
        an interval.
        ``detected``: by kind of sound the share that is unfamiliar, folds pooled.
    """
    speech = measured[measured["kind"] == SPEECH].set_index("id")["distance"]
    strange = speech.loc[predictions["id"]].to_numpy() > 1
    speakers = sorted(set(predictions["speaker"]))
    counts = {
        name: confusions(rows["truth"], rows["prediction"], rows["speaker"], speakers, emotions)
        for name, rows in (("familiar", predictions[~strange]), ("unfamiliar", predictions[strange]))
    }

    whole = set(predictions.loc[~strange, "truth"]) == set(predictions["truth"])

    def statistic(weights: np.ndarray) -> dict[str, np.ndarray]:
        known, unknown = (resampled(counts[name], weights) for name in ("familiar", "unfamiliar"))
        alarms = unknown.sum(axis=(1, 2)) / (known + unknown).sum(axis=(1, 2))
        return {"false_alarms": alarms} | ({"uar_familiar": scores(known)["uar"]} if whole else {})

    others = measured[measured["kind"] != SPEECH]
    detected = (others["distance"] > 1).groupby(others["kind"], sort=False).mean()
    needed = {"uar_familiar": needs(counts["familiar"])["uar"]}
    found = Bootstrap.of(speakers, params).figures(statistic, needed)
    return found | {"detected": {kind: float(share) for kind, share in detected.items()}}
