"""Predict the emotion of audio files with the trained model: ``ser predict FILE_OR_FOLDER...``."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from ser import audio, predictor
from ser.corpora.walk import walk
from ser.files.failures import InputError, one_line
from ser.predictions import probability_columns
from ser.recordings.kinds import READ


def main(arguments: Sequence[str] | None = None) -> None:
    """Print each file's likeliest emotion, answer and probabilities; end with exit code 1 where one has none."""
    parser = argparse.ArgumentParser(prog="ser predict", description="Predict the emotion of audio files.")
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE_OR_FOLDER", help="a folder: all audio files in it")
    for flag, default, words in (
        ("--models", "models/classifier", "folder of the trained classifiers"),
        ("--weights", "models/pase_plus.safetensors", "file of the trained encoder, where the model uses it"),
    ):
        parser.add_argument(
            flag, type=Path, metavar="PATH", default=Path(default), help=f"{words} (default: {default})"
        )
    parser.add_argument("--fold", type=int, metavar="N", help="use this fold's classifier (default: the mean of all)")
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table", help="default: table")
    parser.add_argument("--one-speaker", action="store_true", help="all files are of one speaker")
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="P",
        help="confidence below which the answer is 'uncertain' (default: the model's, train.abstain_below)",
    )
    parser.add_argument("--device", default="cpu", help="where the encoder runs (default: cpu)")
    options = parser.parse_args(arguments)
    with one_line("predict"):
        if options.threshold is not None and not 0 <= options.threshold <= 1:
            raise InputError(f"--threshold: expected 0 to 1, found {options.threshold}")
        torch.set_num_threads(1)  # the same sums as in the pipeline; short files gain nothing from more
        files, faults = audio_files(options.paths)
        whole = len(files) + len(faults)
        model = predictor.load(options.models, options.weights, options.fold, options.device)
        model.check_speaker(len(files), options.one_speaker)
        vectors = {}
        for path in tqdm(files, desc="predict", unit="file", disable=None, leave=False):
            try:
                vectors[path] = vector(model, path)
            except InputError as error:
                faults.append(str(error))
        for fault in faults:
            print(f"predict: {_printable(fault)}", file=sys.stderr)
        if vectors:
            probabilities = model.probabilities(np.stack(list(vectors.values())), options.one_speaker)
            below = model.abstain_below if options.threshold is None else options.threshold
            print(layout(list(vectors), probabilities, model.labels, below, options.format))
        if faults:
            raise InputError(f"{len(faults)} of {whole} files have no prediction")


def audio_files(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """List the files to predict, and say on standard error what else is in the folders.

    Args:
        paths: files, each taken whatever its name; and folders, of which every file with the suffix of an audio format
            is taken, also in their subfolders.

    Returns:
        The files, each once: in the order given, those of a folder sorted; and what could not be looked into, a line
        each: folders that cannot be listed, and links to folders.

    Raises:
        InputError: a path does not exist, or a folder holds no audio file.
    """
    files, faults = {}, []
    for path in paths:
        if not path.is_dir():
            if not path.exists() and not path.is_symlink():
                raise InputError(f"{path}: no such file or folder")
            files[path] = None
            continue
        found = walk(path)
        faults += found.faults
        faults += [f"{link}: a link to a folder, not followed; name the folder itself" for link in found.links]
        if not found.files and not faults:
            left_out = f"; there are {found.left_out()}" if found.left_out() else ""
            raise InputError(f"{path}: expected audio files ({READ}), found none{left_out}")
        if found.left_out():
            print(f"predict: {_printable(str(path))}: left out: {found.left_out()}", file=sys.stderr)
        files |= dict.fromkeys(found.files)
    return list(files), faults


def vector(model: predictor.Predictor, path: Path) -> np.ndarray:
    """Encode a file: float32 (numbers,).

    Raises:
        InputError: the file is not audio that the model takes, is silent, or needs more memory than there is; the
            message begins with its path.
    """
    try:
        signal = audio.load(path, allow_silence=False)
        try:
            return model.extractor.vector(signal)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
    except (MemoryError, RuntimeError) as error:
        # On the CPU torch has no class of its own for it, and other words for it on each system.
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and "DefaultCPUAllocator" not in str(error):
            raise
        raise InputError(f"{path}: too long for the memory that is free; cut it into shorter files") from error


def layout(files: Sequence[Path], probabilities: np.ndarray, labels: Sequence[str], below: float, style: str) -> str:
    """Lay out the predictions.

    Args:
        files: the files.
        probabilities: (files, labels).
        labels: the emotions.
        below: the confidence below which the answer is ``uncertain``; the prediction is the likeliest emotion all the
            same.
        style: ``table``, for people; ``csv``; or ``json``, a list of objects.

    Returns:
        The text, without a line end after the last line. Bytes of a file name that are not UTF-8 are written as JSON
        writes them, 0xe9 as a backslash and ``udce9``.
    """
    chosen = [labels[index] for index in probabilities.argmax(axis=1)]
    answers = [predictor.answer(labels, row, below) for row in probabilities]
    if style == "json":
        rows = [
            {
                "file": str(file),
                "prediction": emotion,
                "answer": said,
                "probabilities": dict(zip(labels, row, strict=True)),
            }
            for file, emotion, said, row in zip(files, chosen, answers, probabilities.tolist(), strict=True)
        ]
        return _printable(json.dumps(rows, indent=2, ensure_ascii=False))
    table = pd.DataFrame({"file": [_printable(str(file)) for file in files], "prediction": chosen, "answer": answers})
    table[probability_columns(labels)] = probabilities
    if style == "csv":
        return table.to_csv(index=False, lineterminator="\n", float_format="%.9g").rstrip("\n")
    for column in ("file", "prediction", "answer"):
        table[column] = table[column].str.ljust(table[column].str.len().max())
    return table.to_string(index=False, float_format="%.3f", justify="left")


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


if __name__ == "__main__":
    main()
