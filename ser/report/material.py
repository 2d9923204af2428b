"""What the report is made from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ser import tables
from ser.failures import InputError

TABLES = {  # the columns that a table must have; those of text, and of numbers
    "rejected": (("path", "reason", "detail"), ()),
    "audit": (("attribute", "group", "emotion"), ("utterances",)),
    "refused": (("attribute", "group", "claim", "reason"), ()),
    "confusion": (("truth", "prediction"), ()),
    "classes": (("protocol", "emotion"), ("precision", "recall", "f1", "support")),
    "folds": (("protocol",), ("fold", "uar", "accuracy", "utterances", "speakers")),
    "curves": (("protocol",), ("fold", "epoch", "validation_loss", "train_uar", "validation_uar")),
    "probes": (("space", "attribute", "apart", "remark"), ("balanced_accuracy", "low", "high", "chance", "p_value")),
    "silhouettes": (("space", "grouping", "remark"), ("silhouette", "low", "high")),
    "groups": (("attribute", "group"), ("utterances", "speakers", "uar", "uar_low", "uar_high")),
    "bands": (("by", "band"), ("utterances", "accuracy", "uar", "distance", "label_distance")),
    "scores": (("reference", "score"), ("utterances", "auroc", "spearman", "within_auroc", "within_spearman")),
    "ambiguous": (("path", "label", "other", "by"), ("rank", "raters", "majority_share", "recognition", "mean_rank")),
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


def read_tables(paths: Mapping[str, Path]) -> dict[str, pd.DataFrame]:
    """Read the tables of ``TABLES``.

    Raises:
        InputError: as ``ser.tables.read``.
    """
    return {name: tables.read(paths[name], (*text, *numbers), text) for name, (text, numbers) in TABLES.items()}


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
