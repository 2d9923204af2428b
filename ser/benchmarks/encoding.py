"""Every encoder's vectors of a corpus, made once for all tasks; an encoder without weights is said to be so."""

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from ser.benchmarks.vectors import COLUMNS
from ser.encoders import catalogue, extraction
from ser.encoders.recipe import Recipe
from ser.encoders.selfsupervised import WeightsNotAvailable

NOT_AVAILABLE = "weights not available"


@dataclass(frozen=True)
class Corpus:
    """A corpus to encode.

    Attributes:
        folder: where it is; the pipeline puts it on the stage's command line. Its name chooses the parser.
        emotions: all that some task asks for.
        encoders: to encode it with; where none is named, all.
    """

    folder: str
    emotions: list[str]
    encoders: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Variant(Recipe):
    """What makes the vectors that the benchmark knows by one name."""

    def __post_init__(self) -> None:
        catalogue.check(self)


def encode(
    manifest: pd.DataFrame,
    raw: Path,
    folder: Path,
    encoders: Mapping[str, Variant],
    weights: Mapping[str, Path],
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
        weights: the files of trained weights, by the kind of encoder, for those that read one.
        workers: processes to encode with on the CPU.
        device: where networks run.
        progress: wraps the vectors as they come, with ``total`` and the encoder's name as ``desc``.

    Returns:
        A row per encoder: encoder, numbers (the length of a vector), note (``NOT_AVAILABLE`` or ``""``).

    Raises:
        InputError: as ``ser.encoders.extraction.compute``, but for weights that cannot be had.
    """
    for leftover in folder.glob("*"):
        if leftover.is_dir() and leftover.name not in encoders:
            shutil.rmtree(leftover)
    rows = []
    for name, recipe in encoders.items():
        bar = partial(progress, desc=name)
        try:
            own = weights.get(recipe.encoder)
            if own is not None and not own.exists():
                raise WeightsNotAvailable(f"{own}: no such file")
            done = extraction.compute(manifest, raw, folder / name, recipe, own, device, workers, bar)
            rows.append((name, done.numbers, ""))
        except WeightsNotAvailable:
            rows.append((name, 0, NOT_AVAILABLE))
    return pd.DataFrame(rows, columns=list(COLUMNS))
