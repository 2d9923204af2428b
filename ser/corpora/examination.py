"""What one file's audio says: whether it can be an utterance, and why not."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ser import audio
from ser.corpora import channels, shared_audio
from ser.files.failures import InputError
from ser.recordings import kinds

# Why a file is no utterance of the manifest; the first reason that holds is named.
REASONS = ("unmapped", "unreadable", "empty", "not_finite", "too_short", "too_long", "silent", "duplicate")
READ_ON_S = 60.0  # beyond the longest, so that the length of most files can be told
LONGEST_TEXT = 65_536  # bytes of a file that is read as text where it is no sound
SHOWN = 60  # characters of such a text that a reason repeats
CHOSEN = "unmapped"  # a consequence of the label set, not a flaw of the file


@dataclass(frozen=True)
class Examination:
    """What one file's audio says.

    Attributes:
        reason: why it is rejected, one of ``REASONS``, or ``""``.
        detail: the reason in words.
        seconds: its length.
        sampling_rate: in Hz.
        sha256: of the decoded audio.
        marks: by which others that share audio with it are found.
    """

    reason: str = ""
    detail: str = ""
    seconds: float = 0.0
    sampling_rate: int = 0
    sha256: str = ""
    marks: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))


class _TooLongError(Exception):
    """A recording that need not be read further: a small file may hold hours of silence."""


class _Length:
    """How long a recording is, as far as it was read.

    Args:
        most: seconds at which ``_TooLongError`` is raised.
    """

    def __init__(self, most: float):
        self.most, self.frames = most, 0

    def watch(self, block: np.ndarray, rate: int) -> None:
        """See the next block."""
        self.frames += len(block)
        if self.frames > (self.most + READ_ON_S) * rate:
            raise _TooLongError


def examine(path: Path, min_seconds: float, max_seconds: float) -> Examination:
    """Decode one file and say whether it can be an utterance.

    Args:
        path: the audio file.
        min_seconds: shorter files are rejected.
        max_seconds: longer files are rejected.
    """
    if path.is_file() and path.stat().st_size == 0:
        return Examination("empty", "a file of zero bytes")
    try:
        samples, rate = audio.decode(path, _Length(max_seconds).watch)
    except _TooLongError:
        return Examination("too_long", f"more than {max_seconds} s")
    except InputError as error:
        return Examination("unreadable", _text(path) or str(error).removeprefix(f"{path}: "))
    seconds = samples.shape[1] / rate
    if samples.size == 0:
        return Examination("empty", "a header without samples")
    if not np.isfinite(samples).all():
        return Examination("not_finite", f"{np.count_nonzero(~np.isfinite(samples))} samples are NaN or infinite")
    if seconds < min_seconds:
        return Examination("too_short", f"{seconds:.4g} s, less than {min_seconds} s")
    if seconds > max_seconds:
        return Examination("too_long", f"{seconds:.4g} s, more than {max_seconds} s")
    signal = audio.mono(samples)  # what the encoder hears: channels of opposite sign cancel out
    if audio.silent(signal):
        return Examination("silent", "no sound, all channels mixed to one")
    mixing = channels.Mixing()
    mixing.add(samples.T)
    if fault := mixing.fault():
        return Examination("silent", fault)
    return Examination("", "", seconds, rate, audio.digest(samples, rate), shared_audio.marks(signal, rate))


def _text(path: Path) -> str:
    """Say what a small file that is no sound has in it, where that is text, as a server's refusal; else ``""``."""
    if not path.is_file() or path.stat().st_size > LONGEST_TEXT:
        return ""
    try:
        kinds.library(path)  # names what else is often found in place of a recording
        text = path.read_bytes().decode("utf-8-sig").strip()
    except (InputError, OSError, UnicodeDecodeError):
        return ""
    if not text or not all(sign.isprintable() or sign.isspace() for sign in text):
        return ""
    line = " ".join(text.split())
    return f"expected audio, found text: '{line[:SHOWN]}{'...' * (len(line) > SHOWN)}'; download it again"
