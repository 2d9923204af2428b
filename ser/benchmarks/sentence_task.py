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
        encoders: their names.
        classifier: one of the main pipeline's.
        groups: into how many groups the sentences of a corpus are put; each fold of speakers becomes so many.
        seeds: each puts the sentences into other groups, and draws the folds and what is learned from anew.
    """

    tasks: list[str]
    encoders: list[str]
    classifier: Literal["mlp", "lda", "svm"]
    groups: int
    seeds: list[int]

    def __post_init__(self):
        for name in ("tasks", "encoders", "seeds"):
            found = getattr(self, name)
            if not found or len(set(found)) < len(found):
                raise ValueError(f"{name}: expected some, each once, found {', '.join(map(str, found)) or 'none'}")
        check_ranges(self, groups=(2, 1000))
        least, most = SEEDS
        if not least <= min(self.seeds) <= max(self.seeds) <= most:
            raise ValueError(f"seeds: expected whole numbers from {least} to {most}, found {self.seeds}")


def described(task: Task, utterances: pd.DataFrame) -> str:
    """Say in two sentences what a task asks for, and how its sentences and emotions go together."""
    said = sentences.named(utterances, "sentences")
    alone = utterances["emotion"].groupby(said).transform("nunique") == 1
    return (
        f"{tasks.described(task, utterances)} {said.nunique()} sentences; {alone.mean():.0%} of the utterances are of "
        "a sentence that is said in one emotion only."
    )
