"""From the corpora's folders to the manifest: what is taken in, and what is rejected and why."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ser import manifest
from ser.corpora import (
    accounts,
    cells,
    emotions,
    fetched,
    folders,
    hints,
    index,
    layouts,
    lengths,
    parsers,
    shared_audio,
    speakers,
)
from ser.corpora.examination import CHOSEN, Examination, examine
from ser.corpora.examples import few
from ser.corpora.layout import check_not_linked, same_letters
from ser.corpora.parsers import PARSERS
from ser.corpora.utterance import Utterance
from ser.corpora.walk import walk
from ser.files.failures import InputError
from ser.files.params import hint

MADE_HERE = "synthetic"  # the bundled corpus
REJECTED_COLUMNS = ("path", "corpus", "reason", "detail")


@dataclass(frozen=True)
class ManifestParams:
    """The block ``manifest`` of params.yaml.

    Attributes:
        merge: words to count as another, such as ``{"excited": "happy"}``; labels and votes alike.
        min_seconds: shorter files are rejected.
        max_seconds: longer files are rejected.
        max_rejected_share: the share of a corpus' files, 0..1, above which rejects stop the stage; files whose emotion
            is not in the label set are not counted.
        speaker_pattern: by corpus of emotion folders, the regular expression whose group ``speaker`` takes the speaker
            from the file's name.
        allow_incomplete: corpora of known size that may lack files, and a user's, whose index may lack rows.
        layout: by corpus of a user, the pattern over each file's path (``ser.corpora.layouts``).
        columns: by corpus of a user, what its table calls our columns, such as ``{"emotion": "label"}``.
        words: by corpus of a user, what its own names of emotions mean, such as ``{"03": "happy"}``.
    """

    merge: dict[str, str]
    min_seconds: float
    max_seconds: float
    max_rejected_share: float
    speaker_pattern: dict[str, str]
    allow_incomplete: list[str]
    layout: dict[str, str] = field(default_factory=dict)
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    words: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self):
        if not 0 < self.min_seconds < self.max_seconds:
            raise ValueError(f"expected 0 < min_seconds < max_seconds, found {self.min_seconds} and {self.max_seconds}")
        if not 0 <= self.max_rejected_share <= 1:
            raise ValueError(f"expected 0 <= max_rejected_share <= 1, found {self.max_rejected_share}")
        for corpus, pattern in self.speaker_pattern.items():
            _check_pattern(corpus, pattern)
        for corpus, pattern in self.layout.items():
            _check_own("layout", corpus)
            try:
                layouts.check(pattern)
            except ValueError as error:
                raise ValueError(f"layout.{corpus}: {error}") from error
        for corpus, names in self.columns.items():
            _check_own("columns", corpus)
            for name in names:
                if name not in index.TOLD:
                    raise ValueError(f"columns.{corpus}: expected some of {', '.join(index.TOLD)}, found '{name}'")
        for corpus, words in self.words.items():
            _check_own("words", corpus)
            for word in words.values():
                if word not in emotions.WORDS:
                    raise ValueError(f"words.{corpus}: expected some of {', '.join(emotions.WORDS)}, found '{word}'")

    def of_others(self, corpora: Sequence[str]) -> Iterator[str]:
        """Say which corpora are spoken of here that no stage reads, perhaps for a slip of the pen."""
        for key in ("speaker_pattern", "allow_incomplete", "layout", "columns", "words"):
            for corpus in getattr(self, key):
                if corpus not in corpora:
                    yield (
                        f"manifest.{key} names '{corpus}', which is among neither `corpora` nor `auxiliary.corpora`"
                        f"{hint(corpus, corpora)}"
                    )


class Intake(NamedTuple):
    """What came of the corpora.

    Attributes:
        manifest: the utterances, ``ser.manifest.COLUMNS`` sorted by id.
        rejected: what is none, ``REJECTED_COLUMNS`` sorted by path.
        shared: which utterances share audio, ``ser.corpora.shared_audio.COLUMNS``.
    """

    manifest: pd.DataFrame
    rejected: pd.DataFrame
    shared: pd.DataFrame


def _check_own(key: str, corpus: str) -> None:
    if corpus in PARSERS:
        raise ValueError(f"{key}: '{corpus}' has a parser of its own, which knows; take it out")


def _check_pattern(corpus: str, pattern: str) -> None:
    if corpus in PARSERS:
        raise ValueError(f"speaker_pattern: '{corpus}' names its speakers itself; take it out")
    try:
        groups = re.compile(pattern).groupindex
    except re.error as error:
        raise ValueError(f"speaker_pattern.{corpus}: '{pattern}' is no regular expression: {error}") from error
    if "speaker" not in groups:
        raise ValueError(f"speaker_pattern.{corpus}: expected a group '(?P<speaker>...)', found '{pattern}'")


def build(
    raw: Path,
    corpora: Sequence[str],
    label_set: Sequence[str],
    params: ManifestParams,
    workers: int = 1,
    watch: Callable[[Iterable[Examination], int], Iterable[Examination]] = lambda examinations, total: examinations,
    say: Callable[[str], None] = lambda remark: None,
    keep: Callable[[pd.DataFrame], None] = lambda rejected: None,
) -> Intake:
    """Read the corpora, examine every file once, and tell utterances from rejects.

    Args:
        raw: the folder of the corpora.
        corpora: their names: folders of ``raw``.
        label_set: the emotions to keep.
        params: what to accept.
        workers: threads that decode; without effect on the result.
        watch: wraps the examinations, of which there are ``total``, to show progress.
        say: takes remarks, each in one line: those of ``accepted``, and how many utterances share audio.
        keep: takes the table of rejects as soon as it is known, so that nothing is lost where they stop the stage.

    Returns:
        Utterances, rejects, and which utterances share audio.

    Raises:
        InputError: as ``accepted``; or an emotion of the label set has no utterance.
    """
    rows, rejected = accepted(raw, corpora, label_set, params, workers, watch, say, keep)
    accounts.check_none_empty(rows, "emotion", label_set, "emotions")
    shared = shared_audio.table(rows)
    for remark in shared_audio.remarks(shared):
        say(remark)
    return Intake(table(rows), rejected, shared)


def table(rows: Sequence[dict]) -> pd.DataFrame:
    """Put rows of ``accepted`` into a manifest."""
    return pd.DataFrame(rows, columns=list(manifest.COLUMNS)).astype({"age": float})


def accepted(
    raw: Path,
    corpora: Sequence[str],
    label_set: Sequence[str],
    params: ManifestParams,
    workers: int = 1,
    watch: Callable[[Iterable[Examination], int], Iterable[Examination]] = lambda examinations, total: examinations,
    say: Callable[[str], None] = lambda remark: None,
    keep: Callable[[pd.DataFrame], None] = lambda rejected: None,
    block: str = "corpora",
) -> tuple[list[dict], pd.DataFrame]:
    """Read the corpora, examine every file once, and give the utterances with what their audio is known by.

    Args:
        raw: as for ``build``.
        corpora: as for ``build``.
        label_set: as for ``build``; here an emotion may have no utterance.
        params: as for ``build``.
        workers: as for ``build``.
        watch: as for ``build``.
        say: takes remarks, each in one line: which folders are taken for speakers, which tables of a corpus declared
            incomplete are not there, what lies in the folders besides recordings, what may tell the speakers or the
            votes of a corpus that has none, which names of speakers are taken for one, and of which corpora all
            recordings are equally long.
        keep: as for ``build``.
        block: of params.yaml, that names the corpora.

    Returns:
        For each utterance a dictionary of ``ser.manifest.COLUMNS`` and ``marks`` (``ser.corpora.shared_audio``), sorted
        by id; and the table of rejects.

    Raises:
        InputError: a choice in params, a corpus or its metadata is wrong; a larger share than ``max_rejected_share`` of
            a corpus is rejected; or a corpus has no utterance.
    """

    def tell(remark: str) -> None:
        say(remark.encode(errors="backslashreplace").decode())  # names of files need not be UTF-8

    emotions.check_label_set(label_set)
    emotions.check_merge(params.merge, label_set)
    rows = []
    check_names(corpora, block)
    for corpus in corpora:
        utterances = parse(raw / corpus, params, tell, block)
        rows += [_row(raw, corpus, utterance, params.merge) for utterance in utterances]
        if corpus in PARSERS:
            continue
        documents = folders.documents(raw / corpus)
        if left_out := walk(raw / corpus, documents).left_out():
            tell(f"{raw / corpus}: left out: {left_out}{'' if documents else hints.unread(raw / corpus)}")
        if hint := hints.untold_speakers(raw / corpus, utterances, params.layout.get(corpus)):
            tell(f"{raw / corpus}: nothing tells who speaks; {hint}")
        if hint := hints.untold_votes(utterances):
            tell(f"{raw / corpus}: {hint}")
    rows.sort(key=lambda row: row["id"])
    _check_ids(rows)
    for spellings in speakers.fold(rows):
        tell(
            "speakers whose names differ only in case, spaces, signs, leading zeros or the writing of accents are one: "
            f"{spellings}"
        )
    for remark in speakers.one_each(rows):
        tell(remark)
    for told, several in (("gender", "two genders"), ("age", "several ages")):
        for speaker in _of_several(rows, told):
            tell(f"speakers of {several}: {speaker}; if they are two people, give them two names")
    wanted = [row for row in rows if row["emotion"] in label_set]
    for row in rows:
        row.update(reason=CHOSEN, detail=f"'{row['emotion']}' is not in `emotions`")
    pool = ThreadPoolExecutor(max(1, workers))  # libsndfile and hashlib let other threads run
    try:
        examinations = pool.map(lambda row: examine(raw / row["path"], params.min_seconds, params.max_seconds), wanted)
        for row, examination in zip(wanted, watch(examinations, len(wanted)), strict=True):
            row.update(vars(examination))
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C nobody waits for the rest
    for remark in _reject_duplicates([row for row in wanted if not row["reason"]]):
        tell(remark)
    rejected = pd.DataFrame(
        sorted((row for row in rows if row["reason"]), key=lambda row: row["path"]), columns=list(REJECTED_COLUMNS)
    )
    keep(rejected)
    accounts.check_share(rows, corpora, params.max_rejected_share)
    found = [row for row in rows if not row["reason"]]
    accounts.check_none_empty(found, "corpus", corpora, block, rows)
    for remark in lengths.remarks(found):
        tell(remark)
    return found, rejected


def parse(
    folder: Path,
    params: ManifestParams,
    say: Callable[[str], None] = lambda remark: None,
    block: str = "corpora",
) -> list[Utterance]:
    """Read one corpus with the parser that its folder's name chooses.

    Args:
        folder: the corpus.
        params: what to accept.
        say: takes remarks, each in one line.
        block: of params.yaml, that names the corpus.

    Raises:
        InputError: the folder or one in it is missing or a link, or the parser refuses what is in it.
    """
    if not folder.is_dir() and folder.name == MADE_HERE:
        raise InputError(
            f"{folder}: no such folder; the stage synthesize makes it: dvc repro synthesize, or dvc pull synthesize"
        )
    if not folder.is_dir():
        there = [path.name for path in folder.parent.glob("*") if path.is_dir()]
        raise InputError(
            f"{folder}: no such folder{hint(folder.name, there)}; put the corpus there, or take '{folder.name}' out of "
            f"`{block}`; if only dvc exp run --temp or --queue lacks it, first tell DVC of it: dvc add {folder}"
        )
    for link in (folder, *walk(folder).links):
        check_not_linked(link)
    if folder.name in PARSERS:
        incomplete = folder.name in params.allow_incomplete
        utterances = PARSERS[folder.name](folder, incomplete)
        if incomplete and (remark := parsers.blank(folder)):
            say(f"{folder}: {remark}")
    else:
        utterances = _own(folder, params, say)
    fetched.check(folder, [utterance.path for utterance in utterances])
    return utterances


def _own(folder: Path, params: ManifestParams, say: Callable[[str], None]) -> list[Utterance]:
    reading = folders.Reading(
        params.speaker_pattern.get(folder.name),
        params.layout.get(folder.name),
        params.columns.get(folder.name, {}),
        params.words.get(folder.name, {}),
        folder.name in params.allow_incomplete,
    )
    parser = parsers.named(folder.name)
    if parser and reading == folders.Reading() and not folders.documents(folder):
        raise InputError(
            f"{folder}: expected the name '{parser}', by which the parser of this corpus is chosen, found "
            f"'{folder.name}'; {parsers.renaming(parser)}, or, if it is another corpus, name it otherwise"
        )
    return folders.parse(folder, reading, say)


def check_names(corpora: Sequence[str], block: str = "corpora") -> None:
    """Check the corpora that the user chose in a block of params.yaml.

    Raises:
        InputError: there is none, one stands twice, or a name is none for a folder.
    """
    for name in corpora:
        if not manifest.CORPUS_NAME.fullmatch(name):
            raise InputError(
                f"{block}: expected names of folders, of letters, digits and the signs _ . -, found '{name}'; rename "
                f"the folder{_renamed(name)}"
            )
    if len(set(corpora)) < max(1, len(corpora)):
        raise InputError(f"{block}: expected at least one name and none twice, found {', '.join(corpora) or 'none'}")


def _renamed(name: str) -> str:
    """A good name for a folder whose name is only unusual, as with a blank in it."""
    good = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).strip("_.")
    return f", for instance to '{good}'" if good and "/" not in name else ""


def _row(raw: Path, corpus: str, utterance: Utterance, merge: dict[str, str]) -> dict:
    """The columns of the manifest that are known without the audio."""
    path = utterance.path.relative_to(raw).as_posix()
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{raw / corpus}: expected file names in UTF-8, found {path!r}; rename the file") from error
    if cells.CONTROL.search(path):
        raise InputError(
            f"{raw / corpus}: expected file names without line ends and other control characters, found {path!r}; "
            "rename the file"
        )
    votes: dict[str, int] = {}
    for word, count in utterance.votes.items():
        votes[merge.get(word, word)] = votes.get(merge.get(word, word), 0) + count
    return {
        "id": f"{corpus}/{same_letters(utterance.name)}",
        "path": path,
        "corpus": corpus,
        "speaker": f"{corpus}/{same_letters(utterance.speaker)}" if utterance.speaker else "",
        "gender": utterance.gender,
        "age": utterance.age,
        "language": utterance.language,
        "emotion": merge.get(utterance.emotion, utterance.emotion),
        "votes": _json(votes),
        "text": utterance.text,
        "details": _json(utterance.details),
    }


def _json(mapping) -> str:
    return json.dumps(mapping, sort_keys=True, ensure_ascii=False, allow_nan=False) if mapping else ""


def _check_ids(rows: Sequence[dict]) -> None:
    for row, following in pairwise(rows):
        if row["id"] == following["id"]:
            raise InputError(
                f"{row['path']} and {following['path']}: both would have the id '{row['id']}'; rename one, or delete a "
                "copy"
            )


def _of_several(rows: Sequence[dict], told: str) -> list[str]:
    """Name the speakers who are of more than one gender, or of ages that lie more than a birthday apart."""
    found = defaultdict(set)
    for row in rows:
        if row["speaker"] and row[told]:
            found[row["speaker"]].add(row[told])
    return [
        f"{speaker} ({' and '.join(str(value) for value in sorted(values))})"
        for speaker, values in found.items()
        if len(values) > 1 and (told == "gender" or max(values) - min(values) > 1)
    ]


def _reject_duplicates(rows: Sequence[dict]) -> list[str]:
    """Keep one of several files with the same audio; none where they contradict each other.

    It is the first by id whose speaker is known. Another label is a contradiction, and another speaker in the same
    corpus; each corpus names its speakers for itself.

    Returns:
        Remarks: one for all audio of the same speakers with which the same was done.
    """
    copies, of_several = defaultdict(list), defaultdict(list)
    for row in rows:
        copies[row["sha256"]].append(row)
    for same in copies.values():
        labels, speakers = sorted({row["emotion"] for row in same}), sorted({row["speaker"] for row in same} - {""})
        names = ", ".join(row["id"] for row in same)
        faults = [f"is labelled {' and '.join(labels)}"] if len(labels) > 1 else []
        one_corpus = len({row["corpus"] for row in same if row["speaker"]}) < len(speakers)
        if len(speakers) > 1:
            of_several[tuple(speakers), len(labels) > 1, one_corpus].append(same)
        if one_corpus:
            faults.append(f"is of {' and '.join(speakers)}")
        kept = next((row for row in same if row["speaker"]), same[0])
        for row in same:
            if faults:
                row.update(reason="duplicate", detail=f"the same audio {' and '.join(faults)}: {names}")
            elif row is not kept:
                row.update(reason="duplicate", detail=f"the same audio as {kept['id']}")
    left = {row["speaker"] for row in rows if not row["reason"]}
    return [_on_copies(*case, found, left) for case, found in of_several.items()]


def _on_copies(
    speakers: Sequence[str], contradicting: bool, one_corpus: bool, found: Sequence[Sequence[dict]], left: Set[str]
) -> str:
    """Say what was done with recordings that several speakers have, and what to do.

    Args:
        speakers: who have them.
        contradicting: whether their labels differ.
        one_corpus: whether two of the speakers are of one corpus.
        found: of each recording, all copies.
        left: the speakers who still have recordings.
    """
    names = few([" = ".join(row["id"] for row in same) for same in found], 1)
    nothing = " and ".join(speaker for speaker in speakers if speaker not in left)
    nothing = f", so that nothing is left of {nothing}" if nothing else ""
    whose = f"the same audio is of {' and '.join(speakers)}{' with other labels' if contradicting else ''}: {names}; "
    if not contradicting and not one_corpus:
        return f"{whose}one copy of each is kept{nothing}; {shared_audio.ONE_PERSON}"
    why = " and ".join(["which label is right"] * contradicting + ["whose they are"] * one_corpus)
    name = "if these are one person, give them one name" if one_corpus else shared_audio.ONE_PERSON
    if contradicting:
        do = f"delete the wrong copies; {name}"
    else:
        do = f"{name}, and one copy of each is kept; if they are several, delete the wrong copies"
    return f"{whose}all copies are left out, {sum(map(len, found))} files, as nothing tells {why}{nothing}; {do}"
