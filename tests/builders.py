"""What many tests start from: a manifest, vectors, predictions, training parameters, a stage that must fail."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ser import features
from ser.confidence.familiarity import Familiarity, FamiliarityParams
from ser.confidence.familiarity import fit as fit_familiarity
from ser.features import Features
from ser.files import tables
from ser.learning.recipe import TrainParams
from ser.manifest import COLUMNS
from ser.robustness.vectors import SCHEMA
from ser.splits import table

# Blocks of params.yaml, small enough to be quick.
INTERVALS = {"resamples": 200, "confidence": 0.95, "seed": 0, "minimum_speakers": 3}
SPLIT = {"protocol": "kfold", "folds": 3, "test_share": 0.3, "validation_share": 0.3, "seed": 0}
TRAIN = {
    "hidden": [8],
    "dropout": 0.0,
    "learning_rate": 0.01,
    "weight_decay": 0.01,
    "batch_size": 8,
    "epochs": 5,
    "patience": 5,
    "normalisation": "train",
    "class_weights": True,
    "seed": 0,
}


def train_params(**changes) -> TrainParams:
    """``TRAIN``, with changes."""
    return TrainParams(**TRAIN | changes)


def manifest(speakers: int, each: int, emotions: Sequence[str], **columns) -> pd.DataFrame:
    """A corpus ``c`` of women and men in turn, who speak the emotions in turn; other columns may be given."""
    index = np.arange(speakers * each)
    rows = pd.DataFrame({"id": [f"c/{number:0{len(str(len(index) - 1))}d}" for number in index]})
    rows = rows.assign(
        path=rows["id"] + ".wav",
        corpus="c",
        speaker=[f"c/{number // each}" for number in index],
        gender=np.where(index // each % 2, "male", "female"),
        age=30.0,
        language="en",
        emotion=np.resize(emotions, len(index)),
        votes="",
        text="",
        seconds=1.0,
        sampling_rate=16_000,
        sha256=[f"{number:064x}" for number in index],
        details="",
    )
    return rows.assign(**columns)[list(COLUMNS)]


def save_vectors(rows: pd.DataFrame, vectors: np.ndarray, extractor: str, path: Path) -> None:
    """Write vectors of a manifest's utterances as the stage ``features`` does."""
    ids, sha256 = (rows[column].to_numpy(str) for column in ("id", "sha256"))
    names = np.array([f"number_{number}" for number in range(vectors.shape[1])])
    features.save(Features(ids, sha256, vectors.astype(np.float32), names, extractor), path)


def save_copies(folder: Path, rows: pd.DataFrame, copies: Mapping[str, np.ndarray], extractor: str) -> None:
    """Write distorted copies of a corpus ``c`` as the stage ``augment`` does, by names such as ``pink_10``."""
    told = [(name, *name.split("_"), "dB") for name in copies]
    conditions = pd.DataFrame(told, columns=["condition", "kind", "level", "unit"])
    conditions = conditions.assign(distortion="pink", family="noise", note="")
    tables.write(conditions[list(SCHEMA.columns)], folder / "conditions.csv")
    for name, vectors in copies.items():
        made = json.dumps({"extractor": json.loads(extractor), "condition": name})
        save_vectors(rows, vectors, made, folder / f"c/{name}.npz")


def save_auxiliary(folder: Path, rows: pd.DataFrame, vectors: np.ndarray | None = None, extractor: str = "") -> None:
    """Write utterances of one other corpus, or none, as the stage ``auxiliary`` does."""
    tables.write(rows, folder / "manifest.csv")
    if len(rows):
        save_vectors(rows, vectors, extractor, folder / f"{rows['corpus'].iloc[0]}.npz")


def predictions(rows: pd.DataFrame, shares: np.ndarray, emotions: Sequence[str], protocol: str = "kfold"):
    """The table of one fold of predictions, the likeliest emotion each, of shares (utterances, emotions)."""
    table = pd.DataFrame({"id": rows["id"], "protocol": protocol, "fold": 0, "truth": rows["emotion"]})
    table["prediction"] = np.array(emotions)[np.argmax(shares, axis=1)]
    table[[f"p_{emotion}" for emotion in emotions]] = shares
    return table


def leaking(split: pd.DataFrame) -> pd.DataFrame:
    """Let an utterance of a test speaker train."""
    first = split.query("part == 'test'").index[0]
    return split.assign(part=split["part"].mask(split.index == first, "train"))


def leak(split: Path) -> None:
    """Let an utterance of a test speaker train, in the file of a split."""
    tables.write(leaking(table.read(split)), split)


def failure(stage: str, run: Callable[[], object], outputs: Iterable[str]) -> str:
    """Run a stage that must fail with one line and leave every output as it was; returns the line."""
    for name in outputs:
        Path(name).write_text("old")
    with pytest.raises(SystemExit) as caught:
        run()
    assert {Path(name).read_text() for name in outputs} == {"old"}
    message = str(caught.value.code)
    assert message.startswith(f"{stage}: ")
    assert "\n" not in message
    return message


def familiarity(numbers: int, centre: np.ndarray | float = 0.0) -> Familiarity:
    """Describe speech of four speakers whose vectors, of so many numbers, scatter about a centre."""
    vectors = np.random.default_rng(0).normal(centre, 1, (40, numbers)).astype(np.float32)
    speakers = np.repeat(list("abcd"), 10)
    return fit_familiarity(vectors, np.tile(["angry", "sad"], 20), speakers, FamiliarityParams(0.05))


def archived(folder: Path, inner: str) -> None:
    """Put a corpus into a folder within its own, beside what macOS leaves, as its archive does."""
    content = folder.rename(folder.with_name("content"))
    (folder / "__MACOSX" / inner).mkdir(parents=True)
    content.rename(folder / inner)
