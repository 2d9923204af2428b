"""What the folders' names of a user's corpus say: a pattern over the path, named in params or recognised.

Example: ``{speaker}/{emotion}/{file}`` reads ``mary/angry/one.wav``.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from ser.corpora import cells, emotions
from ser.corpora.layout import same_letters
from ser.files.failures import InputError

# Recognised where every path fits, the first that does; without one, the first folder is the emotion.
RECOGNISED = (
    "{emotion}/{speaker}/{file}",
    "{speaker}/{emotion}/{file}",
    "{split}/{emotion}/{file}",
    "{split}/{emotion}/{speaker}/{file}",
    "{split}/{speaker}/{emotion}/{file}",
)
SPLITS = frozenset(
    {
        *("train", "training", "dev", "devel", "development", "val", "valid", "validation"),
        *("test", "testing", "test1", "test2", "eval", "evaluation"),
    }
)
# Folders that are surely of one person each; others might be sessions, rooms or languages.
PERSON = re.compile(r"(?:speaker|spkr?|actor|actress|subject|participant|person|[fmps])[ _-]?\d+", re.IGNORECASE)
FIELD = re.compile(r"\{(\w+)\}")
RESERVED = ("path", "votes", "raters")  # what no folder is named for


def check(pattern: str) -> None:
    """Check a pattern of params.

    Raises:
        ValueError: it has no ``{emotion}``, a field twice, or one that cannot stand in a path.
    """
    names = FIELD.findall(pattern)
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
    return next((pattern for pattern in RECOGNISED if all(_fits(path, pattern, words) for path in paths)), None)


def proposals(paths: Iterable[str]) -> list[str]:
    """Write patterns that fit every path and have the emotion in a folder, or in a part of a name; none without one.

    Folders above it are said to be speakers, or parts or genders where all are called so; where all paths share one, a
    second pattern takes it as it is, for an archive's own folder. Of a name as ``mary_angry_1.wav``, what stands before
    the emotion is said to be the speaker.
    """
    parts = [path.split("/") for path in paths]
    depths = {len(path) for path in parts}
    if len(depths) > 1:
        return []
    levels = list(zip(*parts, strict=True))
    places = [depth for depth, names in enumerate(levels[:-1]) if all(map(emotions.word, names))]
    emotion = {places[0]: "{emotion}"} if places else _in_names(levels)
    if not emotion:
        return []
    fields, shared = [], []
    for depth, names in enumerate(levels):
        if depth in emotion or depth == len(levels) - 1:
            fields.append(emotion.get(depth, "{file}"))
            shared.append(False)
            continue
        words = {name.lower() for name in names}
        kind = "split" if words <= SPLITS else "gender" if words <= set(cells.GENDERS) else "speaker"
        kind = kind if f"{{{kind}}}" not in "/".join((*fields, *emotion.values())) else f"level{depth + 1}"
        fields.append(f"{{{kind}}}")
        shared.append(kind not in ("split", "gender") and len(words) == 1)
    pattern = "/".join(fields)
    if not any(shared) or "{" in "".join(parts[0]):
        return [pattern]
    return [pattern, "/".join(parts[0][depth] if same else fields[depth] for depth, same in enumerate(shared))]


def _in_names(levels: Sequence[tuple[str, ...]]) -> dict[int, str]:
    """The depth whose names have the emotion in one place, and the pattern of such a name; nothing where there is none.

    Args:
        levels: of each depth, every path's name; the last are the files'.
    """
    persons = any(all(map(PERSON.fullmatch, names)) for names in levels[:-1])
    first = "{part1}" if persons else "{speaker}"
    for depth, names in enumerate(levels):
        is_file = depth == len(levels) - 1
        for sign in "_-":
            told = [(name.rpartition(".")[0] if is_file else name).split(sign) for name in names]
            for before in range(min(map(len, told))):
                head = [first, *(f"{{part{place}}}" for place in range(2, before + 1))][:before]
                if before and all(emotions.word(sign.join(name[before:])) for name in told):
                    return {depth: sign.join((*head, "{emotion}")) + (".{file}" if is_file else "")}
                if all(len(name) > before + 1 and emotions.word(name[before]) for name in told):
                    rest = "{file}" if is_file else "{part}" if before else first
                    return {depth: sign.join((*head, "{emotion}", rest))}
    return {}


def read(
    paths: Iterable[str], pattern: str, place: str, words: Mapping[str, str] = emotions.NONE_OF_ITS_OWN
) -> dict[str, dict]:
    """Take from each path what the pattern names.

    Args:
        paths: below the corpus' folder, with ``/``.
        pattern: the layout. A field stands for the shortest text without ``/`` that makes the path fit; file is
            dropped, fields that ``Utterance`` does not know become details.
        place: the corpus, for messages.
        words: emotions by the corpus' own names for them.

    Returns:
        By path, keyword arguments of ``Utterance``.

    Raises:
        InputError: a path does not fit, or a name is no known emotion.
    """
    known = {}
    for path in paths:
        match = _compiled(pattern).fullmatch(path)
        if not match:
            raise InputError(
                f"{place}/{path}: expected the layout '{pattern}' of manifest.layout; move the file, or mend the "
                "pattern"
            )
        known[path] = _fields(match.groupdict(), f"{place}/{path}", words)
    return known


def _fields(found: Mapping[str, str], place: str, words: Mapping[str, str]) -> dict:
    row = {name: text for name, text in found.items() if name not in ("emotion", "file")}
    fields = cells.fields(row, place)
    emotion = emotions.word(found["emotion"], words)
    if emotion is None:
        raise InputError(
            f"{place}: expected an emotion as manifest.layout says, found '{found['emotion']}'; rename it to one of "
            f"{', '.join(emotions.WORDS)}, or a synonym of ser/corpora/emotions.py, or say by manifest.words what it "
            "means"
        )
    return {**fields, "emotion": emotion}


def _compiled(pattern: str) -> re.Pattern:
    parts = FIELD.split(same_letters(pattern))  # literal, name, literal, name, ...
    return re.compile(
        "".join(f"(?P<{part}>[^/]+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts))
    )


def _fits(path: str, pattern: str, words: Mapping[str, str]) -> bool:
    match = _compiled(pattern).fullmatch(path)
    if not match:
        return False
    found = match.groupdict()
    return (
        emotions.word(found["emotion"], words) is not None
        and ("speaker" not in found or PERSON.fullmatch(found["speaker"]) is not None)
        and ("split" not in found or found["split"].lower() in SPLITS)
    )
