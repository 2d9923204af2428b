"""What an encoder's frames know of pitch, voicing, loudness and noisiness, whoever speaks.

A linear regression, so that what is found is what a linear classifier on pooled frames can use as well.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from ser.files.params import SEEDS, check_ranges
from ser.pretraining import targets

MEASURES = ("log_f0", "voicing", "log_energy", "zero_crossing_rate")
PENALTY = 100.0  # of the ridge, on standardised frames; small beside tens of thousands of frames
FOLDS = 5


@dataclass(frozen=True)
class ProsodyParams:
    """Whose frames to ask.

    Attributes:
        utterances: how many of each corpus; all where it has fewer.
        seed: draws them.
    """

    utterances: int
    seed: int

    def __post_init__(self) -> None:
        check_ranges(self, utterances=(1, math.inf), seed=SEEDS)


def sample(manifest: pd.DataFrame, params: ProsodyParams) -> pd.DataFrame:
    """Draw utterances of a corpus, every one as likely, in the manifest's order."""
    chosen = np.random.default_rng(params.seed).permutation(len(manifest))[: params.utterances]
    return manifest.iloc[np.sort(chosen)]


@torch.inference_mode()
def frames(encoder: nn.Module, signals: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Encode signals one by one: each (samples,) at 16 kHz to (channels, frames)."""
    return [encoder(torch.from_numpy(signal)[None, None])[0].numpy() for signal in signals]


@torch.inference_mode()
def measures(signals: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Measure the prosody of signals one by one: each (samples,) at 16 kHz to (measures, samples // 160)."""
    batches = [torch.from_numpy(signal)[None] for signal in signals]
    return [targets.prosody(batch, targets.autocorrelation(batch))[0].numpy() for batch in batches]


def explained(
    encoded: Sequence[np.ndarray], measured: Sequence[np.ndarray], speakers: Sequence[str]
) -> dict[str, float]:
    """Say how much of each measure's variance the frames explain, for speakers that the regression never heard.

    Args:
        encoded: of each utterance (channels, frames).
        measured: of each (measures, frames), from ``measures``; a frame more or less than encoded is left out.
        speakers: of each; folds keep them apart.

    Returns:
        R2 by measure, at most 1, 0 for no better than the mean; of log F0 over voiced frames alone.
    """
    lengths = [min(ours.shape[1], theirs.shape[1]) for ours, theirs in zip(encoded, measured, strict=True)]
    x = np.concatenate([ours[:, :length] for ours, length in zip(encoded, lengths, strict=True)], axis=1).T
    y = np.concatenate([theirs[:, :length] for theirs, length in zip(measured, lengths, strict=True)], axis=1).T
    groups = np.repeat(np.asarray(speakers), lengths)
    folds = GroupKFold(min(FOLDS, len(set(speakers))))
    voiced = y[:, MEASURES.index("voicing")] >= targets.VOICING_THRESHOLD
    found = {}
    for place, name in enumerate(MEASURES):
        rows = voiced if name == "log_f0" else np.ones(len(y), bool)
        regression = make_pipeline(StandardScaler(), Ridge(PENALTY))
        predicted = cross_val_predict(regression, x[rows], y[rows, place], groups=groups[rows], cv=folds)
        found[name] = float(r2_score(y[rows, place], predicted))
    return found
