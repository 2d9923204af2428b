"""The oracle: how well emotions are guessed without any audio, from the speaker alone, or from the sentence alone."""

import numpy as np
import pandas as pd

# How far from what it has by chance (0) to the most that it can have (1) the oracle may come before a corpus is called
# tied to its speakers or sentences: a third, which of many speakers with many utterances each is a UAR of about 0.50
# with four emotions and of 0.43 with seven. Balanced corpora stay near 0.
ORACLE_LIMIT = 1 / 3
DRAWS = 20  # random orders of the emotions; beyond all of them lies one in 21 of what has nothing to do with the groups


def oracle(emotions: pd.Series, groups: pd.Series) -> float:
    """Measure how well emotions are guessed from what else is known of an utterance, such as who speaks.

    The guess for a group is the emotion of whose utterances it has the largest share, the best guess there is by UAR.
    Each group's commonest emotion would be a worse one: where one emotion is the commonest nearly everywhere, as anger
    is in EMO-DB, it tells groups that differ in all others from none. Where every group has every emotion in the same
    proportions, that gives chance; where each has one emotion, 1. Groups with a handful of utterances lift it too:
    see ``by_chance``.

    Args:
        emotions: of each utterance.
        groups: of each utterance.

    Returns:
        The unweighted average recall (UAR) of that guess, 0 to 1.
    """
    shares = pd.crosstab(groups, emotions, normalize="columns")  # of each emotion's utterances, those of each group
    return float(shares.max(axis="columns").sum() / shares.shape[1])


def by_chance(emotions: pd.Series, groups: pd.Series) -> float:
    """Give what the oracle has where groups and emotions have nothing to do with each other.

    Args:
        emotions: of each utterance.
        groups: of each utterance.

    Returns:
        The mean UAR over orders in which the emotions are dealt out to the utterances at random: little more than one
        over the number of emotions where groups are large, 1 where each has a single utterance.
    """
    return float(_shuffled(emotions, groups).mean())


def _shuffled(emotions: pd.Series, groups: pd.Series) -> np.ndarray:
    """Give the oracle of each of ``DRAWS`` random orders of the emotions, the same whatever the order of the rows."""
    generator = np.random.default_rng(0)
    groups, emotions = groups.sort_values(ignore_index=True), np.sort(emotions)
    return np.array([oracle(pd.Series(generator.permutation(emotions)), groups) for _ in range(DRAWS)])


def figures(emotions: pd.Series, groups: pd.Series, name: str) -> dict[str, float]:
    """Give the ``oracle`` and what it has ``by_chance`` the keys that metrics know them by.

    Args:
        emotions: of each utterance.
        groups: of each utterance.
        name: of what groups are: ``speaker``, ``sentence`` or ``corpus``.

    Returns:
        ``<name>_oracle_uar`` and ``<name>_oracle_uar_by_chance``; nothing where a group is unknown (``""``).
    """
    if (groups == "").any():
        return {}
    key = f"{name}_oracle_uar"
    return {key: oracle(emotions, groups), f"{key}_by_chance": by_chance(emotions, groups)}


def tie(emotions: pd.Series, groups: pd.Series) -> str:
    """Say what the oracle has, in ``words``, where emotions are tied to groups; ``""`` where they are not.

    They are where the oracle covers more than ``ORACLE_LIMIT`` of the way from what it has ``by_chance`` to the most
    that it can have: 1, or less where groups are fewer than emotions, for each group has one guess. And where it is
    above that of every random order: a rare emotion falls to few groups by chance.
    """
    found, number = oracle(emotions, groups), emotions.nunique()
    most = min(number, groups.nunique()) / number

    def covers(floor: float) -> bool:
        return found - floor > ORACLE_LIMIT * (most - floor)

    if not covers(1 / number):  # ``by_chance`` is never below, and drawing is slow
        return ""
    shuffled = _shuffled(emotions, groups)
    return words(found, shuffled.mean()) if covers(shuffled.mean()) and found > shuffled.max() else ""


def words(found: float, floor: float) -> str:
    """Say what the ``oracle`` has, and what it has ``by_chance``."""
    return f"a UAR of {found:.3f} ({floor:.3f} with labels shuffled)"


def tied_corpora(manifest: pd.DataFrame) -> dict[str, str]:
    """Find the corpora whose emotions are tied to their speakers by ``tie``; beside a balanced corpus they still are.

    Args:
        manifest: the utterances.

    Returns:
        By the name of each such corpus its speaker oracle, in ``words``.
    """
    known = manifest[manifest["speaker"] != ""]
    said = {corpus: tie(own["emotion"], own["speaker"]) for corpus, own in known.groupby("corpus")}
    return {corpus: found for corpus, found in said.items() if found}


def chance(manifest: pd.DataFrame) -> float:
    """Give the UAR of a guess that knows nothing: one over the number of emotions in the manifest."""
    return 1 / manifest["emotion"].nunique()
