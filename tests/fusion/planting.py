"""Made-up voices and words, in which it is known what tells the emotion."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ser.fusion.task import FusionParams, FusionTask
from ser.scores.intervals import IntervalParams
from tests import builders

EMOTIONS = ["angry", "happy", "neutral", "sad"]
TASK = FusionTask("c", EMOTIONS, "kfold", "model")
PARAMS = FusionParams(
    kind=["late", "early"],
    classifier="lda",
    words_classifier="svm",
    folds=2,
    sentence_groups=3,
    validation_share=0.4,
    seed=0,
    weights=[0.0, 0.25, 0.5, 0.75, 1.0],
    permutations=19,
    intervals=IntervalParams(resamples=500, confidence=0.95, seed=0, minimum_speakers=5),
)


def made(
    planted: str, seed: int, speakers: int = 10, takes: int = 12, emotions: Sequence[str] = EMOTIONS
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Speak a corpus.

    Args:
        planted: ``nothing``: everybody says the same sentences in every emotion; ``tied``: each emotion has its own,
            whose vectors say nothing of it; ``words``: half the sentences are an emotion's own, and their vectors say
            so.
        seed: of voices and vectors.
        speakers: how many.
        takes: sentences of each speaker in each emotion.
        emotions: the label set.

    Returns:
        The manifest, vectors of the voice, which tell the emotion more often than not, and vectors of the words.
    """
    rng = np.random.default_rng(seed)
    people = builders.manifest(speakers, len(emotions) * takes, np.repeat(emotions, takes))
    take = np.arange(len(people)) % takes
    own = {"nothing": np.zeros(len(people), dtype=bool), "tied": take >= 0, "words": take % 2 == 1}[planted]
    told = zip(people["emotion"], own, take, strict=True)
    people["text"] = [f"{emotion if tied else 'any'} {number}" for emotion, tied, number in told]
    codes = pd.Index(emotions).get_indexer(people["emotion"])
    voice = 1.1 * np.eye(len(emotions))[codes] + rng.normal(size=(len(people), len(emotions)))
    vectors = {text: rng.normal(size=60) for text in sorted(set(people["text"]))}
    words = np.array([vectors[text] for text in people["text"]])
    if planted == "words":
        words = np.eye(len(emotions))[codes] * own[:, None] + 0.1 * words[:, : len(emotions)]
    return people, voice, words
