"""Linear probes: how well emotion, speaker, gender and age band a linear classifier reads off a space.

What a logistic regression can read off vectors, any later layer can use, so its accuracy says how plainly something is
there; that it fails does not say that nothing is there. The figure is the balanced accuracy, the mean of the recalls of
all classes, whose chance level is one over their number.

The folds decide what a probe may know (``ser.representation.folds``).

Gender and age are facts of speakers, and speakers are few, so that some direction or other tells any handful of them
from the rest. How well, is found by handing the same labels to the same speakers in other ways, and probing again. They
change hands within a corpus: where one corpus has more women, its room and microphones tell women apart, too.

Per-speaker normalisation puts every speaker's mean at 0, so that no straight cut finds anything of a speaker by
construction: probes for gender and age stay at chance. The probe for speakers falls below it, because the mean of a
speaker's training utterances then points away from that of the test utterances; read it as "nothing left".
"""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from ser.bias import permutations
from ser.people import UNKNOWN, groups_of, pair_name
from ser.representation import folds
from ser.representation.folds import ATTRIBUTES, OF_SPEAKERS, ObstacleError
from ser.representation.outcomes import Outcome, balanced, interval, summed
from ser.representation.spaces import PAIRS, RepresentationParams, Space
from ser.scores.words import level

FIGURES = ("balanced_accuracy", "low", "high", "chance", "permuted", "p_value")
COUNTS = ("utterances", "speakers", "classes", "views")
COLUMNS = ("space", "attribute", *FIGURES, *COUNTS, "apart", "remark")
ITERATIONS = 5000  # of the optimiser, at most; about a hundred are needed
TOLERANCE = 1e-3  # at which it ends; ten times less moves balanced accuracies by less than 0.01


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
        be computed is missing, and ``remark`` says why.
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
        if attribute in OF_SPEAKERS and not (obstacle := _untestable(manifest, truth, params)):
            null = permuted(spaces[name], manifest, truth, attribute, params)
            reached = (~(null < row["balanced_accuracy"])).sum()  # NaN, which says nothing, counts as reaching it
            row |= {"permuted": np.nanmean(null) if np.isfinite(null).any() else np.nan}
            row |= {"p_value": (reached + 1) / (len(null) + 1)}
        elif attribute in OF_SPEAKERS:
            row["remark"] = "; ".join(filter(None, (row["remark"], obstacle)))
        rows.append(row)
    for first, second in PAIRS:
        for attribute in ATTRIBUTES:
            if (first, attribute) in outcomes and (second, attribute) in outcomes:
                sides = [outcomes[first, attribute], outcomes[second, attribute]]
                bounds, why = interval(sides, params)
                difference = float(balanced(sides[0]) - balanced(sides[1]))
                row = {"space": pair_name(first, second), "attribute": attribute, "balanced_accuracy": difference}
                row |= {name: getattr(sides[0], name) for name in ("utterances", "classes", "views", "apart")}
                rows.append(row | bounds | {"speakers": len(sides[0].speakers), "remark": why})
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(COUNTS, "Int64"))


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
    parts, obstacles, apart, single, lonely = [], [], set(), 0, set()
    seen = np.unique(np.concatenate([view.rows for view in space]))
    unknown = (truth[seen] == "").sum()
    for view in space:
        own = truth[view.rows]
        alone = _alone(own, manifest["speaker"].to_numpy()[view.rows], attribute)
        own = np.where(np.isin(own, alone), "", own).astype(object)
        lonely |= set(alone)
        try:
            labelled = _probed(own, attribute)
            single += (own != "").sum() - labelled.sum()
            rows = view.rows[labelled]
            fold_of, what = folds.cut(manifest.iloc[rows], truth[rows], attribute, params)
        except ObstacleError as obstacle:
            obstacles.append(str(obstacle))
            continue
        apart.add(what)
        part = pd.DataFrame({"speaker": manifest["speaker"].to_numpy()[rows], "truth": truth[rows]})
        named = answers(view.vectors[labelled], truth[rows], fold_of, params.cost)
        part["right"] = (named == truth[rows]).astype(float)
        part["chance"] = 1 / len(np.unique(truth[rows]))
        parts.append(part)
    if not parts:
        views = f"none of {len(space)} folds has held-out utterances to probe; the first: " if len(space) > 1 else ""
        raise ObstacleError(views + obstacles[0])
    what = attribute if attribute == "speaker" else f"{attribute} or speaker"
    remarks = [f"{what} unknown for {unknown} utterances"] if unknown else []
    where = " of a fold" if len(space) > 1 else ""
    remarks += [f"left out, as a single speaker{where} has it: {attribute} {', '.join(sorted(lonely))}"] * bool(lonely)
    remarks += [f"speakers of a single utterance left out: {single}"] if single else []
    remarks += [f"folds left out: {len(obstacles)} of {len(space)}; the first: {obstacles[0]}"] if obstacles else []
    return summed(pd.concat(parts), attribute, len(parts), "/".join(sorted(apart)), "; ".join(remarks))


def _alone(truth: np.ndarray, speakers: np.ndarray, attribute: str) -> list[str]:
    """Name the genders or age bands that one speaker of a view alone has, and that leave two others to tell apart."""
    known = truth != ""
    having = pd.Series(speakers[known], dtype=object).groupby(truth[known]).nunique()
    alone = sorted(having.index[having == 1]) if attribute in OF_SPEAKERS else []
    return alone if len(having) - len(alone) > 1 else []


def _probed(truth: np.ndarray, attribute: str) -> np.ndarray:
    """Tell whom a view's probe is about: whose label is known and, of speakers, who has more than one utterance.

    Raises:
        ObstacleError: no speaker has more.
    """
    known = truth != ""
    if attribute != "speaker" or not known.any():
        return known
    _, of, counts = np.unique(truth, return_inverse=True, return_counts=True)
    several = known & (counts[of] > 1)
    if not several.any():
        raise ObstacleError("every speaker has a single utterance, so that nobody can both train and test")
    return several


def answers(vectors: np.ndarray, truth: np.ndarray, folds: np.ndarray, cost: float) -> np.ndarray:
    """Let a probe that was fitted on the other folds name the class of every utterance.

    Args:
        vectors: (utterances, numbers); standardised by the mean and deviation of the other folds.
        truth: (utterances,) labels.
        folds: (utterances,).
        cost: C of the logistic regression; classes are weighed by their inverse frequency.

    Returns:
        (utterances,) labels.
    """
    named = np.empty_like(truth)
    for fold in np.unique(folds):
        test = folds == fold
        scaler = StandardScaler().fit(vectors[~test])
        probe = LogisticRegression(C=cost, class_weight="balanced", tol=TOLERANCE, max_iter=ITERATIONS)
        with warnings.catch_warnings():
            # Expected of many speakers with few utterances each.
            warnings.filterwarnings("ignore", "The number of unique classes is greater than 50%", UserWarning)
            probe.fit(scaler.transform(vectors[~test]), truth[~test])
        named[test] = probe.predict(scaler.transform(vectors[test]))
    return named


def _untestable(manifest: pd.DataFrame, truth: np.ndarray, params: RepresentationParams) -> str:
    """Say that labels can be handed to so few speakers in so few ways that no probe could pass a test; else ``""``."""
    who = manifest.assign(truth=truth)[truth != ""].drop_duplicates("speaker")
    others = permutations.partitions(_sizes(who["truth"].to_numpy(dtype=str), who["corpus"].to_numpy())) - 1
    smallest = 1 / (1 + min(others, params.permutations))
    if smallest <= level(params.confidence):
        return ""
    if others > params.permutations:
        return (
            f"no test: with {params.permutations} permutations no p can fall below {smallest:.2g}; raise "
            "representation.permutations"
        )
    return f"no test: few other orders of so few speakers, no p can fall below {smallest:.2g}"


def permuted(
    space: Space, manifest: pd.DataFrame, truth: np.ndarray, attribute: str, params: RepresentationParams
) -> np.ndarray:
    """Probe for an attribute of speakers that was handed out anew, in a random order, to those of each corpus.

    No order groups the speakers as another one or as they are: that would score the same, as does its mirror image,
    where all women are called men. So few speakers may allow fewer orders than asked for.

    Args:
        space: as for ``probe``.
        manifest: as for ``probe``.
        truth: as for ``probe``.
        attribute: ``gender`` or ``age``.
        params: how often, and the seed; every space gets the same orders.

    Returns:
        Balanced accuracies (orders,); NaN where an order left no view that allows a probe.
    """
    speakers = manifest["speaker"].to_numpy(dtype=object)
    labelled = np.flatnonzero(truth != "")
    _, first, index = np.unique(speakers[labelled], return_index=True, return_inverse=True)
    corpora = manifest["corpus"].to_numpy()[labelled[first]]
    orders = _orders(truth[labelled[first]], corpora, params)
    result = np.full(len(orders), np.nan)
    for replicate, of_speakers in enumerate(orders):
        handed = np.full(len(truth), "", dtype=object)
        handed[labelled] = of_speakers[index]
        try:
            result[replicate] = balanced(probe(space, manifest, handed, attribute, params))
        except ObstacleError:
            continue
    return result


def _orders(of_speakers: np.ndarray, corpora: np.ndarray, params: RepresentationParams) -> list[np.ndarray]:
    """Hand labels, (speakers,), to the speakers of each corpus in other ways, each of which groups them differently."""
    others = permutations.partitions(_sizes(of_speakers.astype(str), corpora)) - 1
    generator, found, seen = np.random.default_rng(params.seed), [], {_grouping(of_speakers)}
    while len(found) < min(params.permutations, others):
        order = np.arange(len(of_speakers))
        for corpus in np.unique(corpora):
            order[corpora == corpus] = generator.permutation(order[corpora == corpus])
        handed = of_speakers[order]
        if _grouping(handed) not in seen:
            seen.add(_grouping(handed))
            found.append(handed)
    return found


def _grouping(of_speakers: np.ndarray) -> bytes:
    """Tell who has the same label as whom, whatever it is called."""
    return pd.factorize(of_speakers)[0].tobytes()


def _sizes(of_speakers: np.ndarray, corpora: np.ndarray) -> np.ndarray:
    """Count the speakers of each label in each corpus, (corpora, labels)."""
    return permutations.table(np.unique(of_speakers, return_inverse=True)[1], corpora)
