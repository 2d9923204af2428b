"""What is asked of fusion: the tasks, and how voice and words are put together."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ser.files.failures import InputError
from ser.files.params import SEEDS, check_ranges
from ser.scores import words
from ser.scores.intervals import IntervalParams

VOICE, WORDS, MEAN, WEIGHTED, EARLY = "voice", "words", "late_mean", "late_weighted", "early"


@dataclass(frozen=True)
class FusionTask:
    """A corpus, the emotions to tell apart in it, and how voice and words are had.

    Attributes:
        corpus: the name of the corpus.
        emotions: the label set.
        protocol: of the folds that keep speakers apart.
        words: ``model``: vectors of a sentence model; ``heard``: likewise, of what speech recognition heard;
            ``identity``: which of the corpus' sentences it is, and no more.
        language: of the utterances that are looked at; ``""``: all.
        note: what a reader of the results must know of the corpus; ``""``: nothing.
    """

    corpus: str
    emotions: list[str]
    protocol: Literal["kfold", "loso"]
    words: Literal["model", "heard", "identity"]
    language: str = ""
    note: str = ""

    def require(self, *kinds: str) -> None:
        """Check where the words come from.

        Args:
            kinds: of ``words``, that are good.

        Raises:
            InputError: it is none of these.
        """
        if self.words not in kinds:
            raise InputError(
                f"words: expected {' or '.join(kinds)}, found {self.words}; change it, or put the task among those of "
                f"the other stage, {'heard' if self.words == 'heard' else 'words'}, in fusion/dvc.yaml"
            )

    def asks(self, manifest: pd.DataFrame) -> np.ndarray:
        """Tell which utterances are of the task's emotions and language, bool (utterances,).

        Raises:
            InputError: there are none of its language.
        """
        spoken = manifest["language"] == self.language
        if self.language and not spoken.any():
            known = ", ".join(sorted(set(manifest["language"])))
            raise InputError(f"language: expected utterances in '{self.language}', found those in {known or 'none'}")
        return (manifest["emotion"].isin(self.emotions) & (spoken | (self.language == ""))).to_numpy()


@dataclass(frozen=True)
class FusionParams:
    """The block ``fusion``.

    Attributes:
        kind: ``late``: the mean of log-probabilities, plain and weighted; ``early``: one classifier of both vectors;
            ``none`` alone: only voice and words, each by itself.
        classifier: of the voice, and of both: shrunk linear discriminant analysis, or a linear support vector machine.
        words_classifier: of the words, likewise. Whoever says a sentence has its one vector; the shrinkage of
            discriminant analysis, which takes utterances for independent, then comes out too small, or none.
        folds: of kfold.
        sentence_groups: into how many groups sentences are put where these are kept apart as well.
        validation_share: of the training speakers.
        seed: of the folds and of all that is drawn.
        weights: of the words, 0 to 1, that late fusion chooses from.
        permutations: of the sentences' vectors, enough for a p that claims something.
        intervals: how intervals over speakers are made.
    """

    kind: list[Literal["late", "early", "none"]]
    classifier: Literal["lda", "svm"]
    words_classifier: Literal["lda", "svm"]
    folds: int
    sentence_groups: int
    validation_share: float
    seed: int
    weights: list[float]
    permutations: int
    intervals: IntervalParams

    def __post_init__(self):
        check_ranges(
            self,
            folds=(2, math.inf),
            sentence_groups=(2, math.inf),
            seed=SEEDS,
            permutations=(1, 10**6),
        )
        if not self.kind or len(set(self.kind)) < len(self.kind) or ("none" in self.kind and len(self.kind) > 1):
            raise ValueError(f"kind: expected late, early or both, or none alone, found {self.kind}")
        if not 0 < self.validation_share <= 0.5:
            raise ValueError(
                f"validation_share: expected a share above 0 and at most 0.5, found {self.validation_share}"
            )
        least, level = 1 / (self.permutations + 1), words.level(self.intervals.confidence)
        if self.fused and least > level:
            raise ValueError(
                f"permutations: expected {math.ceil(1 / level - 1e-9) - 1} or more, as p must be able to reach "
                f"{level:g} (1 - intervals.confidence), found {self.permutations}"
            )
        if not self.weights or min(self.weights) < 0 or max(self.weights) > 1:
            raise ValueError(f"weights: expected shares of the words, 0 to 1, found {self.weights}")

    @property
    def systems(self) -> tuple[str, ...]:
        """What is trained."""
        late = (MEAN, WEIGHTED) if "late" in self.kind else ()
        return (VOICE, WORDS, *late, *((EARLY,) if "early" in self.kind else ()))

    @property
    def fused(self) -> str:
        """The system by which words are judged to help, named before anything is measured; ``""`` where none is."""
        return WEIGHTED if "late" in self.kind else EARLY if "early" in self.kind else ""
