"""The folds: speakers apart; speakers and sentences apart; and the former with as few to learn from as the latter.

Who is tested on other sentences also learns from fewer utterances, as those with the test sentences are left out. So
that the loss by this is not taken for what the sentence gave away, ``matched`` tests the same utterances and learns
from as many of each speaker in each emotion, of whatever sentence.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from ser.files.failures import InputError
from ser.fusion.task import FusionParams, FusionTask
from ser.splits import protocols, sentences, table
from ser.splits.protocols import SplitParams

SPEAKERS, MATCHED, SENTENCES = "speakers", "matched", "sentences"
KINDS = (SPEAKERS, MATCHED, SENTENCES)


@dataclass(frozen=True)
class Fold:
    """Who learns and who is tested.

    Attributes:
        kind: one of ``KINDS``.
        number: from 0.
        learns: (utterances,) bool.
        tested: (utterances,) bool.
        fits: (utterances,) bool: of those that learn, those that classifiers are fitted to on trial.
        judges: (utterances,) bool: those that then say how sure to be and how much to heed the words: other speakers,
            and, where sentences are apart, other sentences.
    """

    kind: str
    number: int
    learns: np.ndarray
    tested: np.ndarray
    fits: np.ndarray
    judges: np.ndarray


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
    split = protocols.make(manifest, task.emotions, settings)
    table.check(split, manifest, keep == "disjoint")
    own = split[split["protocol"] == task.protocol]
    return [(number, parts) for _, number, parts in table.folds(own, manifest)]


def _usual(kind: str, number: int, parts: np.ndarray) -> Fold:
    fits, judges = parts == "train", parts == "validation"
    return Fold(kind, number, fits | judges, parts == "test", fits, judges)


def _apart(manifest: pd.DataFrame, said: pd.Series, number: int, parts: np.ndarray, params: FusionParams) -> Fold:
    """Let other sentences judge, too: a third, say, of those that learn."""
    learns = np.isin(parts, ("train", "validation"))
    rows = np.flatnonzero(learns)
    pieces = min(params.sentence_groups, said.iloc[rows].nunique())
    strata = (manifest["language"] + "|" + manifest["emotion"]).iloc[rows]
    groups = StratifiedGroupKFold(pieces).split(rows, strata, said.iloc[rows]) if pieces > 1 else ()
    for _, piece in groups:
        held = np.zeros(len(parts), dtype=bool)
        held[rows[piece]] = True
        fits, judges = (parts == "train") & ~held, (parts == "validation") & held
        told = set(manifest["emotion"][fits]) == set(manifest["emotion"]) and said[fits].nunique() > 1
        if judges.any() and told:
            return Fold(SENTENCES, number, learns, parts == "test", fits, judges)
    raise InputError(
        f"fusion, fold {number}, sentences apart: expected at least three sentences of each emotion beside those that "
        f"are tested, some of them for validation, found {said[learns].nunique()} in all; lower sentence_groups, or "
        "take the corpus out of the tasks"
    )
