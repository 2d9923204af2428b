"""What the tables that the report reads must hold."""

from collections.abc import Mapping, Sequence

from ser.ambiguity.references import AGREEMENT, REFERENCES
from ser.files import tables
from ser.files.tables import Column, Schema
from ser.splits.names import PROTOCOLS

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
            "calibration_error_by_chance": SHARE,
        },
        ["attribute", "group"],
        "bias",
    ),
    "bands": _schema(
        {
            "by": tables.word(*AGREEMENT),
            "band": TEXT,
            "utterances": COUNT,
            **_with_bounds({"accuracy": SHARE, "uar": SHARE, "distance": SHARE, "label_distance": SHARE}),
        },
        ["by", "band"],
        "ambiguity",
    ),
    "scores": _schema(
        {
            "reference": tables.word(*REFERENCES),
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
CLIPS = _schema(
    {
        "rank": tables.whole(least=1),
        "path": TEXT,
        "seconds": tables.number(least=0, empty=True),  # empty where the audio is not at hand
        "clip_seconds": tables.number(least=0, empty=True),
    },
    ["rank"],
    "listen",
)
