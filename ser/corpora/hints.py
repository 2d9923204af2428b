"""Hints: what a user may do where a corpus of their own tells too little, by what lies in its folder."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from ser.corpora import audformats, emotions, index, layouts, parsers, rows
from ser.corpora.examples import EXAMPLES, few
from ser.corpora.segments import folded
from ser.corpora.utterance import Utterance
from ser.corpora.walk import walk
from ser.files.failures import InputError

ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")


def untold_speakers(folder: Path, utterances: Iterable[Utterance], layout: str | None) -> str:
    """Say what may tell the speakers of emotion folders that have none, by the names of folders and files.

    Args:
        folder: the corpus.
        utterances: of it.
        layout: the pattern that params name for it, or None.

    Returns:
        What to do; ``""`` where speakers are known, nothing helps, or the user has said by a pattern what is.
    """
    utterances = list(utterances)
    if (folder / audformats.HEADER).is_file() or any(one.speaker for one in utterances):
        return ""
    if layout is not None:
        return _untold_parts(folder.name, utterances)
    paths = [utterance.path.relative_to(folder).as_posix() for utterance in utterances]
    if parser := parsers.resembling(paths):
        return named_as(parser)
    if rows.find(folder, index.STEM) is not None:
        return _untold_column(folder.name, utterances) or _untold_folders(paths)
    pattern = layouts.proposal(paths)
    if "{speaker}" not in pattern:
        return _untold_parts(folder.name, utterances)
    other = layouts.proposal(paths, numbers=True)
    other = f"; or, if it does in this: '{other}'" if other != pattern else ""
    return (
        f"if {{speaker}} stands for persons in it: manifest.layout: {{{folder.name}: '{pattern}'}}{other}"
        f"{but_for(paths)}"
    )


def _untold_parts(corpus: str, utterances: Sequence[Utterance]) -> str:
    """Propose to take a part of the files' names for the speakers, where most of it recurs over emotions.

    It is the first part; where that is a number, perhaps of a sentence, and words that are far fewer follow, these.
    """
    heard = [utterance.emotion for utterance in utterances]
    for sign in "_-":
        begins = _part(utterances, pattern := f"(?P<speaker>[^{sign}]+){sign}")
        if not begins:
            continue
        told = {"with which names of files begin": (pattern, layouts.recurring(begins, heard))}
        for place in range(1, 1 + min(utterance.path.stem.count(sign) for utterance in utterances)):
            names = _part(utterances, pattern := f"(?:[^{sign}]+{sign}){{{place}}}(?P<speaker>[^{sign}.]+)[{sign}.]")
            if names and layouts.rather(names, begins, heard):
                told = {f"part {place + 1} of files' names": (pattern, layouts.recurring(names, heard)), **told}
                break
        said = [
            f"if {', '.join(persons[:EXAMPLES])}, {where}, are persons: manifest.speaker_pattern: {{{corpus}: "
            f"'{pattern}'}}"
            for where, (pattern, persons) in told.items()
            if persons
        ]
        if said:
            return "; ".join(said)
    return ""


def _part(utterances: Iterable[Utterance], pattern: str) -> list[str]:
    """Every file's part of its name, by a pattern; none where a file lacks it, or where it names two genders."""
    names, genders = [], defaultdict(set)
    try:
        for utterance in utterances:
            names.append(layouts.speaker(utterance.path, pattern))
            genders[names[-1]].add(utterance.gender)
    except InputError:
        return []  # a name without this sign
    if any({"female", "male"} <= of_name for of_name in genders.values()):
        return []  # a number that begins anew with each gender is no one's name
    return names


def _untold_column(corpus: str, utterances: Iterable[Utterance]) -> str:
    """Name the columns of an index that may tell the speakers: each cell stands in several rows of several emotions."""
    said = defaultdict(lambda: defaultdict(list))
    for utterance in utterances:
        for name, cell in utterance.details.items():
            if isinstance(cell, str | int) and folded(name) not in {*index.NOT_PERSONS, *index.MEANT}:
                said[name][cell].append(utterance.emotion)
    columns = [
        name
        for name, cells in said.items()
        if len(cells) > 1 and min(map(len, cells.values())) > 1 and max(len(set(told)) for told in cells.values()) > 1
    ]
    if not columns:
        return ""
    return (
        f"if one of the columns {', '.join(columns[:EXAMPLES])} does: manifest.columns: {{{corpus}: {{speaker: "
        f"{columns[0]}}}}}"
    )


def _untold_folders(paths: Iterable[str]) -> str:
    """Name the folders beside an index whose names are surely those of persons."""
    for names in zip(*(path.split("/")[:-1] for path in paths), strict=False):
        if len(found := sorted(set(names))) > 1 and layouts.persons(found):
            return f"if the folders {', '.join(found[:EXAMPLES])} are persons, write them into a column speaker"
    return ""


def untold_votes(utterances: Iterable[Utterance]) -> str:
    """Say which further columns of a table hold emotions, as where each rater has one.

    Args:
        utterances: of a corpus.

    Returns:
        What to do; ``""`` where there are votes, or fewer than two such columns.
    """
    cells = defaultdict(set)
    for utterance in utterances:
        if utterance.votes:
            return ""
        for name, cell in utterance.details.items():
            cells[name].add(str(cell))
    raters = [name for name, said in cells.items() if all(map(emotions.word, said))]
    if len(raters) < 2:
        return ""
    return (
        f"the columns {few(raters)} hold emotions, and are kept as details only; if each is a "
        "rater's, join them to a column votes (data/raw/README.md, A table)"
    )


def unread(folder: Path) -> str:
    """Say which table is not read, and how it would be, of a corpus whose folders alone tell the emotions.

    Returns:
        The end of a sentence; ``""`` without a table.
    """
    if not (found := unread_tables(folder)):
        return ""
    others = f", nor are {len(found) - 1} more" if len(found) > 1 else ""
    one = "one, or all joined in one," if others else "it"
    suffix, do = found[0].suffix.lower(), f"name {one}"
    if suffix in rows.SPREADSHEETS:
        suffix, do = ".csv", f"export {one} as"
    return (
        f"; the table {found[0].relative_to(folder)} is not read{others}: {do} {index.METADATA}{suffix} (speakers, "
        f"...) or {index.STEM}{suffix} (emotions, too)"
    )


def unread_tables(folder: Path) -> list[Path]:
    """List the tables in a corpus that are not read, as none is called index or metadata; below it, too."""
    kinds = {*rows.SUFFIXES, *rows.SPREADSHEETS} - {".json"}  # of JSON there may be one for each recording
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in kinds and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def found_instead(folder: Path) -> str:
    """What lies in a corpus without recordings, and how it becomes some; ``""`` where nothing does."""
    found = walk(folder)
    if not found.left_out():
        return ""
    hint = "; unpack the archive" if set(found.others) & set(ARCHIVES) else ""
    if {".parquet", ".arrow"} & set(found.others):
        hint += "; write the audio of the Parquet or Arrow files to files (data/raw/README.md, A table)"
    return f", but {found.left_out()}{hint}"


def named_as(parser: str) -> str:
    """Say that the files are named as those of a corpus that has a parser, and what to do then."""
    return f"the files are named as those of {parser}: if it is this corpus, {parsers.renaming(parser)}"


def but_for(paths: Iterable[str]) -> str:
    """Say which files a proposed pattern leaves out."""
    others = [f"'{path}'" for path in layouts.at_other_depths(paths)]
    return f", which fits all but {few(others, 1)}: move these out" if others else ""
