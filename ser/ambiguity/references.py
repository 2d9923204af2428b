"""The references for ambiguity, and which utterances each of them flags.

There are up to three, each for the corpora that have it:

- ``planted``: the corpus' own flag, 1 or 0
- ``votes``: the share of the votes that the most voted emotion does not have
- ``listeners``: the share of listeners who did not recognise the emotion

An utterance is flagged where ``majority`` or fewer agree.
"""

import pandas as pd

REFERENCES = ("planted", "votes", "listeners")
AGREEMENT = {"votes": "majority_share", "listeners": "recognition"}  # columns, 0 to 1
DOUBT = {"votes": "low_majority", "listeners": "low_recognition"}  # one minus each
MEAN_RANK = "mean_rank"  # the score that sums up the models', to be held against the references


def flags(table: pd.DataFrame, reference: str, majority: float) -> pd.Series:
    """Say which utterances a reference holds to be ambiguous.

    Args:
        table: as ``doubt.judge`` gives it.
        reference: one of ``REFERENCES``.
        majority: the largest share of agreement that is ambiguous, 0 to 1.

    Returns:
        1 or 0 by id; NaN where the reference does not know the utterance.
    """
    if reference == "planted":
        return table["planted"]
    agreement = table[AGREEMENT[reference]]
    return (agreement <= majority).astype(float).where(agreement.notna())


def best_flags(table: pd.DataFrame, majority: float) -> pd.Series:
    """Take each utterance's flag from the first of ``REFERENCES`` that knows it; NaN where none does."""
    result = flags(table, REFERENCES[0], majority)
    for reference in REFERENCES[1:]:
        result = result.fillna(flags(table, reference, majority))
    return result
