"""What a corpus itself tells of how to split it: its recording sessions, or its own parts."""

from collections.abc import Sequence

import pandas as pd

from ser.files.failures import InputError
from ser.manifest import detail

# What corpora call the parts, in lower case; the detail ``split`` of the manifest.
WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "devel", "development"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation", "test1", "test2"), "test"),  # MSP-Podcast has two
}


def sessions(rows: pd.DataFrame) -> pd.Series:
    """Name each utterance's session, ``<corpus>/<session>``.

    Args:
        rows: of the manifest; the session is one of the details.

    Raises:
        InputError: an utterance has none, there is only one, or a speaker is in several.
    """
    found = detail(rows, "session")
    without = rows.loc[found.isna(), "id"]
    named = rows["corpus"] + "/" + found.astype(str)
    roaming = named.groupby(rows["speaker"]).nunique()
    if len(without):
        fault = f"none for {len(without)} utterances, such as '{without.iloc[0]}'"
    elif named.nunique() == 1:
        fault = f"the single session '{named.iloc[0]}'"
    elif roaming.max() > 1:
        fault = f"the speaker '{roaming.idxmax()}' in {roaming.max()} of them"
    else:
        return named
    raise InputError(
        f"split.protocol sessions: expected sessions with speakers of their own, found {fault}; choose loso or kfold"
    )


def part_of(rows: pd.DataFrame) -> pd.Series:
    """Name the part that the corpus puts each utterance of the manifest in; ``""`` where that is none of ``WORDS``."""
    return detail(rows, "split").map(lambda word: WORDS.get(str(word).strip().lower(), ""))


def parts(rows: pd.DataFrame, emotions: Sequence[str]) -> pd.Series:
    """Name the part that the corpus puts each utterance in, ``train``, ``validation`` or ``test``.

    Args:
        rows: of the manifest; the part is the detail ``split``, by one of ``WORDS``.
        emotions: the label set.

    Raises:
        InputError: an utterance has none or another; there is none to train or to test on, or it lacks an emotion; or a
            known speaker is in several.
    """
    found, named = detail(rows, "split"), part_of(rows)
    odd = named == ""
    spread = named[rows["speaker"] != ""].groupby(rows["speaker"]).unique()
    roaming = spread[spread.map(len) > 1]
    lacking = [
        f"no '{emotion}' to {part} on"
        for part in ("train", "test")
        for emotion in emotions
        if not ((named == part) & (rows["emotion"] == emotion)).any()
    ]
    if odd.any():
        word, first = found[odd].iloc[0], rows.loc[odd, "id"].iloc[0]
        fault = f"{'none' if word is None else repr(word)} for '{first}' and {odd.sum() - 1} others"
    elif lacking:
        fault = lacking[0]
    elif len(roaming):
        fault = f"the speaker '{roaming.index[0]}' in {' and '.join(sorted(roaming.iloc[0]))}"
    else:
        return named
    raise InputError(
        "split.protocol predefined: expected the corpus' own parts, train, test and perhaps dev, as the detail split, "
        f"each emotion in both and speakers of their own, found {fault}; choose kfold, loso or holdout"
    )
