"""The data audit: how many utterances each group has of each emotion, and how far people and emotions go together."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency

from ser.bias.groups import BiasParams
from ser.people import ATTRIBUTES, UNKNOWN, by_group, groups_of
from ser.splits import oracle


def counts(people: pd.DataFrame, emotions: Sequence[str], params: BiasParams) -> pd.DataFrame:
    """Count utterances and speakers of each group and emotion.

    Args:
        people: the utterances, with the manifest's columns; ``truth`` is the emotion.
        emotions: the label set.
        params: the age bands.

    Returns:
        A row per attribute, group and emotion: attribute, group, emotion, utterances, speakers (missing where some are
        unknown). Cells without utterances keep their row; a group ``unknown`` is there only where needed.
    """
    rows = []
    for attribute in ATTRIBUTES:
        for name, part in by_group(people, attribute, params.age_bands).items():
            voices = part.groupby("truth")["speaker"].unique()
            utterances = part["truth"].value_counts()
            for emotion in emotions:
                names = voices.get(emotion, ())
                speakers = pd.NA if "" in names else len(names)
                rows.append((attribute, name, emotion, int(utterances.get(emotion, 0)), speakers))
    table = pd.DataFrame(rows, columns=["attribute", "group", "emotion", "utterances", "speakers"])
    return table.astype({"speakers": "Int64"})


def association(groups: pd.Series, emotions: pd.Series) -> float | None:
    """Measure how strongly groups and emotions go together: Cramer's V, corrected for chance.

    Without the correction V is far above 0 for unrelated things where groups are many and small, as speakers are. The
    correction is that of W. Bergsma, "A bias-correction for Cramer's V and Tschuprow's T", Journal of the Korean
    Statistical Society 42, 2013.

    Args:
        groups: of each utterance.
        emotions: of each utterance.

    Returns:
        0 (nothing to do with each other) to 1 (each tells the other); None where there is one group or one emotion.
    """
    table = pd.crosstab(groups, emotions).to_numpy()
    if min(table.shape) < 2:
        return None
    total = table.sum()
    surplus = chi2_contingency(table, correction=False).statistic / total
    rows, columns = table.shape
    surplus = max(0.0, surplus - (rows - 1) * (columns - 1) / (total - 1))
    rows, columns = (number - (number - 1) ** 2 / (total - 1) for number in (rows, columns))
    return float(min(1.0, np.sqrt(surplus / (min(rows, columns) - 1)))) if min(rows, columns) > 1 else None


def overview(people: pd.DataFrame, manifest: pd.DataFrame, params: BiasParams) -> dict:
    """Measure how far people and emotions go together.

    Args:
        people: the tested utterances, with the manifest's columns; ``truth`` is the emotion.
        manifest: all utterances.
        params: the age bands.

    Returns:
        ``association`` of emotions with each attribute, over the utterances whose group is known;
        ``chance_uar``; ``speaker_oracle_uar``, of the best guess by the speaker alone, and
        ``speaker_oracle_uar_by_chance`` (``ser.splits.oracle``). Undefined figures are left out.
    """
    associations = {}
    for attribute in ATTRIBUTES:
        membership = groups_of(people, attribute, params.age_bands)[0]
        assigned = membership != UNKNOWN
        value = association(membership[assigned], people.loc[assigned, "truth"])
        associations |= {} if value is None else {attribute: value}
    measured = {"association": associations, "chance_uar": oracle.chance(manifest)}
    return measured | oracle.figures(manifest["emotion"], manifest["speaker"], "speaker")
