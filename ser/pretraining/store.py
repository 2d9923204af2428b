"""Speech, noises and impulse responses as one array each, so that training reads a chunk by slicing a file.

``speech.i16`` holds little-endian int16 samples at 16 kHz, one file after the other; ``speech.csv`` says where each
file's samples stand, whose they are and whether the speaker trains or validates. Noises and impulse responses likewise.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from os.path import normpath
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ser import audio
from ser.corpora.walk import walk
from ser.files import tables
from ser.files.failures import InputError
from ser.files.params import SEEDS, check_ranges
from ser.files.whole import check_file, whole_file
from ser.machine import processes

FULL_SCALE = 32767
STREAM_COLUMNS = ("corpus", "speaker", "part", "start", "samples")
BLOCKS, BLOCK_SAMPLES = 64, 2**19  # of 1 MiB, by which a store is known


@dataclass(frozen=True)
class PrepareParams:
    """What to pretrain on.

    Attributes:
        speech: the folder of speech.
        index: a CSV table in it with the columns path and speaker, and corpus if there are several.
        noise: a folder of noises; one without any file means none.
        impulse_responses: a folder of room impulse responses; one without any file means none.
        validation_share: share of each corpus' speakers that never train.
        max_unreadable_share: share of files that may fail to decode.
        seed: draws the validation speakers.
    """

    speech: str
    index: str
    noise: str
    impulse_responses: str
    validation_share: float = 0.05
    max_unreadable_share: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        check_ranges(self, seed=SEEDS)
        if not 0 < self.validation_share < 1:
            raise ValueError(f"validation_share: expected between 0 and 1, found {self.validation_share}")
        if not 0 <= self.max_unreadable_share < 1:
            raise ValueError(f"max_unreadable_share: expected 0 to below 1, found {self.max_unreadable_share}")


@dataclass
class Store:
    """Many signals in one array.

    Attributes:
        samples: (total,) int16, a tensor on any device, or an array, from which one is made.
        starts: (signals,) first sample of each signal.
        lengths: (signals,) samples of each.
        weights: (signals,) how much each counts when one is drawn; its length where nothing else is said.
    """

    samples: Tensor
    starts: np.ndarray
    lengths: np.ndarray
    weights: np.ndarray | None = None

    def __post_init__(self) -> None:
        self.samples = torch.as_tensor(self.samples)
        if self.weights is None:
            self.weights = self.lengths.astype(float)

    def to(self, device: str) -> "Store":
        """Give the same signals on a device: what a GPU draws chunks from must not travel to it at every step."""
        return replace(self, samples=self.samples.to(device))

    def digest(self) -> str:
        """Hash what chunks are drawn from.

        All of starts, lengths and weights counts, but of the samples their number and 64 blocks of 1 MiB at regular
        places, the first and the last among them: the 4 GB of 34 hours are not read for it. A change between the blocks
        that leaves the lengths goes unseen; up to 64 MiB there is no between.
        """
        made = hashlib.sha256(f"{len(self.starts)} {len(self.samples)}".encode())
        for numbers in (self.starts, self.lengths, self.weights):
            made.update(np.ascontiguousarray(numbers).tobytes())
        last = max(len(self.samples) - BLOCK_SAMPLES, 0)
        blocks = min(BLOCKS, 1 + -(-last // BLOCK_SAMPLES))
        for first in np.linspace(0, last, blocks).astype(int):
            made.update(self.samples[first : first + BLOCK_SAMPLES].cpu().numpy().tobytes())
        return made.hexdigest()

    def chunks(self, count: int, length: int, generator: np.random.Generator) -> Tensor:
        """Draw chunks from anywhere in the signals; none runs from one signal into another.

        Args:
            count: how many chunks.
            length: samples of a chunk; a shorter signal is repeated to fill it.
            generator: draws the signals, by weight, and the places in them, uniformly.

        Returns:
            (count, length) float32, -1..1, on the device of the samples.
        """
        drawn = generator.choice(len(self.starts), size=count, p=self.weights / self.weights.sum())
        lengths = self.lengths[drawn]
        firsts = self.starts[drawn] + (generator.random(count) * np.maximum(lengths - length + 1, 1)).astype(np.int64)
        firsts, lengths = (torch.from_numpy(numbers[:, None]).to(self.samples.device) for numbers in (firsts, lengths))
        places = firsts + torch.arange(length, device=self.samples.device) % lengths
        return self.samples[places].float() / FULL_SCALE


def speech_files(folder: Path, index: str) -> pd.DataFrame:
    """List the speech files.

    Args:
        folder: the folder of speech.
        index: name of the CSV table in it.

    Returns:
        Columns path (absolute or relative as ``folder`` is), corpus, speaker; sorted.

    Raises:
        InputError: the folder, a column or the text of a cell is missing, the table is empty, or it lists a file that
            is not there, or one file twice.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected speech to pretrain on (prepare.speech)")
    table = tables.read(folder / index, ["path", "speaker"], text=["path", "speaker", "corpus"])
    if table.empty:
        raise InputError(f"{folder / index}: lists no file; expected a row per speech file")
    if "corpus" not in table:
        table["corpus"] = folder.name
    for column in ("path", "speaker", "corpus"):
        empty = np.flatnonzero(table[column].str.strip() == "")
        if len(empty):
            raise InputError(
                f"{folder / index}: column {column}, row {empty[0] + 2}: expected some text, found an empty cell"
                f"{'; give each unknown speaker a name of their own' if column == 'speaker' else ''}"
            )
    again = np.flatnonzero(table["path"].map(normpath).duplicated())
    if len(again):
        raise InputError(
            f"{folder / index}: expected each file once, with one speaker, found {table['path'].iloc[again[0]]} again "
            f"in row {again[0] + 2}; delete all rows of it but one"
        )
    table = table[["corpus", "speaker", "path"]].sort_values(["corpus", "speaker", "path"], ignore_index=True)
    absent = [path for path in table["path"] if not (folder / path).is_file()]
    if absent:
        raise InputError(f"{folder / index}: lists {len(absent)} files that are not there, the first {absent[0]}")
    table["path"] = [str(folder / path) for path in table["path"]]
    return table


def sound_files(folder: Path) -> pd.DataFrame:
    """List the sounds below a folder: path, corpus (the folder's name) and speaker (its own path: a signal each).

    Args:
        folder: the folder. Without any file but hidden ones it lists nothing: the distortion that draws from it must
            then be off.

    Returns:
        A row per sound file, sorted; perhaps none.

    Raises:
        InputError: there is no such folder, a folder in it is a link, or it holds files but no sound that is read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; for none give an empty one, and set its distortion to 0")
    found = walk(folder)
    if found.faults:
        raise InputError(found.faults[0])
    if found.links:
        raise InputError(
            f"{found.links[0]}: expected a folder, found a link to one, which is not followed; put its sounds there"
        )
    if found.left_out() and not found.files:
        raise InputError(f"{folder}: holds no sound file; found {found.left_out()}")
    names = [path.relative_to(folder).as_posix() for path in found.files]
    return pd.DataFrame({"corpus": folder.name, "speaker": names, "path": [str(path) for path in found.files]})


def held_out(speakers: pd.DataFrame, share: float, seed: int) -> set[tuple[str, str]]:
    """Choose validation speakers: the share of each corpus' speakers, at least one where a corpus has two or more.

    Their order is that of a hash of the name, so that another training on more corpora, or on more speakers of one,
    hardly trains on who was held out before.

    Args:
        speakers: columns corpus and speaker.
        share: share of the speakers.
        seed: another gives another order.

    Returns:
        Pairs of corpus and speaker.

    Raises:
        InputError: no corpus has two speakers.
    """
    chosen: set[tuple[str, str]] = set()
    for corpus, members in speakers.drop_duplicates().groupby("corpus"):
        names = sorted(members["speaker"], key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())
        count = min(max(1, round(share * len(names))), len(names) - 1)
        chosen |= {(corpus, name) for name in names[:count]}
    if not chosen:
        raise InputError(
            "prepare.index: expected a corpus of two speakers or more, one of them to validate on, found one speaker "
            "in each; list speech of others, too"
        )
    return chosen


def build(
    files: pd.DataFrame,
    samples_path: Path,
    table_path: Path,
    validation: Iterable[tuple[str, str]] = (),
    max_unreadable_share: float = 0.0,
    workers: int = 2,
    progress: Callable[[Iterable], Iterable] = iter,
) -> tuple[pd.DataFrame, list[str]]:
    """Decode files and write them as one array with its table.

    Args:
        files: columns corpus, speaker, path.
        samples_path: the ``.i16`` file to write.
        table_path: the CSV table to write.
        validation: speakers of the validation part.
        max_unreadable_share: share of files that may fail to decode.
        workers: processes that decode.
        progress: wraps the iteration over files.

    Returns:
        The table, and a line for each file that was left out.

    Raises:
        InputError: more files fail than allowed, or nothing is left.
    """
    validation = set(validation)
    left_out: list[str] = []
    rows: list[tuple] = []
    with (
        whole_file(samples_path) as temporary,
        temporary.open("wb") as stream,
        closing(processes.map_in_order(_decoded, files["path"], workers=workers, chunksize=16)) as decoded,
    ):
        for file, (samples, fault) in zip(files.itertuples(), progress(decoded), strict=True):
            if fault:
                left_out.append(fault)
                continue
            part = "validation" if (file.corpus, file.speaker) in validation else "train"
            rows.append((file.corpus, file.speaker, part, stream.tell() // 2, len(samples)))
            stream.write(samples.tobytes())  # tofile() says nothing of an end for which the disk has no room
        if len(left_out) > max_unreadable_share * len(files):
            raise InputError(
                f"{len(left_out)} of {len(files)} files do not decode, more than the share of {max_unreadable_share} "
                f"that prepare.max_unreadable_share allows; the first: {left_out[0]}"
            )
        if not rows:
            raise InputError(f"{table_path}: no file could be decoded")
    table = pd.DataFrame(rows, columns=STREAM_COLUMNS)
    tables.write(table, table_path)
    return table, left_out


def _decoded(path: str) -> tuple[np.ndarray, str]:
    """Decode one file to int16 at 16 kHz; a fault is returned, so that the caller counts it."""
    try:
        signal = audio.load(Path(path))
    except InputError as error:
        return np.empty(0, dtype="<i2"), str(error)
    if not len(signal) or not np.isfinite(signal).all():
        return np.empty(0, dtype="<i2"), f"{path}: empty, or not finite"
    return np.round(np.clip(signal, -1, 1) * FULL_SCALE).astype("<i2"), ""


def open_store(
    samples_path: Path, table_path: Path, part: str = "train", weights: dict[str, float] | None = None
) -> Store:
    """Open what ``build`` wrote, without reading it all.

    Args:
        samples_path: the ``.i16`` file.
        table_path: its table.
        part: ``train`` or ``validation``.
        weights: how much more than its hours a corpus counts in the draw; 1 where it is not named.

    Returns:
        The signals of that part.

    Raises:
        InputError: a file is missing, table and samples do not belong together, the part is empty, a weighted corpus
            is not there, or no corpus of the part has a weight.
    """
    table = _read_table(samples_path, table_path)
    unknown = sorted(set(weights or ()) - set(table["corpus"]))
    if unknown:
        raise InputError(f"{table_path}: holds no corpus '{unknown[0]}' that pretrain.weights names")
    table = table[table["part"] == part]
    if table.empty:
        raise InputError(f"{table_path}: holds no speaker of the part '{part}'")
    lengths = table["samples"].to_numpy(np.int64)
    counts = table["corpus"].map(lambda corpus: (weights or {}).get(corpus, 1.0)).to_numpy(float)
    if not counts.any():
        raise InputError(
            f"pretrain.weights: expected a number above 0 for one corpus at least, found 0 for all that have speakers "
            f"of the part '{part}': {', '.join(sorted(set(table['corpus'])))}"
        )
    return Store(
        np.memmap(samples_path, dtype="<i2", mode="c"),  # torch takes no memory that cannot be written to
        table["start"].to_numpy(np.int64),
        lengths,
        lengths * counts,
    )


def load_all(samples_path: Path, table_path: Path) -> Sequence[np.ndarray]:
    """Read every signal of a small store, such as impulse responses, as float32 -1..1.

    Raises:
        InputError: a file is missing, or table and samples do not belong together.
    """
    table = _read_table(samples_path, table_path)
    samples = np.fromfile(samples_path, dtype="<i2")
    return [
        samples[start : start + length].astype(np.float32) / FULL_SCALE
        for start, length in zip(table["start"], table["samples"], strict=True)
    ]


def _read_table(samples_path: Path, table_path: Path) -> pd.DataFrame:
    """Read the table of a store whose samples are all there."""
    table = tables.read(table_path, STREAM_COLUMNS, text=["corpus", "speaker", "part"])
    check_file(samples_path, f"the samples that {table_path.name} lists")
    promised, there = 2 * table["samples"].sum(), samples_path.stat().st_size
    if there != promised:
        raise InputError(
            f"{samples_path}: expected {promised} bytes, as {table_path.name} lists them, found {there}; run the stage "
            f"prepare again"
        )
    return table


def hours(table: pd.DataFrame) -> dict[str, float]:
    """Hours of audio per part: ``train`` and ``validation``."""
    seconds = table.groupby("part")["samples"].sum() / audio.SAMPLING_RATE_HZ
    return {part: float(seconds.get(part, 0.0)) / 3600 for part in ("train", "validation")}
