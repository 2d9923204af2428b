"""Recordings that share audio: cut from one source, or saved twice, so that the digests differ and the sound does not.

Speakers who share audio may be one person, whom no split by speakers keeps apart. Copies as a whole are known by their
digest (``ser.corpora.intake``). Here a recording is known by its loudest moments: how long it is from one to the next,
three times over, is a mark that another recording has only by sharing the audio. It is there wherever the sound stands
in the file, whatever its gain and its sampling rate, and whatever happened to the last bits; of copies that were coded
with losses half or more are found (``benchmarks.copies``).

After A. Wang, "An industrial-strength audio search algorithm", ISMIR 2003, whose constellations have frequencies, too.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
import soxr
from scipy.ndimage import maximum_filter1d

from ser.files.failures import InputError

BAND_HZ = 4_000  # the rate to which every recording is brought, so that copies at any rate hold the same band ...
RATE_HZ = 32_000  # ... and then this one, at which the moments stand where they are, wherever a recording begins
UNIT = 32  # samples at that rate: times are counted in milliseconds, rounded down and rounded to the nearest
REACH_S = 0.05  # a moment is the loudest within so much to each side
QUIET = 0.1  # of the recording's peak: what is softer is no moment, for hum and clicks come as regularly in others
STEPS, BITS = 3, 21  # from moment to moment, in a mark; and what counts the time of each
LEAST = 4  # marks in common; of 16,372 recordings of five corpora every pair with so many was the same sound
COMMON = 50  # recordings: a mark that more of them have is a beep's or a jingle's
COLUMNS = ("one", "other", "speakers", "emotions", "marks")
SAME, DIFFERENT, UNKNOWN = "same", "different", "unknown"
ONE_PERSON = (
    "if these are one person, give them one name, or, of two corpora, leave out one: no split by speakers keeps them "
    "apart"
)


def marks(signal: np.ndarray, sampling_rate: int) -> np.ndarray:
    """Mark a recording.

    Args:
        signal: float32 (samples,), all channels mixed to one.
        sampling_rate: in Hz.

    Returns:
        int64 (marks,), each once, ascending; some six a second of speech.
    """
    loudness = np.abs(soxr.resample(soxr.resample(signal, sampling_rate, BAND_HZ), BAND_HZ, RATE_HZ))
    reach = round(REACH_S * RATE_HZ)
    loudest = maximum_filter1d(loudness, 2 * reach + 1, mode="constant")
    (moments,) = np.nonzero((loudness == loudest) & (loudness > QUIET * loudness.max(initial=0)))
    moments = moments[np.diff(moments, prepend=-reach) >= reach]  # of a clipped peak the first sample
    times = np.diff(moments)
    if len(times) < STEPS:
        return np.empty(0, np.int64)
    counted = np.stack([times // UNIT, (times + UNIT // 2) // UNIT]) % 2**BITS
    return np.unique(np.lib.stride_tricks.sliding_window_view(counted, STEPS, axis=1) @ (1 << BITS * np.arange(STEPS)))


def find(recordings: Sequence[np.ndarray]) -> list[tuple[int, int, int]]:
    """Find who shares audio.

    Args:
        recordings: the marks of each.

    Returns:
        For each pair that does, sorted: the numbers of both, the lower one first, and how many marks they share.
    """
    found = np.concatenate([np.empty(0, np.int64), *recordings])
    order = np.argsort(found, kind="stable")
    owners = np.repeat(np.arange(len(recordings)), [len(own) for own in recordings])[order]
    _, starts, sizes = np.unique(found[order], return_index=True, return_counts=True)
    several = (sizes > 1) & (sizes <= COMMON)
    shared = Counter(
        pair
        for start, size in zip(starts[several], sizes[several], strict=True)
        for pair in combinations(owners[start : start + size].tolist(), 2)
    )
    return [(*pair, count) for pair, count in sorted(shared.items()) if count >= LEAST]


def table(rows: Sequence[dict]) -> pd.DataFrame:
    """Tell which utterances share audio.

    Args:
        rows: of the manifest, each with its ``id``, ``speaker``, ``emotion`` and ``marks``.

    Returns:
        ``COLUMNS``, a row for each pair: their ids; whether they are of the same speaker (``SAME``, ``DIFFERENT``,
        ``UNKNOWN``) and emotion; and how many marks they share.
    """
    found = []
    for one, other, count in find([row["marks"] for row in rows]):
        speakers, emotions = ({rows[one][key], rows[other][key]} for key in ("speaker", "emotion"))
        alike = UNKNOWN if "" in speakers else SAME if len(speakers) == 1 else DIFFERENT
        line = (rows[one]["id"], rows[other]["id"], alike, SAME if len(emotions) == 1 else DIFFERENT, count)
        found.append(dict(zip(COLUMNS, line, strict=True)))
    return pd.DataFrame(found, columns=list(COLUMNS))


def check_apart(rows: Sequence[dict], others: Sequence[dict], block: str) -> None:
    """Refuse recordings that other corpora have, too, be they copied, cut, resampled or coded anew.

    Args:
        rows: of the manifest, each with its ``id``, ``sha256`` and ``marks``.
        others: likewise.
        block: of params.yaml, that names the corpora of the rows.

    Raises:
        InputError: there are some.
    """
    known = {row["sha256"]: row["id"] for row in others}
    pairs = [(row["id"], known[row["sha256"]]) for row in rows if row["sha256"] in known]
    both = [*rows, *others]
    found = find([row["marks"] for row in both])
    pairs += [(both[one]["id"], both[other]["id"]) for one, other, _ in found if one < len(rows) <= other]
    if pairs:
        number = len({own for own, _ in pairs})
        found = f"at least {number} recordings that share some" if number > 1 else "at least one that shares some"
        raise InputError(
            f"{block}: expected audio that is not in `corpora`, found {found}, such as '{pairs[0][0]}' with "
            f"'{pairs[0][1]}'; leave one of the two corpora out"
        )


def uncompared(rows: Sequence[dict], others: Sequence[dict]) -> list[str]:
    """Say in a line, if any, of how many recordings ``check_apart`` cannot tell whether others have parts of them.

    Args:
        rows: as for ``check_apart``.
        others: likewise.
    """
    short, also = (sum(len(row["marks"]) < LEAST for row in each) for each in (rows, others))
    if not short:
        return []
    return [
        f"{short} of {len(rows)} recordings ({also} of {len(others)} in `corpora`) are too short or too even for parts "
        "of others, or with other vectors than PASE+'s for copies coded anew, to be noticed in them: that nobody who "
        "is tested is heard there, you must know"
    ]


def remarks(shared: pd.DataFrame) -> list[str]:
    """Say in one line each how many pairs of one speaker and of two share audio, with an example."""
    whose = {SAME: "one speaker", UNKNOWN: "unknown speakers", DIFFERENT: "two speakers"}
    advice = {DIFFERENT: f"; {ONE_PERSON}"}
    lines = []
    for alike, words in whose.items():
        pairs = shared[shared["speakers"] == alike]
        if len(pairs):
            pairs = pairs.sort_values("emotions", kind="stable")  # those with two labels first
            labels = (pairs["emotions"] == DIFFERENT).sum()
            beside = f", {labels} with two labels" if labels else ""
            example = " and ".join(pairs.iloc[0][["one", "other"]]) + (" ..." if len(pairs) > 1 else "")
            number = f"at least {len(pairs)} pair{'s' if len(pairs) > 1 else ''} of recordings of {words}"
            lines.append(f"{number} with shared audio{beside}: {example}{advice.get(alike, '')}")
    return lines
