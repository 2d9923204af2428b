"""What the judgements of ``ser.ambiguity.doubt`` are worth, and what ambiguity costs, with intervals over speakers.

Up to three references know better than a model, each for the corpora that have it:

- ``planted``: the corpus' own flag, 1 or 0
- ``votes``: the share of the votes that the most voted emotion does not have
- ``listeners``: the share of listeners who did not recognise the emotion

An utterance is flagged where ``majority`` or fewer agree.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.special import rel_entr

from ser.ambiguity import concordance, votes
from ser.ambiguity.doubt import OWN_SCORES, SCORES, AmbiguityParams
from ser.predictions import probability_columns
from ser.scores import metrics
from ser.scores.intervals import Bootstrap, IntervalParams

REFERENCES = ("planted", "votes", "listeners")
MEASURES = ("auroc", "within_auroc", "spearman", "within_spearman")
AGREEMENT = {"votes": "majority_share", "listeners": "recognition"}  # columns, 0 to 1
DOUBT = {"votes": "low_majority", "listeners": "low_recognition"}  # one minus each
# A score that looks at predictions would pick the errors; this one does not. Still, what is hard for neighbours is hard
# for a model of the same features, so it overstates what ambiguity costs.
COST = {**DOUBT, "model": "neighbour_disagreement"}


def flags(table: pd.DataFrame, reference: str, params: AmbiguityParams) -> pd.Series:
    """Say which utterances a reference holds to be ambiguous.

    Args:
        table: as ``ambiguity.judge`` gives it.
        reference: one of ``REFERENCES``.
        params: the majority.

    Returns:
        1 or 0 by id; NaN where the reference does not know the utterance.
    """
    if reference == "planted":
        return table["planted"]
    agreement = table[AGREEMENT[reference]]
    return (agreement <= params.majority).astype(float).where(agreement.notna())


def best_flags(table: pd.DataFrame, params: AmbiguityParams) -> pd.Series:
    """Take each utterance's flag from the first of ``REFERENCES`` that knows it; NaN where none does."""
    result = flags(table, REFERENCES[0], params)
    for reference in REFERENCES[1:]:
        result = result.fillna(flags(table, reference, params))
    return result


def checks(table: pd.DataFrame, params: AmbiguityParams) -> pd.DataFrame:
    """Compare every score with every reference.

    An emotion that raters find hard may be easy for a model, and the other way round; that hides what a score knows of
    single utterances. So everything is compared once more within emotions: of percentiles among those of one label.

    Args:
        table: as ``ambiguity.judge`` gives it.
        params: the majority, and how intervals are made.

    Returns:
        A row per reference and score that know the same utterances: reference, score, utterances, flagged (how many of
        them), auroc of the score against the flags, spearman with the doubt of raters or listeners, within_auroc and
        within_spearman, each with _low and _high. What cannot be had is missing. The doubt of raters and listeners is
        itself checked against the planted flags.
    """
    rows = []
    for name in REFERENCES:
        flagged = flags(table, name, params)
        for score in (*(OWN_SCORES if name == "planted" else ()), *SCORES):
            part = table[flagged.notna() & table[score].notna()]
            if part.empty:
                continue
            mask = flagged[part.index].to_numpy() > 0
            row = {"reference": name, "score": score, "utterances": len(part), "flagged": int(mask.sum())}
            compared = part[[score, *([DOUBT[name]] if name in DOUBT else [])]].astype(float)
            for prefix, values in (("", compared), ("within_", compared.groupby(part["label"]).rank(pct=True))):
                found = concordance.auroc(values.iloc[:, 0], mask, part["speaker"], params)
                if name in DOUBT:
                    found |= concordance.spearman(values.iloc[:, 0], values.iloc[:, 1], part["speaker"], params)
                row |= {prefix + figure: value for figure, value in found.items()}
            rows.append(row)
    figures = [f"{measure}{end}" for measure in MEASURES for end in ("", "_low", "_high")]
    return pd.DataFrame(rows, columns=["reference", "score", "utterances", "flagged", *figures])


def jensen_shannon(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Measure the Jensen-Shannon distance of distributions, to base 2.

    Args:
        first: (utterances, emotions), rows sum to 1.
        second: likewise.

    Returns:
        The square root of the divergence (utterances,): 0 for equal distributions, 1 for disjoint ones.
    """
    middle = (first + second) / 2
    divergence = (rel_entr(first, middle) + rel_entr(second, middle)).sum(axis=1) / (2 * np.log(2))
    return np.sqrt(np.maximum(divergence, 0))  # rounding may leave equal rows below 0


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


def bands(
    table: pd.DataFrame, people: pd.DataFrame, counts: pd.DataFrame, emotions: Sequence[str], params: AmbiguityParams
) -> pd.DataFrame:
    """Score the model where raters agree little and where they agree much.

    Args:
        table: as ``ambiguity.judge`` gives it.
        people: one protocol's predictions, joined with the manifest.
        counts: votes by id and emotion.
        emotions: the label set.
        params: the bands, and how intervals are made.

    Returns:
        A row per kind of agreement that is known and band: ``by`` (votes: by the share of the majority; listeners: of
        those who recognised the emotion), ``band`` (of agreement, in per cent; the upper edge belongs to it),
        utterances, speakers, and with _low and _high accuracy, uar, distance and label_distance (means of
        ``distances``). What cannot be had is missing; empty bands keep their row.
    """
    people = people.join(distances(people, counts, emotions))
    edges = (0, *params.bands, 1)
    measures = [f"{name}{end}" for name in ("accuracy", "uar") for end in ("", "_low", "_high")]
    rows = []
    for name, column in AGREEMENT.items():
        agreement = table[column].reindex(people["id"]).to_numpy(dtype=float)
        for lower, upper in pairwise(edges) if np.isfinite(agreement).any() else ():
            part = people[(agreement <= upper) & ((agreement > lower) | (lower == 0))]
            found = metrics.summary(part, emotions, params) if len(part) else {"speakers": 0}
            row = {"by": name, "band": f"{100 * lower:g}-{100 * upper:g}", "utterances": len(part)}
            row |= {measure: found[measure] for measure in ("speakers", *measures) if measure in found}
            for distance in ("distance", "label_distance"):
                row |= _mean(part[distance], part["speaker"], distance, params)
            rows.append(row)
    distance = [f"{name}{end}" for name in ("distance", "label_distance") for end in ("", "_low", "_high")]
    columns = ["by", "band", "utterances", "speakers", *measures, *distance]
    return pd.DataFrame(rows, columns=columns).astype({"speakers": "Int64"})


def _mean(values: pd.Series, speakers: pd.Series, name: str, params: IntervalParams) -> dict[str, float]:
    """Average over utterances, with an interval over speakers where it can be had; nothing without values."""
    values = values.dropna()
    if values.empty:
        return {}
    sums = values.groupby(speakers[values.index]).agg(["sum", "count"])
    bootstrap = Bootstrap.of(list(sums.index), params)
    total, count = (bootstrap.weights @ sums.to_numpy(dtype=float)).T
    return {name: float(values.mean())} | bootstrap.interval(total / count, f"{name}_")


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


def report(
    table: pd.DataFrame,
    people: pd.DataFrame,
    counts: pd.DataFrame,
    checked: pd.DataFrame,
    banded: pd.DataFrame,
    emotions: Sequence[str],
    params: AmbiguityParams,
) -> dict:
    """Gather the numbers.

    Args:
        table: as ``ambiguity.judge`` gives it.
        people: one protocol's predictions, joined with the manifest.
        counts: votes by id and emotion.
        checked: as ``checks`` gives it.
        banded: as ``bands`` gives it.
        emotions: the label set.
        params: the block ``ambiguity``.

    Returns:
        By reference (``votes``, ``listeners``, ``planted``): ``utterances`` that it knows, the share that is
        ``ambiguous``, ``scores`` (each score's auroc and spearman); besides ``bands`` and, for votes,
        ``votes.summary``, for listeners their mean ``recognition``. A reference that the corpora lack is left out.

        ``label_issues``: how many were ``found`` among how many ``utterances``, and by reference ``precision``, the
        share of them that is flagged, and ``recall``, the share of the flagged ones that they are. ``cost``, by what
        decides who is left out.
    """
    result = {}
    issues = table["label_issue"].dropna() > 0
    issue_report = {"utterances": len(issues), "found": int(issues.sum())}
    for name in REFERENCES:
        flagged = flags(table, name, params).dropna()
        if flagged.empty:
            continue
        section = {"utterances": len(flagged), "ambiguous": float(flagged.mean())}
        if name == "votes":
            section |= votes.summary(counts, table["label"], table["speaker"], params)
        if name == "listeners":
            section["recognition"] = float(table["recognition"].mean())
        for key, rows, index in (
            ("bands", banded[banded["by"] == name].drop(columns="by"), "band"),
            ("scores", checked[checked["reference"] == name].drop(columns="reference"), "score"),
        ):
            numbers = rows.set_index(index).to_dict("index")
            section[key] = {row: {k: v for k, v in found.items() if pd.notna(v)} for row, found in numbers.items()}
        result[name] = {key: value for key, value in section.items() if value != {}}
        both = issues.index.intersection(flagged.index)
        flagged = flagged[both] > 0
        if flagged.any() and issues[both].any():
            hits = (issues[both] & flagged).sum()
            issue_report[name] = {"precision": hits / issues[both].sum(), "recall": hits / flagged.sum()}
    costs = {name: cost(people, table[column], emotions, params) for name, column in COST.items()}
    return result | {"label_issues": issue_report, "cost": {name: found for name, found in costs.items() if found}}
