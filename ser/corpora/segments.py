"""Segments: whether rows of a user's table are parts of recordings; a row of the manifest is a whole file."""

import re
from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path

import pandas as pd

from ser import audio
from ser.corpora import cells, rows
from ser.files.failures import InputError

# Names of columns, folded: start, segment_start, Start (s), t_end, Begin Time - ss.msec, end_ms, stop_sample ...
WHOSE = "(?:segment|seg|clip|utterance|utt|time|ts|t)?"
PLACES = {
    "start": "(?:(?:start|begin)(?:time|offset)?|onset)",
    "end": "(?:end|stop|finish)(?:time|offset)?",
    "duration": "(?:duration|dur)",
}
UNITS = {
    "s": r"(?:s|\(s\)|secs?|seconds?|ss\.msec)?",
    "ms": r"(?:ms|\(ms\)|msecs?|milliseconds?)",
    "samples": "(?:samples?|frames?)",
}
# Columns that tell them beside each other only, in seconds. NeMo's and lhotse's lists have the duration for the end.
TOGETHER = (
    {"start": "offset", "duration": "duration"},
    {"start": "onset", "end": "offset"},
    {"start": "onsets", "end": "offsets"},  # onset_s
    {"start": "from", "end": "to"},
    {"start": "xmin", "end": "xmax"},  # Praat
    {"start": "tmin", "end": "tmax"},
)
MINUTES = re.compile(r"\d+:\d{2}(\.\d+)?")
LENGTH_TOLERANCE_S = 0.01  # of a segment that is a whole file
DURATION_TOLERANCE_S = 0.1  # likewise where the duration is told, which lists often round


def folded(name: str) -> str:
    """A column's name without what people write differently."""
    return re.sub(r"[\s_-]+", "", name.lower())


def columns(table: rows.Rows) -> dict[str, tuple[str, str]]:
    """Find the columns that tell where a segment begins, ends, or how long it is.

    Returns:
        By column, what it tells, of ``PLACES``, and its unit, of ``UNITS``; nothing where no column tells a beginning
        or an end, as a duration alone may be of anything.
    """
    found = {folded(column): column for column in table.columns}
    told = {}
    for name, column in found.items():
        for (place, words), (unit, written) in product(PLACES.items(), UNITS.items()):
            if re.fullmatch(WHOSE + words + written, name):
                told[column] = (place, unit)
    for pair in TOGETHER:
        ours = {found.get(theirs): (place, "s") for place, theirs in pair.items()}
        others = {place for column, (place, _) in told.items() if column not in ours}
        if None not in ours and not {"start", "end"} & others and _numbers(table, ours):
            told |= ours
    return told if {"start", "end"} & {place for place, _ in told.values()} else {}


def _numbers(table: rows.Rows, names: Iterable[str]) -> bool:
    """Tell whether all that stands in these columns are numbers, and something is."""
    cast = [cells.told(row[column]).replace(",", ".") for row in table.cells for column in names]
    return any(cast) and all(text.replace(".", "", 1).isdecimal() for text in cast if text)


def check_starts(table: rows.Rows) -> None:
    """Refuse segments that begin after their file does.

    audformat and nkululeko give start and end also where a segment is the whole file; those are well.

    Raises:
        InputError: there is one, or a cell tells no time.
    """
    told = columns(table)
    starts = [column for column, (place, _) in told.items() if place == "start"]
    for row, place in zip(table.cells, table.places, strict=True):
        for column in starts:
            if _number(row[column], f"{place}: {column}"):
                raise _segment(row, told, place)


def check_ends(table: rows.Rows, positions: Mapping[str, int], files: Mapping[str, Path]) -> None:
    """Refuse segments that end before their file does.

    Args:
        table: with our names of columns.
        positions: of each file's row.
        files: the corpus' audio files by their paths below its folder.

    Raises:
        InputError: as ``check_starts``.
    """
    told = columns(table)
    last = "end" if "end" in {place for place, _ in told.values()} else "duration"
    tolerance = LENGTH_TOLERANCE_S if last == "end" else DURATION_TOLERANCE_S
    ends = {column: unit for column, (place, unit) in told.items() if place == last}
    for relative, at in positions.items() if ends else ():
        row, place = table.cells[at], table.places[at]
        given = {column: _number(row[column], f"{place}: {column}") for column in ends}
        if all(number is None for number in given.values()):
            continue
        try:
            samples, rate = audio.decode(files[relative])
        except InputError:
            continue  # the intake says what is wrong with it
        a_second = {"s": 1, "ms": 1000, "samples": rate}
        for column, number in given.items():
            if number is not None and abs(samples.shape[1] / rate - number / a_second[ends[column]]) > tolerance:
                raise _segment(row, told, place)


def _segment(row: Mapping[str, str], told: Mapping[str, tuple[str, str]], place: str) -> InputError:
    said = ", ".join(f"{column} '{row[column]}'" for column in told)
    return InputError(
        f"{place}: a segment of '{row['path']}', {said}; a recording must be a file of its own: cut the segments out, "
        "for instance with ffmpeg -ss START -to END, and list those files; if the columns tell no time within a "
        "recording, call them otherwise"
    )


def _number(text: str, place: str) -> float | None:
    """The number of a cell such as ``1.5``, ``1,5``, ``01:30`` or ``0 days 00:00:01.5``; None where it says nothing."""
    text = cells.told(text)
    if not text:
        return None
    if cells.DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    if MINUTES.fullmatch(text):
        text = f"00:{text}"
    try:
        return float(text) if text.replace(".", "", 1).isdecimal() else pd.to_timedelta(text).total_seconds()
    except ValueError as error:
        raise InputError(
            f"{place}: expected a time within the recording, such as 1.5, found '{text}'; mend it, or call the column "
            "otherwise"
        ) from error
