"""From the corpora's folders to the manifest: what is taken in, and what is rejected and why."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from ser import audio, manifest
from ser.corpora import emotions, folders
from ser.corpora.layout import check_not_linked
from ser.corpora.parsers import PARSERS
from ser.corpora.utterance import Utterance
from ser.files.failures import InputError

REJECTED_COLUMNS = ("path", "corpus", "reason", "detail")
# Why a file is no utterance of the manifest; the first reason that holds is named.
REASONS = ("unmapped", "unreadable", "empty", "not_finite", "too_short", "too_long", "silent", "duplicate")
CHOSEN = "unmapped"  # a consequence of the label set, not a flaw of the file
EXAMPLES = 3


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
        allow_incomplete: corpora of known size that may lack files.
    """

    merge: dict[str, str]
    min_seconds: float
    max_seconds: float
    max_rejected_share: float
    speaker_pattern: dict[str, str]
    allow_incomplete: list[str]

    def __post_init__(self):
        if not 0 < self.min_seconds < self.max_seconds:
            raise ValueError(f"expected 0 < min_seconds < max_seconds, found {self.min_seconds} and {self.max_seconds}")
        if not 0 <= self.max_rejected_share <= 1:
            raise ValueError(f"expected 0 <= max_rejected_share <= 1, found {self.max_rejected_share}")
        for corpus, pattern in self.speaker_pattern.items():
            _check_pattern(corpus, pattern)
        for corpus in self.allow_incomplete:
            if corpus not in PARSERS:
                raise ValueError(f"allow_incomplete: expected some of {', '.join(PARSERS)}, found '{corpus}'")


def _check_pattern(corpus: str, pattern: str) -> None:
    if corpus in PARSERS:
        raise ValueError(f"speaker_pattern: '{corpus}' names its speakers itself; take it out")
    try:
        groups = re.compile(pattern).groupindex
    except re.error as error:
        raise ValueError(f"speaker_pattern.{corpus}: '{pattern}' is no regular expression: {error}") from error
    if "speaker" not in groups:
        raise ValueError(f"speaker_pattern.{corpus}: expected a group '(?P<speaker>...)', found '{pattern}'")


@dataclass(frozen=True)
class Examination:
    """What one file's audio says.

    Attributes:
        reason: why it is rejected, one of ``REASONS``, or ``""``.
        detail: the reason in words.
        seconds: its length.
        sampling_rate: in Hz.
        sha256: of the decoded audio.
    """

    reason: str = ""
    detail: str = ""
    seconds: float = 0.0
    sampling_rate: int = 0
    sha256: str = ""


def build(
    raw: Path,
    corpora: Sequence[str],
    label_set: Sequence[str],
    params: ManifestParams,
    workers: int = 1,
    watch: Callable[[Iterable[Examination], int], Iterable[Examination]] = lambda examinations, total: examinations,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the corpora, examine every file once, and tell utterances from rejects.

    Args:
        raw: the folder of the corpora.
        corpora: their names: folders of ``raw``.
        label_set: the emotions to keep.
        params: what to accept.
        workers: threads that decode; without effect on the result.
        watch: wraps the examinations, of which there are ``total``, to show progress.

    Returns:
        The manifest, ``ser.manifest.COLUMNS`` sorted by id, and the rejects, ``REJECTED_COLUMNS`` sorted by path.

    Raises:
        InputError: a choice in params, a corpus or its metadata is wrong; a larger share than ``max_rejected_share`` of
            a corpus is rejected; or a corpus or an emotion of the label set has no utterance.
    """
    emotions.check_label_set(label_set)
    emotions.check_merge(params.merge, label_set)
    rows = []
    for corpus in _checked_names(corpora):
        rows += [_row(raw, corpus, utterance, params.merge) for utterance in parse(raw / corpus, params)]
    rows.sort(key=lambda row: row["id"])
    _check_ids(rows)
    wanted = [row for row in rows if row["emotion"] in label_set]
    for row in rows:
        row.update(reason=CHOSEN, detail=f"'{row['emotion']}' is not in `emotions`")
    pool = ThreadPoolExecutor(workers)  # libsndfile and hashlib let other threads run
    try:
        examinations = pool.map(lambda row: examine(raw / row["path"], params), wanted)
        for row, examination in zip(wanted, watch(examinations, len(wanted)), strict=True):
            row.update(vars(examination))
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C nobody waits for the rest
    _reject_duplicates([row for row in wanted if not row["reason"]])
    _check_share(rows, corpora, params.max_rejected_share)
    accepted = [row for row in rows if not row["reason"]]
    _check_none_empty(accepted, label_set, corpora)
    rejected = sorted((row for row in rows if row["reason"]), key=lambda row: row["path"])
    table = pd.DataFrame(accepted, columns=list(manifest.COLUMNS)).astype({"age": float})
    return table, pd.DataFrame(rejected, columns=list(REJECTED_COLUMNS))


def parse(folder: Path, params: ManifestParams) -> list[Utterance]:
    """Read one corpus with the parser that its folder's name chooses.

    Raises:
        InputError: the folder is missing or a link, or the parser refuses what is in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; put the corpus there, or take '{folder.name}' out of `corpora`")
    check_not_linked(folder)
    if folder.name in PARSERS:
        return PARSERS[folder.name](folder, folder.name in params.allow_incomplete)
    return folders.parse(folder, params.speaker_pattern.get(folder.name))


def examine(path: Path, params: ManifestParams) -> Examination:
    """Decode one file and say whether it can be an utterance.

    Args:
        path: the audio file.
        params: the lengths to accept.
    """
    if path.stat().st_size == 0:
        return Examination("empty", "a file of zero bytes")
    try:
        samples, rate = audio.decode(path)
    except InputError as error:
        return Examination("unreadable", str(error).removeprefix(f"{path}: "))
    seconds = samples.shape[1] / rate
    if samples.size == 0:
        return Examination("empty", "a header without samples")
    if not np.isfinite(samples).all():
        return Examination("not_finite", f"{np.count_nonzero(~np.isfinite(samples))} samples are NaN or infinite")
    if seconds < params.min_seconds:
        return Examination("too_short", f"{seconds:.4g} s, less than {params.min_seconds} s")
    if seconds > params.max_seconds:
        return Examination("too_long", f"{seconds:.4g} s, more than {params.max_seconds} s")
    # Of the mix, which is what the encoder hears: channels of opposite sign cancel out.
    if audio.silent(audio.mono(samples)):
        return Examination("silent", "no sound, all channels mixed to one")
    return Examination("", "", seconds, rate, audio.digest(samples, rate))


def summary(table: pd.DataFrame, rejected: pd.DataFrame) -> dict:
    """Count what was taken in and what was rejected.

    Args:
        table: the manifest.
        rejected: the rejects.

    Returns:
        Utterances, speakers, utterances without a speaker, hours and utterances per emotion, in all and per corpus;
        rejects per reason, every reason named; and the share of flawed files among all files of a wanted emotion, 0..1.
    """
    flawed = int((rejected["reason"] != CHOSEN).sum())
    return {
        **_counts(table),
        "corpora": {corpus: _counts(rows) for corpus, rows in table.groupby("corpus")},
        "rejected": {reason: int((rejected["reason"] == reason).sum()) for reason in REASONS},
        "rejected_share": flawed / (flawed + len(table)),
    }


def closing_line(table: pd.DataFrame, rejected: pd.DataFrame) -> str:
    """Say in one line what was taken in and what was rejected."""
    counts = _counts(table)
    corpora = ", ".join(table["corpus"].unique())
    speakers = f"{counts['speakers']} speakers"
    if counts["without_speaker"]:
        speakers += f" and {counts['without_speaker']} utterances of unknown ones"
    reasons = f" ({_reasons(rejected['reason'])})" if len(rejected) else ""
    return (
        f"{counts['utterances']} utterances of {speakers}, {counts['hours']:.1f} h, from {corpora}; "
        f"rejected {len(rejected)}{reasons}"
    )


def _reasons(reasons: Iterable[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in Counter(reasons).most_common())


def _counts(rows: pd.DataFrame) -> dict:
    return {
        "utterances": len(rows),
        "speakers": int(rows.loc[rows["speaker"] != "", "speaker"].nunique()),
        "without_speaker": int((rows["speaker"] == "").sum()),
        "hours": float(rows["seconds"].sum() / 3600),
        "emotions": rows["emotion"].value_counts().to_dict(),
    }


def _checked_names(corpora: Sequence[str]) -> Sequence[str]:
    for name in corpora:
        if not manifest.CORPUS_NAME.fullmatch(name):
            raise InputError(
                f"corpora: expected names of folders, of letters, digits and the signs _ . -, found '{name}'; rename "
                "the folder, or link to it under such a name"
            )
    if len(set(corpora)) < max(1, len(corpora)):
        raise InputError(f"corpora: expected at least one name and none twice, found {', '.join(corpora) or 'none'}")
    return corpora


def _row(raw: Path, corpus: str, utterance: Utterance, merge: dict[str, str]) -> dict:
    """The columns of the manifest that are known without the audio."""
    path = utterance.path.relative_to(raw).as_posix()
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{raw / corpus}: expected file names in UTF-8, found {path!r}; rename the file") from error
    votes: dict[str, int] = {}
    for word, count in utterance.votes.items():
        votes[merge.get(word, word)] = votes.get(merge.get(word, word), 0) + count
    return {
        "id": f"{corpus}/{utterance.name}",
        "path": path,
        "corpus": corpus,
        "speaker": f"{corpus}/{utterance.speaker}" if utterance.speaker else "",
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


def _reject_duplicates(rows: Sequence[dict]) -> None:
    """Keep the first by id of several files with the same audio; none where they contradict each other."""
    copies = defaultdict(list)
    for row in rows:
        copies[row["sha256"]].append(row)
    for same in copies.values():
        labels = sorted({row["emotion"] for row in same})
        if len(labels) > 1:
            names = ", ".join(row["id"] for row in same)
            for row in same:
                row.update(reason="duplicate", detail=f"the same audio is labelled {' and '.join(labels)}: {names}")
        else:
            for row in same[1:]:
                row.update(reason="duplicate", detail=f"the same audio as {same[0]['id']}")


def _check_share(rows: Sequence[dict], corpora: Sequence[str], limit: float) -> None:
    """Stop where a corpus has too many flawed files: then something is wrong with it as a whole."""
    for corpus in corpora:
        examined = [row for row in rows if row["corpus"] == corpus and row["reason"] != CHOSEN]
        flawed = [row for row in examined if row["reason"]]
        if len(flawed) > limit * len(examined):
            reasons = _reasons(row["reason"] for row in flawed)
            examples = "; ".join(f"{row['path']}: {row['reason']}, {row['detail']}" for row in flawed[:EXAMPLES])
            raise InputError(
                f"{corpus}: {len(flawed)} of {len(examined)} files are rejected ({reasons}), more than the share "
                f"{limit:g} of manifest.max_rejected_share; mend or remove them, or raise it; the first: {examples}"
            )


def _check_none_empty(rows: Sequence[dict], label_set: Sequence[str], corpora: Sequence[str]) -> None:
    for key, names, place in (("emotion", label_set, "emotions"), ("corpus", corpora, "corpora")):
        absent = sorted(set(names) - {row[key] for row in rows})
        if absent:
            raise InputError(
                f"{place}: nothing was taken in for {', '.join(absent)} (corpora: {', '.join(corpora)}; emotions: "
                f"{', '.join(label_set)}); take it out of `{place}`, or mend the corpora or manifest.merge"
            )
