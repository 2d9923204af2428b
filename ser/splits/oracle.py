"""The speaker oracle: how well emotions are guessed from the speaker alone, without any audio."""

import pandas as pd
from sklearn.metrics import recall_score

# How far from chance (0) to certainty (1) the speaker oracle may come before the corpus is called tied to its speakers:
# a third, which is a UAR of 0.50 with four emotions and of 0.43 with seven. Balanced corpora stay near 0.
ORACLE_LIMIT = 1 / 3


def speaker_oracle(manifest: pd.DataFrame) -> float | None:
    """Measure how well emotions are guessed with no audio at all, from the speaker alone.

    The guess for an utterance is its speaker's commonest emotion; of equally common ones the first in the alphabet. A
    corpus in which every speaker speaks every emotion as often gives chance, one emotion a speaker gives 1. Speakers
    with a handful of utterances lift it too, as one emotion among few is always the commonest.

    Args:
        manifest: the utterances.

    Returns:
        The unweighted average recall (UAR) of that guess, 0 to 1, over the emotions of the manifest; None where a
        speaker is unknown.
    """
    if (manifest["speaker"] == "").any():
        return None
    commonest = pd.crosstab(manifest["speaker"], manifest["emotion"]).idxmax(axis="columns")
    return float(recall_score(manifest["emotion"], manifest["speaker"].map(commonest), average="macro"))


def chance(manifest: pd.DataFrame) -> float:
    """Give the UAR of a guess that knows nothing: one over the number of emotions in the manifest."""
    return 1 / manifest["emotion"].nunique()


def tied(manifest: pd.DataFrame) -> bool:
    """Tell whether emotions are tied to speakers: whether the speaker oracle passes ``ORACLE_LIMIT``."""
    oracle, floor = speaker_oracle(manifest), chance(manifest)
    return oracle is not None and oracle - floor > ORACLE_LIMIT * (1 - floor)
