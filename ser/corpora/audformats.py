"""A corpus in audformat, as audEERING's audb and nkululeko distribute corpora: ``db.yaml`` and a file for each table.

Source: https://audeering.github.io/audformat. Example: ``db.yaml``, ``db.files.csv``, ``db.emotion.csv``,
``wav/03a01Fa.wav``. A table of files has columns, each with a scheme; the labels of the scheme speaker can be a table
of their own, which tells gender, age and language. Several raters of the emotion are columns with a rater each.
"""

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import audformat
import pandas as pd
import yaml

from ser.corpora import cells, emotions, votes
from ser.corpora.layout import same_letters
from ser.files.failures import InputError

HEADER = "db.yaml"
# What a field of an utterance is called, as a scheme or a column.
NAMES = {
    "emotion": "emotion",
    "speaker": "speaker",
    "gender": "gender",
    "sex": "gender",
    "age": "age",
    "language": "language",
    "transcription": "text",
    "text": "text",
}
GOLD = "gold"  # the usual name of the rater that stands for the outcome of all others


@dataclass(frozen=True)
class _Column:
    """A column of a table of files: its cells by path, our name for it, its own, and who rated."""

    table: str
    name: str
    own: str
    cells: Mapping[str, object]
    rater: str
    kind: str


def parse(
    folder: Path,
    files: Mapping[str, Path],
    own: Mapping[str, str] = emotions.NONE_OF_ITS_OWN,
    incomplete: bool = False,
) -> dict[str, dict]:
    """Read the tables of files; tables of segments are not read.

    Args:
        folder: the corpus.
        files: its audio files by their paths below it.
        own: emotions by the corpus' own names for them.
        incomplete: whether files may have no emotion, which then are left out.

    Returns:
        By path, the keyword arguments of ``Utterance`` beside name and path. Further columns are details, as is split,
        where a table belongs to one. Two or more raters who are people make the votes, and the most voted emotion
        where no other column tells one.

    Raises:
        InputError: header or tables cannot be read, no table of files tells the emotion of a file, tables contradict
            each other, or do not agree with the files.
    """
    header = folder / HEADER
    database = _database(folder)
    columns = _one_emotion(list(_columns(database, folder)))
    people = {column.rater for column in columns if column.name == "emotion" and column.kind == "human"} - {GOLD}
    told: dict[str, dict] = {relative: {} for relative in files}
    ballots: dict[str, Counter] = {relative: Counter() for relative in files}
    for column in columns:
        absent = [relative for relative in column.cells if relative not in files]
        if absent and column.name == "emotion":
            raise InputError(
                f"{header}: {len(absent)} of {len(column.cells)} files of a table are not there, such as "
                f"'{absent[0]}'; add them"
            )
        for relative, cell in column.cells.items():
            if relative not in files:
                continue
            if column.name == "emotion":
                cell = _word(str(cell), f"{header}: {relative}", folder.name, own)
                if len(people) > 1 and column.rater in people:
                    ballots[relative][cell] += 1
                    continue
            if told[relative].setdefault(column.name, cell) != cell:
                alike = [each for each in columns if each.name == column.name and relative in each.cells]
                places = " and ".join(f"{each.own} of the table {each.table}" for each in alike)
                raise InputError(
                    f"{header}: tables contradict each other: {column.name} of '{relative}' is "
                    f"'{told[relative][column.name]}' and '{cell}' ({places}); mend one, or take one out"
                )
    unlabelled = [name for name, fields in told.items() if "emotion" not in fields and not ballots[name]]
    if unlabelled and not incomplete:
        named = ", ".join(sorted({column.own for column in columns})) or "none"
        raise InputError(
            f"{header}: expected an emotion of every audio file in a table of files, found none for {len(unlabelled)} "
            f"of {len(files)}, such as '{unlabelled[0]}' (columns: {named}; that of the emotion is called so, or its "
            "scheme is); take these out of the folder, leave them out by "
            f"manifest.allow_incomplete: [{folder.name}], or cut segments into files of their own"
        )
    language = cells.language(database.languages[0]) if len(database.languages) == 1 else ""
    genders = cells.genders(str(fields.get("gender", "")) for fields in told.values())
    return {
        relative: _fields(fields, ballots[relative], language, f"{header}: {relative}", genders)
        for relative, fields in told.items()
        if relative not in set(unlabelled)
    }


def _fields(fields: dict, ballots: Counter, language: str, place: str, genders: Mapping[str, str]) -> dict:
    emotion = fields.pop("emotion", None) or votes.most(ballots)
    details = {name: fields.pop(name) for name in list(fields) if name not in cells.FIELDS}
    known = cells.fields({name: str(cell) for name, cell in fields.items()}, place, genders=genders)
    known["details"] |= details
    known["language"] = known.get("language") or language
    return {**known, "emotion": emotion, "votes": dict(ballots)}


def _database(folder: Path) -> audformat.Database:
    """Read header and tables. audformat's own reading would run code that a YAML or pickle file holds."""
    pickles = sorted(folder.glob("db.*.pkl"))
    if pickles:
        raise InputError(
            f"{pickles[0]}: a pickle, which could run any code; delete it if a table as CSV or Parquet lies beside it, "
            "else save the database anew as CSV"
        )
    try:
        header = yaml.safe_load((folder / HEADER).read_text(encoding="utf-8"))
        database = audformat.Database.load_header_from_yaml(header)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pd.errors.Pandas4Warning)  # audformat 1.4 uses what pandas 4 will not have
            for name in [*database.misc_tables, *database.tables]:
                database[name].load(str(folder / f"db.{name}"))
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise InputError(f"{folder / HEADER}: no database in audformat: {' '.join(str(error).split())}") from error
    return database


def _columns(database: audformat.Database, folder: Path) -> Iterator[_Column]:
    for table_name in database.tables:
        table = database.tables[table_name]
        if not table.is_filewise:
            continue
        frame = table.df
        paths = [same_letters(str(path).removeprefix(f"{folder}/")) for path in frame.index]
        if table.split_id:
            kind = database.splits[table.split_id].type
            yield _Column(table_name, "split", "split", dict.fromkeys(paths, str(kind)), "", "")
        for column_name, column in table.columns.items():
            scheme = column.scheme_id or column_name
            name = NAMES.get(scheme) or NAMES.get(column_name) or column_name
            rater = database.raters[column.rater_id].type if column.rater_id else ""
            told = {
                path: _plain(cell) for path, cell in zip(paths, frame[column_name], strict=True) if not pd.isna(cell)
            }
            labels = _labels(database, column.scheme_id)
            if name in ("text", "emotion"):
                told = {
                    path: labels.get(cell, cell) if isinstance(labels.get(cell, cell), str) else cell
                    for path, cell in told.items()
                }
            yield _Column(table_name, name, column_name, told, column.rater_id or "", str(rater))
            for field in ("gender", "age", "language") if name == "speaker" else ():
                about = {path: (labels.get(cell) or {}).get(field) for path, cell in told.items()}
                known = {path: cell for path, cell in about.items() if not pd.isna(cell)}
                yield _Column(table_name, field, field, known, "", "")


def _one_emotion(columns: list[_Column]) -> list[_Column]:
    """Where nobody rated, and one of several columns of emotions is called so, let the others be details."""
    unrated = {column.own for column in columns if column.name == "emotion" and not column.rater}
    others = unrated - {"emotion"} if "emotion" in unrated else set()
    return [
        replace(column, name=column.own) if column.own in others and not column.rater else column for column in columns
    ]


def _labels(database: audformat.Database, scheme_id: str | None) -> dict:
    """What a scheme says of each of its labels: a text, or an object such as gender and age of a speaker."""
    labels = database.schemes[scheme_id].labels if scheme_id else None
    if isinstance(labels, str):  # the name of a table
        frame = database.misc_tables[labels].df
        return {
            _plain(key): {name: _plain(cell) for name, cell in row.items()}
            for key, row in frame.to_dict("index").items()
        }
    return labels if isinstance(labels, dict) else {}


def _plain(cell):
    """A cell as a JSON value."""
    if isinstance(cell, pd.Timedelta):
        return cell.total_seconds()
    if pd.isna(cell):
        return None
    return cell.item() if hasattr(cell, "item") else cell if isinstance(cell, bool | int | float) else str(cell)


def _word(cell: str, place: str, corpus: str, own: Mapping[str, str]) -> str:
    word = emotions.word(cell, own)
    if word is None:
        raise InputError(
            f"{place}: expected some of {', '.join(emotions.WORDS)}, or a synonym, found the emotion '{cell}'; say "
            f"what it means: manifest.words: {{{corpus}: {{'{cell}': ...}}}}"
        )
    return word
