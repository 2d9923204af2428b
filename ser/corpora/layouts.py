"""What the folders' names of a user's corpus say: a pattern over the path, named in params or recognised.

Example: ``{speaker}/{emotion}/{file}`` reads ``mary/angry/one.wav``; ``{speaker:2}{emotion:1}{take:2}.{file}`` reads
``07A01.wav``, where nothing parts the codes but their width.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ser.corpora import cells, emotions
from ser.corpora.examples import WORDS, few
from ser.corpora.layout import same_letters
from ser.files.failures import InputError

# Recognised where every path fits, the first that does; without one, the first folder is the emotion.
RECOGNISED = (
    "{emotion}/{speaker}/{file}",
    "{speaker}/{emotion}/{file}",
    "{split}/{emotion}/{file}",
    "{split}/{emotion}/{speaker}/{file}",
    "{split}/{speaker}/{emotion}/{file}",
    "{emotion}/{split}/{file}",
    "{emotion}/{gender}/{file}",
    "{gender}/{emotion}/{file}",
    "{gender}/{speaker}/{emotion}/{file}",
    "{gender}/{emotion}/{speaker}/{file}",
    "{emotion}/{gender}/{speaker}/{file}",
    "{speaker}/{split}/{emotion}/{file}",
    "{emotion}/{split}/{speaker}/{file}",
)
SPLITS = frozenset(
    {
        *("train", "training", "dev", "devel", "development", "val", "valid", "validation"),
        *("test", "testing", "test1", "test2", "eval", "evaluation"),
    }
)
SPLIT = re.compile(rf"({'|'.join(sorted(SPLITS))})(?:[ _-]?(?:set|data|split))?", re.IGNORECASE)  # Train_set
# Folders that are surely of one person each; others might be sessions, sentences, microphones or languages.
PERSON = re.compile(r"(?:speaker|spkr?|actor|actress|subject|participant|person)[ _-]?\d+", re.IGNORECASE)
# A woman or a man, where both occur: f1 alone might be a fold, m1 alone a microphone.
WOMAN_OR_MAN = re.compile(r"([fmw]|female|male|woman|man)[ _-]?\d+", re.IGNORECASE)
SESSION = re.compile(r"(?:session|sess?)[ _-]?\d+", re.IGNORECASE)
COUNTED = re.compile(r"(.+) \((\d+)\)")  # one (2), as Windows calls the second that would be called one
NUMBERED = re.compile(r"[^\W\d_]{2,}[ _-]?\d+")  # take1, room 2: things that are counted
INTENSITIES = frozenset(
    {
        *("low", "medium", "mid", "high", "weak", "normal", "strong", "mild", "moderate", "intense"),
        *("soft", "quiet", "loud", "faible", "fort"),
    }
)
PARTS = ("dataset", "corpus", "database", "source")  # what tells corpora that are joined in one
ANEW = (*PARTS, "session", "language")
FIELD = re.compile(r"\{(\w+)(?::([1-9]\d?))?\}")  # a name, and perhaps how many signs it takes
FEW = 0.1  # the share of paths that may differ from the others where a pattern is proposed
RESERVED = ("path", "votes", "raters")  # what no folder is named for


def check(pattern: str) -> None:
    """Check a pattern of params.

    Raises:
        ValueError: it has no ``{emotion}``, a field twice, or one that cannot stand in a path.
    """
    names = [name for name, _ in FIELD.findall(pattern)]
    rest = FIELD.sub("", pattern)
    odd = [name for name in names if not name.isidentifier()]
    if (
        odd
        or "emotion" not in names
        or len(set(names)) < len(names)
        or set(names) & set(RESERVED)
        or set(rest) & set("{}")
    ):
        raise ValueError(
            "expected a pattern of the whole path, with {emotion} and each field once, such as "
            f"'{{speaker}}/{{emotion}}/{{file}}', found '{pattern}'"
        )


def recognise(paths: Iterable[str], words: Mapping[str, str] = emotions.NONE_OF_ITS_OWN) -> str | None:
    """Find the layout of a corpus by the names of its folders; None where none fits every path.

    Args:
        paths: below the corpus' folder, with ``/``.
        words: emotions by the corpus' own names for them.
    """
    paths = list(paths)
    return next((pattern for pattern in RECOGNISED if _fits(paths, pattern, words)), None)


def persons(names: Iterable[str]) -> bool:
    """Tell whether all of these are surely names of persons, such as Actor_01, or F1 and M2 together."""
    others = {name for name in names if not PERSON.fullmatch(name)}
    found = {gender(name) for name in others}
    return not others or found == {"female", "male"}


def gender(person: str) -> str:
    """Give the gender that the name of a person tells, such as F1; ``""`` where it tells none."""
    match = WOMAN_OR_MAN.fullmatch(person)
    return cells.GENDERS[match[1].lower()] if match else ""


def speaker(path: Path, pattern: str) -> str:
    """Take the speaker from what the name of a file begins with, by manifest.speaker_pattern; ``""`` where unknown.

    Raises:
        InputError: the name does not match.
    """
    match = re.match(same_letters(pattern), same_letters(path.name))
    if not match or not match["speaker"]:
        raise InputError(
            f"{path}: the name does not match manifest.speaker_pattern '{pattern}'; mend the one or the other"
        )
    return cells.speaker(match["speaker"])


class _Piece(NamedTuple):
    """A folder or a part of a name, in all paths.

    Attributes:
        names: every path's.
        field: what it names, ``emotion`` or ``file``; ``""`` where this is to be found out.
        default: what it is called where it is not found out.
        end: the sign that follows it.
    """

    names: Sequence[str]
    field: str
    default: str
    end: str


def proposal(paths: Iterable[str], words: Mapping[str, str] = emotions.NONE_OF_ITS_OWN, numbers: bool = False) -> str:
    """Write a pattern that fits every path and has the emotion in a folder, or in a part of a name; ``""`` without one.

    Speakers are folders or parts of names that are surely of persons, or else the first that might be of persons: not
    the same everywhere, not counted, and not one for each emotion, as ``01_Angry``. Numbers, perhaps of sentences, are
    the speakers only where no words that recur over emotions, and are half as many at most, might be their names. A
    folder that all paths share, as an archive's own, stands as it is. Nothing is written where two parts of the paths
    tell different emotions, as of two people who talk.

    Args:
        paths: below the corpus' folder, with ``/``.
        words: emotions by the corpus' own names for them.
        numbers: whether numbers come before such words.
    """
    paths = list(paths)
    parts = [path.split("/") for path in sorted(set(paths) - set(at_other_depths(paths)))]
    if len({len(path) for path in parts}) > 1:
        return ""
    pieces = _pieces(list(zip(*parts, strict=True)), words)
    heard = next((piece.names for piece in pieces if piece.field == "emotion"), ())
    if any(_contradicts(piece.names, heard, words) for piece in pieces):
        return ""
    kinds = [piece.field or _kind(piece.names) for piece in pieces]
    if "speaker" not in kinds:
        perhaps = [at for at, piece in enumerate(pieces) if not kinds[at] and _may_be_persons(piece.names, heard)]
        named = [at for at in perhaps[1:] if rather(pieces[at].names, pieces[perhaps[0]].names, heard)]
        chosen = [*([] if numbers else named), *perhaps][:1]
        kinds = ["speaker" if at in chosen else kind for at, kind in enumerate(kinds)]
    pattern = ""
    for piece, kind in zip(pieces, kinds, strict=True):
        if kind and f"{{{kind}}}" not in pattern:
            pattern += f"{{{kind}}}"
        elif piece.end == "/" and len(set(piece.names)) == 1 and not set(piece.names[0]) & set("{}'"):
            pattern += piece.names[0]
        else:
            pattern += f"{{{piece.default}}}"
        pattern += piece.end
    return pattern


def nearly(paths: Iterable[str], words: Mapping[str, str] = emotions.NONE_OF_ITS_OWN) -> tuple[str, list[str]]:
    """Write the pattern that would fit if some folders' names were emotions, where most beside them are.

    Args:
        paths: below the corpus' folder, with ``/``.
        words: emotions by the corpus' own names for them.

    Returns:
        The pattern, as of ``proposal``, and these names, sorted; ``""`` and none where no depth has mostly emotions.
    """
    paths = list(paths)
    folders = [path.split("/")[:-1] for path in paths]
    most, missing = 0.0, []
    for depth in range(max(map(len, folders), default=0)):
        names = {parts[depth] for parts in folders if len(parts) > depth}
        unknown = sorted(name for name in names if emotions.word(name, words) is None)
        known = len(names) - len(unknown)
        if known > max(1, len(unknown)) and known / len(names) > most:
            most, missing = known / len(names), unknown
    pattern = proposal(paths, {**words, **dict.fromkeys(missing, "other")}) if missing else ""
    return (pattern, missing) if pattern else ("", [])


def at_other_depths(paths: Iterable[str]) -> list[str]:
    """List the paths that are deeper or less deep than nearly all others; none where depths vary more than that."""
    of_depth = defaultdict(list)
    for path in paths:
        of_depth[path.count("/")].append(path)
    usual = max(of_depth.values(), key=len, default=[])
    others = [path for found in of_depth.values() if found is not usual for path in found]
    return sorted(others) if len(others) < FEW * len(usual) else []


def _contradicts(names: Sequence[str], heard: Sequence[str], words: Mapping[str, str]) -> bool:
    """Tell whether a part of these names often tells another emotion than the one that was found."""
    others = Counter()
    for name, emotion in zip(names, heard, strict=False):
        for place, part in enumerate(re.split("[_-]", name)):
            others[place] += emotions.word(part, words) not in (None, "other", emotions.word(emotion, words))
    return max(others.values(), default=0) > FEW * len(names)


def _pieces(levels: Sequence[tuple[str, ...]], words: Mapping[str, str]) -> list[_Piece]:
    """Cut the paths into folders and, where a part of a name tells the emotion, that name into its parts.

    Args:
        levels: of each depth, every path's name; the last are the files'.
        words: emotions by the corpus' own names for them.

    Returns:
        The pieces in order; none where nothing tells the emotion.
    """
    last = len(levels) - 1
    pieces = [
        _Piece(names, "file" if depth == last else "", f"level{depth + 1}", "/" if depth < last else "")
        for depth, names in enumerate(levels)
    ]
    for depth, names in enumerate(levels[:-1]):
        if all(emotions.word(name, words) for name in names):
            pieces[depth] = pieces[depth]._replace(field="emotion")
            return pieces
    for depth, piece in enumerate(pieces):
        for sign in "_-":
            if parts := _parts(piece, sign, words):
                return [*pieces[:depth], *parts, *pieces[depth + 1 :]]
    return []


def _parts(piece: _Piece, sign: str, words: Mapping[str, str]) -> list[_Piece]:
    """Cut a folder's or file's name where its first emotion stands; nothing where not all have one there."""
    names, end, rest = _ending(piece)
    told = [name.split(sign) for name in names]
    for before in range(min(map(len, told))):
        head = [_Piece([name[place] for name in told], "", f"part{place + 1}", sign) for place in range(before)]
        whole = [sign.join(name[before:]) for name in told]
        if (before or len(rest) > 1) and all(emotions.word(name, words) for name in whole):
            return [*head, _Piece(whole, "emotion", "", end), *rest]
        if all(len(name) > before + 1 and emotions.word(name[before], words) for name in told):
            heard = [name[before] for name in told]
            tail = _tail(piece, [name[before + 1 :] for name in told], sign, heard, before + 2)
            return [*head, _Piece(heard, "emotion", "", sign), *tail]
    if all(len(name) > 1 and emotions.word(name[-1], words) for name in told):  # the last, after more or fewer parts
        first = _Piece([sign.join(name[:-1]) for name in told], "rest", "", sign)
        return [first, _Piece([name[-1] for name in told], "emotion", "", end), *rest]
    return []


def _ending(piece: _Piece) -> tuple[Sequence[str], str, list[_Piece]]:
    """Take from names of files what follows their last part.

    Returns:
        The names without it, the sign that parts it from them, and its pieces: of a file its suffix, and before it the
        number that Windows writes behind files that would be called the same, as in ``mary_angry (1).wav``.
    """
    if piece.field != "file":
        return piece.names, piece.end, []
    stems, suffix = [name.rpartition(".")[0] for name in piece.names], piece._replace(names=[], end="")
    counted = [COUNTED.fullmatch(stem) for stem in stems]
    if not all(counted):
        return stems, ".", [suffix]
    return [match[1] for match in counted], " (", [_Piece([match[2] for match in counted], "take", "", ")."), suffix]


def _tail(piece: _Piece, told: Sequence[Sequence[str]], sign: str, heard: Sequence[str], place: int) -> list[_Piece]:
    """Cut what follows the emotion in a name as far as words stand there that may name persons; else leave it whole.

    Args:
        piece: the folder or file.
        told: of every path, the parts that follow.
        sign: what parts them.
        heard: every path's emotion.
        place: the number of the first of these parts.
    """
    parts = list(zip(*told, strict=False)) if piece.field == "file" and len({len(name) for name in told}) == 1 else []
    named = next((at for at, names in enumerate(parts) if calls_persons(names, heard)), None)
    if named is None:
        return [_Piece([sign.join(name) for name in told], piece.field, f"part{place}", piece.end)]
    cut = [_Piece(names, "", f"part{place + at}", sign) for at, names in enumerate(parts[: named + 1])]
    if named + 1 < len(parts):
        return [*cut, piece._replace(names=[])]
    _, end, rest = _ending(piece)
    return [*cut[:-1], cut[-1]._replace(end=end), *rest]


def _kind(names: Sequence[str]) -> str:
    """What a folder or a part of a name tells by what it is called in all paths; ``""`` where that is not sure."""
    words = {name.lower() for name in names}
    if persons(words):
        return "speaker"
    if all(map(SPLIT.fullmatch, words)):
        return "split"
    if words <= set(cells.GENDERS):
        return "gender"
    if all(map(SESSION.fullmatch, words)):
        return "session"
    if words <= INTENSITIES:
        return "intensity"
    if all(len(word) > 3 and cells.language(word) != word for word in words):  # names, as codes might be initials
        return "language"
    return ""


def _may_be_persons(names: Sequence[str], heard: Sequence[str]) -> bool:
    """Tell whether these might name persons, by the emotions that are heard in the same paths."""
    of_name = defaultdict(set)
    for name, emotion in zip(names, heard, strict=True):
        of_name[name].add(emotion)
    tied = len(set(heard)) > 1 and all(len(told) == 1 for told in of_name.values())
    return len(of_name) > 1 and not tied and not all(map(NUMBERED.fullmatch, names))


def recurring(names: Iterable[str], heard: Iterable[str]) -> list[str]:
    """List the names that stand with several emotions, sorted; none unless two or more do, and more than half."""
    of_name = defaultdict(set)
    for name, emotion in zip(names, heard, strict=True):
        of_name[name].add(emotion)
    several = sorted(name for name, told in of_name.items() if name and len(told) > 1)
    return several if len(several) > max(1, len(of_name) / 2) else []


def calls_persons(names: Sequence[str], heard: Sequence[str]) -> bool:
    """Tell whether these are words that recur over emotions, as names of persons do; short ones in capitals are codes.

    Args:
        names: of a part of all paths.
        heard: every path's emotion.
    """
    return all(name.isalpha() and len(name) > 2 + name.isupper() for name in set(names)) and bool(
        recurring(names, heard)
    )


def rather(names: Sequence[str], numbers: Sequence[str], heard: Sequence[str]) -> bool:
    """Tell whether words may name persons rather than numbers that stand before them, of which there are far more."""
    return all(map(str.isdecimal, numbers)) and 2 * len(set(names)) <= len(set(numbers)) and calls_persons(names, heard)


def read(
    paths: Iterable[str], pattern: str, place: str, words: Mapping[str, str] = emotions.NONE_OF_ITS_OWN
) -> dict[str, dict]:
    """Take from each path what the pattern names.

    Args:
        paths: below the corpus' folder, with ``/``.
        pattern: the layout. A field stands for the shortest text without ``/`` that makes the path fit, or for as many
            signs as it says; where that gives no known emotion, for what gives one. File is dropped, fields that
            ``Utterance`` does not know become details.
        place: the corpus, for messages.
        words: emotions by the corpus' own names for them.

    Returns:
        By path, keyword arguments of ``Utterance``. Speakers who are called the same, but have two genders, are two:
        of F_01 and M_01 neither is called 01.

    Raises:
        InputError: a path does not fit, or a name is no known emotion.
    """
    paths = list(paths)
    found = _cut(paths, pattern, words)
    if odd := [path for path in paths if path not in found]:
        raise InputError(
            f"{place}/{odd[0]}: expected the layout '{pattern}' of manifest.layout, which {len(odd)} of {len(paths)} "
            "files do not fit; move the file, or mend the pattern"
        )
    unknown = {path: row["emotion"] for path, row in found.items() if emotions.word(row["emotion"], words) is None}
    if unknown:
        names = few([f"'{name}' ({count})" for name, count in Counter(unknown.values()).most_common()], WORDS)
        raise InputError(
            f"{place}/{next(iter(unknown))}: expected an emotion as manifest.layout says, found in {len(unknown)} of "
            f"{len(paths)} files {names}; rename them to one of {', '.join(emotions.WORDS)}, or a synonym of "
            "ser/corpora/emotions.py, or say by manifest.words what they mean"
        )
    genders = cells.genders(row.get("gender", "") for row in found.values())
    of_speaker = defaultdict(set)
    for row in found.values():
        of_speaker[row.get("speaker", "")].add(genders.get(row.get("gender", "").lower(), ""))
    for row in found.values():
        if "speaker" in row and {"female", "male"} <= of_speaker[row["speaker"]]:
            row["speaker"] = f"{row['gender']}_{row['speaker']}"
    return {path: _fields(row, f"{place}/{path}", words, genders) for path, row in found.items()}


def speakers(paths: Iterable[str], pattern: str, words: Mapping[str, str] = emotions.NONE_OF_ITS_OWN) -> list[str]:
    """List what stands for ``{speaker}`` in the paths that fit a layout, sorted."""
    return sorted({row["speaker"] for row in _cut(paths, pattern, words).values()})


def above_speakers(pattern: str) -> list[str]:
    """List the folders above those of speakers that may number persons anew: sessions, languages, unknown ones."""
    above = pattern.partition("{speaker}")[0] if "{speaker}" in pattern else ""
    names = [found[1] for folder in above.split("/")[:-1] if (found := FIELD.fullmatch(folder))]
    return [name for name in names if name in ANEW or re.fullmatch(r"level\d+", name)]


def _fields(found: Mapping[str, str], place: str, words: Mapping[str, str], genders: Mapping[str, str]) -> dict:
    row = {name: text for name, text in found.items() if name not in ("emotion", "file")}
    if match := SPLIT.fullmatch(row.get("split", "")):
        row["split"] = match[1]
    return {**cells.fields(row, place, genders=genders), "emotion": emotions.word(found["emotion"], words)}


def _compiled(pattern: str) -> re.Pattern:
    literal, *parts = FIELD.split(same_letters(pattern))  # literal, name, width, literal, name, width, ...
    compiled = re.escape(literal)
    for name, width, literal in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        compiled += f"(?P<{name}>[^/]{f'{{{width}}}' if width else '+?'}){re.escape(literal)}"
    return re.compile(compiled)


def _cut(paths: Iterable[str], pattern: str, words: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Cut paths into the fields of a layout: into the shortest, or, where that gives no emotion, so that it gives one.

    By ``{rest}_{emotion}.{file}``, 01_kids_angry.wav is angry, though the shortest rest is 01. Where other ways to cut
    a path give two emotions, or no sign parts the emotion from another field, the shortest stay.

    Returns:
        By path, the text of each field; paths that do not fit are left out.
    """
    compiled = _compiled(pattern)
    found = {path: match.groupdict() for path in paths if (match := compiled.fullmatch(path))}
    (field,) = (field for field in FIELD.finditer(pattern) if field[1] == "emotion")
    before, after = pattern[: field.start()], pattern[field.end() :]
    if field[2] or before.endswith("}") or after.startswith("{"):
        return found
    begin, end = _compiled(before), _compiled(after)
    for path, row in found.items():
        if emotions.word(row["emotion"], words) is not None:
            continue
        begins = [match for at in range(len(path)) if (match := begin.fullmatch(path, 0, at))]
        ends = [match for at in range(1, len(path) + 1) if (match := end.fullmatch(path, at))]
        cuts = {
            (one, other): emotion
            for one in begins
            for other in ends
            if "/" not in (name := path[one.end() : other.start()])
            and (emotion := emotions.word(name, words) if name else None)
        }
        if len(set(cuts.values())) == 1:
            one, other = next(iter(cuts))
            row |= {**one.groupdict(), "emotion": path[one.end() : other.start()], **other.groupdict()}
    return found


def _fits(paths: Sequence[str], pattern: str, words: Mapping[str, str]) -> bool:
    """Tell whether a layout is surely that of all paths."""
    compiled = _compiled(pattern)
    matches = [compiled.fullmatch(path) for path in paths]
    if not all(matches):
        return False
    named = {name: {match[name] for match in matches} for name in compiled.groupindex}
    return (
        all(emotions.word(name, words) is not None for name in named["emotion"])
        and persons(named.get("speaker", ()))
        and all(map(SPLIT.fullmatch, named.get("split", ())))
        and {name.lower() for name in named.get("gender", ())} <= set(cells.GENDERS)
    )
