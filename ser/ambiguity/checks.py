"""What the scores of ``ser.ambiguity.doubt`` are worth: each compared with each reference that the corpora have."""

import pandas as pd

from ser.ambiguity import concordance
from ser.ambiguity.doubt import OWN_SCORES, SCORES, AmbiguityParams
from ser.ambiguity.references import DOUBT, REFERENCES, flags

MEASURES = ("auroc", "within_auroc", "spearman", "within_spearman")


def against_references(table: pd.DataFrame, params: AmbiguityParams) -> pd.DataFrame:
    """Compare every score with every reference.

    An emotion that raters find hard may be easy for a model, and the other way round; that hides what a score knows of
    single utterances. So everything is compared once more within emotions: of percentiles among those of one label.

    Args:
        table: as ``doubt.judge`` gives it.
        params: the majority, and how intervals are made.

    Returns:
        A row per reference and score that know the same utterances: reference, score, utterances, flagged (how many of
        them), auroc of the score against the flags, spearman with the doubt of raters or listeners, within_auroc and
        within_spearman, each with _low and _high. Undefined figures are missing. The doubt of raters and listeners is
        itself checked against the planted flags.
    """
    rows = []
    for name in REFERENCES:
        flagged = flags(table, name, params.majority)
        for score in (*(OWN_SCORES if name == "planted" else ()), *SCORES):
            part = table[flagged.notna() & table[score].notna()]
            if part.empty:
                continue
            mask = flagged[part.index].to_numpy() > 0
            row = {"reference": name, "score": score, "utterances": len(part), "flagged": int(mask.sum())}
            compared = part[[score, *([DOUBT[name]] if name in DOUBT else [])]].astype(float)
            for prefix, values in (("", compared), ("within_", compared.groupby(part["label"]).rank(pct=True))):
                measured = concordance.auroc(values.iloc[:, 0], mask, part["speaker"], params)
                if name in DOUBT:
                    measured |= concordance.spearman(values.iloc[:, 0], values.iloc[:, 1], part["speaker"], params)
                row |= {prefix + figure: value for figure, value in measured.items()}
            rows.append(row)
    figures = [f"{measure}{end}" for measure in MEASURES for end in ("", "_low", "_high")]
    return pd.DataFrame(rows, columns=["reference", "score", "utterances", "flagged", *figures])


def label_issues(table: pd.DataFrame, params: AmbiguityParams) -> dict:
    """Count the labels that confident learning doubts, and compare them with what the references flag.

    Args:
        table: as ``doubt.judge`` gives it.
        params: the majority.

    Returns:
        How many were ``found`` among how many ``utterances``; by reference ``precision``, the share of them that is
        flagged, and ``recall``, the share of the flagged ones that they are.
    """
    doubted = table["label_issue"].dropna() > 0
    result = {"utterances": len(doubted), "found": int(doubted.sum())}
    for reference in REFERENCES:
        flagged = flags(table, reference, params.majority).dropna()
        both = doubted.index.intersection(flagged.index)
        flagged = flagged[both] > 0
        if flagged.any() and doubted[both].any():
            hits = (doubted[both] & flagged).sum()
            result[reference] = {"precision": hits / doubted[both].sum(), "recall": hits / flagged.sum()}
    return result
