"""A user's table as rows of text: CSV as spreadsheets save it, TSV, JSON, JSON lines and Parquet."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.parquet

from ser.files.failures import InputError
from ser.recordings import kinds

SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")
DELIMITERS = (",", ";", "\t", "|")
QUOTED = re.compile(r'"(?:[^"]|"")*"')
AUDIO = frozenset({"path", "array", "sampling_rate"})  # what Hugging Face tells of a recording, beside its bytes
UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Rows:
    """A table of text.

    Attributes:
        path: where it was read.
        columns: their names, each once.
        cells: of each row, by column; missing ones are ``""``.
        places: of each row, for messages; rows count as in spreadsheets, where the header is row 1.
        decimal_comma: whether numbers are written 0,5.
    """

    path: Path
    columns: Sequence[str]
    cells: Sequence[dict[str, str]]
    places: Sequence[str]
    decimal_comma: bool = False


def tables(folder: Path, stem: str, suffixes: Sequence[str] = SUFFIXES) -> list[Path]:
    """List the files of a folder that are a table of this name, such as ``index.csv`` or ``Index.CSV``."""
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted(
        path for path in found if path.stem.lower() == stem and path.suffix.lower() in suffixes and path.is_file()
    )


def find(folder: Path, stem: str) -> Path | None:
    """Find a table of a corpus, such as ``index.csv``.

    Raises:
        InputError: there are several, or only a spreadsheet.
    """
    found, sheets = tables(folder, stem), tables(folder, stem, SPREADSHEETS)
    if len(found) > 1:
        raise InputError(f"{folder}: expected one table, found {' and '.join(path.name for path in found)}; keep one")
    if sheets and not found:
        raise InputError(
            f"{sheets[0]}: a spreadsheet; export it as {stem}.csv beside it ('CSV UTF-8' in Excel, Unicode (UTF-8) in "
            "LibreOffice)"
        )
    return found[0] if found else None


def read(path: Path) -> Rows:
    """Read a table; rows without any cell are left out.

    Args:
        path: a file with one of ``SUFFIXES``. In CSV, cells are parted by commas, semicolons or tabs: by what the first
            line ``sep=`` says, else by what the header has most of. JSON is a list of objects, an object of objects
            whose keys become the column ``ID``, an object of columns, as pandas' ``to_json`` writes it, an object a
            line, as NeMo's, or a list of objects under a single key. Classes of Hugging Face's Parquet files are told
            by their names.

    Raises:
        InputError: the file is not such a table.
    """
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return _of_records(path, _parquet(path))
    text = _text(path)
    if suffix in (".csv", ".tsv"):
        return _csv(path, text)
    if suffix == ".jsonl":
        lines = enumerate(text.split("\n"), start=1)
        records = [_json(line, f"{path}: line {number}") for number, line in lines if line.strip()]
    else:
        records = _json_lines(text) or _json(text, str(path))
    if isinstance(records, dict) and len(records) == 1 and isinstance(records.get(next(iter(records))), list):
        lone = next(iter(records.values()))
        records = lone if all(isinstance(record, dict) for record in lone) else records
    if isinstance(records, dict):
        records = _by_rows(records) or [
            {"ID": key, **record} if isinstance(record, dict) else record for key, record in records.items()
        ]
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise InputError(f"{path}: expected a JSON object for each recording, found something else")
    return _of_records(path, records)


def _by_rows(columns: dict) -> list[dict]:
    """Turn columns into rows: lists, or objects by the rows' numbers; nothing where they are something else."""
    kinds = {type(column) for column in columns.values()}
    if kinds == {dict}:
        numbers = [list(column) for column in columns.values()]
        if not all(number.isdecimal() for number in numbers[0]) or any(one != numbers[0] for one in numbers):
            return []
        columns = {name: list(column.values()) for name, column in columns.items()}
    elif kinds != {list}:
        return []
    if len({len(column) for column in columns.values()}) > 1:
        return []
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _json_lines(text: str) -> list[dict]:
    """Two objects or more, each in a line of its own; nothing where the text is something else."""
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) < 2 or not all(line.lstrip().startswith("{") and line.rstrip().endswith("}") for line in lines):
        return []
    try:
        return [json.loads(line) for line in lines]
    except (ValueError, RecursionError):
        return []


def _json(text: str, place: str):
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place}: not valid JSON: {error}") from error


def _text(path: Path) -> str:
    content = path.read_bytes()
    if content.startswith(UTF16):
        raise InputError(
            f"{path}: expected a UTF-8 table, found UTF-16 (Excel's 'Unicode text'); save it as 'CSV UTF-8'"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: expected a UTF-8 CSV table with a header, found another encoding ({error}); save it as 'CSV "
            "UTF-8'"
        ) from error


def _csv(path: Path, text: str) -> Rows:
    first, _, rest = text.partition("\n")
    declared = first.strip().strip('"')
    if declared.lower().startswith("sep=") and len(declared) == len("sep=,"):
        delimiter, text = declared[-1], rest
    elif path.suffix.lower() == ".tsv":
        delimiter = "\t"
    else:
        delimiter = max(DELIMITERS, key=QUOTED.sub("", first).count)
    lines = _literally(text) if delimiter == "\t" else []
    lines = lines or _quoted(path, text, delimiter)
    if not lines or not any(cell.strip() for cell in lines[0]):
        raise InputError(f"{path}: expected a UTF-8 CSV table with a header, found no header in its first line")
    # Unnamed columns get the names that pandas gives them.
    header = [name.strip() or f"Unnamed: {number}" for number, name in enumerate(lines[0])]
    cells, places = [], []
    for number, line in enumerate(lines[1:], start=2):
        if any(cell.strip() for cell in line[len(header) :]):
            raise InputError(
                f"{path}: row {number}: expected {len(header)} cells a row as in the header, found more; quote commas"
            )
        if any(cell.strip() for cell in line):
            padded = line[: len(header)] + [""] * (len(header) - len(line))
            cells.append(dict(zip(header, padded, strict=True)))
            places.append(f"{path}: row {number}")
    return _checked(Rows(path, header, cells, places, decimal_comma=delimiter == ";"))


def _literally(text: str) -> list[list[str]]:
    """Cut a text at its tabs, where each line then has as many cells: a quote in a sentence is a quote.

    Returns:
        The cells of each line that has any, or nothing where quotes hold tabs or line ends.
    """
    lines = [line.split("\t") for line in re.split(r"\r\n|\r|\n", text) if line.strip()]
    if len({len(line) for line in lines}) != 1:
        return []
    return [[cell[1:-1].replace('""', '"') if QUOTED.fullmatch(cell) else cell for cell in line] for line in lines]


def _quoted(path: Path, text: str, delimiter: str) -> list[list[str]]:
    """Read CSV by its rules, where quotes hold a cell together, and a quote in it is written twice."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines, begins = [], 1
    try:
        for line in reader:
            held = [piece for cell in line for piece in cell.splitlines()[1:]]
            if any(
                Path(name.strip()).suffix.lower() in kinds.SUFFIXES for row in held for name in row.split(delimiter)
            ):
                raise InputError(
                    f"{path}: line {begins}: a quoted cell holds whole rows, such as {held[0]!r}: a quote is not "
                    "closed; write a quote in a quoted cell twice"
                )
            lines.append(line)
            begins = reader.line_num + 1
    except csv.Error as error:
        place = f"{path}: line {begins}"
        if "field limit" in str(error):
            raise InputError(
                f"{place}: expected a UTF-8 CSV table with a header, found a cell of more than "
                f"{csv.field_size_limit():,} signs: where the audio itself stands in the table, write it to files, and "
                "their paths here (data/raw/README.md, A table); else a quote is not closed"
            ) from error
        raise InputError(
            f"{place}: expected a UTF-8 CSV table with a header, found a row with a quote that is neither closed nor "
            f"doubled ({error}); write a quote in a quoted cell twice"
        ) from error
    return lines


def _parquet(path: Path) -> list[dict]:
    try:
        table = pd.read_parquet(path)
        classes = _classes(path)
    except (OSError, ValueError, AttributeError) as error:  # pyarrow's own errors are ValueErrors
        raise InputError(f"{path}: no Parquet table: {str(error).splitlines()[0]}") from error
    if not isinstance(table.index, pd.RangeIndex):  # audformat's index is file, or file, start and end
        several = table.index.nlevels > 1
        names = [
            (f"level_{level}" if several else "index") if name is None else name
            for level, name in enumerate(table.index.names)
        ]
        told = table.index.to_frame(index=False).set_axis(names, axis="columns")
        table = told.drop(columns=table.columns, errors="ignore").join(table.reset_index(drop=True))
    for column, names in classes.items():
        if column in table:
            table[column] = [names[int(label)] if label in range(len(names)) else None for label in table[column]]
    return table.astype(object).where(table.notna(), None).to_dict("records")


def _classes(path: Path) -> dict[str, list[str]]:
    """The names of the classes of each column that Hugging Face's ``datasets`` wrote as numbers."""
    header = (pyarrow.parquet.read_schema(path).metadata or {}).get(b"huggingface", b"{}")
    told = json.loads(header).get("info", {}).get("features", {})
    return {
        name: feature["names"]
        for name, feature in told.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and feature.get("names")
    }


def _of_records(path: Path, records: Iterable[dict]) -> Rows:
    columns: dict[str, None] = {}
    cells = []
    for number, record in enumerate(records, start=1):
        cells.append({str(name): _cell(value, f"{path}: record {number}: {name}") for name, value in record.items()})
        columns.update(dict.fromkeys(cells[-1]))
    cells = [{name: row.get(name, "") for name in columns} for row in cells]
    return _checked(Rows(path, list(columns), cells, [f"{path}: record {number + 1}" for number in range(len(cells))]))


def _cell(value, place: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        if any("\ud800" <= sign <= "\udfff" for sign in value):
            raise InputError(f"{place}: expected text, found half of a character in {value!r}")
        return value
    if isinstance(value, bytes) or (isinstance(value, dict) and isinstance(value.get("bytes"), bytes)):
        raise InputError(
            f"{place}: the audio itself stands in the table; write it to files, and their paths here "
            "(data/raw/README.md, A table)"
        )
    if isinstance(value, dict):  # Parquet gives each object every key that any of them has
        value = {key: member for key, member in value.items() if member is not None}
        if isinstance(value.get("path"), str) and set(value) <= AUDIO:
            return value["path"]
    if hasattr(value, "tolist"):
        value = value.tolist()
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        return str(value)  # dates and spans of time


def _checked(rows: Rows) -> Rows:
    twice = [name for name, count in Counter(rows.columns).items() if count > 1]
    if twice:
        raise InputError(f"{rows.path}: the column '{twice[0]}' stands there twice; rename or delete one")
    return rows
