"""One person under several spellings of a name: as two speakers they would stand in two parts of a split unnoticed."""

import re
from collections import defaultdict
from collections.abc import Sequence

from ser.corpora.layout import same_letters


def fold(rows: Sequence[dict]) -> list[str]:
    """Give speakers of a corpus one name where theirs differ only in how they are written.

    That is in case, in spaces and the signs _ and - between words, in leading zeros, or in the writing of accents:
    Actor_01 and actor 1 are one.

    The name of all is that of the first row.

    Args:
        rows: of the manifest, each with its ``corpus`` and ``speaker``; changed in place.

    Returns:
        The spellings of each speaker that has several, sorted.
    """
    spellings: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)  # in the order of the rows
    for row in rows:
        spellings[_key(row)][row["speaker"]] = None
    for row in rows:
        row["speaker"] = next(iter(spellings[_key(row)]))
    return sorted(" = ".join(names) for names in spellings.values() if len(names) > 1)


def _key(row: dict) -> tuple[str, str]:
    name = same_letters(row["speaker"].removeprefix(f"{row['corpus']}/"))
    name = re.sub(r"(?<=[^\W_])[\s_-]+(?=[^\W_])", " ", name.casefold().strip())
    name = re.sub(r"(?<=[^\W\d_]) (?=\d)", "", name)  # Actor1 is Actor 1
    name = re.sub(r"(?<![\d.,])0+(?=\d)", "", name)  # 1.05 is not 1.5
    name = re.sub(r"^(\d+)\.0$", r"\1", name)  # as pandas writes whole numbers beside missing ones
    return row["corpus"], same_letters(name)
