"""What the report is made from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from ser.files import tables
from ser.files.failures import InputError
from ser.files.tables import Column, Schema

PROTOCOLS = ("holdout", "kfold", "loso", "sessions", "random")
TEXT, WORDS = tables.text(), tables.text(empty=True)
COUNT, COUNT_IF_KNOWN = tables.whole(), tables.whole(empty=True)
FIGURE = tables.number(empty=True)  # such as the bound of an interval, where there is one
SHARE = tables.number(0, 1, empty=True)
DIFFERENCE = tables.number(-1, 1, empty=True)  # of shares; or a correlation


def _with_bounds(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Add to measures the bounds of their intervals."""
    return {
        f"{name}{end}": FIGURE if end else column for name, column in columns.items() for end in ("", "_low", "_high")
    }


def _schema(columns: Mapping[str, Column], key: Sequence[str], stage: str, filled: bool = False) -> Schema:
    return Schema(columns, f"run the stage {stage} again", key, filled)


TABLES = {  # the columns that the report speaks of; the table of groups has a recall_<emotion> for each emotion, too
    "rejected": _schema({"path": TEXT, "reason": TEXT, "detail": WORDS}, ["path"], "manifest"),
    "audit": _schema(
        {"attribute": TEXT, "group": TEXT, "emotion": TEXT, "utterances": COUNT},
        ["attribute", "group", "emotion"],
        "bias",
    ),
    "refused": _schema(
        {"attribute": TEXT, "group": WORDS, "claim": TEXT, "reason": TEXT}, ["attribute", "group", "claim"], "bias"
    ),
    "confusion": _schema({"truth": TEXT, "prediction": TEXT}, [], "evaluate", filled=True),
    "classes": _schema(
        {
            "protocol": tables.word(*PROTOCOLS),
            "emotion": TEXT,
            "precision": SHARE,
            "recall": SHARE,
            "f1": SHARE,
            "support": COUNT,
        },
        ["protocol", "emotion"],
        "evaluate",
        filled=True,
    ),
    "folds": _schema(
        {
            "protocol": tables.word(*PROTOCOLS),
            "fold": COUNT,
            "uar": SHARE,
            "accuracy": SHARE,
            "utterances": COUNT,
            "speakers": COUNT_IF_KNOWN,
        },
        ["protocol", "fold"],
        "evaluate",
        filled=True,
    ),
    "curves": _schema(
        {
            "protocol": tables.word(*PROTOCOLS),
            "fold": COUNT,
            "epoch": tables.whole(least=1),
            "validation_loss": tables.number(least=0),
            "train_uar": tables.number(0, 1),
            "validation_uar": tables.number(0, 1),
        },
        ["protocol", "fold", "epoch"],
        "train",
        filled=True,
    ),
    "probes": _schema(
        {
            "space": TEXT,
            "attribute": tables.word("emotion", "speaker", "gender", "age"),
            "balanced_accuracy": DIFFERENCE,
            "low": FIGURE,
            "high": FIGURE,
            "chance": SHARE,
            "permuted": SHARE,
            "p_value": SHARE,
            "classes": COUNT_IF_KNOWN,
            "apart": WORDS,
            "remark": WORDS,
        },
        ["space", "attribute"],
        "representation",
    ),
    "silhouettes": _schema(
        {
            "space": TEXT,
            "grouping": TEXT,
            "silhouette": tables.number(-2, 2, empty=True),  # from -1 to 1, and differences
            "low": FIGURE,
            "high": FIGURE,
            "remark": WORDS,
        },
        ["space", "grouping"],
        "representation",
    ),
    "groups": _schema(
        {
            "attribute": TEXT,
            "group": TEXT,
            "utterances": COUNT,
            "speakers": COUNT_IF_KNOWN,
            **_with_bounds({"uar": SHARE}),
            "calibration_error": SHARE,
        },
        ["attribute", "group"],
        "bias",
    ),
    "bands": _schema(
        {
            "by": tables.word("votes", "listeners"),
            "band": TEXT,
            "utterances": COUNT,
            **_with_bounds({"accuracy": SHARE, "uar": SHARE, "distance": SHARE, "label_distance": SHARE}),
        },
        ["by", "band"],
        "ambiguity",
    ),
    "scores": _schema(
        {
            "reference": tables.word("planted", "votes", "listeners"),
            "score": TEXT,
            "utterances": COUNT,
            **_with_bounds({"auroc": SHARE, "within_auroc": SHARE}),
            **_with_bounds({"spearman": DIFFERENCE, "within_spearman": DIFFERENCE}),
        },
        ["reference", "score"],
        "ambiguity",
    ),
    "ambiguous": _schema(
        {
            "rank": tables.whole(least=1),
            "path": TEXT,
            "label": TEXT,
            "other": WORDS,
            "by": tables.word("votes", "listeners", "model"),
            "raters": COUNT_IF_KNOWN,
            "majority_share": SHARE,
            "recognition": SHARE,
            "mean_rank": SHARE,
        },
        ["rank"],
        "ambiguity",
    ),
}


@dataclass(frozen=True)
class Material:
    """Everything that the report tells of.

    Attributes:
        metrics: of each stage, by its name.
        tables: by name, as in ``TABLES``.
        pictures: PNG files, by name.
        settings: the blocks of params.yaml, by name.
        versions: of the software, by name.
    """

    metrics: Mapping[str, dict]
    tables: Mapping[str, pd.DataFrame]
    pictures: Mapping[str, bytes]
    settings: Mapping[str, Any]
    versions: Mapping[str, str]

    def get(self, *keys: str) -> Any:
        """Look up metrics by stage and keys; None where what they lead to was not, or cannot be, measured."""
        value = self.metrics
        for key in keys:
            if key not in value:
                return None
            value = value[key]
        return value


def read_tables(paths: Mapping[str, Path], emotions: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Read the tables of ``TABLES``.

    Args:
        paths: by name.
        emotions: the label set.

    Raises:
        InputError: as ``ser.files.tables.read_checked``; or the audit lacks the row of an emotion in a group.
    """
    recalls = {f"recall_{emotion}": SHARE for emotion in emotions}
    groups = replace(TABLES["groups"], columns=TABLES["groups"].columns | recalls)
    schemas = TABLES | {"groups": groups}
    found = {name: tables.read_checked(paths[name], schema) for name, schema in schemas.items()}
    sizes = found["audit"].groupby(["attribute", "group"]).size()
    if sizes.nunique() > 1:
        attribute, group = sizes.idxmin()
        raise InputError(
            f"{paths['audit']}: expected {sizes.max()} emotions of each group, found {sizes.min()} of {attribute} "
            f"{group}; {TABLES['audit'].advice}"
        )
    return found


def read_metrics(paths: Mapping[str, Path]) -> dict[str, dict]:
    """Read metrics, by the stages that made them.

    Raises:
        InputError: a file is missing or not JSON.
    """
    result = {}
    for name, path in paths.items():
        try:
            result[name] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise InputError(f"{path}: no such file; run the stage that makes it") from error
        except ValueError as error:
            raise InputError(f"{path}: expected JSON, found {error}; run the stage '{name}' again") from error
    return result


def read_pictures(paths: Mapping[str, Path]) -> dict[str, bytes]:
    """Read PNG files.

    Raises:
        InputError: a file is missing.
    """
    missing = [path for path in paths.values() if not path.is_file()]
    if missing:
        raise InputError(f"{missing[0]}: no such file; run the stage that makes it")
    return {name: path.read_bytes() for name, path in paths.items()}
