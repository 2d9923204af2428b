"""The folds of a probe: what is never in training and test at once.

- emotion, gender and age band: speakers, so that a probe cannot recognise a person and recall their emotions or their
  gender;
- speaker: utterances, since whom it never heard it cannot name; sentences where these are known, so that the words do
  not give the speaker away. Room and microphone do where they differ between speakers; no corpus tells them apart.
"""

import warnings

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from ser.representation.spaces import RepresentationParams
from ser.splits import sentences

ATTRIBUTES = ("emotion", "speaker", "gender", "age")  # what is probed for
OF_SPEAKERS = ("gender", "age")  # the same for all utterances of a speaker


class ObstacleError(Exception):
    """The reason why a probe is not possible, in a few words."""


def cut(
    people: pd.DataFrame, truth: np.ndarray, attribute: str, params: RepresentationParams
) -> tuple[np.ndarray, str]:
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
        needed = attribute if attribute == "speaker" else f"{attribute} and speaker"
        kind = {"age": "age band"}.get(attribute, attribute)
        if not len(classes):
            raise ObstacleError(f"no utterance of known {needed}")
        raise ObstacleError(f"expected two {kind}s or more, all utterances of known {needed} are of the same {kind}")
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
    alone = _in_one_fold(truth, folds)
    if alone:
        raise ObstacleError(f"the speakers of {attribute} {alone} are too few: one fold would have all of them")
    return folds, "speakers"


def _by_utterances(people: pd.DataFrame, truth: np.ndarray, params: RepresentationParams) -> tuple[np.ndarray, str]:
    """Cut by sentences where these are known and leave every speaker in training, else by utterances."""
    names, counts = np.unique(truth, return_counts=True)
    if counts.min() < 2:
        raise ObstacleError(f"speaker {names[counts.argmin()]} has a single utterance, which cannot train and test")
    said = sentences.known(people)
    if said is not None and said.nunique() > 1:
        folds = _cut(StratifiedGroupKFold, min(params.folds, said.nunique()), truth, said.to_numpy(), params.seed)
        if not _in_one_fold(truth, folds):
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


def _in_one_fold(truth: np.ndarray, folds: np.ndarray) -> str:
    """Name a class all of whose members are in one fold, or nothing."""
    spread = pd.Series(folds).groupby(truth).nunique()
    return str(spread.idxmin()) if spread.min() < 2 else ""
