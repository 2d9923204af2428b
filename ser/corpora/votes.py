"""A column of votes in a user's table: how many raters heard each emotion, or which share of them."""

import json
import re
from collections.abc import Mapping, Sequence

from ser.corpora import emotions
from ser.files.failures import InputError

MOST_RATERS = 100  # of an utterance, where their number is found from shares


def read(
    cells: Sequence[str],
    raters: Sequence[str],
    places: Sequence[str],
    own: Mapping[str, str] = emotions.NONE_OF_ITS_OWN,
) -> tuple[list[dict[str, int]], int]:
    """Read the votes of all utterances of a table.

    A cell is JSON: counts, ``{"angry": 7, "sad": 3}``, or shares, ``{"angry": 0.7, "sad": 0.3}``. One cell with a
    fraction makes all of them shares. Where the table does not say how many raters there were, it is the smallest
    number that gives every row's shares: 10 for tenths.

    Args:
        cells: of each utterance, ``""`` where it has no votes.
        raters: how many raters each had, as text, or ``""``.
        places: of each cell, for messages.
        own: emotions by the corpus' own names for them.

    Returns:
        Raters by emotion for each utterance, without emotions that nobody heard; and the number of raters that was
        found from shares, for the rows that do not tell it, else 0.

    Raises:
        InputError: a cell is no such JSON or names an unknown emotion, no number of raters gives the shares, or votes
            look like per cent.
    """
    numbers = [_numbers(cell, place, own) if cell else {} for cell, place in zip(cells, places, strict=True)]
    found = 0
    if any(number % 1 for row in numbers for number in row.values()):
        for row, cell, place in zip(numbers, cells, places, strict=True):
            if row and abs(sum(row.values()) - 1) > len(row) * _rounding(row):
                raise InputError(f"{place}: expected votes whose shares add up to 1, as in other rows, found '{cell}'")
        told = [_whole(count) for count in raters]
        if not all(count for count, row in zip(told, numbers, strict=True) if row):
            found = _smallest(numbers)
            if not found:
                raise InputError(
                    f"{places[0]}: votes: expected shares that some number of raters up to {MOST_RATERS} gives in "
                    "every row, found none that does; add a column raters with the number of each row's raters, or "
                    "write counts"
                )
            told = [count or found for count in told]
        numbers = [
            _counts(row, count, place) if row else {} for row, count, place in zip(numbers, told, places, strict=True)
        ]
    elif {sum(row.values()) for row in numbers if row} == {100} and not all(
        _whole(count) for count, row in zip(raters, numbers, strict=True) if row
    ):
        raise InputError(
            f"{places[0]}: votes: expected numbers of raters, found 100 in every row; if they are per cent, divide "
            "them by 100, or else add a column raters"
        )
    return [{name: int(number) for name, number in row.items() if number} for row in numbers], found


def most(counts: Mapping[str, int]) -> str:
    """Give the emotion that most raters heard, or ``undecided`` where two share that place."""
    first, *others = [emotion for emotion, count in counts.items() if count == max(counts.values())]
    return "undecided" if others else first


def _whole(text: str) -> int:
    """A number of raters such as ``10`` or, as pandas writes it, ``10.0``; 0 where it is none."""
    return int(float(text)) if re.fullmatch(r"\d+(\.0*)?", text) else 0


def _numbers(cell: str, place: str, own: Mapping[str, str]) -> dict[str, float]:
    """Counts or shares by our words."""
    try:
        numbers = json.loads(cell)
    except (ValueError, RecursionError):
        numbers = None
    if not isinstance(numbers, dict) or not all(
        type(number) in (int, float) and 0 <= number < 2**31 for number in numbers.values()
    ):
        raise InputError(f'{place}: expected votes as JSON, such as {{"angry": 7, "sad": 3}}, found \'{cell}\'')
    named: dict[str, float] = {}
    for name, number in numbers.items():
        emotion = emotions.word(name, own)
        if emotion is None:
            raise InputError(
                f"{place}: votes: expected some of {', '.join(emotions.WORDS)}, found '{name}'; write a known word, or "
                "say by manifest.words what it means"
            )
        named[emotion] = named.get(emotion, 0) + number
    return named


def _rounding(shares: Mapping[str, float]) -> float:
    """How far shares can be from the truth by their rounding: half a unit of the last decimal, and two at least."""
    decimals = max(len(repr(float(share)).partition(".")[2]) for share in shares.values())
    return 0.5 * 10 ** -min(max(decimals, 2), 6) + 1e-9


def _fits(shares: Mapping[str, float], raters: int) -> bool:
    counts = {name: round(share * raters) for name, share in shares.items()}
    near = _rounding(shares)
    return sum(counts.values()) == raters and all(
        abs(counts[name] / raters - share) <= near for name, share in shares.items()
    )


def _smallest(rows: Sequence[Mapping[str, float]]) -> int:
    """The smallest number of raters that gives all shares, or 0."""
    rows = [dict(shares) for shares in {tuple(sorted(row.items())) for row in rows if row}]
    return next((number for number in range(1, MOST_RATERS + 1) if all(_fits(row, number) for row in rows)), 0)


def _counts(shares: Mapping[str, float], raters: int, place: str) -> dict[str, int]:
    if not _fits(shares, raters):
        raise InputError(f"{place}: votes: expected shares that {raters} raters can give, found {dict(shares)}")
    return {name: round(share * raters) for name, share in shares.items()}
