"""The protocols: which speakers, and at random which utterances, train, validate and test."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from ser.files.failures import InputError
from ser.files.params import SEEDS, check_ranges
from ser.splits import sentences, told
from ser.splits.names import LEFT_OUT, RANDOM, UNKNOWN_TRAIN
from ser.splits.table import PARTS

OVERSTATES = "split.protocol random, which overstates how well the emotions of unknown speakers are recognised"


@dataclass(frozen=True)
class SplitParams:
    """The block ``split`` of params.yaml.

    Attributes:
        protocol: ``holdout``, ``predefined``, ``kfold``, ``loso`` and ``sessions`` keep the speakers of train,
            validation and test apart; ``random`` does not.
        folds: how many parts ``kfold``, or ``random`` when it is the chosen protocol, cuts the corpus into.
        test_share: of the speakers of the corpus, for ``holdout``; the nearest 1/n is taken.
        validation_share: of the training speakers; the nearest 1/n is taken. ``predefined`` takes the corpus' own
            part to validate on, where it has one, and trains utterances of unknown speakers that the corpus trains.
        seed: decides between equally good cuts.
        sentences: ``any``: no heed is paid to what is said; ``disjoint``, of ``kfold`` and ``loso``: a fold tests other
            sentences than it trains and validates on, and leaves out what is neither.
        sentence_groups: into how many groups ``disjoint`` puts the sentences: each fold becomes so many.
        test_parts: of ``predefined``: the corpus' words for the parts that test, where not all of them do.
    """

    protocol: Literal["holdout", "predefined", "kfold", "loso", "sessions", "random"]
    folds: int
    test_share: float
    validation_share: float
    seed: int
    sentences: Literal["any", "disjoint"] = "any"
    sentence_groups: int = 3
    test_parts: list[str] = field(default_factory=list)

    def __post_init__(self):
        check_ranges(self, folds=(2, math.inf), sentence_groups=(2, math.inf), seed=SEEDS)
        for name in ("test_share", "validation_share"):
            if not 0 < getattr(self, name) <= 0.5:
                raise ValueError(f"{name}: expected a share above 0 and at most 0.5, found {getattr(self, name)}")
        if self.sentences == "disjoint" and self.protocol not in ("kfold", "loso"):
            raise ValueError(f"sentences: disjoint: expected the protocol kfold or loso, found {self.protocol}")
        if self.test_parts and self.protocol != "predefined":
            raise ValueError(f"test_parts: expected the protocol predefined, or none of them, found {self.protocol}")


def make(manifest: pd.DataFrame, emotions: Sequence[str], params: SplitParams) -> pd.DataFrame:
    """Split a corpus by the chosen protocol and, beside it, at random.

    The random contrast has as many folds as the chosen protocol, and parts of about the same size. ``holdout`` and
    ``predefined`` test once, the contrast about as many utterances, but others; what ``predefined`` leaves out, the
    contrast leaves out, too. Where sentences are kept apart, the contrast tests the same utterances fold by fold, and
    learns from as many of each emotion, of other sentences as well, but by anybody.
    Speaker-disjoint cuts are stratified by corpus, gender and emotion, random ones by emotion.

    Args:
        manifest: the utterances.
        emotions: the label set.
        params: the protocol and its sizes.

    Returns:
        A table with ``COLUMNS``, sorted by protocol, fold and id; every fold holds every utterance once.

    Raises:
        InputError: the corpus does not allow the protocol: an emotion without utterances or with a single speaker or,
            where sentences are kept apart, sentence; utterances without speaker, sentence, session or part, too few
            speakers, or a training part that would lack an emotion.
    """
    rows = manifest.sort_values("id", ignore_index=True)
    absent = [emotion for emotion in emotions if emotion not in set(rows["emotion"])]
    if absent:
        raise InputError(
            f"emotions: expected utterances of each, found none of {', '.join(absent)}; "
            "leave them out of `emotions` or add a corpus that has them"
        )
    if params.protocol != RANDOM:
        _require_speakers(rows, params)
    own = told.parts(rows, emotions, params.test_parts) if params.protocol == "predefined" else None
    tests, said = _tests(rows, params, own), None
    if params.sentences == "disjoint":
        said = sentences.named(rows, "split.sentences disjoint")
        tests = sentences.crossed(rows, said, tests, params.sentence_groups, params.seed)
    table = _table(rows, params.protocol, tests, params.validation_share, params.seed, said, own)
    if params.protocol == RANDOM:
        return table
    sizes = table["part"].value_counts()
    share = sizes["validation"] / (sizes["validation"] + sizes["train"])
    left_out = None if own is None else own.where(own == LEFT_OUT, "")
    beside = _at_random(rows, tests, left_out, params.seed) if said is None else tests
    both = [table, _table(rows, RANDOM, beside, share, params.seed, said, left_out)]
    return pd.concat(both).sort_values(["protocol", "fold", "id"], ignore_index=True)


def _require_speakers(rows: pd.DataFrame, params: SplitParams) -> None:
    """Refuse what no speaker-disjoint protocol can split."""
    protocol = params.protocol
    unknown = rows.loc[rows["speaker"] == "", "id"]
    if protocol == UNKNOWN_TRAIN:
        unknown = unknown[~told.part_of(rows, params.test_parts).isin(["train", LEFT_OUT])]
    if len(unknown):
        raise InputError(
            f"split.protocol {protocol} keeps speakers apart, but {len(unknown)} of {len(rows)} utterances have no "
            f"speaker, such as '{unknown.iloc[0]}'; name them in a column speaker of the corpus' index.csv, "
            f"or of a metadata.csv where it has none, or by manifest.layout or manifest.speaker_pattern, or choose "
            f"{OVERSTATES}"
        )
    speakers = len(set(rows["speaker"]) - {""})
    if speakers < len(PARTS):
        raise InputError(
            f"split.protocol {protocol}: expected at least 3 speakers, for train, validation and test, "
            f"found {speakers}; add speakers, or choose {OVERSTATES}"
        )
    for emotion, voices in rows.groupby("emotion")["speaker"].unique().items():
        if len(voices) == 1 and voices[0]:
            raise InputError(
                f"split.protocol {protocol}: the emotion '{emotion}' has the single speaker '{voices[0]}', who cannot "
                f"both train and test; leave it out of `emotions`, add speakers, or choose {OVERSTATES}"
            )


def _tests(rows: pd.DataFrame, params: SplitParams, own: pd.Series | None) -> list[np.ndarray]:
    """Give the positions of each fold's test utterances."""
    if params.protocol == "holdout":
        everyone = np.arange(len(rows))
        return [_take(rows, everyone, "holdout", "test", params.test_share, params.seed, "split.protocol holdout")]
    if own is not None:
        return [np.flatnonzero(own == "test")]
    if params.protocol == "loso":
        return _by(rows["speaker"])
    if params.protocol == "sessions":
        return _by(told.sessions(rows))
    if params.protocol == "kfold" and rows["speaker"].nunique() < params.folds:
        raise InputError(
            f"split.folds: expected at most one fold per speaker, found {params.folds} folds for "
            f"{rows['speaker'].nunique()} speakers; lower it, or choose split.protocol loso"
        )
    if len(rows) < params.folds:
        raise InputError(
            f"split.folds: expected at most one fold per utterance, found {params.folds} folds for "
            f"{len(rows)} utterances; lower it"
        )
    pieces = _cut(rows, params.protocol, params.folds, params.seed)
    if not all(map(len, pieces)):  # so rare a tie that scikit-learn's rule against it fails by rounding
        raise InputError(
            f"split.folds: one of {params.folds} folds got no speaker; lower it, or choose another split.seed"
        )
    return pieces


def _at_random(rows: pd.DataFrame, tests: list[np.ndarray], left_out: pd.Series | None, seed: int) -> list[np.ndarray]:
    """Give as many random test parts of about the same size, so that the protocols differ by speakers alone."""
    if len(tests) > 1:
        return _cut(rows, RANDOM, len(tests), seed)
    free = np.arange(len(rows)) if left_out is None else np.flatnonzero(left_out != LEFT_OUT)
    tested = len(tests[0])
    smaller = min(tested, len(free) - tested)
    piece = free[_cut(rows.iloc[free], RANDOM, max(2, round(len(free) / smaller)), seed)[0]]
    return [piece if tested == smaller else np.setdiff1d(free, piece)]


def _by(column: pd.Series) -> list[np.ndarray]:
    return [np.flatnonzero(column == value) for value in sorted(column.unique())]


def _table(
    rows: pd.DataFrame,
    protocol: str,
    tests: list[np.ndarray],
    validation_share: float,
    seed: int,
    said: pd.Series | None = None,
    own: pd.Series | None = None,
) -> pd.DataFrame:
    """Lay out the folds of a protocol: what a fold does not test, nor leaves out, is cut into training and validation.

    Sentences, of each row, are kept apart where they are given, in ``random`` with as much to learn from as if speakers
    were, too; of the corpus' own parts the one to validate on is kept, and what is left out stays out.
    """
    kept = np.array([], int) if own is None else np.flatnonzero(own == "validation")
    folds = []
    for fold, test in enumerate(tests):
        place = f"split.protocol {protocol}, fold {fold}"
        # Another seed for each fold, lest the same speakers validate most of them.
        another = (seed + fold) % (SEEDS[1] + 1)
        others = np.arange(len(rows)) if own is None else np.flatnonzero(own != LEFT_OUT)
        rest = np.setdiff1d(others, test) if said is None else sentences.free(rows, said, test, place)
        if said is not None and protocol == RANDOM:
            rest = sentences.drawn(rows, said, test, rest, another)
        part = np.full(len(rows), LEFT_OUT, dtype=object)
        part[rest] = "train"
        part[test] = "test"
        known = rest if protocol == RANDOM else rest[rows["speaker"].iloc[rest] != ""]
        trains = np.setdiff1d(rest, known)
        taken = (
            kept if len(kept) else _take(rows, known, protocol, "validation", validation_share, another, place, trains)
        )
        part[taken] = "validation"
        folds.append(pd.DataFrame({"protocol": protocol, "fold": fold, "id": rows["id"], "part": part}))
    return pd.concat(folds, ignore_index=True)


def _take(
    rows: pd.DataFrame,
    free: np.ndarray,
    protocol: str,
    part: str,
    share: float,
    seed: int,
    place: str,
    trains: Sequence[int] = (),
) -> np.ndarray:
    """Choose the piece of a stratified cut whose share of every stratum is nearest to the share wanted.

    What is left to train on must have every emotion; a test piece must ask for every emotion and leave a speaker for
    validation.

    Args:
        rows: the corpus.
        free: positions of the rows to take from.
        protocol: decides whether speakers stay whole.
        part: ``test`` or ``validation``.
        share: of the free speakers.
        seed: of the cut.
        place: for the message, if there is no such piece.
        trains: positions of rows that train, whatever is taken.

    Returns:
        Positions of the piece.
    """
    units = rows["id" if protocol == RANDOM else "speaker"]
    emotions, everything = rows["emotion"], set(rows["emotion"])
    number = min(max(2, round(1 / share)), units.iloc[free].nunique())
    strata = _strata(rows.iloc[free], protocol, number)
    fitting = []
    for piece in _cut(rows.iloc[free], protocol, number, seed) if number > 1 else []:
        taken, left = free[piece], np.setdiff1d(free, free[piece])
        complete = set(emotions.iloc[[*left, *trains]]) == everything
        if part == "test":
            complete &= set(emotions.iloc[taken]) == everything and units.iloc[left].nunique() > 1
        if complete and len(piece):
            shares = strata.iloc[piece].value_counts().reindex(strata.unique(), fill_value=0) / strata.value_counts()
            fitting.append(((shares - share).abs().mean(), taken))
    if not fitting:
        if not len(free):
            raise InputError(
                f"{place}: expected a part of the corpus' own to validate on, or training utterances of known speakers "
                f"to set aside for it, found neither; name such a part or such speakers, or choose {OVERSTATES}"
            )
        having = rows[units != ""].groupby("emotion")[units.name].unique()
        there = having.map(lambda those: np.isin(those, units.iloc[free]).sum())
        rarest = there.idxmin()
        count, unit = len(having[rarest]), "utterance" if protocol == RANDOM else "speaker"
        beside = f", {there[rarest]} of them outside the test" if part == "validation" else ""
        raise InputError(
            f"{place}: cannot set a {part} part aside and still train on every emotion; the rarest, '{rarest}', has "
            f"{count} {unit}{'s' * (count != 1)}, such as {' and '.join(having[rarest][:2])}{beside}; add some, leave "
            "it out of `emotions`, or change the protocol"
        )
    return min(fitting, key=lambda pair: pair[0])[1]


def _strata(rows: pd.DataFrame, protocol: str, number: int) -> pd.Series:
    """Name each row's stratum: as fine as it may be for some stratum to reach into all pieces, as the cut demands."""
    by_emotion = rows["emotion"]
    by_people = rows["corpus"] + "|" + rows["gender"] + "|" + by_emotion
    for strata in [by_emotion] if protocol == RANDOM else [by_people, by_emotion]:
        if strata.value_counts().max() >= number:
            return strata
    return pd.Series("all", index=rows.index)


def _cut(rows: pd.DataFrame, protocol: str, number: int, seed: int) -> list[np.ndarray]:
    """Cut rows into stratified pieces, speakers whole but in ``random``; gives the positions of each piece."""
    if protocol == RANDOM:
        splitter, groups = StratifiedKFold(number, shuffle=True, random_state=seed), None
    else:
        splitter, groups = StratifiedGroupKFold(number, shuffle=True, random_state=seed), rows["speaker"]
    with warnings.catch_warnings():
        # Expected: a stratum with fewer utterances than pieces is spread over as many as it has.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return [piece for _, piece in splitter.split(rows, _strata(rows, protocol, number), groups)]
