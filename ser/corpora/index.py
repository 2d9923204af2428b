"""A corpus as a table: ``index.csv`` in its folder, one row a recording, whatever the folders below are.

Example: ``path,emotion,speaker`` and ``takes/0001.wav,anger,mary``. Columns: path, emotion or votes (JSON), and any of
speaker, gender, age, text, language (ISO 639-1) and raters; further ones are kept as details. Columns that other
programs name otherwise are known by ``ALIASES``; params can name any.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from ser.corpora import cells, emotions, rows, segments, votes
from ser.corpora.examples import WORDS, few
from ser.corpora.layout import same_letters
from ser.corpora.segments import folded
from ser.files.failures import InputError
from ser.recordings import kinds

STEM = "index"
METADATA = "metadata"  # of the table beside folders of emotions, which tells all but these
COLUMNS = ("path", "emotion", "speaker", "gender", "age", "text", "language", "votes")
TOLD = (*COLUMNS, "raters", "split", "session", "sentence")  # which params can name
# What others call these columns: nkululeko and audformat (file), SpeechBrain (wav, emo, spk_id), Hugging Face
# (file_name), EmoBox (wav, emo, spk, gd, lang), Common Voice (client_id), and tables that pandas users write. Compared
# in lower case, without blanks, _ and -.
ALIASES = {
    "path": ("file", "file_name", "file_path", "wav", "wav_path", "audio", "audio_path", "audio_filepath"),
    "emotion": ("emo", "emotion_label", "label"),
    "speaker": (
        *("speaker_id", "speaker_name", "spk", "spk_id", "actor", "actor_id", "subject", "subject_id"),
        *("spkr", "spkr_id", "actor_name", "participant", "participant_id", "client_id", "user_id"),
    ),
    "gender": ("sex", "gd"),
    "text": ("transcript", "transcription"),
    "language": ("lang",),
}
# Further columns that mean something here, and are known however they are written.
MEANT = ("raters", "split", "session", "sentence")
LEAST_LETTERS = 5  # of a column's name that may be one of ours misspelt; shorter ones are near to many words
# Further columns that hold nobody's name, however often a cell comes again.
NOT_PERSONS = frozenset(
    {
        *("samplerate", "samplingrate", "sr", "channel", "channels", "numchannels", "numframes", "frames", "duration"),
        *("length", "take", "repetition", "intensity", "fold", "statement", "dataset", "database", "corpus", "source"),
        *("annotator", "annotatorid", "rater", "raterid", "evaluator", "evaluatorid", "listener", "listenerid"),
        *("labeler", "labeller", "worker", "workerid", "coder", "reviewer", "movie", "film", "batch", "sessionid"),
    }
)


def parse(
    path: Path,
    files: Mapping[str, Path],
    names: Mapping[str, str],
    own: Mapping[str, str] = emotions.NONE_OF_ITS_OWN,
    incomplete: bool = False,
    say: Callable[[str], None] = lambda remark: None,
) -> dict[str, dict]:
    """Read a corpus' index.

    Args:
        path: the table.
        files: the corpus' audio files by their paths below its folder.
        names: columns of the table by those of ``COLUMNS``, where the table calls them otherwise.
        own: emotions by the corpus' own names for them.
        incomplete: whether files may have no row, which then are left out.
        say: takes a remark, in one line, where a column is taken for the speakers that might be something else.

    Returns:
        By path, the keyword arguments of ``Utterance`` beside name and path.

    Raises:
        InputError: the table cannot be read, does not agree with the files, or a cell cannot be understood.
    """
    written = rows.read(path)
    table = renamed(written, names, files)
    if not {"emotion", "votes"} & set(table.columns):
        raise InputError(
            f"{path}: expected a column emotion or votes, found {', '.join(written.columns)}; say which one it is: "
            f"manifest.columns: {{{path.parent.name}: {{emotion: ...}}}}; columns of one rater each, or of one emotion "
            "each with its votes, are joined to votes first (data/raw/README.md, A table)"
        )
    if "speaker" in table.columns and "speaker" not in names:
        column = written.columns[table.columns.index("speaker")]
        if not folded(column).startswith(("speaker", "spk")):
            say(f"{path}: speakers are those of the column '{column}'; if it tells no persons, call it otherwise")
    positions = matched(table, files, incomplete, say)
    known = about(table, positions, own)
    labels = {relative: _label(table.cells[at].get("emotion", ""), own) for relative, at in positions.items()}
    words = _words(path, labels, own)
    if untold := [relative for relative in positions if not words[relative] and not known[relative].get("votes")]:
        written = table.cells[positions[untold[0]]].get("emotion", "").strip()
        empty = f" ('{written}' counts as unknown, unless manifest.words says what it means)" if written else ""
        raise InputError(
            f"{table.places[positions[untold[0]]]}: neither emotion nor votes{empty}, as in {len(untold)} of "
            f"{len(positions)} rows; write 'undecided' to leave these out, or fill one in"
        )
    for relative in positions:
        emotion, heard = words[relative], known[relative].get("votes")
        known[relative]["emotion"] = emotion or votes.most(heard)
        if emotion == "other" and labels[relative].lower() != "other":
            known[relative]["details"]["label"] = labels[relative]
    return known


def renamed(
    table: rows.Rows, names: Mapping[str, str], files: Collection[str], wanted: Sequence[str] = COLUMNS
) -> rows.Rows:
    """Give the columns our names: those that params say, then those of ``ALIASES``.

    Args:
        table: as it was read.
        names: columns of the table by ours.
        files: the corpus' audio files, by which a column can be told to be the path.
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
            f"{table.path}: expected the columns path, ..., found {', '.join(table.columns)}; missing: path; "
            f"{_to_find_path(table, columns, files)}"
        )
    told = [dict(zip(columns, row.values(), strict=True)) for row in table.cells]
    return rows.Rows(table.path, columns, told, table.places, table.decimal_comma)


def _to_find_path(table: rows.Rows, columns: Sequence[str], files: Collection[str]) -> str:
    """Say what to do where no column is called the path: which one is, or a header, or that rows are the speakers'."""
    if first := [name for name in table.columns if same_letters(name.replace("\\", "/")) in files]:
        return f"its first line is that of '{first[0]}', no header: write one above it, such as path,emotion,speaker"
    stems = {same_letters(PurePosixPath(relative).stem) for relative in files}
    for theirs, ours in zip(table.columns, columns, strict=True):
        named = [
            same_letters(PurePosixPath(row[theirs].strip().replace("\\", "/")).stem) in stems for row in table.cells
        ]
        if ours not in COLUMNS and 2 * sum(named) > len(named):
            return f"say so: manifest.columns: {{{table.path.parent.name}: {{path: {theirs}}}}}"
    if "speaker" in columns:
        speakers = [row[table.columns[columns.index("speaker")]] for row in table.cells]
        if len(set(speakers)) == len(speakers) < len(files):
            return "it has one row per speaker: join it to the files first (data/raw/README.md, Emotion folders)"
    return f"say which one it is: manifest.columns: {{{table.path.parent.name}: {{path: ...}}}}"


def _misspelt(name: str, ours: str) -> bool:
    """Tell whether a name is ours with one letter more, less or other, or with two that changed places."""
    cuts = [(ours[:at], ours[at:]) for at in range(1, len(ours) + 1)]  # the first letter stays: notes are no votes
    return len(name) >= LEAST_LETTERS and any(
        re.fullmatch(f"{start}.{end}|{start}.?{end[1:]}|{start}{end[1::-1]}{end[2:]}", name) for start, end in cuts
    )


def matched(
    table: rows.Rows,
    files: Mapping[str, Path],
    incomplete: bool = False,
    say: Callable[[str], None] = lambda remark: None,
) -> dict[str, int]:
    """Find each row's audio file.

    Paths are relative to the corpus' folder. Where the table's begin elsewhere, such as ``/home/mary/corpus/a.wav`` or
    ``{data_root}/a.wav``, the same beginning is taken off all of them, the one by which most rows have their file.
    Where that helps none, rows and files go together by the names of the files, if each has one of its own.

    Args:
        table: with our names of columns.
        files: the corpus' audio files by their paths below its folder.
        incomplete: whether files may have no row.
        say: takes a remark, in one line, where rows and files go together by their names alone.

    Returns:
        The row's position by the file's path, in the order of the rows.

    Raises:
        InputError: a row has no file, a file no row, or two; or a row is a part of a recording.
    """
    segments.check_starts(table)
    folder = table.path.parent
    paths = [PurePosixPath(row["path"].strip().replace("\\", "/")) for row in table.cells]
    cut = _foreign_parts(paths, files)
    if cut and (beginnings := {str(PurePosixPath(*path.parts[:cut])) for path in paths}):
        begin = min(beginnings, key=len)
        say(f"{table.path}: paths begin with '{begin}', which is not here, and was taken off: are these its files?")
    if paths and not any(_without(path, cut) in files for path in paths):
        paths = _by_name(table, paths, files, say)
    positions: dict[str, int] = {}
    for position, (path, place) in enumerate(zip(paths, table.places, strict=True)):
        relative = _without(path, cut)
        if relative not in files:
            absent = sum(_without(one, cut) not in files for one in paths)
            near = _nearly(path, files)
            raise InputError(
                f"{place}: no audio file '{path}' in {folder}, and {absent} of {len(paths)} rows have none; paths are "
                f"relative to that folder{f', where {near!r} is: write it so' if near else ''}, or delete the row"
            )
        if relative in positions:
            several = sum(count > 1 for count in Counter(_without(one, cut) for one in paths).values())
            raise InputError(
                f"{place}: '{relative}' stands here a second time; "
                + (
                    f"{several} of {len(files)} files have several rows: if each is a rater's, join them to one row a "
                    "file with a column votes (data/raw/README.md, A table); if each is a part of the recording, cut "
                    "the parts into files of their own"
                    if several > len(files) / 2
                    else "delete one of the rows"
                )
            )
        positions[relative] = position
    missing = [relative for relative in files if relative not in positions]
    if missing and not incomplete:
        raise InputError(
            f"{table.path}: {len(missing)} of {len(files)} audio files have no row, the first is '{missing[0]}'; add "
            "the rows, or "
            + (
                f"leave these files out by manifest.allow_incomplete: [{folder.name}]"
                if table.path.stem.lower() == STEM
                else "take the files away"
            )
        )
    segments.check_ends(table, positions, files)
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
    """How many leading parts must go for most paths to name a file, the fewest of such; 0 where none helps."""
    depth = max((len(path.parts) for path in paths), default=0)
    found = {cut: sum(_without(path, cut) in files for path in paths) for cut in range(depth)}
    return max(found, key=found.get, default=0)


def _by_name(
    table: rows.Rows, paths: list[PurePosixPath], files: Mapping[str, Path], say: Callable[[str], None]
) -> list[PurePosixPath]:
    """The files that rows name without folders, with or without suffix; the paths themselves where that fits none."""
    folders = {str(PurePosixPath(relative).parent) for relative in files}
    for name in (lambda path: path.name, _without_suffix):
        by_name = {same_letters(name(PurePosixPath(relative))): PurePosixPath(relative) for relative in files}
        keys = [same_letters(name(path)) for path in paths]
        if len(by_name) < len(files) or len(set(keys)) < len(keys) or not set(keys) & set(by_name):
            continue
        found = [by_name.get(key, path) for key, path in zip(keys, paths, strict=True)]
        for path, file, place in zip(paths, found, table.places, strict=True):
            if path.parent != file.parent and same_letters(str(path.parent)) in folders - {"."}:
                raise InputError(
                    f"{place}: no audio file '{path}' in {table.path.parent}, though the folder is there, and one of "
                    f"this name lies elsewhere: '{file}'; mend the table, or move the files"
                )
        path, file = next(pair for pair in zip(paths, found, strict=True) if pair[0] != pair[1])
        if str(path.parent) != "." or path.suffix.lower() in kinds.SUFFIXES:
            say(f"{table.path}: rows and files go together by the files' names alone, as '{path}' with '{file}'")
        return found
    return paths


def _without_suffix(path: PurePosixPath) -> str:
    """A file's name, without a suffix that is one of audio files: a name may have other dots."""
    return path.stem if path.suffix.lower() in kinds.SUFFIXES else path.name


def _nearly(path: PurePosixPath, files: Mapping[str, Path]) -> str:
    """The one file whose path differs by suffix, case, %20, folders before it, or all folders; ``""`` without one."""

    def key(text: str) -> str:
        return "/" + same_letters(unquote(str(PurePosixPath(text).with_suffix("")))).casefold()

    wanted = key(str(path))
    for end in (wanted, f"/{PurePosixPath(wanted).name}"):
        near = [relative for relative in files if key(relative).endswith(end)]
        if len(near) == 1:
            return near[0]
    return ""


def _label(cell: str, own: Mapping[str, str]) -> str:
    """Give what a cell calls the emotion, or ``""`` where it calls none; the corpus' own words count first."""
    return cell.strip() if cell.strip() in own else cells.told(cell)


def _words(path: Path, labels: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Our words for the labels; ``""`` stays."""
    words = {label: emotions.word(label, own) if label else "" for label in set(labels.values())}
    unknown = Counter(label for label in labels.values() if words[label] is None)
    if unknown:
        found = few([f"'{label}' ({count})" for label, count in unknown.most_common()], WORDS)
        raise InputError(
            f"{path}: column emotion: expected some of {', '.join(emotions.WORDS)}, or a synonym of "
            f"ser/corpora/emotions.py, found {found} in so many rows; write a known word, or 'other', or say what they "
            f"mean: manifest.words: {to_fill(path.parent.name, [label for label, _ in unknown.most_common()])}"
        )
    return {relative: words[label] for relative, label in labels.items()}


def to_fill(corpus: str, names: Sequence[str]) -> str:
    """Write what params say of a corpus' own names of emotions, the meanings left open; of many the first ones."""
    more = f" (and {len(names) - WORDS} more)" if len(names) > WORDS else ""
    return f"{{{corpus}: {{{', '.join(f'{name!r}: ...' for name in names[:WORDS])}}}}}{more}"
