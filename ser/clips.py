"""Clips: the utterances that the report lets a reader hear and see, each a file of sound and a spectrogram.

They are the first of the ranking by ambiguity, cut to a length that a page can carry. Where a corpus' audio is not at
hand, the clip says so in place of a sound.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import soundfile

from ser import audio
from ser.files import tables
from ser.files.params import check_ranges
from ser.files.tables import Schema
from ser.files.whole import whole_file

TABLE = "clips.csv"  # beside the sounds, 1.flac, and the spectrograms, 1.png
COLUMNS = ("rank", "path", "seconds", "clip_seconds", "remark")
RANKING = Schema({"rank": tables.whole(least=1), "path": tables.text()}, "run the stage ambiguity again", ["rank"])

# The window and the hop of the encoder's frames and of most work on speech: 25 and 10 ms.
WINDOW, HOP, MEL_BANDS = 400, 160, 64
FFT = 1024  # zero-padded, or the lowest mel bands would hold no bin
RANGE_DB = 70.0  # below the loudest point, nothing is drawn


@dataclass(frozen=True)
class ListenParams:
    """The block ``listen`` of params.yaml.

    Attributes:
        utterances: how many, the most ambiguous first; none switches the clips off.
        seconds: of each utterance, from its start, at most.
    """

    utterances: int
    seconds: float

    def __post_init__(self):
        check_ranges(self, utterances=(0, 50), seconds=(0.5, 60))


@dataclass(frozen=True)
class Clip:
    """The start of an utterance.

    Attributes:
        rank: in the ranking by ambiguity, from 1.
        path: of the audio file, below the folder of the corpora.
        seconds: the length of the whole utterance; None where its audio is not at hand.
        signal: float32 (samples,) at ``audio.SAMPLING_RATE_HZ``; empty where the audio is not at hand.
    """

    rank: int
    path: str
    seconds: float | None
    signal: np.ndarray


def cut(ranking: pd.DataFrame, raw: Path, params: ListenParams) -> list[Clip]:
    """Cut clips of the most ambiguous utterances.

    Args:
        ranking: ``rank`` and ``path``, the most ambiguous first.
        raw: the folder of the corpora.
        params: how many, and how long.

    Returns:
        A clip for each of the first utterances.

    Raises:
        InputError: as ``audio.load``, of a file that is there.
    """
    clips = []
    for row in ranking.head(params.utterances).itertuples():
        path = raw / row.path
        signal = audio.load(path) if path.exists() else None
        if signal is None:
            clips.append(Clip(row.rank, row.path, None, np.empty(0, np.float32)))
        else:
            samples = round(params.seconds * audio.SAMPLING_RATE_HZ)
            clips.append(Clip(row.rank, row.path, len(signal) / audio.SAMPLING_RATE_HZ, signal[:samples]))
    return clips


def table(clips: list[Clip]) -> pd.DataFrame:
    """Tabulate clips: ``COLUMNS``. ``seconds`` of utterance and clip are missing where there is no audio."""
    rows = []
    for clip in clips:
        seconds = len(clip.signal) / audio.SAMPLING_RATE_HZ
        remark = "no such file among the corpora here" if clip.seconds is None else ""
        rows.append((clip.rank, clip.path, clip.seconds, seconds if clip.seconds is not None else None, remark))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"seconds": float, "clip_seconds": float})


def write_sound(clip: Clip, path: Path) -> None:
    """Write a clip as FLAC, 16 bits, the same bytes on every processor.

    Level 0 of the format's encoder predicts by fixed polynomials, in whole numbers. Higher levels fit a predictor in
    floating point, with other instructions on other processors.
    """
    samples = np.clip(np.rint(clip.signal * np.float32(2**15)), -(2**15), 2**15 - 1).astype(np.int16)
    content = io.BytesIO()  # libsndfile does not say of a full disk that it is full
    soundfile.write(content, samples, audio.SAMPLING_RATE_HZ, "PCM_16", format="FLAC", compression_level=0.0)
    with whole_file(path) as temporary:
        temporary.write_bytes(content.getbuffer())


def spectrogram(clip: Clip) -> np.ndarray:
    """Compute the mel spectrogram in dB below its loudest point, (mel bands, frames), from -``RANGE_DB`` to 0."""
    power = librosa.feature.melspectrogram(
        y=clip.signal,
        sr=audio.SAMPLING_RATE_HZ,
        n_fft=FFT,
        win_length=WINDOW,
        hop_length=HOP,
        n_mels=MEL_BANDS,
        pad_mode="constant",
    )
    return librosa.power_to_db(power, ref=np.max, top_db=RANGE_DB)
