"""Corpora that are made of names alone, to split."""

import dataclasses
import json

import pandas as pd

from ser.splits.protocols import SplitParams

EMOTIONS = ["angry", "happy", "neutral", "sad"]
DISJOINT = ("holdout", "predefined", "kfold", "loso", "sessions")
NUMBERED = (("a", "de"), ("a", "en"), ("b", "en"))  # corpora and languages whose sentences have numbers
OWN = ("test", "dev", "train", "train")  # the parts that the corpus itself names, of its speakers in turn


def params(protocol="kfold", **changes):
    return dataclasses.replace(SplitParams(protocol, 4, 0.25, 0.25, 0), **changes)


def corpus(speakers=8, emotions=EMOTIONS, takes=3, name="made"):
    """Speakers of alternating gender, two a session, who speak every emotion equally often."""
    rows = [
        {
            "id": f"{name}/{speaker:02d}{emotion}{take}",
            "corpus": name,
            "speaker": f"{name}/{speaker:02d}",
            "gender": ("female", "male")[speaker % 2],
            "emotion": emotion,
            "sha256": f"hash of {name} {speaker} {emotion} {take}",
            "language": "",
            "text": "",
            "details": json.dumps({"session": speaker // 2 + 1, "split": OWN[speaker % len(OWN)]}),
        }
        for speaker in range(speakers)
        for emotion in emotions
        for take in range(takes)
    ]
    return pd.DataFrame(rows).sort_values("id", ignore_index=True)


def uneven(seed):
    """Speakers who speak unlike amounts of each emotion."""
    whole = corpus(speakers=9, takes=8)
    return whole.sample(frac=0.6, random_state=seed).sort_values("id", ignore_index=True)
