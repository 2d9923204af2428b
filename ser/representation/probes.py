"""Linear probes: how well emotion, speaker, gender and age band can be read off a space by a straight cut.

What a logistic regression can read off vectors, any later layer can use, so its accuracy says how plainly something is
there; that it fails does not say that nothing is there. The figure is the balanced accuracy, the mean of the recalls of
all classes, whose chance level is one over their number.

The folds decide what a probe may know, and differ:

- emotion, gender and age band: by speakers, so that a probe cannot recognise a person and recall their emotions or
  their gender;
- speaker: by utterances, since whom it never heard it cannot name; by sentences where these are known, so that the
  words do not give the speaker away. Room and microphone do where they differ between speakers; no corpus tells them
  apart.

Gender and age are facts of speakers, and speakers are few, so that some direction or other tells any handful of them
from the rest. How well, is found by handing the same labels to the same speakers in other ways, and probing again.

Per-speaker normalisation puts every speaker's mean at 0, so that no straight cut finds anything of a speaker by
construction: probes for gender and age stay at chance. The probe for speakers falls below it, because the mean of a
speaker's training utterances then points away from that of the test utterances; read it as "nothing left".
"""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.preprocessing import StandardScaler

from ser.people import UNKNOWN, groups_of
from ser.representation.spaces import PAIRS, RepresentationParams, Space, by_space
from ser.scores.intervals import Bootstrap
from ser.scores.metrics import mean_where

ATTRIBUTES = ("emotion", "speaker", "gender", "age")
OF_SPEAKERS = ("gender", "age")  # the same for all utterances of a speaker
FIGURES = ("balanced_accuracy", "low", "high", "chance", "permuted", "p_value")
COUNTS = ("utterances", "speakers", "classes", "views")
COLUMNS = ("space", "attribute", *FIGURES, *COUNTS, "apart", "remark")
ITERATIONS = 5000  # of the optimiser, at most; about a hundred are needed
TOLERANCE = 1e-3  # at which it ends; ten times less moves balanced accuracies by less than 0.01


class ObstacleError(Exception):
    """Why a probe cannot be had, in a few words."""


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


def labels(manifest: pd.DataFrame, attribute: str, age_bands: Sequence[int]) -> np.ndarray:
    """Say what there is to recognise in each utterance.

    Args:
        manifest: the utterances.
        attribute: one of ``ATTRIBUTES``.
        age_bands: ages in years at which a new band begins.

    Returns:
        (utterances,) of words; ``""`` where it is not known, or where the speaker is not.
    """
    words = manifest["emotion"] if attribute == "emotion" else groups_of(manifest, attribute, age_bands)[0]
    return words.where((words != UNKNOWN) & (manifest["speaker"] != ""), "").to_numpy(dtype=object)


def cut(people: pd.DataFrame, truth: np.ndarray, attribute: str, params: RepresentationParams) -> tuple:
    """Cut utterances into the folds of a probe.

    Args:
        people: rows of the manifest, all with a known speaker.
        truth: (utterances,) labels, all known.
        attribute: one of ``ATTRIBUTES``.
        params: how many folds at most, and their seed.

    Returns:
        Each utterance's fold, (utterances,), and what the folds keep apart.

    Raises:
        ObstacleError: there is one class only, or a class is not enough to both train and test.
    """
    classes, speakers = np.unique(truth), people["speaker"].to_numpy(dtype=object)
    if len(classes) < 2:
        known = attribute if attribute == "speaker" else f"{attribute} and speaker"
        fault = f"all are of the same {attribute}" if len(classes) else "there is none"
        raise ObstacleError(f"expected utterances of known {known}, and of several; {fault}")
    if attribute == "speaker":
        return _by_utterances(people, truth, params)
    having = {name: np.unique(speakers[truth == name]) for name in classes}
    rarest = min(having, key=lambda name: len(having[name]))
    if len(having[rarest]) < 2:
        raise ObstacleError(
            f"{attribute} {rarest} has the single speaker {having[rarest][0]}, who cannot train and test"
        )
    if attribute in OF_SPEAKERS:
        names, first = np.unique(speakers, return_index=True)
        number = min(params.folds, len(having[rarest]))
        of_speaker = _cut(StratifiedKFold, number, truth[first], None, params.seed)
        folds = of_speaker[np.searchsorted(names, speakers)]
    else:
        number = min(params.folds, len(np.unique(speakers)))
        folds = _cut(StratifiedGroupKFold, number, truth, speakers, params.seed)
    untaught = _untaught(truth, folds)
    if untaught:
        raise ObstacleError(f"the speakers of {attribute} {untaught} are too few: one fold would have all of them")
    return folds, "speakers"


def predict(vectors: np.ndarray, truth: np.ndarray, folds: np.ndarray, cost: float) -> np.ndarray:
    """Predict every utterance by a probe that was fitted on the other folds.

    Args:
        vectors: (utterances, numbers); standardised by the mean and deviation of the other folds.
        truth: (utterances,) labels.
        folds: (utterances,).
        cost: C of the logistic regression; classes are weighed by their inverse frequency.

    Returns:
        (utterances,) labels.
    """
    prediction = np.empty_like(truth)
    for fold in np.unique(folds):
        test = folds == fold
        scaler = StandardScaler().fit(vectors[~test])
        probe = LogisticRegression(C=cost, class_weight="balanced", tol=TOLERANCE, max_iter=ITERATIONS)
        probe.fit(scaler.transform(vectors[~test]), truth[~test])
        prediction[test] = probe.predict(scaler.transform(vectors[test]))
    return prediction


def probe(
    space: Space, manifest: pd.DataFrame, truth: np.ndarray, attribute: str, params: RepresentationParams
) -> Outcome:
    """Probe a space for an attribute, view by view.

    Args:
        space: what to probe.
        manifest: the utterances.
        truth: their labels, ``""`` where unknown.
        attribute: one of ``ATTRIBUTES``.
        params: how to probe.

    Returns:
        What was right, over all views that allow a probe.

    Raises:
        ObstacleError: no view does; the words are those of the first.
    """
    parts, obstacles, apart = [], [], set()
    for view in space:
        known = truth[view.rows] != ""
        rows = view.rows[known]
        try:
            folds, what = cut(manifest.iloc[rows], truth[rows], attribute, params)
        except ObstacleError as obstacle:
            obstacles.append(str(obstacle))
            continue
        apart.add(what)
        part = pd.DataFrame({"speaker": manifest["speaker"].to_numpy()[rows], "truth": truth[rows]})
        part["right"] = (predict(view.vectors[known], truth[rows], folds, params.cost) == truth[rows]).astype(float)
        part["chance"] = 1 / len(np.unique(truth[rows]))
        parts.append(part)
    if not parts:
        views = f"none of {len(space)} views allows a probe: " if len(space) > 1 else ""
        raise ObstacleError(views + obstacles[0])
    remarks = [f"{attribute} or speaker unknown for {(truth == '').sum()} utterances"] if (truth == "").any() else []
    remarks += [f"views left out: {len(obstacles)} of {len(space)}: {obstacles[0]}"] if obstacles else []
    return _outcome(pd.concat(parts), attribute, len(parts), "/".join(sorted(apart)), "; ".join(remarks))


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


def interval(outcomes: list[Outcome], params: RepresentationParams) -> tuple[dict[str, float], str]:
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
    return bootstrap.interval(replicates[0] - sum(replicates[1:])), ""


def permuted(
    space: Space, manifest: pd.DataFrame, truth: np.ndarray, attribute: str, params: RepresentationParams
) -> np.ndarray:
    """Probe for an attribute of speakers that was handed out to them anew, in a random order.

    Args:
        space: as for ``probe``.
        manifest: as for ``probe``.
        truth: as for ``probe``.
        attribute: ``gender`` or ``age``.
        params: how often, and the seed; every space gets the same orders.

    Returns:
        Balanced accuracies (permutations,); NaN where an order left no view that allows a probe.
    """
    speakers = manifest["speaker"].to_numpy(dtype=object)
    known = np.flatnonzero(truth != "")
    names, first, index = np.unique(speakers[known], return_index=True, return_inverse=True)
    generator = np.random.default_rng(params.seed)
    result = np.full(params.permutations, np.nan)
    for replicate in range(params.permutations):
        handed = np.full(len(truth), "", dtype=object)
        handed[known] = truth[known[first]][generator.permutation(len(names))][index]
        try:
            result[replicate] = balanced(probe(space, manifest, handed, attribute, params))
        except ObstacleError:
            continue
    return result


def table(
    spaces: Mapping[str, Space],
    manifest: pd.DataFrame,
    age_bands: Sequence[int],
    params: RepresentationParams,
    progress: Callable[[Iterable], Iterable] = iter,
) -> pd.DataFrame:
    """Probe every space for every attribute, and compare spaces.

    Args:
        spaces: by name.
        manifest: the utterances.
        age_bands: ages in years at which a new band begins.
        params: how to probe.
        progress: takes the pairs of space and attribute and passes them on: ``tqdm``, for one.

    Returns:
        A row per space and attribute with ``COLUMNS``, then one per pair of ``PAIRS`` and attribute, whose space is
        named ``first_minus_second`` and whose balanced accuracy is the difference. ``permuted`` is the mean over
        permutations, ``p_value`` the share of them that score as high, the labels as they are among them. What cannot
        be had is missing, and ``remark`` says why.
    """
    rows, outcomes = [], {}
    for name, attribute in progress([(name, attribute) for name in spaces for attribute in ATTRIBUTES]):
        truth = labels(manifest, attribute, age_bands)
        row = {"space": name, "attribute": attribute, "apart": "", "remark": ""}
        try:
            outcome = probe(spaces[name], manifest, truth, attribute, params)
        except ObstacleError as obstacle:
            rows.append(row | {"remark": str(obstacle)})
            continue
        outcomes[name, attribute] = outcome
        bounds, why = interval([outcome], params)
        row |= {"balanced_accuracy": float(balanced(outcome)), "chance": outcome.chance, **bounds}
        row |= {name: getattr(outcome, name) for name in ("utterances", "classes", "views", "apart")}
        row |= {"speakers": len(outcome.speakers), "remark": "; ".join(filter(None, (outcome.remark, why)))}
        if attribute in OF_SPEAKERS:
            null = permuted(spaces[name], manifest, truth, attribute, params)
            reached = (~(null < row["balanced_accuracy"])).sum()  # NaN, which says nothing, counts as reaching it
            row |= {"permuted": np.nanmean(null) if np.isfinite(null).any() else np.nan}
            row |= {"p_value": (reached + 1) / (len(null) + 1)}
        rows.append(row)
    for first, second in PAIRS:
        for attribute in ATTRIBUTES:
            if (first, attribute) in outcomes and (second, attribute) in outcomes:
                sides = [outcomes[first, attribute], outcomes[second, attribute]]
                bounds, why = interval(sides, params)
                difference = float(balanced(sides[0]) - balanced(sides[1]))
                row = {"space": f"{first}_minus_{second}", "attribute": attribute, "balanced_accuracy": difference}
                row |= {name: getattr(sides[0], name) for name in ("utterances", "classes", "views", "apart")}
                rows.append(row | bounds | {"speakers": len(sides[0].speakers), "remark": why})
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(COUNTS, "Int64"))


def report(rows: pd.DataFrame) -> dict:
    """Gather the figures of ``table`` as metrics: by space, or pair of spaces, and attribute; without what is missing.

    Args:
        rows: as ``table`` gives them.

    Returns:
        Nested figures.
    """
    return by_space(rows, "attribute", FIGURES)


def _by_utterances(people: pd.DataFrame, truth: np.ndarray, params: RepresentationParams) -> tuple[np.ndarray, str]:
    """Cut by sentences where these are known and leave no speaker untaught, else by utterances."""
    names, counts = np.unique(truth, return_counts=True)
    if counts.min() < 2:
        raise ObstacleError(f"speaker {names[counts.argmin()]} has a single utterance, which cannot train and test")
    texts = people["text"].to_numpy(dtype=object)
    sentences = len(np.unique(texts))
    if (texts != "").all() and sentences > 1:
        folds = _cut(StratifiedGroupKFold, min(params.folds, sentences), truth, texts, params.seed)
        if not _untaught(truth, folds):
            return folds, "sentences"
    return _cut(StratifiedKFold, params.folds, truth, None, params.seed), "utterances"


def _cut(kind: type, number: int, truth: np.ndarray, groups: np.ndarray | None, seed: int) -> np.ndarray:
    folds = np.empty(len(truth), dtype=int)
    number = min(number, np.unique(truth, return_counts=True)[1].max())  # more than that have nothing to share out
    with warnings.catch_warnings():
        # Expected: a class with fewer members than folds is spread over as many as it has.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        for fold, (_, test) in enumerate(kind(number, shuffle=True, random_state=seed).split(truth, truth, groups)):
            folds[test] = fold
    return folds


def _untaught(truth: np.ndarray, folds: np.ndarray) -> str:
    """Name a class all of whose members are in one fold, or nothing."""
    spread = pd.Series(folds).groupby(truth).nunique()
    return str(spread.idxmin()) if spread.min() < 2 else ""


def _outcome(rows: pd.DataFrame, attribute: str, views: int, apart: str, remark: str) -> Outcome:
    """Sum up utterances by speaker and class."""
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
