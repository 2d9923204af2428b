"""What is asked of the systems, and the table of their answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

import pandas as pd

from ser import manifest
from ser.files import tables
from ser.files.failures import InputError
from ser.files.tables import Schema

Member = TypeVar("Member")
# The table of predictions: a row per system, protocol, seed and test utterance.
SCHEMA = Schema(
    {
        "encoder": tables.text(),
        "classifier": tables.text(),
        "normalisation": tables.text(),
        "protocol": tables.text(),
        "seed": tables.whole(),
        "fold": tables.whole(),
        "id": tables.text(),
        "prediction": tables.text(),
    },
    "run the stage predict again",
    ("encoder", "classifier", "normalisation", "protocol", "seed", "id"),
)
COLUMNS = tuple(SCHEMA.columns)


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much of the grid a task takes; of what is not named, all.

    Attributes:
        encoders: of the benchmark's.
        classifiers: of the grid's.
        seeds: of the grid's.
    """

    encoders: list[str] = field(default_factory=list)
    classifiers: list[str] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Task(Extent):
    """A corpus, the emotions to tell apart in it, and how its speakers are kept apart.

    Attributes:
        corpus: the name of the corpus.
        emotions: the label set.
        protocol: the speaker-independent one, beside which ``random`` is run.
    """

    corpus: str
    emotions: list[str]
    protocol: Literal["kfold", "loso", "sessions"]


@dataclass(frozen=True)
class Answers:
    """What the systems of a task answered.

    Attributes:
        task: what they were asked.
        utterances: of the task: id, emotion, speaker.
        predictions: ``COLUMNS``.
    """

    task: Task
    utterances: pd.DataFrame
    predictions: pd.DataFrame


@dataclass(frozen=True)
class CrossCorpus(Extent):
    """Corpora to train on one and test on another, each way.

    Attributes:
        corpora: their names.
        emotions: the label set, which all of them have.
    """

    corpora: list[str]
    emotions: list[str]

    def __post_init__(self):
        if len(set(self.corpora)) < max(2, len(self.corpora)):
            raise ValueError(f"corpora: expected at least two, each once, found {', '.join(self.corpora) or 'none'}")


def named(block: str, members: Mapping[str, Member], name: str) -> Member:
    """Pick a member of a block of the params by its name.

    Raises:
        InputError: there is none of that name.
    """
    if name not in members:
        raise InputError(f"{block}: expected '{name}', found {', '.join(members)}; add it there")
    return members[name]


def described(task: Task, utterances: pd.DataFrame) -> str:
    """Say in a sentence what a task asks for."""
    speakers = utterances["speaker"].nunique()
    return (
        f"{len(utterances)} utterances, {speakers} speakers, emotions {', '.join(task.emotions)}; protocol "
        f"{task.protocol}, the same folds for every system."
    )


def taken(block: str, wanted: Sequence, offered: Sequence) -> list:
    """Give those of the offered that are wanted, or all where none is named.

    Raises:
        InputError: one is wanted that is not offered.
    """
    for name in wanted:
        if name not in offered:
            raise InputError(f"{block}: expected some of {', '.join(map(str, offered))}, found {name}")
    return [name for name in offered if name in wanted or not wanted]


def read_answers(
    names: Sequence[str], known: Mapping[str, Task], manifests: Sequence[Path], predictions: Sequence[Path]
) -> dict[str, Answers]:
    """Read what was answered in several tasks.

    Args:
        names: of the tasks.
        known: all tasks of the params.
        manifests: of the corpus of each, in the order of the names.
        predictions: of each, likewise.

    Returns:
        The answers by task.

    Raises:
        InputError: a task is not known; or as ``read`` and ``ser.manifest.read``.
    """
    found = {}
    for name, path, answered in zip(names, manifests, predictions, strict=True):
        task, corpus = named("tasks", known, name), manifest.read(path)
        found[name] = Answers(task, corpus[corpus["emotion"].isin(task.emotions)], read(answered))
    return found


def read(path: Path) -> pd.DataFrame:
    """Read predictions.

    Raises:
        InputError: as ``ser.files.tables.read_checked``.
    """
    return tables.read_checked(path, SCHEMA)
