"""The split: which utterance trains, validates or tests in each fold; read, and let through only if nothing leaks."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ser.files import tables
from ser.files.failures import InputError
from ser.files.tables import Schema
from ser.splits import sentences
from ser.splits.names import LEFT_OUT, PREDEFINED, PROTOCOLS, RANDOM, SINGLE, UNKNOWN_TRAIN

PARTS = ("train", "validation", "test")

AGAIN = "run the split stage again"
SCHEMA = Schema(
    {
        "protocol": tables.word(*PROTOCOLS),
        "fold": tables.whole(),
        "id": tables.text(),
        "part": tables.word(*PARTS, LEFT_OUT),
    },
    AGAIN,
    ("protocol", "fold", "id"),
)
COLUMNS = tuple(SCHEMA.columns)


def read(path: Path) -> pd.DataFrame:
    """Read a split; whether it may be trusted is for ``check`` to say.

    Args:
        path: the CSV file.

    Returns:
        A table with ``COLUMNS``.

    Raises:
        InputError: the file is missing; a protocol, a fold, an id or a part is none; or an utterance stands twice in
            a fold.
    """
    return tables.read_checked(path, SCHEMA)


def check(split: pd.DataFrame, manifest: pd.DataFrame, disjoint_sentences: bool = False) -> None:
    """Let no split pass that leaks or leaves something untested.

    Args:
        split: a table with ``COLUMNS``.
        manifest: the utterances.
        disjoint_sentences: whether sentences must be apart as well (but in ``random``); a protocol of several folds
            that leaves utterances out of one shows by itself that they must.

    Raises:
        InputError: an utterance is unknown, missing or in two parts of a fold; a fold lacks a part; its training part
            lacks an emotion; a speaker (but in ``random``) or the same audio is in two parts of a fold, or a speaker is
            unknown (but in ``random``, and in training by ``UNKNOWN_TRAIN``); a sentence that a fold tests also trains
            or validates there, where sentences must be apart; a fold is missing; or an utterance is not tested in
            exactly one fold of a protocol, but for those of ``SINGLE``.
    """
    unknown = split.loc[~split["id"].isin(manifest["id"]), "id"]
    if len(unknown):
        raise InputError(f"split: '{unknown.iloc[0]}' is not an utterance of the manifest; {AGAIN}")
    if not len(split):
        raise InputError(f"split: expected at least one fold, found no rows; {AGAIN}")
    joined = split.merge(manifest[["id", "speaker", "emotion", "sha256"]], on="id", validate="many_to_one")
    for (protocol, fold), rows in joined.groupby(["protocol", "fold"]):
        _check_fold(rows, manifest, protocol, f"split: {protocol}, fold {fold}")
    # Of a single fold, and of the contrast beside it, what is left out are parts of the corpus' own.
    single = set(split["protocol"]) & set(SINGLE)
    apart = set() if single else set(split.loc[split["part"] == LEFT_OUT, "protocol"])
    apart |= set(split["protocol"]) - {RANDOM} if disjoint_sentences else set()
    if apart:
        _check_sentences(split[split["protocol"].isin(apart)], manifest)
    tested = joined[joined["part"] == "test"]
    twice = tested[tested.duplicated(["protocol", "id"])]
    if len(twice):
        raise InputError(f"split: {twice['protocol'].iloc[0]}: '{twice['id'].iloc[0]}' is tested twice; {AGAIN}")
    _check_folds(split, manifest)


def folds(split: pd.DataFrame, manifest: pd.DataFrame) -> Iterator[tuple[str, int, np.ndarray]]:
    """Give each fold's protocol, number and parts, (utterances,) in the order of the manifest, sorted by the former."""
    for (protocol, fold), rows in split.groupby(["protocol", "fold"]):
        yield protocol, int(fold), rows.set_index("id")["part"].loc[manifest["id"]].to_numpy(dtype=str)


def kept(split: pd.DataFrame, manifest: pd.DataFrame) -> np.ndarray:
    """Tell what a model without a test part may learn from: all but the parts that ``split.test_parts`` leaves out.

    Args:
        split: who trains, validates and tests in the folds.
        manifest: the utterances.

    Returns:
        (utterances,) of bool.
    """
    own = [parts for protocol, _, parts in folds(split, manifest) if protocol == PREDEFINED]
    return own[0] != LEFT_OUT if own else np.ones(len(manifest), dtype=bool)


def digest(split: pd.DataFrame) -> str:
    """Give the SHA-256 of who trains, validates and tests in which fold, in hexadecimal digits.

    Args:
        split: a table with ``COLUMNS``, its rows in any order.
    """
    rows = split[list(COLUMNS)].sort_values(["protocol", "fold", "id"])
    return hashlib.sha256(rows.to_csv(index=False, lineterminator="\n").encode()).hexdigest()


def _check_fold(rows: pd.DataFrame, manifest: pd.DataFrame, protocol: str, place: str) -> None:
    twice = rows.loc[rows["id"].duplicated(), "id"]
    if len(twice):
        raise InputError(f"{place}: the utterance '{twice.iloc[0]}' stands there twice; {AGAIN}")
    missing = manifest.loc[~manifest["id"].isin(rows["id"]), "id"]
    if len(missing):
        raise InputError(f"{place}: {len(missing)} utterances are missing, the first is '{missing.iloc[0]}'; {AGAIN}")
    for part in PARTS:
        if part not in set(rows["part"]):
            raise InputError(f"{place}: the part {part} is empty; {AGAIN}")
    missing = sorted(set(manifest["emotion"]) - set(rows.loc[rows["part"] == "train", "emotion"]))
    if missing:
        raise InputError(f"{place}: the training part has no utterance of '{missing[0]}'; {AGAIN}")
    apart = {"audio": "sha256"} if protocol == RANDOM else {"audio": "sha256", "speaker": "speaker"}
    asked = rows["part"].isin(["validation", "test"]) if protocol == UNKNOWN_TRAIN else protocol != RANDOM
    if ((rows["speaker"] == "") & asked).any():
        raise InputError(f"{place}: expected a speaker for every utterance, found some without; {AGAIN}")
    for word, column in apart.items():
        pairs = rows[rows["part"] != LEFT_OUT].drop_duplicates([column, "part"])
        leaking = pairs.loc[pairs[column].duplicated(), column]
        if len(leaking):
            found = pairs[pairs[column] == leaking.iloc[0]].sort_values("part")
            raise InputError(
                f"{place}: the {word} '{leaking.iloc[0]}' leaks: it is in {' and '.join(found['part'])}, "
                f"such as {' and '.join(found['id'])}; {AGAIN}"
            )


def _check_sentences(split: pd.DataFrame, manifest: pd.DataFrame) -> None:
    said = manifest[["id"]].assign(sentence=sentences.named(manifest, "split: sentences apart"))
    rows = split[split["part"] != LEFT_OUT].merge(said, on="id")
    rows["tested"] = rows["part"] == "test"
    pairs = rows.drop_duplicates(["protocol", "fold", "sentence", "tested"])
    leaking = pairs[pairs.duplicated(["protocol", "fold", "sentence"])]
    if len(leaking):
        first = leaking.iloc[0]
        found = pairs[(pairs[["protocol", "fold", "sentence"]] == first[["protocol", "fold", "sentence"]]).all(axis=1)]
        raise InputError(
            f"split: {first['protocol']}, fold {first['fold']}: the sentence '{first['sentence']}' leaks: it is in "
            f"{' and '.join(found['part'])}, such as {' and '.join(found['id'])}; {AGAIN}"
        )


def _check_folds(split: pd.DataFrame, manifest: pd.DataFrame) -> None:
    """Let no fold be missing: neither a number, nor a test part, nor the contrast to a protocol."""
    folds = {protocol: sorted(set(rows["fold"])) for protocol, rows in split.groupby("protocol")}
    names = sorted(set(folds) - {RANDOM})
    if len(names) > 1 or RANDOM not in folds:
        raise InputError(f"split: expected {RANDOM} beside one protocol, found {', '.join(folds)}; {AGAIN}")
    beside = names[0] if names else RANDOM
    number = 1 if beside in SINGLE else max(folds[beside]) + 1
    for protocol, found in folds.items():
        if found != list(range(number)):
            listed = ", ".join(map(str, found))
            raise InputError(f"split: {protocol}: expected the folds 0 to {number - 1}, found {listed}; {AGAIN}")
        tested = split.loc[(split["protocol"] == protocol) & (split["part"] == "test"), "id"]
        missing = manifest.loc[~manifest["id"].isin(tested), "id"]
        if len(missing) and beside not in SINGLE:
            raise InputError(
                f"split: {protocol}: expected every utterance in the test part of a fold, found {len(missing)} in "
                f"none of the {number}, the first is '{missing.iloc[0]}'; {AGAIN}"
            )
