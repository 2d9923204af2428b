"""Silhouettes: whether utterances lie with their emotion or with their speaker.

The silhouette of an utterance compares its mean distance to those of its own group, a, with that to the nearest other
group, b: (b - a) / max(a, b), from -1 to 1, above 0 where it lies with its own (P. Rousseeuw, "Silhouettes", Journal of
Computational and Applied Mathematics 20, 1987). Distances are Euclidean, of vectors whose numbers are standardised over
all utterances of the view. The more groups there are, the nearer the nearest, so that the figures of emotion and
speaker in one space depend on how many there are of each; their comparison between spaces does not.

Intervals draw speakers, whose utterances' silhouettes are kept as they are: they speak of other speakers set among
these ones.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.metrics import silhouette_samples
from sklearn.preprocessing import StandardScaler

from ser.people import pair_name
from ser.representation.spaces import PAIRS, Space
from ser.scores.intervals import Bootstrap, IntervalParams

GROUPINGS = ("emotion", "speaker")
DIFFERENCE = pair_name(*GROUPINGS)
FIGURES = ("silhouette", "low", "high")
COLUMNS = ("space", "grouping", *FIGURES, "utterances", "speakers", "remark")


def samples(space: Space, manifest: pd.DataFrame) -> pd.DataFrame:
    """Give the silhouettes of every utterance of a space.

    Args:
        space: the views; an utterance of several is there several times.
        manifest: the utterances.

    Returns:
        ``speaker`` and the ``GROUPINGS``, a row an utterance and view. Utterances of unknown speakers are left out, and
        so are views in which emotion or speaker is the same for all, or another one for each.
    """
    parts = []
    for view in space:
        people = manifest.iloc[view.rows]
        named = (people["speaker"] != "").to_numpy()
        people = people[named]
        if all(2 <= people[grouping].nunique() < len(people) for grouping in GROUPINGS):
            vectors = StandardScaler().fit_transform(view.vectors[named].astype(np.float64))
            values = {grouping: silhouette_samples(vectors, people[grouping].to_numpy(str)) for grouping in GROUPINGS}
            parts.append(pd.DataFrame({"of": people["speaker"].to_numpy(dtype=object)} | values))
    return pd.concat(parts) if parts else pd.DataFrame(columns=["of", *GROUPINGS])


def table(spaces: Mapping[str, Space], manifest: pd.DataFrame, params: IntervalParams) -> pd.DataFrame:
    """Give the mean silhouettes of every space, and compare spaces.

    Args:
        spaces: by name.
        manifest: the utterances.
        params: how intervals are made.

    Returns:
        A row with ``COLUMNS`` per space, and per pair of ``PAIRS``, named ``first_minus_second``, and grouping:
        emotion, speaker, and the first minus the second of these. Undefined figures are missing, and ``remark`` says
        why.
    """
    sums = {name: _sums(samples(space, manifest)) for name, space in spaces.items()}
    rows = []
    for first, second in [(name, None) for name in spaces] + [pair for pair in PAIRS if set(pair) <= set(spaces)]:
        speakers = list(sums[first].index)
        bootstrap = Bootstrap.of(speakers, params)
        name = first if second is None else pair_name(first, second)
        for grouping in (*GROUPINGS, DIFFERENCE):
            row = {"space": name, "grouping": grouping, "utterances": int(sums[first]["count"].sum())}
            row |= {"speakers": len(speakers), "remark": ""}
            if not speakers:
                rows.append(row | {"remark": "no view of known speakers with several emotions and speakers"})
                continue
            sides = [sums[side] for side in (first, second) if side is not None]
            row["silhouette"] = float(_mean(sides, grouping, np.ones((1, len(speakers))))[0])
            row |= bootstrap.interval(_mean(sides, grouping, bootstrap.weights))
            rows.append(row | ({"remark": f"no interval ({bootstrap.obstacle})"} if bootstrap.obstacle else {}))
    return pd.DataFrame(rows, columns=COLUMNS)


def _sums(values: pd.DataFrame) -> pd.DataFrame:
    """Sum silhouettes by speaker; ``count`` of them, too."""
    by = values.groupby("of")
    return by[list(GROUPINGS)].sum().assign(count=by.size())


def _mean(sides: list[pd.DataFrame], grouping: str, weights: np.ndarray) -> np.ndarray:
    """Average over utterances, each speaker's as often as drawn; of two sides, the first minus the second."""
    means = []
    for side in sides:
        emotion, speaker = (weights @ side[name].to_numpy(float) for name in GROUPINGS)
        total = {"emotion": emotion, "speaker": speaker, DIFFERENCE: emotion - speaker}[grouping]
        means.append(total / (weights @ side["count"].to_numpy(float)))
    return means[0] - sum(means[1:])
