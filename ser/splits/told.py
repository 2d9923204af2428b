"""What a corpus itself tells of how to split it: its recording sessions, or its own parts."""

from collections.abc import Sequence

import pandas as pd

from ser.files.failures import InputError
from ser.manifest import detail
from ser.splits.names import LEFT_OUT

TESTS = ("test", "testing", "test1", "test2")  # MSP-Podcast has two
EVALUATIONS = ("eval", "evaluation")  # to develop on, where a corpus has a part of both kinds, and no other for that
# What corpora call the parts, in lower case; the detail ``split`` of the manifest.
WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "devel", "development"), "validation"),
    **dict.fromkeys((*TESTS, *EVALUATIONS), "test"),
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


def part_of(rows: pd.DataFrame, test_parts: Sequence[str] = ()) -> pd.Series:
    """Name the part that the corpus puts each utterance of the manifest in; ``""`` where that is none of ``WORDS``.

    What is called ``eval`` is the test, or, beside a ``test``, the validation.

    Args:
        rows: of the manifest.
        test_parts: the corpus' words for the parts to test on, where not for all of them; the others are ``LEFT_OUT``.

    Raises:
        InputError: one of these words is no utterance's.
    """
    words = detail(rows, "split").map(lambda word: str(word).strip().lower())
    named = words.map(lambda word: WORDS.get(word, ""))
    if words.isin(TESTS).any() and "validation" not in set(named):
        named = named.mask(words.isin(EVALUATIONS), "validation")
    if not test_parts:
        return named
    wanted, there = [part.strip().lower() for part in test_parts], sorted(set(words[named == "test"]))
    absent = [part for part, word in zip(test_parts, wanted, strict=True) if word not in there]
    if absent:
        raise InputError(
            f"split.test_parts: expected some of the corpus' own, {', '.join(there) or 'of which it has none'}, "
            f"found '{absent[0]}'"
        )
    return named.where((named != "test") | words.isin(wanted), LEFT_OUT)


def parts(rows: pd.DataFrame, emotions: Sequence[str], test_parts: Sequence[str] = ()) -> pd.Series:
    """Name the part that the corpus puts each utterance in, ``train``, ``validation`` or ``test``.

    Args:
        rows: of the manifest; the part is the detail ``split``, by one of ``WORDS``.
        emotions: the label set.
        test_parts: as for ``part_of``.

    Raises:
        InputError: as ``part_of``; an utterance has none or another; there is none to train or to test on, or it lacks
            an emotion; or a known speaker is in several.
    """
    found, named = detail(rows, "split"), part_of(rows, test_parts)
    odd = named == ""
    spread = named[(rows["speaker"] != "") & (named != LEFT_OUT)].groupby(rows["speaker"]).unique()
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
