"""A user's own corpus: folders named for emotions, or for whatever a pattern says, or a table of the recordings.

Example: ``angry/mary_01.wav``. The folder's name is the emotion (``ser.corpora.emotions``), the file's name is free;
other layouts are recognised or named in params (``ser.corpora.layouts``). What else is known stands in
``metadata.csv`` in the corpus' folder: the column path, such as ``angry/mary_01.wav``, and any of speaker, gender, age
(years), text, language (ISO 639-1), votes (raters per emotion as JSON: ``{"angry": 7, "sad": 3}``) and raters; further
columns are kept as details. A table that tells the emotions, too, is named ``index.csv`` (``ser.corpora.index``);
``db.yaml`` is the header of a corpus in audformat (``ser.corpora.audformats``). Speakers can also be taken from file
names.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ser.corpora import audformats, emotions, index, layouts, parsers, rows
from ser.corpora.layout import audio_files, same_letters
from ser.corpora.utterance import Utterance
from ser.files.failures import InputError

METADATA = "metadata"
# Columns of the manifest that are found elsewhere than in metadata.csv.
RESERVED = ("id", "corpus", "emotion", "seconds", "sampling_rate", "sha256", "details")


@dataclass(frozen=True)
class Reading:
    """How params say that a user's corpus is to be read.

    Attributes:
        speaker_pattern: a regular expression with a group named ``speaker`` that matches from the beginning of each
            file's name, or None.
        layout: a pattern over the path (``ser.corpora.layouts``), or None where the folders' names show it.
        columns: of a table, by our names, where it calls them otherwise.
        words: emotions by what the corpus calls them, in the names of folders or files or in its index.
    """

    speaker_pattern: str | None = None
    layout: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


def documents(folder: Path) -> tuple[str, ...]:
    """Name the files of a corpus that are read besides its recordings."""
    tables = [f"{stem}{suffix}" for stem in (index.STEM, METADATA) for suffix in rows.SUFFIXES]
    database = folder.glob("db.*") if (folder / audformats.HEADER).is_file() else ()
    return (*tables, *(path.name for path in database))


def parse(folder: Path, reading: Reading) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus.
        reading: what params say of it.

    Returns:
        One utterance a file, named by its path without suffix. Speakers that nothing tells stay unknown.

    Raises:
        InputError: there is no audio, a folder's name is no known emotion, a table does not agree with the files, a
            pattern does not match a file's name, or two sources tell the same.
    """
    files = {}
    for path in audio_files(folder):
        relative = same_letters(path.relative_to(folder).as_posix())
        if relative in files:
            raise InputError(f"{path}: the same name as another file, but for how accents are written; rename one")
        files[relative] = path
    if not files:
        raise InputError(
            f"{folder}: expected audio files in a folder per emotion, such as {folder}/angry/one.wav, found none; "
            "add them, or take the corpus out of `corpora`"
        )
    database, table, metadata = folder / audformats.HEADER, rows.find(folder, index.STEM), rows.find(folder, METADATA)
    sources = [path for path in (database, table, metadata) if path is not None and path.is_file()]
    if len(sources) > 1:
        raise InputError(f"{folder}: expected one table, found {' and '.join(path.name for path in sources)}; keep one")
    if reading.layout is not None and sources and sources[0] != metadata:
        raise InputError(f"{sources[0]}: tells the emotions, yet manifest.layout names '{folder.name}'; take one away")
    if reading.columns and (not sources or sources[0] == database):
        raise InputError(
            f"{folder}: manifest.columns names the corpus, which has no table {index.STEM}.csv or {METADATA}.csv; "
            "take it out"
        )
    if reading.words and database.is_file():
        raise InputError(
            f"{database}: audformat has words of its own, yet manifest.words names the corpus; take it out"
        )
    if database.is_file():
        known = audformats.parse(folder, files)
    elif table is not None:
        known = index.parse(table, files, reading.columns, reading.words)
    else:
        known = _by_folders(folder, files, metadata, reading)
    if reading.speaker_pattern is not None:
        for relative, path in files.items():
            if "speaker" in known[relative]:
                raise InputError(
                    f"{sources[0] if sources else folder}: has a column speaker, yet manifest.speaker_pattern names "
                    "the "
                    f"corpus '{folder.name}' too; take one of the two away"
                )
            known[relative]["speaker"] = _speaker(path, reading.speaker_pattern)
    return [
        Utterance(str(PurePosixPath(relative).with_suffix("")), path, **known[relative])
        for relative, path in files.items()
    ]


def untold_speakers(folder: Path, utterances: Iterable[Utterance], layout: str | None) -> str:
    """Say what may tell the speakers of emotion folders that have none, by the names of folders and files.

    Args:
        folder: the corpus.
        utterances: of it.
        layout: the pattern that params name for it, or None.

    Returns:
        What to do; ``""`` where speakers are known, no name helps, or the user has said by table or pattern what is.
    """
    utterances = list(utterances)
    told = layout is not None or rows.find(folder, index.STEM) is not None or (folder / audformats.HEADER).is_file()
    if told or any(utterance.speaker for utterance in utterances):
        return ""
    paths = [utterance.path.relative_to(folder).as_posix() for utterance in utterances]
    if parser := parsers.resembling(paths):
        return _named_as(parser)
    patterns = [pattern for pattern in layouts.proposals(paths)[:1] if "{speaker}" in pattern]
    return "".join(f"if the folders do: manifest.layout: {{{folder.name}: '{pattern}'}}" for pattern in patterns)


def _by_folders(folder: Path, files: Mapping[str, Path], metadata: Path | None, reading: Reading) -> dict[str, dict]:
    """By path, keyword arguments of ``Utterance`` out of the folders' names and metadata.csv."""
    pattern = reading.layout or layouts.recognise(files, reading.words)
    if pattern:
        known = layouts.read(files, pattern, str(folder), reading.words)
    else:
        known = {relative: {"emotion": _emotion(folder, relative, files, metadata, reading)} for relative in files}
    told = _metadata(metadata, files, reading.columns) if metadata is not None else {}
    for relative, fields in known.items():
        extra = told.get(relative, {})
        if reading.layout is None and ("speaker" in extra or reading.speaker_pattern is not None):
            fields.pop("speaker", None)  # recognised only: what a user says counts more
        twice = sorted(set(fields) & set(extra) - {"details"})
        if twice:
            raise InputError(
                f"{metadata}: has a column {twice[0]}, yet manifest.layout takes it from the path; take one of the "
                "two away"
            )
        details = fields.get("details", {}) | extra.get("details", {})
        known[relative] = {**fields, **extra, "details": details}
    return known


def _emotion(folder: Path, relative: str, files: Iterable[str], metadata: Path | None, reading: Reading) -> str:
    directory, *rest = PurePosixPath(relative).parts
    emotion = emotions.word(directory, reading.words) if rest else None
    if emotion is not None:
        return emotion
    known = ""
    if parser := parsers.resembling(files):
        known = f"{_named_as(parser)}; if it is another, "
    elif parser := parsers.resembling(path for path in files if rest and path.startswith(f"{directory}/")):
        known = (
            f"the files in it are named as those of {parser}: if it is this corpus, move it to "
            f"{folder.parent / parser} and say `corpora: [{parser}]`; if it is another, "
        )
    if metadata is not None and (column := _telling(metadata)):
        raise InputError(
            f"{metadata}: has the column '{column}', while no folder tells the emotions; if it tells them, name the "
            f"table {index.STEM}{metadata.suffix}"
        )
    told = [f"manifest.layout: {{{folder.name}: '{pattern}'}}" for pattern in layouts.proposals(files)]
    if told:
        hint = f", or say what it is: {told[0]}"
        hint += f" (or, if '{directory}' is only a folder of the archive's, {told[1]})" if len(told) > 1 else ""
    else:
        hint = f", or list the recordings in {folder}/{index.STEM}.csv, or name a pattern in manifest.layout"
    hint += _unread_tables(folder)
    if not rest:
        raise InputError(
            f"{folder / relative}: {known}expected in a folder named for its emotion, such as {folder}/angry{hint}"
        )
    raise InputError(
        f"{folder / directory}: no known emotion; {known}rename the folder to one of {', '.join(emotions.WORDS)} (or a "
        f"synonym of ser/corpora/emotions.py){hint}, or, if it is no emotion, move it out of the corpus"
    )


def _named_as(parser: str) -> str:
    return f"the files are named as those of {parser}: if it is this corpus, {parsers.renaming(parser)}"


def _telling(table: Path) -> str:
    """The column of a table that could tell the emotions, or ``""``."""
    names = ("emotion", *index.ALIASES["emotion"])
    return next((column for column in rows.read(table).columns if column.lower() in names), "")


def _unread_tables(folder: Path) -> str:
    """A hint where tables lie in the corpus that are not read, as none is called index."""
    kinds = {*rows.SUFFIXES, *rows.SPREADSHEETS} - {".json"}  # of JSON there may be one for each recording
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in kinds and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not found:
        return ""
    others = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return f" (where {found[0]}{others} tells them, make it that table, {folder}/{index.STEM}.csv)"


def _speaker(path: Path, pattern: str) -> str:
    match = re.match(same_letters(pattern), same_letters(path.name))
    if not match or not match["speaker"]:
        raise InputError(
            f"{path}: the name does not match manifest.speaker_pattern '{pattern}'; mend the one or the other"
        )
    return match["speaker"]


def _metadata(path: Path, files: Mapping[str, Path], names: Mapping[str, str]) -> dict[str, dict]:
    """The fields of ``Utterance`` that metadata.csv tells, by path; each file must stand in it once."""
    table = index.renamed(rows.read(path), names, [name for name in index.COLUMNS if name != "emotion"])
    for column in table.columns:
        if column.lower() in RESERVED:
            raise InputError(
                f"{path}: the column '{column}' cannot be used; the manifest finds it itself: rename or remove it"
                + (f", or name the table {index.STEM}{path.suffix}" if column.lower() == "emotion" else "")
            )
    return index.about(table, index.matched(table, files))
