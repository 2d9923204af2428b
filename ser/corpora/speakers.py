"""One person under several spellings of a name: as two speakers they would stand in two parts of a split unnoticed."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from itertools import product

from ser.corpora.examples import few
from ser.corpora.layout import same_letters

# Of how many utterances, and with what share of speakers among them, names may be those of recordings.
FEWEST, OWN = 10, 0.8


def fold(rows: Sequence[dict]) -> list[str]:
    """Give speakers of a corpus one name where theirs differ only in how they are written.

    That is in case, in spaces and the signs _ and - between words, in leading zeros, in the writing of accents and
    wide letters, or in signs that nobody sees, as a zero-width space: Actor_01 and actor 1 are one.

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


def one_each(rows: Sequence[dict]) -> list[str]:
    """Say of which corpora (nearly) every utterance has a speaker of its own, as where recordings were named instead.

    Args:
        rows: of the manifest, each with its ``corpus`` and ``speaker``.
    """
    voices: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row["speaker"]:
            voices[row["corpus"]].append(row["speaker"])
    return [
        f"{corpus}: {len(set(names))} speakers of {len(names)} utterances, such as {names[0]}: if these are names of "
        "recordings, nothing keeps persons apart; name the column or the part of the path that tells persons"
        for corpus, names in voices.items()
        if len(names) >= FEWEST and len(set(names)) > OWN * len(names)
    ]


def same_names(rows: Sequence[dict], others: Sequence[dict]) -> list[str]:
    """Say which corpora name their speakers as another one does, unless the genders of a name differ.

    Args:
        rows: of the manifest, each with its ``corpus``, ``speaker`` and ``gender``.
        others: likewise, of other corpora.
    """
    remarks = []
    for (corpus, own), (other, theirs) in product(_genders(rows).items(), _genders(others).items()):
        both = sorted(own.keys() & theirs.keys())
        two = any(own[name] and theirs[name] and own[name] != theirs[name] for name in both)
        if len(both) > 1 and len(both) == min(len(own), len(theirs)) and not two:
            remarks.append(
                f"{corpus} and {other}: speakers have the same names ({few(both, 3)}): if they are the same people, "
                "leave one of the two corpora out"
            )
    return remarks


def _genders(rows: Sequence[dict]) -> dict[str, dict[str, str]]:
    """The gender of each speaker, ``""`` where it is not known, by the name that ``_key`` gives, by corpus."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        if row["speaker"]:
            found[row["corpus"]][_key(row)[1]] = row["gender"]
    return found


def _key(row: dict) -> tuple[str, str]:
    name = unicodedata.normalize("NFKC", row["speaker"].removeprefix(f"{row['corpus']}/"))
    name = "".join(sign for sign in name if unicodedata.category(sign) != "Cf")
    name = re.sub(r"(?<=[^\W_])[\s_-]+(?=[^\W_])", " ", name.casefold().strip())
    name = re.sub(r"(?<=[^\W\d_]) (?=\d)", "", name)  # Actor1 is Actor 1
    name = re.sub(r"(?<![\d.,])0+(?=\d)", "", name)  # 1.05 is not 1.5
    name = re.sub(r"^(\d+)\.0$", r"\1", name)  # as pandas writes whole numbers beside missing ones
    return row["corpus"], same_letters(name)
