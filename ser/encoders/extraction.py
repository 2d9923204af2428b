"""Vectors of utterances from their audio: the feature files brought up to date, with what is there reused."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch

from ser import audio, features
from ser.encoders import catalogue, cluster, fingerprint
from ser.encoders.extractor import Extractor
from ser.encoders.recipe import Recipe
from ser.features import Features
from ser.files.failures import InputError
from ser.machine import processes
from ser.machine.threads import one_thread

WORTH_A_PROCESS = 16  # utterances; to start a process takes as long as to encode about this many


@dataclass(frozen=True, kw_only=True)
class FeatureParams(Recipe):
    """The block ``features``: a recipe, and what the pipeline puts on the stage's command line.

    Attributes:
        weights: file of the trained weights.
        numerics: ``portable``: the same bytes on every x86-64 processor with AVX2; ``fast``: whatever is fastest.
    """

    weights: str
    numerics: Literal["portable", "fast"] = "portable"

    def __post_init__(self) -> None:
        catalogue.check(self)


@dataclass(frozen=True)
class Outcome:
    """What ``compute`` did.

    Attributes:
        encoder: the name of the encoder.
        numbers: how many numbers a vector has.
        encoded: how many utterances were encoded.
        reused: how many vectors were taken over from the files that were there.
        damaged: names of files that were there and were not what they should be, so that nothing of them was reused.
        removed: names of files of corpora that are no longer in the manifest.
    """

    encoder: str
    numbers: int
    encoded: int
    reused: int
    damaged: list[str]
    removed: list[str]


def compute(
    manifest: pd.DataFrame,
    raw: Path,
    folder: Path,
    recipe: Recipe,
    weights: Path | None = None,
    device: str = "cpu",
    workers: int = 1,
    progress: Callable[..., Iterable[np.ndarray]] = lambda vectors, total: vectors,
    scheduler: str | None = None,
    say: Callable[[str], None] = lambda remark: None,
) -> Outcome:
    """Bring the feature files up to date: the same bytes, whatever was there before and however many workers.

    A vector that is there already is reused where its audio and its extractor are still the same. If an error or Ctrl-C
    comes in between, what was encoded is kept for the next time; ``features.read`` refuses such an unfinished folder.

    Args:
        manifest: the utterances, with id, path, corpus and sha256.
        raw: the folder that the manifest's paths start from.
        folder: the folder of the feature files; files of other corpora in it are removed.
        recipe: what makes a vector of an utterance.
        weights: the file of the trained weights, for an encoder that has one.
        device: where a network runs.
        workers: processes to encode with, where the encoder runs on the CPU.
        progress: takes the vectors as they come and ``total``, their number, and passes them on: ``tqdm``, for one.
        scheduler: the address of a Dask scheduler whose workers encode instead; they see the same files.
        say: takes remarks, each in one line.

    Returns:
        What was done.

    Raises:
        InputError: there is no utterance; the extractor cannot be made, or a worker makes another one; workers of a
            scheduler are to use a GPU; an audio file cannot be read, is too short for the extractor, or is not the one
            that the manifest describes.
    """
    if manifest.empty:
        raise InputError("the manifest holds no utterance; see the table of rejected files for the reasons")
    extractor = catalogue.build(recipe, weights, device)
    if extractor.encoder.device != "cpu":
        if scheduler is not None:
            raise InputError(f"--scheduler: its workers encode on their CPUs, found --device {device}; leave one out")
        workers = 1  # processes would only queue for one GPU
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
    with closing(_encode_all(tasks, extractor, weights, workers, scheduler, say)) as source:
        encoded = iter(progress(source, total=len(tasks)))
        for corpus, rows in corpora.items():
            try:
                for sha256 in missing[corpus]["sha256"]:
                    vectors[corpus][sha256] = next(encoded)
            finally:
                _save(rows, vectors[corpus], extractor, folder / f"{corpus}.npz")
    reused = len(manifest) - len(tasks)
    return Outcome(recipe.encoder, len(extractor.names), len(tasks), reused, damaged, removed)


def _reusable(path: Path, extractor: Extractor) -> dict[str, np.ndarray]:
    """Read what an earlier run left, by the audio's hash; nothing where another extractor made it."""
    if not path.exists():
        return {}
    earlier = features.load(path)
    if earlier.extractor != extractor.fingerprint:
        return {}
    return dict(zip(earlier.sha256.tolist(), earlier.vectors, strict=True))


def _save(rows: pd.DataFrame, vectors: dict[str, np.ndarray], extractor: Extractor, path: Path) -> None:
    """Write the file of a corpus: those of its utterances that have a vector, if any."""
    rows = rows[rows["sha256"].isin(vectors)]
    if rows.empty:
        return
    ids, hashes = rows["id"].to_numpy(str), rows["sha256"].to_numpy(str)
    ordered = np.array([vectors[sha256] for sha256 in hashes], np.float32)
    features.save(Features(ids, hashes, ordered, np.array(extractor.names), extractor.fingerprint), path)


def _encode_all(
    tasks: Sequence[tuple[Path, str]],
    extractor: Extractor,
    weights: Path | None,
    workers: int,
    scheduler: str | None,
    say: Callable[[str], None],
) -> Iterator[np.ndarray]:
    """Encode (file, its audio's hash) after another, in this order, in one thread each: the same numbers everywhere."""
    if scheduler is not None and tasks:
        paths, hashes = zip(*tasks, strict=True)
        yield from cluster.map_in_order(
            _encode_in_worker,
            [path.absolute() for path in paths],
            hashes,
            address=scheduler,
            prepare=_prepare_worker,
            arguments=(extractor.recipe, weights and weights.absolute(), extractor.fingerprint),
            say=say,
        )
        return
    workers = min(workers, len(tasks) // WORTH_A_PROCESS)
    if workers < 2:
        with one_thread():
            for path, sha256 in tasks:
                yield _encode(extractor, path, sha256)
        return
    paths, hashes = zip(*tasks, strict=True)
    yield from processes.map_in_order(
        _encode_in_worker,
        paths,
        hashes,
        workers=workers,
        chunksize=4,
        prepare=_prepare_worker,
        arguments=(extractor.recipe, weights, extractor.fingerprint),
    )


def _encode(extractor: Extractor, path: Path, sha256: str) -> np.ndarray:
    if audio.digest(*audio.decode(path)) != sha256:
        raise InputError(f"{path}: the audio has changed since the manifest was made; run the stage manifest again")
    try:
        return extractor.vector(audio.load(path))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _prepare_worker(recipe: Recipe, weights: Path | None, wanted: str) -> None:
    global _extractor
    torch.set_num_threads(1)
    _extractor = catalogue.build(recipe, weights)
    if _extractor.fingerprint != wanted:
        differing = fingerprint.differences(json.loads(wanted), json.loads(_extractor.fingerprint)) or ["numerics"]
        raise InputError(
            f"expected workers that make the same vectors as this process, found one that differs in "
            f"{', '.join(differing)}; give all the same files and packages, and start the workers again"
        )


def _encode_in_worker(path: Path, sha256: str) -> np.ndarray:
    return _encode(_extractor, path, sha256)
