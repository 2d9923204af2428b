"""Vectors of a corpus under every condition, a file each, so that a run that was stopped goes on where it was."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ser import audio, features
from ser.encoders import catalogue as encoders_catalogue
from ser.encoders import fingerprint
from ser.encoders.extractor import Extractor
from ser.encoders.recipe import Recipe
from ser.encoders.selfsupervised import WeightsNotAvailable
from ser.features import Features
from ser.files.failures import InputError
from ser.machine import processes
from ser.machine.threads import one_thread
from ser.robustness import draws
from ser.robustness.catalogue import FILES, VOICES
from ser.robustness.conditions import Condition
from ser.robustness.vectors import CLEAN, ENCODERS, SCHEMA

NOT_AVAILABLE = "weights not available"
WORTH_A_PROCESS = 16  # utterances; to start a process takes as long as to encode about this many


@dataclass(frozen=True)
class Task:
    """All but the utterance and the condition that a process needs to know.

    Attributes:
        manifest: the utterances of one corpus.
        raw: the folder that the manifest's paths start from.
        recipe: of the encoder.
        weights: the file of its trained weights; None where it reads none.
        noises: the folder of recorded noises.
        seed: of all draws.
    """

    manifest: pd.DataFrame
    raw: Path
    recipe: Recipe
    weights: Path | None
    noises: Path
    seed: int

    @cached_property
    def utterances(self) -> dict[str, pd.DataFrame]:
        """The rows of the manifest by speaker, sorted."""
        return dict(iter(self.manifest.groupby("speaker", sort=True)))


def encode(
    manifest: pd.DataFrame,
    raw: Path,
    folder: Path,
    encoders: Mapping[str, Recipe],
    conditions: Sequence[Condition],
    noises: Path,
    weights: Mapping[str, Path],
    seed: int,
    workers: int = 1,
    progress: Callable[..., Iterable[np.ndarray]] = lambda vectors, total, desc: vectors,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Bring the vectors of all encoders under all conditions up to date: the same however many workers there are.

    It goes on without encoders whose weights cannot be had. If an error or Ctrl-C comes in between, what was encoded is
    kept for the next time.

    Args:
        manifest: the utterances of one corpus.
        raw: the folder that the manifest's paths start from.
        folder: a folder for each encoder goes in here, with a feature file for each condition; others are removed.
        encoders: what makes vectors, by name.
        conditions: as from ``ser.robustness.conditions.listed``.
        noises: the folder of recorded noises.
        weights: the files of trained weights, by the kind of encoder, for those that read one.
        seed: of all draws.
        workers: processes.
        progress: wraps the vectors as they come, with ``total`` and the encoder's name as ``desc``.

    Returns:
        ``ser.robustness.vectors.SCHEMA``, a row per condition, and ``ENCODERS``, a row per encoder; the notes say why
        something was not measured, ``""`` where it was.

    Raises:
        InputError: an audio file cannot be read, or the corpus has a single speaker and babble is asked for.
    """
    notes = {condition: condition.obstacle(noises) for condition in conditions}
    measured = [condition for condition in conditions if not notes[condition]]
    wanted = {folder / name / f"{condition.name}.npz" for name in encoders for condition in measured}
    for leftover in set(folder.glob("*/*.npz")) - wanted:
        leftover.unlink()
    available = {}
    for name, recipe in encoders.items():
        own = weights.get(recipe.encoder)
        try:
            if own is not None and not own.exists():
                raise WeightsNotAvailable(f"{own}: no such file")
            bring_up_to_date(Task(manifest, raw, recipe, own, noises, seed), measured, folder / name, workers, progress)
            available[name] = ""
        except WeightsNotAvailable:
            available[name] = NOT_AVAILABLE
    return table(notes), pd.DataFrame(list(available.items()), columns=list(ENCODERS.columns))


def table(notes: Mapping[Condition, str]) -> pd.DataFrame:
    """Put conditions, each with the reason why it was not measured or ``""``, into the table ``SCHEMA``."""
    rows = [_row(condition, note) for condition, note in notes.items()]
    return pd.DataFrame(rows, columns=list(SCHEMA.columns))


def _row(condition: Condition, note: str) -> tuple:
    if condition.distortion == CLEAN:
        return (condition.name, condition.kind, CLEAN, CLEAN, np.nan, "", note)
    of = condition.of
    return (condition.name, condition.kind, condition.distortion, of.family, condition.level, of.level, note)


def bring_up_to_date(
    task: Task, conditions: Sequence[Condition], folder: Path, workers: int, progress: Callable
) -> int:
    """Encode with one encoder what is missing, condition by condition: the same bytes, whatever was there before.

    Args:
        task: what is encoded, and by what.
        conditions: under which.
        folder: where a feature file for each condition goes.
        workers: processes.
        progress: as for ``encode``.

    Returns:
        How many vectors were made, not taken over.

    Raises:
        InputError: as ``encode``.
    """
    voices = any(condition.distortion != CLEAN and condition.of.material == VOICES for condition in conditions)
    if voices and task.manifest["speaker"].nunique() < 2:
        raise InputError("conditions.babble: expected other speakers to take voices from, found one speaker")
    extractor = encoders_catalogue.build(task.recipe, task.weights)
    keys = list(zip(task.manifest["id"], task.manifest["sha256"], strict=True))
    known, missing, surplus = {}, {}, {}
    for condition in conditions:
        there = _reusable(folder / f"{condition.name}.npz", _made_by(extractor, condition, task))
        known[condition] = {key: there[key] for key in keys if key in there}
        missing[condition] = [place for place, key in enumerate(keys) if key not in there]
        surplus[condition] = len(there) > len(known[condition])
    jobs = [(condition, place) for condition, places in missing.items() for place in places]
    with closing(_encode_all(jobs, extractor, task, workers)) as source:
        encoded = iter(progress(source, total=len(jobs), desc=folder.name))
        for condition, places in missing.items():
            try:
                for place in places:
                    known[condition][keys[place]] = next(encoded)
            finally:
                if places or surplus[condition]:
                    made_by = _made_by(extractor, condition, task)
                    _save(known.pop(condition), extractor, made_by, folder / f"{condition.name}.npz")
    return len(jobs)


def _reusable(path: Path, made_by: str) -> dict[tuple[str, str], np.ndarray]:
    """Read what an earlier run left, by id and the audio's hash; nothing where it was made in another way."""
    if not path.exists():
        return {}
    earlier = features.load(path, "delete it, and it is made anew")
    if earlier.extractor != made_by:
        return {}
    return dict(zip(zip(earlier.ids.tolist(), earlier.sha256.tolist(), strict=True), earlier.vectors, strict=True))


def _save(known: dict[tuple[str, str], np.ndarray], extractor: Extractor, made_by: str, path: Path) -> None:
    if known:
        ids, hashes = (np.array(words) for words in zip(*sorted(known), strict=True))
        vectors = np.stack([known[key] for key in sorted(known)])
        features.save(Features(ids, hashes, vectors, np.array(extractor.names), made_by), path)


def _made_by(extractor: Extractor, condition: Condition, task: Task) -> str:
    """Name all that decides the vectors: the extractor, and what distorts before it."""
    made = {"extractor": json.loads(extractor.fingerprint)}
    if condition.distortion != CLEAN:
        of = condition.of
        made["condition"] = [condition.kind, condition.distortion, condition.level, task.seed]
        made["modules"] = fingerprint.modules([of.apply.__module__, draws.__name__], fingerprint.ROOT)
        packages = [*of.packages, *([of.package] if of.package else [])]
        made["versions"] = {package: version(package) for package in ("numpy", *packages)}
        if of.material in FILES:
            sounds = condition.sounds(task.noises)
            made["material"] = _digest([audio.digest(sound[np.newaxis], audio.SAMPLING_RATE_HZ) for sound in sounds])
        elif of.material == VOICES:
            made["material"] = _digest(task.manifest[["id", "speaker", "sha256"]].to_numpy().tolist())
    return json.dumps(made, sort_keys=True)


def _digest(material: Sequence) -> str:
    return hashlib.sha256(json.dumps(material).encode()).hexdigest()


def _encode_all(
    jobs: Sequence[tuple[Condition, int]], extractor: Extractor, task: Task, workers: int
) -> Iterator[np.ndarray]:
    """Distort and encode utterances, at places of the manifest, in this order, in one thread each."""
    workers = min(workers, len(jobs) // WORTH_A_PROCESS)
    if workers < 2:
        with one_thread():
            for condition, place in jobs:
                yield _encode(extractor, task, condition, place)
        return
    yield from processes.map_in_order(
        _encode_in_worker,
        *zip(*jobs, strict=True),
        workers=workers,
        chunksize=4,
        prepare=_prepare_worker,
        arguments=(task,),
    )


def _prepare_worker(task: Task) -> None:
    global _extractor, _task
    torch.set_num_threads(1)
    _extractor, _task = encoders_catalogue.build(task.recipe, task.weights), task


def _encode_in_worker(condition: Condition, place: int) -> np.ndarray:
    return _encode(_extractor, _task, condition, place)


def _encode(extractor: Extractor, task: Task, condition: Condition, place: int) -> np.ndarray:
    path = task.raw / task.manifest["path"].iloc[place]
    if audio.digest(*audio.decode(path)) != task.manifest["sha256"].iloc[place]:
        raise InputError(f"{path}: the audio has changed since the manifest was made; run the stage manifest again")
    try:
        return extractor.vector(distorted(audio.load(path), condition, task, place))
    except InputError as error:
        raise InputError(f"{path}: {condition.name}: {error}") from error


def distorted(signal: np.ndarray, condition: Condition, task: Task, place: int) -> np.ndarray:
    """Put an utterance under a condition, with draws of its own.

    Args:
        signal: that of the utterance, float32 (samples,), mono at 16 kHz.
        condition: which.
        task: where material is.
        place: of the utterance in the manifest.

    Returns:
        float32 (samples,).
    """
    if condition.distortion == CLEAN:
        return signal
    utterance = task.manifest.iloc[place]
    generator, of = draws.generator(task.seed, condition.kind, utterance["id"]), condition.of
    material = {}
    if of.material in FILES:
        material = {"material": condition.sounds(task.noises)}
    elif of.material == VOICES:
        chosen = draws.talkers(task.utterances, utterance["speaker"], generator)
        material = {"material": [audio.load(task.raw / path) for path in chosen["path"]]}
    return of.apply(signal, condition.level, generator, **material)
