"""What a split holds, and what whoever reads its results must know of the corpora."""

import pandas as pd

from ser.splits import oracle, sentences
from ser.splits.names import INDEPENDENT, RANDOM

# What follows where emotions are tied to speakers, sentences or corpora.
SPEAKER = "results on these corpora say little of speakers who show several emotions"
CORPUS = "a classifier may know the corpus, its language and its microphones, and not the emotion"
SENTENCE = "a classifier may know the sentence and not the voice"


def summarise(split: pd.DataFrame, manifest: pd.DataFrame) -> dict:
    """Count utterances and speakers, and measure how well speaker or sentence alone tell the emotion.

    Args:
        split: a split of the manifest.
        manifest: the utterances.

    Returns:
        Nested metrics: of the whole corpus; and for ``speaker_independent``, whatever protocol that is, and ``random``
        the number of folds and, for each part, the least and the mean number of utterances and of speakers over folds,
        and where sentences are kept apart those of the utterances that a fold leaves out. ``speaker_oracle_uar`` and
        ``sentence_oracle_uar``, each with ``_by_chance`` (``ser.splits.oracle``); of several corpora
        ``corpus_oracle_uar`` likewise. What needs speakers is left out where some are unknown, what needs sentences
        likewise.
    """
    emotions, speakers = manifest["emotion"], manifest["speaker"]
    metrics = {
        "utterances": len(manifest),
        "emotions": emotions.nunique(),
        "chance_uar": oracle.chance(manifest),
    }
    units = {"utterances": "id"}
    if (speakers != "").all():
        metrics |= {"speakers": speakers.nunique()} | oracle.figures(emotions, speakers, "speaker")
        units["speakers"] = "speaker"
    if (said := sentences.known(manifest)) is not None:
        metrics |= {"sentences": said.nunique()} | oracle.figures(emotions, said, "sentence")
    if (corpora := manifest["corpus"].nunique()) > 1:
        metrics |= {"corpora": corpora} | oracle.figures(emotions, manifest["corpus"], "corpus")
    joined = split.merge(manifest[["id", "speaker"]], on="id")
    for protocol, rows in joined.groupby("protocol"):
        counted = {"folds": rows["fold"].nunique()}
        for part, members in rows.groupby("part"):
            counts = members.groupby("fold")[list(units.values())].nunique()
            counted[part] = {
                f"{unit}_{name}": counts[column].agg(name) for unit, column in units.items() for name in ("min", "mean")
            }
        metrics[RANDOM if protocol == RANDOM else INDEPENDENT] = counted
    return metrics


def cautions(split: pd.DataFrame, utterances: pd.DataFrame, sentences_apart: bool) -> list[str]:
    """Say what whoever reads the results must know of the corpora, a line each.

    Args:
        split: a split of the utterances.
        utterances: the manifest.
        sentences_apart: whether test sentences are kept out of training.
    """
    nobody = utterances.loc[utterances["speaker"] == "", "id"]
    unknown = (split["id"].isin(nobody) & (split["part"] == "train") & (split["protocol"] != RANDOM)).sum()
    lines = [
        f"{unknown} utterances of unknown speakers are in training; whether a test speaker is heard in them cannot be "
        "checked"
    ] * bool(unknown)
    known = utterances[utterances["speaker"] != ""]
    lines += _tied(known, known["speaker"], "speaker", "speakers", SPEAKER)
    if (said := sentences.known(utterances)) is not None:
        apart = "" if sentences_apart else "; split.sentences: disjoint keeps them apart"
        lines += _tied(utterances, said, "sentence", "sentences", SENTENCE + apart)
    if utterances["corpus"].nunique() > 1:
        lines += _tied(utterances, utterances["corpus"], "corpus", "corpora", CORPUS)
        for corpus, own in known.groupby("corpus"):
            lines += [f"{corpus}: {line}" for line in _tied(own, own["speaker"], "speaker", "speakers", SPEAKER)]
    return lines


def _tied(rows: pd.DataFrame, groups: pd.Series, name: str, plural: str, consequence: str) -> list[str]:
    """Say that emotions are tied to groups, where they are."""
    found = oracle.tie(rows["emotion"], groups) if len(rows) else ""
    if not found:
        return []
    guess = f"the best guess by the {name} alone, without audio, has {found}"
    return [f"emotions are tied to {plural}: {guess}; {consequence}"]
