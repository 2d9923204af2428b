"""A corpus as a table: ``index.csv`` in its folder, one row a recording, whatever the folders below are.

Example: ``path,emotion,speaker`` and ``takes/0001.wav,anger,mary``. Columns: path, emotion or votes (JSON), and any of
speaker, gender, age, text, language (ISO 639-1) and raters; further ones are kept as details. Columns that other
programs name otherwise are known by ``ALIASES``; params can name any.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import pandas as pd

from ser import audio
from ser.corpora import cells, emotions, rows, votes
from ser.corpora.layout import same_letters
from ser.files.failures import InputError

STEM = "index"
COLUMNS = ("path", "emotion", "speaker", "gender", "age", "text", "language", "votes")
TOLD = (*COLUMNS, "raters")  # which params can name
# What others call these columns: nkululeko and audformat (file), SpeechBrain (wav, emo, spk_id), Hugging Face
# (file_name), EmoBox (wav, emo, spk, gd, lang), Common Voice (client_id), and tables that pandas users write. Compared
# in lower case, without blanks, _ and -.
ALIASES = {
    "path": ("file", "file_name", "file_path", "wav", "wav_path", "audio", "audio_path"),
    "emotion": ("emo", "emotion_label", "label"),
    "speaker": (
        *("speaker_id", "speaker_name", "spk", "spk_id", "actor", "actor_id", "subject", "subject_id"),
        *("spkr", "spkr_id", "actor_name", "participant", "participant_id", "client_id", "user_id"),
    ),
    "gender": ("sex", "gd"),
    "text": ("transcript", "transcription"),
    "language": ("lang",),
    "start": ("start_time", "start_s", "start_sec", "start_seconds", "begin", "begin_time", "onset"),
    "end": ("end_time", "end_s", "end_sec", "end_seconds"),
}
# Further columns that mean something here, and are known however they are written.
MEANT = ("raters", "start", "end", "split", "session", "sentence")
MINUTES = re.compile(r"\d+:\d{2}(\.\d+)?")
LENGTH_TOLERANCE_S = 0.01  # of a segment that is a whole file
LEAST_LETTERS = 5  # of a column's name that may be one of ours misspelt; shorter ones are near to many words
EXAMPLES = 5  # of unknown words that a message repeats


def parse(
    path: Path,
    files: Mapping[str, Path],
    names: Mapping[str, str],
    own: Mapping[str, str] = emotions.NONE_OF_ITS_OWN,
) -> dict[str, dict]:
    """Read a corpus' index.

    Args:
        path: the table.
        files: the corpus' audio files by their paths below its folder.
        names: columns of the table by those of ``COLUMNS``, where the table calls them otherwise.
        own: emotions by the corpus' own names for them.

    Returns:
        By path, the keyword arguments of ``Utterance`` beside name and path.

    Raises:
        InputError: the table cannot be read, does not agree with the files, or a cell cannot be understood.
    """
    table = renamed(rows.read(path), names)
    if not {"emotion", "votes"} & set(table.columns):
        raise InputError(
            f"{path}: expected a column emotion or votes, found {', '.join(table.columns)}; say which one it is: "
            f"manifest.columns: {{{path.parent.name}: {{emotion: ...}}}}; columns of one rater each are joined to "
            "votes first (data/raw/README.md, A table)"
        )
    _check_starts(table)
    positions = matched(table, files)
    _check_ends(table, positions, files)
    known = about(table, positions, own)
    labels = {relative: cells.told(table.cells[at].get("emotion", "")) for relative, at in positions.items()}
    words = _words(path, labels, own)
    for relative, at in positions.items():
        emotion, heard = words[relative], known[relative].get("votes")
        if not emotion and not heard:
            raise InputError(f"{table.places[at]}: neither emotion nor votes; fill one in, or take row and file away")
        known[relative]["emotion"] = emotion or votes.most(heard)
        if emotion == "other" and labels[relative].lower() != "other":
            known[relative]["details"]["label"] = labels[relative]
    return known


def renamed(table: rows.Rows, names: Mapping[str, str], wanted: Sequence[str] = COLUMNS) -> rows.Rows:
    """Give the columns our names: those that params say, then those of ``ALIASES``.

    Args:
        table: as it was read.
        names: columns of the table by ours.
        wanted: which of ours to look for.

    Raises:
        InputError: params name a column that is not there, two columns could be the same, or a name is one letter away
            from one of ours that is missing.
    """
    ours = {}
    for name, theirs in names.items():
        if theirs not in table.columns:
            raise InputError(
                f"{table.path}: expected the column '{theirs}', named in manifest.columns, found "
                f"{', '.join(table.columns)}"
            )
        ours[theirs] = name
    taken = {*ours.values(), *(set(table.columns) - set(ours))}
    for name in (*wanted, *MEANT):
        if name in taken:
            continue
        aliases = {folded(alias) for alias in (name, *ALIASES.get(name, ()))}
        known = [column for column in table.columns if column not in ours and folded(column) in aliases]
        if len(known) > 1:
            raise InputError(
                f"{table.path}: the columns {' and '.join(known)} could both be the {name}; "
                + (
                    f"say which one is: manifest.columns: {{{table.path.parent.name}: {{{name}: {known[0]}}}}}"
                    if name in TOLD
                    else "rename one"
                )
            )
        ours.update(dict.fromkeys(known, name))
    columns = [ours.get(column, column) for column in table.columns]
    for column in columns:
        close = next((name for name in wanted if name not in columns and _misspelt(folded(column), name)), "")
        if close:
            raise InputError(
                f"{table.path}: the column '{column}' cannot be used; did you mean '{close}'? Then say so: "
                f"manifest.columns: {{{table.path.parent.name}: {{{close}: {column}}}}}; if not, call it otherwise"
            )
    # A column that ours takes the place of, such as text where params say that transcript is the text, keeps its cells.
    columns = [f"{name} (2)" if columns.index(name) < place else name for place, name in enumerate(columns)]
    if "path" not in columns:
        raise InputError(
            f"{table.path}: expected the columns path, ..., found {', '.join(table.columns)}; missing: path; say "
            "which one "
            f"it is: manifest.columns: {{{table.path.parent.name}: {{path: ...}}}}"
        )
    told = [dict(zip(columns, row.values(), strict=True)) for row in table.cells]
    return rows.Rows(table.path, columns, told, table.places, table.decimal_comma)


def folded(name: str) -> str:
    """A column's name without what people write differently."""
    return re.sub(r"[\s_-]+", "", name.lower())


def _misspelt(name: str, ours: str) -> bool:
    """Tell whether a name is ours with one letter more, less or other, or with two that changed places."""
    cuts = [(ours[:at], ours[at:]) for at in range(1, len(ours) + 1)]  # the first letter stays: notes are no votes
    return len(name) >= LEAST_LETTERS and any(
        re.fullmatch(f"{start}.{end}|{start}.?{end[1:]}|{start}{end[1::-1]}{end[2:]}", name) for start, end in cuts
    )


def matched(table: rows.Rows, files: Mapping[str, Path]) -> dict[str, int]:
    """Find each row's audio file.

    Paths are relative to the corpus' folder. Where the table's begin elsewhere, such as ``/home/mary/corpus/a.wav`` or
    ``{data_root}/a.wav``, the same beginning is taken off all of them, if every row then has its file.

    Returns:
        The row's position by the file's path, in the order of the rows.

    Raises:
        InputError: a row has no file, a file no row, or two.
    """
    folder = table.path.parent
    paths = [PurePosixPath(row["path"].strip().replace("\\", "/")) for row in table.cells]
    cut = _foreign_parts(paths, files)
    if paths and not any(_without(path, cut) in files for path in paths):
        paths = _by_name(paths, files) or paths
    positions: dict[str, int] = {}
    for position, (path, place) in enumerate(zip(paths, table.places, strict=True)):
        relative = _without(path, cut)
        if relative not in files:
            absent = sum(_without(one, cut) not in files for one in paths)
            raise InputError(
                f"{place}: no audio file '{path}' in {folder}, and {absent} of {len(paths)} rows have none; paths are "
                "relative to that folder"
            )
        if relative in positions:
            several = sum(count > 1 for count in Counter(_without(one, cut) for one in paths).values())
            raise InputError(
                f"{place}: '{relative}' stands here a second time; "
                + (
                    f"{several} of {len(files)} files have several rows: if each is a rater's, join them to one row a "
                    "file with a column votes (data/raw/README.md, A table)"
                    if several > len(files) / 2
                    else "delete one of the rows"
                )
            )
        positions[relative] = position
    missing = [relative for relative in files if relative not in positions]
    if missing:
        raise InputError(
            f"{table.path}: {len(missing)} of {len(files)} audio files have no row, the first is '{missing[0]}'; add "
            "the "
            "rows, or take the files away"
        )
    return positions


def about(
    table: rows.Rows, positions: Mapping[str, int], own: Mapping[str, str] = emotions.NONE_OF_ITS_OWN
) -> dict[str, dict]:
    """Read what the table says of each file, beside its emotion.

    Args:
        table: with our names of columns.
        positions: of each file's row.
        own: emotions by the corpus' own names for them.

    Returns:
        By path, keyword arguments of ``Utterance``.

    Raises:
        InputError: a cell cannot be understood.
    """
    known = {}
    genders = cells.genders(row.get("gender", "") for row in table.cells)
    for relative, at in positions.items():
        row = {name: cell for name, cell in table.cells[at].items() if name not in ("path", "emotion", "votes")}
        known[relative] = cells.fields(row, table.places[at], table.decimal_comma, genders)
    if "votes" in table.columns:
        cast = [cells.told(table.cells[at]["votes"]) for at in positions.values()]
        raters = [cells.told(table.cells[at].get("raters", "")) for at in positions.values()]
        counts, found = votes.read(cast, raters, [table.places[at] for at in positions.values()], own)
        for fields, count, told in zip(known.values(), counts, raters, strict=True):
            if count:
                fields["votes"] = count
                fields["details"] |= {"raters_from_shares": found} if found and not told else {}
    return known


def _without(path: PurePosixPath, cut: int) -> str:
    """A path without its first parts."""
    return same_letters(str(PurePosixPath(*path.parts[cut:])))


def _foreign_parts(paths: list[PurePosixPath], files: Mapping[str, Path]) -> int:
    """How many leading parts of the first row's path must go for it to name a file; 0 where none helps."""
    if not paths:
        return 0
    return next((cut for cut in range(len(paths[0].parts)) if _without(paths[0], cut) in files), 0)


def _by_name(paths: list[PurePosixPath], files: Mapping[str, Path]) -> list[PurePosixPath]:
    """The files that rows name without folders, with or without suffix; nothing where one is absent or ambiguous."""
    for name in (lambda path: path.name, lambda path: path.stem):
        places = Counter(same_letters(name(PurePosixPath(relative))) for relative in files)
        by_name = {same_letters(name(PurePosixPath(relative))): PurePosixPath(relative) for relative in files}
        keys = [same_letters(path.name) for path in paths]
        if sorted(keys) == sorted(places.elements()) and max(places.values()) == 1:
            return [by_name[key] for key in keys]
    return []


def _words(path: Path, labels: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Our words for the labels; ``""`` stays."""
    words = {label: emotions.word(label, own) if label else "" for label in set(labels.values())}
    unknown = Counter(label for label in labels.values() if words[label] is None)
    if unknown:
        found = ", ".join(f"'{label}' ({count})" for label, count in unknown.most_common(EXAMPLES))
        raise InputError(
            f"{path}: column emotion: expected some of {', '.join(emotions.WORDS)}, or a synonym of "
            f"ser/corpora/emotions.py, found {found} in so many rows; write a known word, or 'other', or say what they "
            f"mean: manifest.words: {{{path.parent.name}: {{'{unknown.most_common(1)[0][0]}': ...}}}}"
        )
    return {relative: words[label] for relative, label in labels.items()}


def _check_starts(table: rows.Rows) -> None:
    """Refuse segments of files: a row of the manifest is a whole file.

    audformat and nkululeko give start and end also where a segment is the whole file; those are well.
    """
    for row, place in zip(table.cells, table.places, strict=True):
        if _seconds(row.get("start", ""), f"{place}: start"):
            raise _segment(row, place)


def _check_ends(table: rows.Rows, positions: Mapping[str, int], files: Mapping[str, Path]) -> None:
    """Refuse segments that end before their file does."""
    for relative, at in positions.items():
        end = _seconds(table.cells[at].get("end", ""), f"{table.places[at]}: end")
        if end is None:
            continue
        try:
            samples, rate = audio.decode(files[relative])
        except InputError:
            continue  # the intake says what is wrong with it
        if abs(samples.shape[1] / rate - end) > LENGTH_TOLERANCE_S:
            raise _segment(table.cells[at], table.places[at])


def _segment(row: Mapping[str, str], place: str) -> InputError:
    return InputError(
        f"{place}: a segment, from '{row.get('start', '')}' to '{row.get('end', '')}' of '{row['path']}'; a recording "
        "must be a file of its own: cut the segments out, for instance with ffmpeg -ss START -to END, and list those "
        "files; if the columns tell no time within a recording, call them otherwise"
    )


def _seconds(text: str, place: str) -> float | None:
    """Seconds of a cell such as ``1.5``, ``1,5``, ``01:30`` or ``0 days 00:00:01.5``; None where it says nothing."""
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
            f"{place}: expected seconds, such as 1.5, found '{text}'; mend it, or call the column otherwise"
        ) from error
