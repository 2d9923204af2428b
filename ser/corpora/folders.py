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
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ser.corpora import audformats, cells, emotions, hints, index, layouts, parsers, rows
from ser.corpora.examples import WORDS, few
from ser.corpora.layout import audio_files, same_letters
from ser.corpora.segments import folded
from ser.corpora.utterance import Utterance
from ser.files.failures import InputError

# Columns of the manifest that are found elsewhere than in metadata.csv.
RESERVED = ("id", "corpus", "emotion", "seconds", "sampling_rate", "sha256", "details")
KNOWN_GENDERS = ("", "female", "male")
EMOTIONS = frozenset(map(folded, ("emotion", *index.ALIASES["emotion"])))  # columns that tell them, folded


@dataclass(frozen=True)
class Reading:
    """How params say that a user's corpus is to be read.

    Attributes:
        speaker_pattern: a regular expression with a group named ``speaker`` that matches from the beginning of each
            file's name, or None.
        layout: a pattern over the path (``ser.corpora.layouts``), or None where the folders' names show it.
        columns: of a table, by our names, where it calls them otherwise.
        words: emotions by what the corpus calls them, in the names of folders or files or in its index.
        incomplete: whether files that its index does not list are left out.
    """

    speaker_pattern: str | None = None
    layout: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    incomplete: bool = False


def documents(folder: Path) -> tuple[str, ...]:
    """Name the files of a corpus that are read besides its recordings."""
    tables = [path.name for stem in (index.STEM, index.METADATA) for path in rows.tables(folder, stem)]
    database = folder.glob("db.*") if (folder / audformats.HEADER).is_file() else ()
    return (*tables, *(path.name for path in database))


class _Words(dict):
    """Emotions by the corpus' own names for them, which remembers the names that were met, its own and others."""

    def __init__(self, words: Mapping[str, str]):
        super().__init__({same_letters(name): word for name, word in words.items()})
        self.met: set[str] = set()

    def __contains__(self, name: str) -> bool:
        self.met.add(name)
        return super().__contains__(name)

    def remarks(self) -> list[str]:
        """Say which own names were not met, and which abbreviations that were are read as others use them."""
        if not self:
            return []
        said = []
        if unmet := [f"'{name}'" for name in sorted(set(self) - self.met)]:
            said.append(
                f"no emotion is called {few(unmet, WORDS)} there, of which manifest.words tells; mend it, or take it "
                "out"
            )
        for name in sorted(self.met - set(self) - set(emotions.WORDS)):
            if len(name) <= emotions.ABBREVIATION and (meant := emotions.word(name)):
                said.append(f"'{name}' is taken for {meant}, as manifest.words does not tell what it means")
        return said


def parse(folder: Path, reading: Reading, say: Callable[[str], None] = lambda remark: None) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus.
        reading: what params say of it.
        say: takes remarks, each in one line: which folders are taken for speakers or genders, genders that are not
            known, words of params that nothing is called.

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
            f"{folder}: expected audio files in a folder per emotion, such as {folder}/angry/one.wav, found none"
            f"{hints.found_instead(folder)}; add them, or take the corpus out of `corpora`"
        )
    words = _Words(reading.words)
    database, table, metadata = (
        folder / audformats.HEADER,
        rows.find(folder, index.STEM),
        rows.find(folder, index.METADATA),
    )
    sources = [path for path in (database, table, metadata) if path is not None and path.is_file()]
    if len(sources) > 1:
        raise InputError(f"{folder}: expected one table, found {' and '.join(path.name for path in sources)}; keep one")
    if not sources and reading.layout is None and (below := sorted(folder.glob(f"*/{audformats.HEADER}"))):
        raise InputError(
            f"{below[0]}: expected in {folder}, the folder of the corpus; move all that is in {below[0].parent} up: "
            f"mv {below[0].parent}/* {folder}"
        )
    if reading.layout is not None and sources and sources[0] != metadata:
        raise InputError(f"{sources[0]}: tells the emotions, yet manifest.layout names '{folder.name}'; take one away")
    if reading.columns and (not sources or sources[0] == database):
        raise InputError(
            f"{folder}: manifest.columns names the corpus, which has no table {index.STEM}.csv or "
            f"{index.METADATA}.csv; take it out"
        )
    if reading.incomplete and table is None and not database.is_file():
        raise InputError(
            f"{folder}: manifest.allow_incomplete names the corpus, which has no table {index.STEM}.csv; take it out"
        )
    if database.is_file():
        known = audformats.parse(folder, files, words, reading.incomplete)
    elif table is not None:
        known = index.parse(table, files, reading.columns, words, reading.incomplete, say)
    else:
        known = _by_folders(folder, files, metadata, reading, words, say)
    if unlisted := [relative for relative in files if relative not in known]:
        say(
            f"{folder}: left out: {len(unlisted)} of {len(files)} recordings, "
            f"{f'which have no row in {table.name}' if table else 'of which no table tells an emotion'}, such as "
            f"'{unlisted[0]}'"
        )
        files = {relative: path for relative, path in files.items() if relative in known}
    for remark in words.remarks():
        say(f"{folder}: {remark}")
    if reading.speaker_pattern is not None:
        for relative, path in files.items():
            if "speaker" in known[relative]:
                raise InputError(
                    f"{sources[0] if sources else folder}: has a column speaker, yet manifest.speaker_pattern names "
                    f"the corpus '{folder.name}' too; take one of the two away"
                )
            known[relative]["speaker"] = layouts.speaker(path, reading.speaker_pattern)
    for remark in _on_speakers(known):
        say(f"{folder}: {remark}")
    for remark in _misnamed(known):
        say(f"{folder}: {remark}")
    genders = Counter(fields.get("gender", "") for fields in known.values())
    if odd := [f"'{word}' ({count} utterances)" for word, count in genders.most_common() if word not in KNOWN_GENDERS]:
        say(f"{folder}: genders that are not known: {few(odd)}; write female or male, or leave them")
    return [
        Utterance(str(PurePosixPath(relative).with_suffix("")), path, **known[relative])
        for relative, path in files.items()
    ]


def _on_speakers(known: Mapping[str, Mapping]) -> Iterator[str]:
    """Say where the names of speakers may not be those of persons: genders, or names that come again in each corpus."""
    names = {fields["speaker"] for fields in known.values() if fields.get("speaker")}
    if len(names) > 1 and {name.lower() for name in names} <= set(cells.GENDERS):
        yield f"the speakers are {' and '.join(sorted(names))}, as genders are called; each counts as one person"
    yield from _namesakes(known, layouts.PARTS)


def _misnamed(known: Mapping[str, Mapping]) -> Iterator[str]:
    """Say which files' names tell another emotion than the one they have, where most that tell one tell theirs."""
    named = {}
    for relative, fields in known.items():
        parts = re.split(r"[\W_]+|(?<=[^\W\d_])(?=\d)", PurePosixPath(relative).stem)  # of anger1_mary: anger, 1, mary
        sure = [part for part in parts if part in emotions.WORDS or len(part) > emotions.ABBREVIATION]
        words = {emotions.word(part) for part in sure} - {None, "other"}
        if words:
            named[relative] = fields["emotion"] in words
    others = [relative for relative, right in named.items() if not right]
    if 0 < len(others) < len(named) / 2:
        yield (
            f"names of files tell another emotion than their folder or table: {len(others)} of {len(named)}, such as "
            f"'{others[0]}', which counts as {known[others[0]]['emotion']}; if the name is right, move it, or mend the "
            "table"
        )


def _namesakes(known: Mapping[str, Mapping], columns: Iterable[str]) -> Iterator[str]:
    """Say which names of speakers stand with several values of a column, such as in several folders of sessions."""
    for column in columns:
        places = defaultdict(set)
        for fields in known.values():
            places[fields.get("speaker", "")].add(str(fields.get(column, fields.get("details", {}).get(column, ""))))
        if several := [name for name in sorted(places) if name and len(places[name] - {""}) > 1]:
            one, other = sorted(places[several[0]] - {""})[:2]
            yield (
                f"names of speakers that stand in several {column}s: {len(several)}, such as '{several[0]}' in {one} "
                f"and {other}; each counts as one person: if they are different people, give them different names, "
                f"such as {one}_{several[0]}"
            )


def _by_folders(
    folder: Path,
    files: Mapping[str, Path],
    metadata: Path | None,
    reading: Reading,
    words: Mapping[str, str],
    say: Callable[[str], None],
) -> dict[str, dict]:
    """By path, keyword arguments of ``Utterance`` out of the folders' names and metadata.csv."""
    pattern = reading.layout or layouts.recognise(files, dict(words))
    if pattern:
        known = layouts.read(files, pattern, str(folder), words)
    else:
        known = {relative: {"emotion": _emotion(folder, relative, files, metadata, words)} for relative in files}
    told = _metadata(metadata, files, reading.columns, words, say) if metadata is not None else {}
    if reading.layout is None:  # recognised only: what a user says counts more
        said = {name for extra in told.values() for name in extra}
        said |= {"speaker"} if reading.speaker_pattern is not None else set()
        for fields in known.values():
            for name in (said - {"emotion", "details"}) & set(fields):
                del fields[name]
        _say_recognised(folder, pattern or "", known, say)
    for remark in _namesakes(known, layouts.above_speakers(pattern or "")):
        say(f"{folder}: {remark}")
    _add_genders(folder, known, any("gender" in extra for extra in told.values()), say)
    for relative, fields in known.items():
        extra = told.get(relative, {})
        twice = sorted(set(fields) & set(extra) - {"details"})
        if twice:
            raise InputError(
                f"{metadata}: has a column {twice[0]}, yet manifest.layout takes it from the path; take one of the "
                "two away"
            )
        details = fields.get("details", {}) | extra.get("details", {})
        known[relative] = {**fields, **extra, "details": details}
    for remark in _otherwise(known, words):
        say(f"{metadata}: {remark}")
    return known


def _otherwise(known: Mapping[str, Mapping], words: Mapping[str, str]) -> Iterator[str]:
    """Say where a column that might tell the emotions tells others than the folders, which count."""
    told = defaultdict(dict)
    for relative, fields in known.items():
        for column, cell in fields["details"].items():
            if _tells_emotions(column) and emotions.word(str(cell), words) not in (None, fields["emotion"]):
                told[column][relative] = cell
    for column, others in told.items():
        relative, cell = next(iter(others.items()))
        yield (
            f"the column '{column}' tells other emotions than the folders for {len(others)} of {len(known)} "
            f"recordings, such as '{cell}' of '{relative}'; the folders count, and it is kept as a detail"
        )


def _add_genders(folder: Path, known: Mapping[str, dict], told: bool, say: Callable[[str], None]) -> None:
    """Add the genders that the speakers' names tell, as F1 and M2, and say so; none where they are told otherwise."""
    names = {fields["speaker"] for fields in known.values() if "speaker" in fields}
    genders = {name: gender for name in names if (gender := layouts.gender(name))}
    if told or set(genders.values()) != {"female", "male"} or any("gender" in fields for fields in known.values()):
        return
    for fields in known.values():
        if gender := genders.get(fields.get("speaker", "")):
            fields["gender"] = gender
    woman, man = (min(name for name in genders if genders[name] == gender) for gender in ("female", "male"))
    say(
        f"{folder}: genders are taken from the speakers' names: {woman} is female, {man} male; if that is wrong, tell "
        f"them in {index.METADATA}.csv"
    )


def _say_recognised(
    folder: Path, pattern: str, known: Mapping[str, Mapping[str, str]], say: Callable[[str], None]
) -> None:
    """Say which folders were taken for speakers or genders without being asked to."""
    for told in ("speaker", "gender"):
        names = sorted({fields[told] for fields in known.values() if told in fields})
        if f"{{{told}}}" not in pattern or not names:
            continue
        depth = pattern.split("/").index(f"{{{told}}}") + 1
        other = pattern.replace(f"{{{told}}}", f"{{level{depth}}}")
        say(
            f"{folder}: {told}s are the folders {few(names)}; if they are none, say what they "
            f"are: manifest.layout: {{{folder.name}: '{other}'}}"
        )


def _emotion(folder: Path, relative: str, files: Iterable[str], metadata: Path | None, words: Mapping[str, str]) -> str:
    directory, *rest = PurePosixPath(relative).parts
    emotion = emotions.word(directory, words) if rest else None
    if emotion is not None:
        for depth, name in enumerate(rest[:-1], start=1):
            if emotions.word(name, words) not in (emotion, None, "other"):
                levels = [f"{{level{at}}}" for at in range(1, len(rest) + 1)]
                first, second = (
                    "/".join([*levels[:at], "{emotion}", *levels[at + 1 :], "{file}"])
                    for at in ((depth, 0) if emotion == "other" else (0, depth))
                )
                raise InputError(
                    f"{folder / relative}: expected one folder that is an emotion, found '{directory}' and '{name}'; "
                    f"say which one it is: manifest.layout: {{{folder.name}: '{first}'}} or '{second}' (persons are a "
                    "{speaker}), or rename one"
                )
        return emotion
    known = ""
    if parser := parsers.resembling(files):
        known = f"{hints.named_as(parser)}; if it is another, "
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
    if pattern := layouts.proposal(files, words):
        hint = f", or say what it is: manifest.layout: {{{folder.name}: '{pattern}'}}"
        if "{speaker}" in pattern:
            persons = layouts.speakers(files, pattern, words)
            hint += f" (by it the speakers are {few(persons)}: if these are no persons, give "
            hint += "{speaker} another name"
            if (other := layouts.proposal(files, words, numbers=True)) != pattern:
                hint += f"; if {few(layouts.speakers(files, other, words))} are, it is '{other}'"
            hint += ")"
        hint += hints.but_for(files)
    else:
        pattern, names = layouts.nearly(files, words)
        if pattern:
            raise InputError(
                f"{folder / relative}: {known}the layout seems to be '{pattern}', but for "
                f"{few([*map(repr, names)], WORDS)}, which is no known emotion: say what it means: manifest.words: "
                f"{index.to_fill(folder.name, names)} ('other' leaves it out), and manifest.layout: "
                f"{{{folder.name}: '{pattern}'}}; or move it out"
            )
        hint = f", or list the recordings in {folder}/{index.STEM}.csv, or name a pattern in manifest.layout"
    if tables := hints.unread_tables(folder):
        suffix = ".csv" if tables[0].suffix.lower() in rows.SPREADSHEETS else tables[0].suffix
        table = f"{folder}/{index.STEM}{suffix}"
        if len(tables) > 1:
            do = f"tell them, join them in one, {table}, where they are train, dev and test with a column split"
        else:
            do = f"tells them, make it that table, {table}"
        hint += f" (where {few([*map(str, tables)], 1)} {do})"
    if not rest:
        raise InputError(
            f"{folder / relative}: {known}expected in a folder named for its emotion, such as {folder}/angry{hint}"
        )
    others = sorted(
        {name for path in files if emotions.word(name := path.split("/")[0], words) is None and name != path}
    )
    if others == [directory] and (pattern or all(path.count("/") > 1 for path in files)):
        raise InputError(
            f"{folder / directory}: no known emotion, and no recording lies elsewhere; {known}"
            f"{hint.removeprefix(', or ')}, or move all that is in it up: mv {folder / directory}/* {folder}"
        )
    raise InputError(
        f"{folder / directory}: no known emotion{f' (one of {len(others)} such folders)' if len(others) > 1 else ''}; "
        f"{known}rename the folder to one of {', '.join(emotions.WORDS)} (or a synonym of ser/corpora/emotions.py), "
        f"or say what it means: manifest.words: {index.to_fill(folder.name, others)}{hint}, "
        "or, if it is no emotion, move it out of the corpus"
    )


def _telling(table: Path) -> str:
    """The column of a table that could tell the emotions, or ``""``."""
    return next((column for column in rows.read(table).columns if _tells_emotions(column)), "")


def _tells_emotions(column: str) -> bool:
    return folded(column) in EMOTIONS


def _metadata(
    path: Path, files: Mapping[str, Path], names: Mapping[str, str], words: Mapping[str, str], say: Callable
) -> dict[str, dict]:
    """The fields of ``Utterance`` that metadata.csv tells, by path; each file must stand in it once."""
    table = index.renamed(rows.read(path), names, files, [name for name in index.COLUMNS if name != "emotion"])
    for column in table.columns:
        if column.lower() in RESERVED:
            raise InputError(
                f"{path}: the column '{column}' cannot be used; the manifest finds it itself: rename or remove it"
                + (f", or name the table {index.STEM}{path.suffix}" if column.lower() == "emotion" else "")
            )
    return index.about(table, index.matched(table, files, say=say), words)
