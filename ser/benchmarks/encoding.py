"""Every encoder's vectors of a corpus, made once for all tasks; an encoder without weights is said to be so."""

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from ser.benchmarks.vectors import COLUMNS
from ser.encoders import extraction
from ser.encoders.extraction import FeatureParams
from ser.encoders.extractors import Recipe
from ser.encoders.selfsupervised import WeightsNotAvailable

NOT_AVAILABLE = "weights not available"


@dataclass(frozen=True)
class Corpus:
    """A corpus to encode.

    Attributes:
        folder: where it is; the pipeline puts it on the stage's command line. Its name chooses the parser.
        emotions: all that some task asks for.
    """

    folder: str
    emotions: list[str]


@dataclass(frozen=True)
class Variant(FeatureParams):
    """What makes the vectors that the benchmark knows by one name: the block ``features``, with defaults.

    Attributes:
        weights: stays empty, as one file serves all variants of the trained PASE+.
    """

    statistics: list[str] = field(default_factory=lambda: ["mean", "std"])
    weights: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.weights:
            raise ValueError(f"weights: expected none, as one file serves all encoders, found {self.weights}")


def encode(
    manifest: pd.DataFrame,
    raw: Path,
    folder: Path,
    encoders: Mapping[str, Variant],
    weights: Path,
    workers: int = 1,
    device: str = "cpu",
    progress: Callable[..., Iterable[np.ndarray]] = lambda vectors, total, desc: vectors,
) -> pd.DataFrame:
    """Bring the vectors of all encoders up to date, and go on without those whose weights cannot be had.

    Args:
        manifest: the utterances of one corpus.
        raw: the folder that the manifest's paths start from.
        folder: a folder of feature files for each encoder goes in here; those of other encoders are removed.
        encoders: what makes vectors, by the name that the benchmark gives it.
        weights: the file of the trained PASE+ weights.
        workers: processes to encode with.
        device: where networks run.
        progress: wraps the vectors as they come, with ``total`` and the encoder's name as ``desc``.

    Returns:
        A row per encoder: encoder, numbers (the length of a vector), note (``NOT_AVAILABLE`` or ``""``).

    Raises:
        InputError: as ``ser.encoders.extraction.compute``, but for weights that cannot be had.
    """
    for leftover in folder.glob("*"):
        if leftover.name not in encoders:
            shutil.rmtree(leftover)
    rows = []
    for name, block in encoders.items():
        recipe = Recipe(
            block.encoder,
            statistics=block.statistics,
            seed=block.seed,
            weights=weights,
            device=device,
            layers=block.layers,
            frames=block.frames,
        )
        try:
            done = extraction.compute(manifest, raw, folder / name, recipe, workers, partial(progress, desc=name))
            rows.append((name, done.numbers, ""))
        except WeightsNotAvailable:
            rows.append((name, 0, NOT_AVAILABLE))
    return pd.DataFrame(rows, columns=list(COLUMNS))
