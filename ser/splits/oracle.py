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


def tied_to(emotions: pd.Series, groups: pd.Series) -> bool:
    """Tell whether emotions are tied to groups.

    They are where the oracle covers more than ``ORACLE_LIMIT`` of the way from what it has ``by_chance`` to the most
    that it can have: 1, or less where groups are fewer than emotions, for each group has one guess.
    """
    found, number = oracle(emotions, groups), emotions.nunique()
    most = min(number, groups.nunique()) / number

    def covers(floor: float) -> bool:
        return found - floor > ORACLE_LIMIT * (most - floor)

    # ``by_chance`` is never below 1 / number: what does not cover that covers neither, and drawing is slow.
    return covers(1 / number) and covers(by_chance(emotions, groups))


def speaker_oracle(manifest: pd.DataFrame) -> float | None:
    """Measure how well emotions are guessed from the speaker alone.

    Args:
        manifest: the utterances.

    Returns:
        The ``oracle`` over the emotions of the manifest; None where a speaker is unknown.
    """
    return None if (manifest["speaker"] == "").any() else oracle(manifest["emotion"], manifest["speaker"])


def tied_corpora(manifest: pd.DataFrame) -> dict[str, float]:
    """Find the corpora whose emotions are ``tied`` to their speakers; beside a balanced corpus they still are.

    Args:
        manifest: the utterances.

    Returns:
        The speaker oracle of each such corpus, by its name.
    """
    known = manifest[manifest["speaker"] != ""]
    rows = {corpus: rows for corpus, rows in known.groupby("corpus") if tied(rows)}
    return {corpus: oracle(own["emotion"], own["speaker"]) for corpus, own in rows.items()}


def chance(manifest: pd.DataFrame) -> float:
    """Give the UAR of a guess that knows nothing: one over the number of emotions in the manifest."""
    return 1 / manifest["emotion"].nunique()


def tied(manifest: pd.DataFrame) -> bool:
    """Tell whether emotions are tied to speakers, by the utterances whose speaker is known."""
    rows = manifest[manifest["speaker"] != ""]
    return len(rows) > 0 and tied_to(rows["emotion"], rows["speaker"])
