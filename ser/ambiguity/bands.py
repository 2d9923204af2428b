"""How the model does where raters agree little, and where they agree much."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.special import rel_entr

from ser.ambiguity.doubt import AmbiguityParams
from ser.ambiguity.references import AGREEMENT
from ser.predictions import probability_columns
from ser.scores import metrics
from ser.scores.intervals import Bootstrap, IntervalParams


def by_agreement(
    table: pd.DataFrame, people: pd.DataFrame, counts: pd.DataFrame, emotions: Sequence[str], params: AmbiguityParams
) -> pd.DataFrame:
    """Score the model where raters agree little and where they agree much.

    Args:
        table: as ``doubt.judge`` gives it.
        people: one protocol's predictions, joined with the manifest.
        counts: votes by id and emotion.
        emotions: the label set.
        params: the bands, and how intervals are made.

    Returns:
        A row per kind of agreement that is known and band: ``by`` (votes: by the share of the majority; listeners: of
        those who recognised the emotion), ``band`` (of agreement, in per cent; the upper edge belongs to it),
        utterances, speakers, and with _low and _high accuracy, uar, distance and label_distance (means of
        ``distances``). What cannot be computed is missing; empty bands keep their row.
    """
    people = people.join(distances(people, counts, emotions))
    edges = (0, *params.bands, 1)
    measures = [f"{name}{end}" for name in ("accuracy", "uar") for end in ("", "_low", "_high")]
    rows = []
    for name, column in AGREEMENT.items():
        agreement = table[column].reindex(people["id"]).to_numpy(dtype=float)
        for lower, upper in pairwise(edges) if np.isfinite(agreement).any() else ():
            part = people[(agreement <= upper) & ((agreement > lower) | (lower == 0))]
            scored = metrics.summary(part, emotions, params) if len(part) else {"speakers": 0}
            row = {"by": name, "band": f"{100 * lower:g}-{100 * upper:g}", "utterances": len(part)}
            row |= {measure: scored[measure] for measure in ("speakers", *measures) if measure in scored}
            for distance in ("distance", "label_distance"):
                row |= _mean(part[distance], part["speaker"], distance, params)
            rows.append(row)
    distance = [f"{name}{end}" for name in ("distance", "label_distance") for end in ("", "_low", "_high")]
    columns = ["by", "band", "utterances", "speakers", *measures, *distance]
    return pd.DataFrame(rows, columns=columns).astype({"speakers": "Int64"})


def distances(people: pd.DataFrame, counts: pd.DataFrame, emotions: Sequence[str]) -> pd.DataFrame:
    """Compare the model's probabilities, and the label, with what raters heard.

    Args:
        people: one protocol's predictions, joined with the manifest.
        counts: votes by id and emotion. Emotions outside the label set count: the model gives them 0.
        emotions: the label set.

    Returns:
        In the order of the predictions: ``distance`` of the probabilities, and ``label_distance`` of certainty in the
        label, from the shares of the votes (Jensen-Shannon, 0 to 1); NaN where there are no votes.
    """
    words = [*emotions, *(word for word in counts.columns if word not in emotions)]
    heard = counts.reindex(index=people["id"], columns=words, fill_value=0).to_numpy(dtype=float)
    voted = heard.sum(axis=1) > 0
    shares = heard[voted] / heard[voted].sum(axis=1, keepdims=True)
    probabilities = people.loc[voted, probability_columns(emotions)].to_numpy(dtype=float)
    padded = np.pad(probabilities, ((0, 0), (0, len(words) - len(emotions))))
    labels = people["truth"].to_numpy()[voted, None] == np.asarray(words, dtype=object)[None]
    table = pd.DataFrame(np.nan, people.index, ["distance", "label_distance"])
    table.loc[voted] = np.stack([jensen_shannon(padded, shares), jensen_shannon(labels.astype(float), shares)], axis=1)
    return table


def jensen_shannon(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Measure the Jensen-Shannon distance of distributions, to base 2.

    SciPy's ``jensenshannon`` gives NaN for rows that are equal but for rounding, of which the divergence is below 0.

    Args:
        first: (utterances, emotions), rows sum to 1.
        second: likewise.

    Returns:
        The square root of the divergence (utterances,): 0 for equal distributions, 1 for disjoint ones.
    """
    middle = (first + second) / 2
    divergence = (rel_entr(first, middle) + rel_entr(second, middle)).sum(axis=1) / (2 * np.log(2))
    return np.sqrt(np.maximum(divergence, 0))  # rounding may leave equal rows below 0


def _mean(values: pd.Series, speakers: pd.Series, name: str, params: IntervalParams) -> dict[str, float]:
    """Average over utterances, with an interval over speakers where it can be had; nothing without values."""
    values = values.dropna()
    if values.empty:
        return {}
    sums = values.groupby(speakers[values.index]).agg(["sum", "count"])
    bootstrap = Bootstrap.of(list(sums.index), params)
    total, count = (bootstrap.weights @ sums.to_numpy(dtype=float)).T
    return {name: float(values.mean())} | bootstrap.interval(total / count, f"{name}_")
