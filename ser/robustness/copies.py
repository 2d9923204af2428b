"""Distorted copies of utterances, to train beside them: the feature files, one a corpus and condition."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ser import features
from ser.encoders.recipe import Recipe
from ser.files.failures import InputError
from ser.files.params import SEEDS, check_ranges
from ser.robustness import conditions, encoding
from ser.robustness.catalogue import VOICES
from ser.robustness.conditions import Choice, Condition


@dataclass(frozen=True)
class AugmentParams:
    """The block ``augment``.

    Attributes:
        conditions: under which every utterance lends a copy; maybe none.
        seed: of all that is drawn.
    """

    conditions: dict[str, Choice]
    seed: int

    def __post_init__(self):
        check_ranges(self, seed=SEEDS)

    def chosen(self, noises: Path) -> list[Condition]:
        """List the conditions.

        Args:
            noises: the folder of recorded noises, a folder for each kind.

        Raises:
            InputError: as ``ser.robustness.conditions.listed``; or one cannot be had here, leaves corpora out, or mixes
                in the voices of other speakers.
        """
        _, *found = conditions.listed(self.conditions, "")
        for condition in found:
            place = f"conditions.{condition.kind}"
            if self.conditions[condition.kind].leave_out:
                raise InputError(f"{place}.leave_out: expected none, found some; every training utterance lends a copy")
            if condition.of.material == VOICES:
                raise InputError(
                    f"{place}: expected no voices of other speakers, found {condition.distortion}; those who "
                    "test would be in training"
                )
            if obstacle := condition.obstacle(noises):
                raise InputError(
                    f"augment.{place}: expected copies under {condition.name}, found {obstacle}; put them "
                    "there, or take the condition out"
                )
        return found


@dataclass(frozen=True)
class Outcome:
    """What ``encode`` did.

    Attributes:
        conditions: ``ser.robustness.vectors.SCHEMA``, a row per condition.
        encoded: how many copies were encoded.
        reused: how many were taken over from the files that were there.
        damaged: files that were there and were not what they should be, so that nothing of them was reused.
        removed: files of corpora or conditions that are no longer asked for.
    """

    conditions: pd.DataFrame
    encoded: int
    reused: int
    damaged: list[str]
    removed: list[str]


def encode(
    manifest: pd.DataFrame,
    raw: Path,
    folder: Path,
    recipe: Recipe,
    weights: Path,
    noises: Path,
    params: AugmentParams,
    workers: int = 1,
    progress: Callable[..., Iterable[np.ndarray]] = lambda vectors, total, desc: vectors,
) -> Outcome:
    """Bring the copies up to date: the same bytes, whatever was there before and however many workers there are.

    If an error or Ctrl-C comes in between, what was encoded is kept for the next time; ``vectors.read_copies`` refuses
    such an unfinished folder.

    Args:
        manifest: the utterances.
        raw: the folder that the manifest's paths start from.
        folder: a folder for each corpus goes in here, with a feature file for each condition; others are removed.
        recipe: what makes a vector of a copy: that of the utterances.
        weights: the file of the trained weights, for an encoder that has one.
        noises: the folder of recorded noises.
        params: the conditions.
        workers: processes.
        progress: wraps the vectors as they come, with ``total`` and the corpus' name as ``desc``.

    Returns:
        What was done.

    Raises:
        InputError: as ``AugmentParams.chosen``; or an audio file cannot be read.
    """
    chosen = params.chosen(noises)
    wanted = {folder / corpus / f"{each.name}.npz" for corpus in set(manifest["corpus"]) for each in chosen}
    removed = sorted(set(folder.glob("*/*.npz")) - wanted)
    damaged = sorted(path for path in wanted if path.exists() and not _sound(path))
    for path in removed + damaged:
        path.unlink()
    encoded = 0
    for corpus, rows in manifest.groupby("corpus", sort=True) if chosen else ():
        task = encoding.Task(rows, raw, recipe, weights, noises, params.seed)
        encoded += encoding.bring_up_to_date(task, chosen, folder / corpus, workers, progress)
    table = encoding.table(dict.fromkeys(chosen, ""))
    names = [[path.relative_to(folder).as_posix() for path in paths] for paths in (damaged, removed)]
    return Outcome(table, encoded, len(manifest) * len(chosen) - encoded, *names)


def _sound(path: Path) -> bool:
    try:
        features.load(path)
    except InputError:
        return False
    return True
