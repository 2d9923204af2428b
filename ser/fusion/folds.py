"""The folds: speakers apart; speakers and sentences apart; and the former with as few to learn from as the latter.

Who is tested on other sentences also learns from fewer utterances, as those with the test sentences are left out. So
that the loss by this is not taken for what the sentence gave away, ``matched`` tests the same utterances and learns
from as many of each speaker in each emotion, of whatever sentence.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ser.files.failures import InputError
from ser.fusion.task import FusionParams, FusionTask
from ser.splits import protocols, sentences, table
from ser.splits.protocols import SplitParams

SPEAKERS, MATCHED, SENTENCES = "speakers", "matched", "sentences"
KINDS = (SPEAKERS, MATCHED, SENTENCES)
KEPT = {"any": "speakers", "disjoint": "speakers and sentences"}


@dataclass(frozen=True)
class Fold:
    """Who learns and who is tested.

    Attributes:
        kind: one of ``KINDS``.
        number: from 0.
        learns: (utterances,) bool.
        tested: (utterances,) bool.
        trials: of those that learn, whom classifiers are fitted to on trial, and who then judges how sure to be and how
            much to heed the words: other speakers, and, where sentences are apart, other sentences. Pairs of
            (utterances,) bool; nobody judges twice.
    """

    kind: str
    number: int
    learns: np.ndarray
    tested: np.ndarray
    trials: list[tuple[np.ndarray, np.ndarray]]


def make(manifest: pd.DataFrame, task: FusionTask, params: FusionParams) -> list[Fold]:
    """Make the folds of all kinds; the leakage gate sees each split.

    Args:
        manifest: the utterances of the task's emotions.
        task: protocol and label set.
        params: sizes and seed.

    Returns:
        The folds of ``KINDS``, in this order. Within a kind every utterance is tested once.

    Raises:
        InputError: the corpus does not allow them.
    """
    said = sentences.named(manifest, "fusion")
    usual = [_usual(SPEAKERS, number, parts) for number, parts in _split(manifest, task, params, "any")]
    apart, matched = [], []
    for number, parts in _split(manifest, task, params, "disjoint"):
        apart.append(_apart(manifest, said, number, parts, params))
        matched.append(
            _usual(MATCHED, number, sentences.as_few(manifest, parts, np.random.default_rng([params.seed, number])))
        )
    return [*usual, *matched, *apart]


def _split(manifest: pd.DataFrame, task: FusionTask, params: FusionParams, keep: str) -> list[tuple[int, np.ndarray]]:
    share = params.validation_share
    settings = SplitParams(task.protocol, params.folds, share, share, params.seed, keep, params.sentence_groups)
    try:
        split = protocols.make(manifest, task.emotions, settings)
    except InputError as error:
        raise InputError(
            f"fusion, folds that keep {KEPT[keep]} apart (protocol and emotions: of the task): {error}"
        ) from error
    table.check(split, manifest, keep == "disjoint")
    own = split[split["protocol"] == task.protocol]
    return [(number, parts) for _, number, parts in table.folds(own, manifest)]


def _usual(kind: str, number: int, parts: np.ndarray) -> Fold:
    fits, judges = parts == "train", parts == "validation"
    return Fold(kind, number, fits | judges, parts == "test", [(fits, judges)])


def _apart(manifest: pd.DataFrame, said: pd.Series, number: int, parts: np.ndarray, params: FusionParams) -> Fold:
    """Let sentences that were not fitted to judge, each group of those that learn in turn."""
    learns = np.isin(parts, ("train", "validation"))
    rows, trials = np.flatnonzero(learns), []
    for group in sentences.grouped(manifest[learns], said[learns], params.sentence_groups, None):
        held = np.isin(np.arange(len(manifest)), rows[group])
        fits, judges = (parts == "train") & ~held, (parts == "validation") & held
        told = set(manifest["emotion"][fits]) == set(manifest["emotion"]) and said[fits].nunique() > 1
        if judges.any() and told:
            trials.append((fits, judges))
    if not trials:
        raise InputError(
            f"fusion, fold {number}, sentences apart: expected, beside the sentences that are tested, at least two to "
            f"fit to, in every emotion, and one more to judge by, found {said[learns].nunique()} in all; raise "
            "fusion.sentence_groups, or take the corpus out of the tasks"
        )
    return Fold(SENTENCES, number, learns, parts == "test", trials)
