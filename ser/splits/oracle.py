"""The oracle: how well emotions are guessed without any audio, from the speaker alone, or from the sentence alone."""

import numpy as np
import pandas as pd
from sklearn.metrics import recall_score

# How far from what chance gives (0) to certainty (1) the oracle may come before a corpus is called tied to its speakers
# or sentences: a third, which of speakers with many utterances each is a UAR of about 0.50 with four emotions and of
# 0.43 with seven. Balanced corpora stay near 0.
ORACLE_LIMIT = 1 / 3
DRAWS = 20  # random orders of the emotions, whose oracles are averaged


def oracle(emotions: pd.Series, groups: pd.Series) -> float:
    """Measure how well emotions are guessed from what else is known of an utterance, such as who speaks.

    The guess is the commonest emotion of the group; of equally common ones the first in the alphabet. Where every
    group has every emotion as often, that gives chance; where each has one emotion, 1. Groups with a handful of
    utterances lift it too, as one emotion among few is always the commonest: see ``by_chance``.

    Args:
        emotions: of each utterance.
        groups: of each utterance.

    Returns:
        The unweighted average recall (UAR) of that guess, 0 to 1.
    """
    commonest = pd.crosstab(groups, emotions).idxmax(axis="columns")
    return float(recall_score(emotions, groups.map(commonest), average="macro"))


def by_chance(emotions: pd.Series, groups: pd.Series) -> float:
    """Give what the oracle has where groups and emotions have nothing to do with each other.

    Args:
        emotions: of each utterance.
        groups: of each utterance.

    Returns:
        The mean UAR over orders in which the emotions are dealt out to the utterances at random: one over the number of
        emotions where groups are large, 1 where each has a single utterance.
    """
    generator = np.random.default_rng(0)
    groups, emotions = groups.sort_values(ignore_index=True), np.sort(emotions)  # whatever the order of the rows
    return float(np.mean([oracle(pd.Series(generator.permutation(emotions)), groups) for _ in range(DRAWS)]))


def passes(found: float, floor: float, most: float = 1.0) -> bool:
    """Tell whether an oracle comes farther from what chance gives, its floor, than ``ORACLE_LIMIT``.

    Args:
        found: the oracle.
        floor: by chance.
        most: what it can have at most, where groups are fewer than emotions.
    """
    return found - floor > ORACLE_LIMIT * (most - floor)


def tied_to(emotions: pd.Series, groups: pd.Series) -> bool:
    """Tell whether emotions are tied to groups: whether the oracle ``passes`` what it has ``by_chance``."""
    found = oracle(emotions, groups)
    # One over the emotions is never above the floor, and quick to have.
    return passes(found, 1 / emotions.nunique()) and passes(found, by_chance(emotions, groups))


def speaker_oracle(manifest: pd.DataFrame) -> float | None:
    """Measure how well emotions are guessed from the speaker alone.

    Args:
        manifest: the utterances.

    Returns:
        The ``oracle`` over the emotions of the manifest; None where a speaker is unknown.
    """
    return None if (manifest["speaker"] == "").any() else oracle(manifest["emotion"], manifest["speaker"])


def chance(manifest: pd.DataFrame) -> float:
    """Give the UAR of a guess that knows nothing: one over the number of emotions in the manifest."""
    return 1 / manifest["emotion"].nunique()


def tied(manifest: pd.DataFrame) -> bool:
    """Tell whether emotions are tied to speakers, all of whom are known."""
    return (manifest["speaker"] != "").all() and tied_to(manifest["emotion"], manifest["speaker"])
