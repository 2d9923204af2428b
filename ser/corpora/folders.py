"""A corpus of emotion folders: any recordings that a user sorts by emotion.

Example: ``angry/mary_01.wav``. The folder's name is the emotion (``ser.corpora.emotions``), the file's name is free.
What else is known stands in ``metadata.csv`` in the corpus' folder: the column path, such as
``angry/mary_01.wav``, and any of speaker, gender, age (years), text, language (ISO 639-1) and votes (raters per
emotion as JSON: ``{"angry": 7, "sad": 3}``); further columns are kept as details. Speakers can also be taken from file
names.
"""

import difflib
import json
import math
import re
from pathlib import Path, PurePosixPath

from ser.corpora import emotions
from ser.corpora.layout import audio_files, same_letters
from ser.corpora.utterance import Utterance
from ser.files import tables
from ser.files.failures import InputError

METADATA = "metadata.csv"
COLUMNS = ("path", "speaker", "gender", "age", "text", "language", "votes")
# Columns of the manifest that are found elsewhere than in metadata.csv.
RESERVED = ("id", "corpus", "emotion", "seconds", "sampling_rate", "sha256", "details")
GENDERS = {"f": "female", "female": "female", "m": "male", "male": "male"}


def parse(folder: Path, speaker_pattern: str | None) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, with one folder per emotion.
        speaker_pattern: a regular expression with a group named ``speaker`` that matches from the beginning of each
            file's name, or None.

    Returns:
        One utterance a file, named by its path without suffix. Speakers that neither metadata.csv nor the pattern tells
        stay unknown.

    Raises:
        InputError: there is no audio, a folder's name is no known emotion, metadata.csv does not agree with the files,
            or the pattern does not match a file's name.
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
    labels = {relative: _emotion(folder, relative) for relative in files}
    table = folder / METADATA
    known = _metadata(table, files) if table.is_file() else {relative: {} for relative in files}
    if speaker_pattern is not None:
        for relative in files:
            if "speaker" in known[relative]:
                raise InputError(
                    f"{table}: has a column speaker, yet manifest.speaker_pattern names the corpus '{folder.name}' "
                    "too; take one of the two away"
                )
            known[relative]["speaker"] = _speaker(files[relative], speaker_pattern)
    return [
        Utterance(str(PurePosixPath(relative).with_suffix("")), path, labels[relative], **known[relative])
        for relative, path in files.items()
    ]


def _emotion(folder: Path, relative: str) -> str:
    directory, *rest = PurePosixPath(relative).parts
    if not rest:
        raise InputError(f"{folder / relative}: expected in a folder named for its emotion, such as {folder}/angry")
    emotion = emotions.word(directory)
    if emotion is None:
        raise InputError(
            f"{folder / directory}: no known emotion; rename the folder to one of {', '.join(emotions.WORDS)} (or a "
            f"synonym: {', '.join(emotions.SYNONYMS)}), or, if it is no emotion, move it out of the corpus"
        )
    return emotion


def _speaker(path: Path, pattern: str) -> str:
    match = re.match(same_letters(pattern), same_letters(path.name))
    if not match or not match["speaker"]:
        raise InputError(
            f"{path}: the name does not match manifest.speaker_pattern '{pattern}'; mend the one or the other"
        )
    return match["speaker"]


def _metadata(path: Path, files: dict[str, Path]) -> dict[str, dict]:
    """The fields of ``Utterance`` that metadata.csv tells, by path; each file must stand in it once."""
    # Every column is read as text, so that a speaker 03 stays 03; the header must be known for that.
    columns = list(tables.read(path, ["path"]).columns)
    table = tables.read(path, ["path"], text=columns)
    for column in columns:
        close = difflib.get_close_matches(column, COLUMNS, n=1, cutoff=0.75)
        if column not in COLUMNS and (column in RESERVED or close):
            advice = f"did you mean '{close[0]}'?" if close else "the manifest finds it itself: rename or remove it"
            raise InputError(f"{path}: the column '{column}' cannot be used; {advice}")
    known = {}
    for number, row in enumerate(table.to_dict("records"), start=2):
        place = f"{path}: row {number}"
        relative = same_letters(str(PurePosixPath(row.pop("path").replace("\\", "/"))))
        if relative not in files:
            raise InputError(f"{place}: no audio file '{relative}' in {path.parent}; paths are relative to that folder")
        if relative in known:
            raise InputError(f"{place}: '{relative}' stands here a second time; delete one of the rows")
        known[relative] = _fields(row, place)
    missing = [relative for relative in files if relative not in known]
    if missing:
        raise InputError(
            f"{path}: {len(missing)} of {len(files)} audio files have no row, the first is '{missing[0]}'; add the "
            "rows, or take the files away"
        )
    return known


def _fields(row: dict[str, str], place: str) -> dict:
    """One row of metadata.csv, without its path, as fields of ``Utterance``."""
    fields = {column: row[column].strip() for column in ("speaker", "text", "language") if column in row}
    if "gender" in row:
        fields["gender"] = GENDERS.get(row["gender"].strip().lower(), row["gender"].strip())
    if row.get("age"):
        fields["age"] = _age(row["age"], place)
    if row.get("votes"):
        fields["votes"] = _votes(row["votes"], place)
    details = {column: _value(text) for column, text in row.items() if column not in COLUMNS and text}
    return {**fields, "details": details}


def _age(text: str, place: str) -> float:
    try:
        age = float(text)
    except ValueError:
        age = math.nan
    if not 0 <= age < 150:
        raise InputError(f"{place}: expected an age in years, found '{text}'; leave it empty where it is unknown")
    return age


def _votes(text: str, place: str) -> dict[str, int]:
    try:
        votes = json.loads(text)
    except ValueError:
        votes = None
    if not isinstance(votes, dict) or not all(type(count) is int and count >= 0 for count in votes.values()):
        raise InputError(f'{place}: expected votes as JSON, such as {{"angry": 7, "sad": 3}}, found \'{text}\'')
    named = {}
    for name, count in votes.items():
        emotion = emotions.word(name)
        if emotion is None:
            raise InputError(f"{place}: votes: expected some of {', '.join(emotions.WORDS)}, found '{name}'")
        named[emotion] = named.get(emotion, 0) + count
    return {emotion: count for emotion, count in named.items() if count}


def _value(text: str):
    """A cell of a further column: a number, a truth value, a list or an object where it reads as one, else the text."""
    if text in ("True", "False"):  # as pandas writes them
        return text == "True"
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float | list | dict) else text
