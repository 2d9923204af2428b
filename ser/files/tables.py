"""Tables as CSV, metrics as JSON: checked columns in, stable bytes out."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ser.files.failures import InputError
from ser.files.whole import check_file, whole_file

SHOWN = 60  # characters of a cell that a message repeats


@dataclass(frozen=True)
class Column:
    """What the cells of a column must be.

    Attributes:
        kind: ``str``, ``int`` or ``float``; numbers are finite.
        expected: what a good cell is, for the message.
        test: tells a good cell of that kind from a bad one.
        empty: whether a cell may be empty, too: then text is ``""``, a number NaN.
    """

    kind: type
    expected: str
    test: Callable[[str | float], bool] = lambda cell: True
    empty: bool = False


@dataclass(frozen=True)
class Schema:
    """What a table must be.

    Attributes:
        columns: those that it must have; further ones are kept as they are.
        advice: what to do where it is something else.
        key: the columns that together name a row, hence no two rows alike.
        filled: whether a table without rows is refused.
    """

    columns: Mapping[str, Column]
    advice: str
    key: Sequence[str] = ("id",)
    filled: bool = True


def text(empty: bool = False) -> Column:
    """Describe a column of any text."""
    return Column(str, "some text", empty=empty)


def word(*words: str, empty: bool = False) -> Column:
    """Describe a column of words out of a few."""
    return Column(str, f"one of {', '.join(words)}", lambda cell: cell in words, empty)


def number(least: float = -math.inf, most: float = math.inf, empty: bool = False) -> Column:
    """Describe a column of numbers from ``least`` to ``most``, both included."""
    return Column(float, f"a number{_between(least, most)}", lambda cell: least <= cell <= most, empty)


def whole(least: int = 0, empty: bool = False) -> Column:
    """Describe a column of whole numbers from ``least`` on, each of which is exact as a float64, too."""
    return Column(int, f"a whole number{_between(least, math.inf)}", lambda cell: least <= cell < 2**53, empty)


def _between(least: float, most: float) -> str:
    low, high = math.isfinite(least), math.isfinite(most)
    return f" from {least:g} to {most:g}" if low and high else f" of {least:g} or more" if low else ""


def write(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, the same bytes for the same table.

    Rows stay in the caller's order; floats keep nine significant digits, enough for float32; missing cells are empty.

    Args:
        table: the table; its index is not written.
        path: the CSV file, written whole or not at all.
    """
    with whole_file(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n", float_format="%.9g", encoding="utf-8")


def of_tasks(paths: Sequence[Path], tasks: Sequence[str]) -> dict[str, Path]:
    """Say which file is of which task, by the names: of the task ``emodb`` is ``emodb.csv`` or ``fusion_emodb.csv``.

    Raises:
        InputError: there is not one file of each task, in this order.
    """
    found = [path.stem if path.stem in tasks else path.stem.partition("_")[2] or path.stem for path in paths]
    if found != list(tasks):
        raise InputError(
            f"expected a file of each of the tasks {', '.join(tasks)}, in this order, found {', '.join(found)}"
        )
    return dict(zip(tasks, paths, strict=True))


def read(path: Path, columns: Sequence[str], text: Sequence[str] = ()) -> pd.DataFrame:
    """Read a CSV table that must have certain columns.

    Args:
        path: the CSV file.
        columns: columns that must be there; further ones are kept.
        text: columns to read as text, so that a speaker ``03`` stays ``03``; missing cells become ``""``.

    Returns:
        The table.

    Raises:
        InputError: the file is missing, empty, not a table, lacks a column, or has rows longer than its header.
    """
    try:
        table = pd.read_csv(
            path, dtype=dict.fromkeys(text, str), keep_default_na=False, na_values=[""], encoding="utf-8"
        )
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; run the stage that makes it") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: expected a UTF-8 CSV table with a header, found {str(error).splitlines()[0]}"
        ) from error
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes the surplus first cells for row labels
        raise InputError(
            f"{path}: expected {len(table.columns)} cells a row as in the header, found more; quote commas"
        )
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise InputError(
            f"{path}: expected the columns {', '.join(columns)}, found {', '.join(map(str, table.columns))}; "
            f"missing: {', '.join(missing)}"
        )
    present = [column for column in text if column in table.columns]
    table[present] = table[present].fillna("")
    return table


def read_checked(path: Path, schema: Schema) -> pd.DataFrame:
    """Read a CSV table and check every cell of the columns that are known.

    Args:
        path: the CSV file.
        schema: what the table must be.

    Returns:
        The table: text as text, whole numbers as int64 where no cell may be empty.

    Raises:
        InputError: as ``read``; or there are no rows, a cell is not what its column expects, or two rows have the same
            key. The message names the file, the column and the first such row.
    """
    columns = schema.columns
    table = read(path, list(columns), [name for name, column in columns.items() if column.kind is str])
    for name, column in columns.items():
        bad = np.flatnonzero(_bad(table[name], column))
        if len(bad):
            raise fault(path, schema, table, bad[0], name, column.expected, table[name].iloc[bad[0]])
        if column.kind is not str:
            table[name] = pd.to_numeric(table[name])
            if column.kind is int and not column.empty:
                table[name] = table[name].astype("int64")
    if schema.filled and table.empty:
        raise InputError(f"{path}: expected rows, found none; {schema.advice}")
    if schema.key:
        again = np.flatnonzero(table.duplicated(list(schema.key)))
        if len(again):
            key = table[list(schema.key)]
            first = np.flatnonzero((key == key.iloc[again[0]]).all(axis="columns"))[0]
            found = ", ".join(f"{value}" for value in key.iloc[first])
            raise InputError(
                f"{path}: column {' and '.join(schema.key)}: expected no two rows alike, found '{found}' in row "
                f"{first + 2} and row {again[0] + 2}; {schema.advice}"
            )
    return table


def _bad(cells: pd.Series, column: Column) -> np.ndarray:
    """Mark the cells that are not what their column expects, bool (rows,)."""
    if column.kind is str:
        codes, words = pd.factorize(cells)  # most columns have few words
        good = np.array([column.empty if word == "" else bool(column.test(word)) for word in words], dtype=bool)
        return ~good[codes]
    numbers = pd.to_numeric(cells, errors="coerce").astype(float)
    good = np.isfinite(numbers) & (not pd.api.types.is_bool_dtype(cells))  # pandas counts True as 1
    if column.kind is int:
        good &= numbers % 1 == 0
    good &= np.array([column.test(cell) for cell in numbers.tolist()], dtype=bool)
    return np.where(cells.isna(), not column.empty, ~good)


def fault(
    path: Path, schema: Schema, table: pd.DataFrame, position: int, column: str, expected: str, found: object
) -> InputError:
    """Say what is wrong with a cell.

    Args:
        path: the file.
        schema: of the table.
        table: what is in the file.
        position: of the row, from 0; the message counts as spreadsheets do, where the header is row 1.
        column: the column, or columns.
        expected: what a good cell is.
        found: what is there.

    Returns:
        The error to raise.
    """
    names = [f"{name} {table[name].iloc[position]}" for name in schema.key if name != column]
    row = f"row {position + 2}" + (f" ({', '.join(names)})" if names else "")
    if isinstance(found, str):
        found = repr(found[:SHOWN] + "..." * (len(found) > SHOWN)) if found else "an empty cell"
    elif pd.isna(found):
        found = "an empty cell"
    return InputError(f"{path}: column {column}, {row}: expected {expected}, found {found}; {schema.advice}")


DECIMALS = 6  # of metrics; texts round to three, and would round up what was rounded up before


def write_metrics(metrics: Mapping, path: Path) -> None:
    """Write nested metrics as JSON that ``dvc metrics diff`` can compare.

    Args:
        metrics: nested mappings whose leaves are numbers; floats are rounded to six decimals.
        path: the JSON file, written whole or not at all.

    Raises:
        ValueError: a leaf is not a finite number. A number that could not be measured is left out, not written as NaN.
    """
    rounded = _rounded(metrics, "")
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(rounded, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read_metrics(paths: Mapping[str, Path]) -> dict[str, dict]:
    """Read metrics, by the stages that made them.

    Args:
        paths: the JSON files, by the names of the stages.

    Returns:
        The metrics, by the same names.

    Raises:
        InputError: a file is missing, unreadable or not JSON.
    """
    result = {}
    for stage, path in paths.items():
        check_file(path, f"the metrics of the stage {stage}")
        try:
            result[stage] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{path}: not valid JSON ({error}); run the stage '{stage}' again") from error
    return result


def _rounded(value, place: str):
    if isinstance(value, Mapping):
        return {str(key): _rounded(member, f"{place}.{key}".lstrip(".")) for key, member in value.items()}
    if hasattr(value, "item"):  # a NumPy or torch scalar
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"metrics: expected a finite number at {place}, found {value!r}")
    return value if isinstance(value, int) else round(value, DECIMALS) + 0.0
