"""How many words speech recognition hears wrongly: the word error rate, of a corpus, an emotion, a language.

Words substituted, left out and put in, the fewest that turn what was said into what was heard, per word said (the
library jiwer). Before that both are written alike: in small letters (ß as ss), without apostrophes, a blank for every
other sign that is neither letter nor digit. Umlauts and accents stay. "7" for "seven" counts as wrong, and so does one
word for two.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ser.files.failures import InputError
from ser.scores.intervals import Bootstrap, IntervalParams
from ser.splits.sentences import written_alike

INSTALL = "pip install -r requirements-fusion.txt"
ALL = "all"
GROUPINGS = ("emotion", "language")  # columns of the manifest
# The word error rate, and that of the group minus that of all other utterances.
FIGURES = ("wer", "difference")
NUMBERS = tuple(f"{name}{end}" for name in FIGURES for end in ("", "_low", "_high"))
COUNTS = ("utterances", "nothing_heard", "known", "words")
COLUMNS = ("corpus", "by", "group", *COUNTS, *NUMBERS)


def count(said: str, heard: str) -> tuple[int, int]:
    """Count how many words were heard wrongly, and how many were said.

    Raises:
        InputError: the library is not installed.
    """
    try:
        import jiwer  # here: it is not always there
    except ImportError as error:
        raise InputError(f"word errors: expected the package jiwer, found none; {INSTALL}") from error
    said, heard = written_alike(said), written_alike(heard)
    if not said or not heard:  # jiwer wants words
        return (len(said), len(said)) if said else (0, 0)
    found = jiwer.process_words(" ".join(said), " ".join(heard))
    return found.substitutions + found.deletions + found.insertions, len(said)


def table(manifest: pd.DataFrame, heard: pd.DataFrame, params: IntervalParams) -> pd.DataFrame:
    """Measure word error rates, with intervals that resample speakers.

    Args:
        manifest: the utterances of a corpus.
        heard: their transcripts, in the same order.
        params: how intervals are made.

    Returns:
        ``COLUMNS``, a row for all, then for each emotion and each language. ``known`` counts the utterances whose words
        the corpus tells: on these alone the rates rest. What cannot be measured is missing.

    Raises:
        InputError: the library is not installed.
    """
    counts = [count(*pair) for pair in zip(manifest["text"], heard["text"], strict=True)]
    rows = manifest[["corpus", "speaker", *GROUPINGS]].reset_index(drop=True)
    rows[["errors", "words"]] = np.array(counts)
    rows["empty"] = (heard["text"] == "").to_numpy()
    speakers = sorted(set(rows["speaker"]))
    bootstrap = Bootstrap.of(speakers, params)
    draws = np.concatenate([np.ones((1, len(speakers))), bootstrap.weights])

    def rate(part: pd.DataFrame) -> np.ndarray:
        """The word error rate of everyone, then of each replicate; NaN without words."""
        sums = part.groupby("speaker")[["errors", "words"]].sum().reindex(speakers, fill_value=0)
        errors, words = (draws @ sums[column].to_numpy(float) for column in ("errors", "words"))
        return np.divide(errors, words, out=np.full(len(draws), np.nan), where=words > 0)

    lines = []
    for by, group, mine in _groups(rows):
        part = rows[mine]
        line = {"corpus": "+".join(sorted(set(rows["corpus"]))), "by": by, "group": group, "utterances": len(part)}
        line |= {"nothing_heard": int(part["empty"].sum()), "known": int((part["words"] > 0).sum())}
        line |= {"words": int(part["words"].sum())}
        own, others = rate(part), rows[~mine]
        for name, values, sides in (("wer", own, [part]), ("difference", own - rate(others), [part, others])):
            if np.isfinite(values[0]):
                said = [side.loc[side["words"] > 0, "speaker"].unique() for side in sides]
                needs = np.stack([np.isin(speakers, one) for one in said])
                line[name] = values[0]
                if not params.obstacle(*said):
                    line |= bootstrap.interval(values[1:], f"{name}_", needs)
        lines.append(line)
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _groups(rows: pd.DataFrame) -> Iterator[tuple[str, str, pd.Series]]:
    yield ALL, ALL, pd.Series(True, index=rows.index)
    for by in GROUPINGS:
        for group in sorted(set(rows[by]) - {""}):
            yield by, group, rows[by] == group


def nested(scored: pd.DataFrame, heard: pd.DataFrame) -> dict:
    """Key the numbers of ``table`` by grouping and group, those of all first; and count the languages heard."""
    result: dict = {"language_heard": heard.loc[heard["language"] != "", "language"].value_counts().to_dict()}
    for row in scored.to_dict("records"):
        numbers = {name: row[name] for name in (*COUNTS, *NUMBERS) if pd.notna(row[name])}
        if row["by"] == ALL:
            result |= numbers
        else:
            result.setdefault(row["by"], {})[row["group"]] = numbers
    return result
