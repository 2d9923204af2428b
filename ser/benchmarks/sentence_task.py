"""What is asked of encoders on unseen sentences: which corpora, and how their sentences are kept apart."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from ser.benchmarks import tasks
from ser.benchmarks.tasks import Task
from ser.files.params import SEEDS, check_ranges
from ser.splits import sentences

KNOWN, UNSEEN = "known", "unseen"  # the protocols: test sentences that are in training, and that are not


@dataclass(frozen=True)
class SentenceParams:
    """The block ``sentences``.

    Attributes:
        tasks: their names, of corpora that repeat their sentences.
        classifier: one of the main pipeline's, as the grid calls it.
        groups: into how many groups the sentences of a corpus are put; each fold of speakers becomes so many.
        seed: of the folds, and of what is drawn to learn from.
    """

    tasks: list[str]
    classifier: Literal["mlp", "lda_auto", "svm_fixed"]
    groups: int
    seed: int

    def __post_init__(self):
        if not self.tasks or len(set(self.tasks)) < len(self.tasks):
            raise ValueError(f"tasks: expected some, each once, found {', '.join(self.tasks) or 'none'}")
        check_ranges(self, groups=(2, 1000), seed=SEEDS)


def described(task: Task, utterances: pd.DataFrame) -> str:
    """Say in two sentences what a task asks for, and how its sentences and emotions go together."""
    said = sentences.named(utterances, "sentences")
    alone = utterances["emotion"].groupby(said).transform("nunique") == 1
    return (
        f"{tasks.described(task, utterances)} {said.nunique()} sentences; {alone.mean():.0%} of the utterances are of "
        "a sentence that is said in one emotion only."
    )
