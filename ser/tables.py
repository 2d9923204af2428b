"""Tables as CSV: checked columns in, stable bytes out."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ser.failures import InputError
from ser.files import whole_file


def write(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, the same bytes for the same table.

    Rows stay in the caller's order; floats keep nine significant digits, enough for float32; missing cells are empty.

    Args:
        table: the table; its index is not written.
        path: the CSV file, written whole or not at all.
    """
    with whole_file(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n", float_format="%.9g", encoding="utf-8")


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
