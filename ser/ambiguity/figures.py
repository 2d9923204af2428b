"""What the stage ``ambiguity`` reports: the numbers of its tables, as nested metrics."""

from collections.abc import Sequence

import pandas as pd

from ser.ambiguity import checks, cost, votes
from ser.ambiguity.doubt import AmbiguityParams
from ser.ambiguity.references import REFERENCES, flags


def metrics(
    table: pd.DataFrame,
    people: pd.DataFrame,
    counts: pd.DataFrame,
    checked: pd.DataFrame,
    banded: pd.DataFrame,
    emotions: Sequence[str],
    params: AmbiguityParams,
) -> dict:
    """Collect the numbers.

    Args:
        table: as ``doubt.judge`` gives it.
        people: one protocol's predictions, joined with the manifest.
        counts: votes by id and emotion.
        checked: as ``checks.against_references`` gives it.
        banded: as ``bands.by_agreement`` gives it.
        emotions: the label set.
        params: the block ``ambiguity``.

    Returns:
        By reference (``votes``, ``listeners``, ``planted``): ``utterances`` that it knows, the share that is
        ``ambiguous``, ``scores`` (each score's auroc and spearman); besides ``bands`` and, for votes,
        ``votes.summary``, for listeners their mean ``recognition``. A reference that the corpora lack is left out.
        Then ``single_rater``, how many utterances have votes of a single rater, with whom nobody can agree, if any;
        ``label_issues``, as ``checks`` counts them, and ``cost``, by what decides who is left out.
    """
    single = int((table["raters"] == 1).sum())
    result = {"single_rater": single} if single else {}
    for reference in REFERENCES:
        flagged = flags(table, reference, params.majority).dropna()
        if flagged.empty:
            continue
        section = {"utterances": len(flagged), "ambiguous": float(flagged.mean())}
        if reference == "votes":
            section |= votes.summary(counts, table["label"], table["speaker"], params)
        if reference == "listeners":
            section["recognition"] = float(table["recognition"].mean())
        section["bands"] = _nested(banded[banded["by"] == reference].drop(columns="by"), "band")
        section["scores"] = _nested(checked[checked["reference"] == reference].drop(columns="reference"), "score")
        result[reference] = {key: value for key, value in section.items() if value != {}}
    costs = cost.by_judge(table, people, emotions, params)
    return result | {"label_issues": checks.label_issues(table, params), "cost": costs}


def _nested(rows: pd.DataFrame, key: str) -> dict[str, dict[str, float]]:
    """Key the numbers of rows by a column; those that are missing are left out."""
    numbers = rows.set_index(key).to_dict("index")
    return {name: {column: value for column, value in row.items() if pd.notna(value)} for name, row in numbers.items()}
