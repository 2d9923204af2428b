"""Vectors of utterances from their audio: the feature files brought up to date, with what is there reused."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch

from ser import audio, features
from ser.encoders import extractors
from ser.encoders.extractors import EXTRACTORS, LAYERS, OPENSMILE, Extractor, Recipe
from ser.encoders.pooling import FRAMES, STATISTICS
from ser.features import Features
from ser.files.failures import InputError
from ser.files.params import SEEDS, check_ranges
from ser.machine import processes

WORTH_A_PROCESS = 16  # utterances; to start a process takes as long as to encode about this many


@dataclass(frozen=True)
class FeatureParams:
    """What makes a vector of a signal.

    Attributes:
        encoder: one of ``ser.encoders.extractors.EXTRACTORS``.
        statistics: over time, out of ``ser.encoders.pooling.STATISTICS``.
        weights: file of the trained weights; the pipeline puts it on the stage's command line.
        seed: of an untrained encoder's weights.
        layers: whose frames to pool, out of ``ser.encoders.extractors.LAYERS`` of the encoder.
        frames: which frames to pool, one of ``ser.encoders.pooling.FRAMES``.
        numerics: ``portable``: the same bytes on every x86-64 processor with AVX2; ``fast``: whatever is fastest.
    """

    encoder: str
    statistics: list[str]
    weights: str
    seed: int
    layers: list[str] = field(default_factory=lambda: ["output"])
    frames: str = "all"
    numerics: Literal["portable", "fast"] = "portable"

    def __post_init__(self) -> None:
        if self.encoder not in EXTRACTORS:
            raise ValueError(f"encoder: expected one of {', '.join(EXTRACTORS)}, found '{self.encoder}'")
        for key, chosen, known in (
            ("statistics", self.statistics, tuple(STATISTICS)),
            ("layers", self.layers, LAYERS[self.encoder]),
        ):
            if not chosen or len(set(chosen)) < len(chosen):
                raise ValueError(f"{key}: expected at least one, each once, found {chosen}")
            for name in chosen:
                if name not in known:
                    raise ValueError(f"{key}: expected some of {', '.join(known)}, found '{name}'")
        if self.frames not in FRAMES:
            raise ValueError(f"frames: expected one of {', '.join(FRAMES)}, found '{self.frames}'")
        check_ranges(self, seed=SEEDS)


@dataclass(frozen=True)
class Outcome:
    """What ``compute`` did.

    Attributes:
        extractor: the name of the extractor.
        numbers: how many numbers a vector has.
        encoded: how many utterances were encoded.
        reused: how many vectors were taken over from the files that were there.
        damaged: names of files that were there and were not what they should be, so that nothing of them was reused.
        removed: names of files of corpora that are no longer in the manifest.
    """

    extractor: str
    numbers: int
    encoded: int
    reused: int
    damaged: list[str]
    removed: list[str]


def baseline(recipe: Recipe) -> Recipe:
    """Give what a representation is compared with: MFCC, pooled alike, or by mean and deviation beside openSMILE's."""
    alike = {} if recipe.name in OPENSMILE else {"statistics": recipe.statistics, "frames": recipe.frames}
    return Recipe("mfcc", **alike)


def compute(
    manifest: pd.DataFrame,
    raw: Path,
    folder: Path,
    recipe: Recipe,
    workers: int = 1,
    progress: Callable[..., Iterable[np.ndarray]] = lambda vectors, total: vectors,
) -> Outcome:
    """Bring the feature files up to date: the same bytes, whatever was there before and however many workers.

    A vector that is there already is reused where its audio and its extractor are still the same. If an error or Ctrl-C
    comes in between, what was encoded is kept for the next time; ``features.read`` refuses such an unfinished folder.

    Args:
        manifest: the utterances, with id, path, corpus and sha256.
        raw: the folder that the manifest's paths start from.
        folder: the folder of the feature files; files of other corpora in it are removed.
        recipe: the extractor to use.
        workers: processes to encode with.
        progress: takes the vectors as they come and ``total``, their number, and passes them on: ``tqdm``, for one.

    Returns:
        What was done.

    Raises:
        InputError: there is no utterance; the extractor cannot be made; an audio file cannot be read, is too short for
            the extractor, or is not the one that the manifest describes.
    """
    if manifest.empty:
        raise InputError("the manifest holds no utterance; see the table of rejected files for the reasons")
    extractor = extractors.build(recipe)
    corpora = {corpus: rows.sort_values("id") for corpus, rows in manifest.groupby("corpus", sort=True)}
    removed = sorted(path.name for path in folder.glob("*.npz") if path.stem not in corpora)
    for name in removed:
        (folder / name).unlink()
    damaged, vectors = [], {}  # the vectors by corpus, then by the audio's hash
    for corpus in corpora:
        try:
            vectors[corpus] = _reusable(folder / f"{corpus}.npz", extractor)
        except InputError:
            damaged.append(f"{corpus}.npz")
            vectors[corpus] = {}
    missing = {corpus: rows[~rows["sha256"].isin(vectors[corpus])] for corpus, rows in corpora.items()}
    tasks = [(raw / row.path, row.sha256) for rows in missing.values() for row in rows.itertuples()]
    with closing(_encode_all(tasks, recipe, extractor, workers)) as source:
        encoded = iter(progress(source, total=len(tasks)))
        for corpus, rows in corpora.items():
            try:
                for sha256 in missing[corpus]["sha256"]:
                    vectors[corpus][sha256] = next(encoded)
            finally:
                _save(rows, vectors[corpus], extractor, folder / f"{corpus}.npz")
    reused = len(manifest) - len(tasks)
    return Outcome(extractor.name, len(extractor.names), len(tasks), reused, damaged, removed)


def _reusable(path: Path, extractor: Extractor) -> dict[str, np.ndarray]:
    """Read what an earlier run left, by the audio's hash; nothing where another extractor made it."""
    if not path.exists():
        return {}
    found = features.load(path)
    if found.extractor != extractor.fingerprint:
        return {}
    return dict(zip(found.sha256.tolist(), found.vectors, strict=True))


def _save(rows: pd.DataFrame, vectors: dict[str, np.ndarray], extractor: Extractor, path: Path) -> None:
    """Write the file of a corpus: those of its utterances whose vector is known, if any."""
    rows = rows[rows["sha256"].isin(vectors)]
    if rows.empty:
        return
    ids, hashes = rows["id"].to_numpy(str), rows["sha256"].to_numpy(str)
    known = np.array([vectors[sha256] for sha256 in hashes], np.float32)
    features.save(Features(ids, hashes, known, np.array(extractor.names), extractor.fingerprint), path)


def _encode_all(
    tasks: Sequence[tuple[Path, str]], recipe: Recipe, extractor: Extractor, workers: int
) -> Iterator[np.ndarray]:
    """Encode (file, its audio's hash) after another, in this order, in one thread each: the same numbers everywhere."""
    workers = min(workers, len(tasks) // WORTH_A_PROCESS)
    if workers < 2:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            for path, sha256 in tasks:
                yield _encode(extractor, path, sha256)
        finally:
            torch.set_num_threads(threads)
        return
    paths, hashes = zip(*tasks, strict=True)
    yield from processes.map_in_order(
        _encode_in_worker, paths, hashes, workers=workers, chunksize=4, prepare=_prepare_worker, arguments=(recipe,)
    )


def _encode(extractor: Extractor, path: Path, sha256: str) -> np.ndarray:
    if audio.digest(*audio.decode(path)) != sha256:
        raise InputError(f"{path}: the audio has changed since the manifest was made; run the stage manifest again")
    try:
        return extractor.vector(audio.load(path))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _prepare_worker(recipe: Recipe) -> None:
    global _extractor
    torch.set_num_threads(1)
    _extractor = extractors.build(recipe)


def _encode_in_worker(path: Path, sha256: str) -> np.ndarray:
    return _encode(_extractor, path, sha256)
