"""What chance decides under a condition: a generator for each utterance, and who talks beside its speaker."""

import hashlib
from collections.abc import Mapping

import numpy as np
import pandas as pd

TALKERS = 5  # others at once, of babble


def generator(seed: int, kind: str, utterance: str) -> np.random.Generator:
    """Give what draws for an utterance: the same at every level of a kind, so that levels differ in nothing else."""
    digest = hashlib.sha256(f"{seed} {kind} {utterance}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8]))


def talkers(utterances: Mapping[str, pd.DataFrame], speaker: str, draw: np.random.Generator) -> pd.DataFrame:
    """Draw an utterance each of ``TALKERS`` others, or of all others if they are fewer; never of the speaker.

    Args:
        utterances: those of each speaker, sorted by speaker.
        speaker: who is not to be among them.
        draw: draws the others, then an utterance of each.
    """
    others = [name for name in utterances if name != speaker]
    names = draw.choice(others, min(TALKERS, len(others)), replace=False)
    rows = [utterances[name] for name in names]
    return pd.concat([own.iloc[[draw.integers(len(own))]] for own in rows])
