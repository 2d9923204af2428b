"""How evenly the predictions serve groups of people: gender, age band, speaker.

Group by group first, compared later. A gap is a signed difference between two named groups, never "largest minus
smallest": that one is above zero by chance alone, the more so the more groups there are. Every pair is compared, each
with an interval of its own; k bands make k (k - 1) / 2 pairs, and at a confidence of 0.95 one pair in twenty without
any true gap misses zero. A gap says that groups fare differently here, not why: groups may differ in age, corpus or
recording as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import pandas as pd

from ser import intervals
from ser.intervals import IntervalParams
from ser.metrics import by_emotion, confusions, mean_where, resampled, summary

ATTRIBUTES = ("gender", "age", "speaker")
COMPARED = ("gender", "age")  # speakers are too many for pairs, and one speaker has no interval
GENDERS = ("female", "male")
UNKNOWN = "unknown"


@dataclass(frozen=True)
class BiasParams(IntervalParams):
    """The block ``bias`` of params.yaml.

    Attributes:
        age_bands: ages in years at which a new band begins: 30 and 45 make under_30, 30-44, 45_and_over.
    """

    age_bands: tuple[int, ...]

    def __post_init__(self):
        super().__post_init__()
        edges = (0, *self.age_bands)
        if len(edges) == 1 or any(upper <= lower for lower, upper in pairwise(edges)):
            found = list(self.age_bands)
            raise ValueError(f"age_bands: expected rising ages above 0, such as [30, 45, 60], found {found}")


def band_names(edges: Sequence[int]) -> list[str]:
    """Name the age bands between edges: ``[30, 45]`` gives under_30, 30-44, 45_and_over."""
    middle = [f"{lower}-{upper - 1}" for lower, upper in pairwise(edges)]
    return [f"under_{edges[0]}", *middle, f"{edges[-1]}_and_over"]


def labels(predictions: pd.DataFrame, attribute: str, params: BiasParams) -> tuple[pd.Series, list[str]]:
    """Say which group each prediction belongs to.

    Args:
        predictions: rows with the manifest's ``gender``, ``age`` and ``speaker``.
        attribute: one of ``ATTRIBUTES``.
        params: the age bands.

    Returns:
        Each row's group, ``unknown`` where it is not known; and the groups in order, some of which may be empty.
    """
    if attribute == "age":
        names = band_names(params.age_bands)
        edges = [-np.inf, *params.age_bands, np.inf]
        groups = pd.cut(predictions["age"].astype(float), edges, right=False, labels=names).astype(object)
        return groups.where(groups.notna(), UNKNOWN), names
    groups = predictions[attribute].replace("", UNKNOWN)
    expected = GENDERS if attribute == "gender" else ()
    return groups, sorted({*expected, *groups} - {UNKNOWN})


def groups(predictions: pd.DataFrame, emotions: Sequence[str], params: BiasParams) -> pd.DataFrame:
    """Score each group.

    Args:
        predictions: one protocol's rows, joined with the manifest.
        emotions: the label set.
        params: the age bands, and how intervals are made.

    Returns:
        A row per attribute and group: attribute, group, utterances, speakers, uar, uar_low, uar_high and
        ``recall_<emotion>`` for each emotion. What cannot be had is missing. Empty groups keep their row; a last row
        ``unknown`` is there only where needed.
    """
    rows = []
    for attribute in ATTRIBUTES:
        membership, names = labels(predictions, attribute, params)
        for name in names + [UNKNOWN] * bool((membership == UNKNOWN).any()):
            part = predictions[membership == name]
            row = summary(part, emotions, params) if len(part) else {"recall": {}, "speakers": 0}
            rows.append(
                {"attribute": attribute, "group": name, "utterances": len(part), "speakers": row.get("speakers")}
                | {column: row.get(column, np.nan) for column in ("uar", "uar_low", "uar_high")}
                | {f"recall_{emotion}": row["recall"].get(emotion, np.nan) for emotion in emotions}
            )
    return pd.DataFrame(rows).astype({"speakers": "Int64"})


def gap(first: pd.DataFrame, second: pd.DataFrame, emotions: Sequence[str], params: IntervalParams) -> dict[str, float]:
    """Measure the difference in UAR between two groups of speakers.

    It is the mean over emotions of the difference in recall, over the emotions that both groups spoke; where both
    spoke all, this is the difference of their UARs.

    Args:
        first: the predictions of one group, with ``truth``, ``prediction`` and ``speaker``.
        second: those of the other.
        emotions: the label set.
        params: how intervals are made: speakers are drawn within each group.

    Returns:
        ``uar``, first minus second, -1 to 1; ``uar_low`` and ``uar_high`` where both groups have enough speakers;
        nothing where the groups share no emotion.
    """
    sides, sizes = [], []
    for part in (first, second):
        speakers = sorted(set(part["speaker"]))
        sides.append(confusions(part["truth"], part["prediction"], part["speaker"], speakers, emotions))
        sizes.append("" if intervals.obstacle(speakers, params) else len(speakers))
    uar = float(_difference(sides[0].sum(axis=0), sides[1].sum(axis=0)))
    if np.isnan(uar):
        return {}
    if "" in sizes:
        return {"uar": uar}
    strata = np.repeat([0, 1], sizes)
    weights = intervals.draws(strata, params)
    replicates = _difference(*(resampled(side, weights[:, strata == index]) for index, side in enumerate(sides)))
    low, high = intervals.bounds(replicates, strata, params)
    return {"uar": uar, "uar_low": float(low), "uar_high": float(high)}


def gaps(predictions: pd.DataFrame, attribute: str, emotions: Sequence[str], params: BiasParams) -> dict[str, dict]:
    """Measure the gap of every pair of groups that have utterances.

    Returns:
        ``gap`` by pair, named ``first_minus_second``, in the order of the groups.
    """
    membership, names = labels(predictions, attribute, params)
    there = [name for name in names if (membership == name).any()]
    pairs = {
        f"{one}_minus_{other}": gap(predictions[membership == one], predictions[membership == other], emotions, params)
        for one, other in combinations(there, 2)
    }
    return {name: values for name, values in pairs.items() if values}


def report(table: pd.DataFrame, predictions: pd.DataFrame, emotions: Sequence[str], params: BiasParams) -> dict:
    """Gather the scores of groups and their gaps.

    Args:
        table: as ``groups`` gives it.
        predictions: the rows that it was made of.
        emotions: the label set.
        params: the age bands, and how intervals are made.

    Returns:
        By attribute and group: utterances, speakers, uar, uar_low, uar_high and ``recall`` by emotion, and the ``gap``
        of every pair; for ``speaker`` the spread of the UAR over speakers, which holds the chance of each speaker's few
        utterances too. An attribute that is unknown for everybody is left out, and so is what cannot be had.
    """
    known = table[(table["utterances"] > 0) & (table["group"] != UNKNOWN)]
    result = {}
    for attribute in COMPARED:
        rows = known[known["attribute"] == attribute]
        if len(rows):
            result[attribute] = {row["group"]: _group(row, emotions) for _, row in rows.iterrows()}
            pairs = gaps(predictions, attribute, emotions, params)
            result[attribute] |= {"gap": pairs} if pairs else {}
    uars = known.loc[known["attribute"] == "speaker", "uar"]
    if len(uars):
        spread = {"uar_min": uars.min(), "uar_max": uars.max(), "uar_mean": uars.mean()}
        result["speaker"] = spread | {"speakers": len(uars)} | ({"uar_std": uars.std(ddof=1)} if len(uars) > 1 else {})
    return result


def _group(row: pd.Series, emotions: Sequence[str]) -> dict:
    columns = ("utterances", "speakers", "uar", "uar_low", "uar_high")
    recall = {emotion: row[f"recall_{emotion}"] for emotion in emotions}
    return {column: row[column] for column in columns if pd.notna(row[column])} | {
        "recall": {emotion: value for emotion, value in recall.items() if pd.notna(value)}
    }


def _difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Average the difference in recall over the emotions that occur in both: (..., emotions, emotions) to (...)."""
    one, other = by_emotion(first), by_emotion(second)
    return mean_where(one["recall"] - other["recall"], (one["support"] > 0) & (other["support"] > 0))
