"""Folds that keep sentences apart, and others that differ by the known sentences alone.

Acted corpora repeat their sentences: folds that keep speakers alone apart test sentences that others said in training.
Here a fold keeps sentences apart as well. Beside it another one tests the same utterances and learns from as many of
each speaker and emotion, but of whatever sentence, so that the loss by having less to learn from is not taken for the
sentence's.
"""

import dataclasses

import numpy as np
import pandas as pd

from ser.benchmarks.grid import Choice, Fold, GridParams
from ser.benchmarks.sentence_task import KNOWN, UNSEEN, SentenceParams
from ser.benchmarks.tasks import Task
from ser.splits import protocols, sentences, table
from ser.splits.protocols import SplitParams


def folds(manifest: pd.DataFrame, task: Task, params: SentenceParams, grid: GridParams) -> list[Fold]:
    """Make the folds; the leakage gate sees them.

    Args:
        manifest: the utterances of the task's emotions.
        task: protocol and label set.
        params: groups of sentences, and the seeds.
        grid: sizes.

    Returns:
        For each fold one of ``UNSEEN`` and one of ``KNOWN``; within each of these each seed tests every utterance once.

    Raises:
        InputError: the corpus does not allow them: an utterance of an unknown sentence, say, or an emotion of one.
    """
    share, found = grid.validation_share, []
    for seed in params.seeds:
        settings = SplitParams(task.protocol, grid.folds, share, share, seed, "disjoint", params.groups)
        split = protocols.make(manifest, task.emotions, settings)
        table.check(split, manifest, True)
        for _, number, parts in table.folds(split[split["protocol"] == task.protocol], manifest):
            alike = sentences.as_few(manifest, parts, np.random.default_rng([seed, number]))
            found += [Fold(kind, seed, number, own, False) for kind, own in ((UNSEEN, parts), (KNOWN, alike))]
    return found


def narrowed(grid: GridParams, params: SentenceParams) -> GridParams:
    """Leave of the grid the one classifier, normalised by those who train."""
    return dataclasses.replace(
        grid, classifiers={params.classifier: Choice(["train"], [])}, contrast=[], seeds=params.seeds
    )
