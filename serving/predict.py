"""Predict the emotion of audio files with the trained model: ``ser predict FILE_OR_FOLDER_OR_-...``."""

import argparse
import io
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from tqdm import tqdm

from ser.audio import SAMPLING_RATE_HZ
from ser.corpora import channels
from ser.corpora.walk import Found, walk
from ser.files.failures import InputError, one_line
from ser.recordings.kinds import READ
from serving import chosen, formats
from serving.formats import visible
from serving.model import Heard, Model, named
from serving.policy import SILENCE, Policy

if TYPE_CHECKING:  # it loads PyTorch, which an ONNX file does without
    from ser.predictor import Predictor

STANDARD_INPUT = "-"
WINDOW_S, LEAST_HOP_S = (0.1, 60), 0.01
SOME_FAILED, UNREAD = 3, 141
EXIT_CODES = """\
exit codes:
  0    every file has an answer
  1    no file has one: the model cannot be loaded, or no path leads to a file that can be used; one line says why
  2    the command line is wrong
  3    some files have no prediction, or folders are left out; each is named on standard error, the others are predicted
  130  interrupted by Ctrl-C; 143 by SIGTERM, 129 by SIGHUP; what was predicted until then is written
  141  standard output was closed before its end, as by head
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print label and probabilities of each file; exit codes as ``EXIT_CODES``."""
    parser = _parser()
    options = parser.parse_args(arguments)
    with chosen.usage(parser):
        chosen.policy(options)
        if "" in options.paths:
            raise InputError("FILE_OR_FOLDER_OR_-: expected a path, found an empty one; this folder is .")
        cut = _cut(options)
        chosen.check(options)
        if options.fold is not None and options.models is None:
            raise InputError("--fold: expected --models beside it, found none; a bundle has one classifier, of no fold")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for file names that its encoding lacks
    with one_line("predict"), _while_somebody_reads(), ExitStack() as stack:
        paths = [Path(path) for path in options.paths if path != STANDARD_INPUT]
        files, faults, folders = audio_files(paths)
        names = {path: str(path) for path in files}
        if STANDARD_INPUT in options.paths:
            names[stack.enter_context(standard_input())] = STANDARD_INPUT
        whole = len(names) + len(faults)
        if not names and len(faults + folders) == 1:
            raise InputError((faults + folders)[0])
        for fault in faults + folders:
            _say(fault)
        if not names:
            raise InputError(_left(len(faults), whole, len(folders)))
        model, together = _load(options)
        if chosen.never_unfamiliar(options):
            _say(chosen.NEVER_UNFAMILIAR)
        policy = chosen.policy(options, model.abstain_below)
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        writer = formats.Writer(options.format, model.labels, cut is not None, _write, encoding)
        with _ended(writer, whole):
            if together:
                _predict_together(model, names, options.one_speaker, policy, faults, writer)
            else:
                predict = partial(rows, model, policy=policy, cut=cut)
                with closing(measured(names, predict, faults)) as found:
                    for name, made in found:
                        writer.add([{"file": name, **row} for row in made])
        if faults or folders:
            words = _left(len(faults), whole, len(folders))
            if len(faults) == whole:
                raise InputError(words)
            print(f"predict: {words}", file=sys.stderr)
            sys.exit(SOME_FAILED)


def _left(faults: int, whole: int, folders: int) -> str:
    """Say how many files have no prediction, and apart from them of how many folders no file is known."""
    words = [f"{faults} of {_files(whole)} {'have' if faults > 1 else 'has'} no prediction"] if faults else []
    words += [f"{folders} folder{'s are' if folders > 1 else ' is'} left out"] if folders else []
    return ", ".join(words)


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"


class Parser(argparse.ArgumentParser):
    """A parser whose errors tell how to give a file whose name begins with a dash: it is taken for flags."""

    def parse_args(self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None):
        """Parse as usual."""
        self._given = sys.argv[1:] if args is None else args
        return super().parse_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        dashed = [word for word in self._given if word.startswith("-") and os.path.exists(word)]
        super().error(message + (f"; is {dashed[0]} the name of a file? then write ./{dashed[0]}" if dashed else ""))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="ser predict",
        description="Predict the emotion of audio files.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    words = "a folder: all audio files in it; -: one recording from standard input"
    parser.add_argument("paths", nargs="+", metavar="FILE_OR_FOLDER_OR_-", help=words)
    chosen.add_flags(parser)
    parser.add_argument("--fold", type=int, metavar="N", help="of --models this fold's classifier alone")
    words = "table: for people; json: a list; jsonl: an object a line, and csv: both as they come (default: table)"
    parser.add_argument("--format", choices=formats.STYLES, default="table", help=words)
    parser.add_argument("--timeline", action="store_true", help="an answer for each window instead of each file")
    parser.add_argument("--window", type=float, metavar="S", help="seconds of a window of the timeline (default: 3)")
    parser.add_argument("--hop", type=float, metavar="S", help="seconds between two windows (default: 1, or a window)")
    parser.add_argument("--one-speaker", action="store_true", help="all files are of one speaker")
    chosen.add_doubt_flags(parser)
    parser.add_argument("--device", help="where the encoder runs (default: cpu)")
    return parser


def _load(options: argparse.Namespace) -> tuple["Model | Predictor", bool]:
    """Load the model; or the predictor, and True, where that takes a speaker's files together."""
    if chosen.is_onnx(options):
        return chosen.load(options), False
    from serving.pipeline import Pipeline

    trained, card = chosen.read(options, options.fold, options.device)
    if options.one_speaker and not trained.by_speaker:
        raise InputError(
            "--one-speaker: expected a model that normalises by speaker, found one that takes each file by itself; "
            "leave it out"
        )
    together = trained.by_speaker and not options.timeline
    return (trained, True) if together else (Pipeline(trained, card), False)


def _cut(options: argparse.Namespace) -> tuple[int, int] | None:
    """Give window and hop in samples; None without a timeline."""
    if not options.timeline:
        if options.window is not None or options.hop is not None:
            raise InputError("--window and --hop: expected --timeline beside them, found none; add it")
        return None
    window = 3.0 if options.window is None else options.window
    hop = min(1.0, window) if options.hop is None else options.hop
    for flag, value, least, most in (("--window", window, *WINDOW_S), ("--hop", hop, LEAST_HOP_S, window)):
        if not least <= value <= most:
            raise InputError(f"{flag}: expected {least:g} to {most:g} s, found {value:g}")
    return round(window * SAMPLING_RATE_HZ), round(hop * SAMPLING_RATE_HZ)


@contextmanager
def _while_somebody_reads() -> Iterator[None]:
    """End without a word, as other programs do, where the reader of standard output has gone away."""
    try:
        yield
        _flush()
    except BrokenPipeError as error:
        _write_no_more()
        raise SystemExit(UNREAD) from error


def _write_no_more() -> None:
    """Forget what is still to be written: at the end of Python it would be tried once more, and told of."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _ended(writer: formats.Writer, whole: int) -> Iterator[None]:
    """End the output, also where a signal ends the program first: then say how many of the files it has."""
    try:
        yield
    except KeyboardInterrupt as stop:
        writer.end()
        number = getattr(stop, "number", signal.SIGINT)
        what = "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"
        written = "their lines are written" if writer.files else "no line is written"
        print(f"predict: {what} after {writer.files} of {_files(whole)}; {written}", file=sys.stderr)
        raise SystemExit(128 + number) from stop
    writer.end()


def _write(text: str) -> None:
    """Write lines above the progress bar, and at once: who reads them from a pipe need not wait for more."""
    with _taken():
        tqdm.write(text)
    _flush()


def _flush() -> None:
    with _taken():
        sys.stdout.flush()


@contextmanager
def _taken() -> Iterator[None]:
    """Name standard output where it cannot be written to, but for a reader that has gone away.

    Raises:
        InputError: the disk is full, or the like.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        _write_no_more()
        raise InputError(
            f"standard output: cannot be written: {error.strerror or error}; free space, or send it elsewhere, then "
            "run it again"
        ) from error


@contextmanager
def standard_input() -> Iterator[Path]:
    """Keep what comes in on standard input in a temporary file, for readers that go back and forth in it."""
    if sys.stdin is None:
        raise InputError("-: expected a recording on standard input, found it closed")
    with tempfile.NamedTemporaryFile(prefix="ser-") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
        file.flush()
        yield Path(file.name)


def audio_files(paths: Sequence[Path]) -> tuple[list[Path], list[str], list[str]]:
    """List the files to predict, and say on standard error what else is in the folders.

    Args:
        paths: files, each taken whatever its name; and folders, of which every file with the suffix of an audio format
            is taken, also in their subfolders.

    Returns:
        The files, each once: in the order given, those of a folder sorted; and, a line each, paths that cannot be
        read, and folders of which no file is taken: without audio, not to be listed, or behind a link that leads out
        of its folder.
    """
    files, faults, folders = {}, [], []
    for path in paths:
        try:
            if path.is_dir():
                found = _in_folder(path)
                files |= dict.fromkeys(found.files)
                folders += found.faults
            elif fault := _no_file(path):
                faults.append(fault)
            else:
                files[path] = None
        except InputError as error:
            folders.append(str(error))
        except OSError as error:  # not even to be looked at
            faults.append(f"{path}: cannot be read: {error.strerror or error}")
    return list(files), faults, folders


def _no_file(path: Path) -> str:
    """Say what is wrong with a path that is no folder; ``""`` where it can be a recording."""
    if not path.exists() and not path.is_symlink():
        return f"{path}: no such file or folder"
    if path.is_fifo():
        return f"{path}: expected a file, found a pipe; hand it over as standard input: ... | ser predict -"
    return ""


def _in_folder(folder: Path) -> Found:
    """Look through a folder; links that lead out of it are faults.

    Raises:
        InputError: it cannot be listed, or holds no audio file.
    """
    found = walk(folder)
    found.faults += [
        f"{link}: a link to a folder elsewhere, not followed; name the folder itself"
        for link in found.links
        if not _looked_through(link.resolve(), folder.resolve())
    ]
    left_out = found.left_out()
    if not found.files and not found.faults:
        also = f"; left out: {left_out}" if left_out else ""
        raise InputError(f"{folder}: expected audio files ({READ}), found none{also}")
    if left_out:
        print(f"predict: {visible(str(folder))}: left out: {left_out}", file=sys.stderr)
    return found


def _looked_through(target: Path, folder: Path) -> bool:
    """Tell whether a folder lies in another, and not in one that is hidden."""
    return target.is_relative_to(folder) and not any(part.startswith(".") for part in target.relative_to(folder).parts)


def measured(names: Mapping[Path, str], measure: Callable[[np.ndarray], Any], faults: list[str]) -> Iterator[tuple]:
    """Measure file after file; one that cannot be used is named on standard error, and the others go on.

    Args:
        names: of the files, as they are shown.
        measure: takes a signal.
        faults: what is wrong with files is added to it, a line each.

    Yields:
        The name of each file that can be used, and what ``measure`` gave.
    """
    with tqdm(names.items(), desc="predict", unit="file", disable=None, leave=False) as files:
        for path, name in files:
            try:
                with _named(path, name):
                    made = measure(channels.load(path))
            except InputError as error:
                faults.append(str(error))
                _say(faults[-1])
            else:
                yield name, made


def rows(model: Model, signal: np.ndarray, policy: Policy, cut: tuple[int, int] | None) -> list[dict]:
    """Predict a signal, or each of its windows, as the service does.

    Args:
        model: the model.
        signal: float32 (samples,), mono at 16 kHz.
        policy: when to give no emotion.
        cut: samples of a window and between two; None for the whole.

    Returns:
        Rows as ``formats.Writer`` takes them, without the file.

    Raises:
        InputError: the model cannot take the signal.
    """
    if cut is None:
        return [_row(model.labels, None if policy.silent(signal) else model.hear(signal), policy)]
    from serving import answers  # here, as it needs a package of requirements-serve.txt

    stretches = answers.timeline(model, signal, answers.windows(signal.size, *cut), policy)
    return [
        {key: stretch[key] for key in ("start_s", "end_s")}
        | {"prediction": stretch["label"]}
        | {key: stretch[key] for key in ("answer", "distance", "probabilities")}
        for stretch in stretches
    ]


def _row(labels: Sequence[str], heard: Heard | None, policy: Policy) -> dict:
    if heard is None:
        return {"prediction": None, "answer": SILENCE, "distance": None, "probabilities": None}
    return {
        "prediction": labels[int(heard.probabilities.argmax())],
        "answer": named(labels, heard, policy.threshold, policy.any_sound),
        "distance": heard.distance,
        "probabilities": dict(zip(labels, heard.probabilities.tolist(), strict=True)),
    }


def _predict_together(
    trained: "Predictor",
    names: Mapping[Path, str],
    one_speaker: bool,
    policy: Policy,
    faults: list[str],
    writer: formats.Writer,
) -> None:
    """Predict files of one speaker, whose mean takes all of them but the silent ones."""
    trained.check_speaker(len(names), one_speaker)

    def vector(signal: np.ndarray) -> np.ndarray | None:
        return None if policy.silent(signal) else trained.extractor.vector(signal)

    with closing(measured(names, vector, faults)) as made:
        vectors = dict(made)
    heard, found = {name: vector for name, vector in vectors.items() if vector is not None}, {}
    if len(heard) == 1:
        ((alone, _),) = heard.items()
        faults.append(f"{alone}: expected other files of the speaker beside it, found none with sound")
        _say(faults[-1])
        del vectors[alone]  # the silent ones keep their rows
    elif heard:
        stacked = np.stack(list(heard.values()))
        probabilities = trained.probabilities(stacked, one_speaker)
        found = dict(zip(heard, map(Heard, probabilities, trained.distances(stacked)), strict=True))
    for name in vectors:
        writer.add([{"file": name, **_row(trained.labels, found.get(name), policy)}])


@contextmanager
def _named(path: Path, name: str) -> Iterator[None]:
    """Begin what is wrong with a file with its name; and say of one that needs more memory than there is just that."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{name}: {str(error).removeprefix(f'{path}: ')}") from error
    except OSError as error:  # of the disk, not of what the file holds
        raise InputError(f"{name}: cannot be read: {error.strerror or error}") from error
    except (MemoryError, RuntimeError) as error:
        # On the CPU torch has no class of its own for it, and other words for it on each system.
        torchs = "OutOfMemory" in type(error).__name__ or "DefaultCPUAllocator" in str(error)
        if not isinstance(error, MemoryError) and not torchs:
            raise
        raise InputError(f"{name}: too long for the memory that is free; cut it into shorter files") from error


def _say(fault: str) -> None:
    """Name a fault on standard error, above the progress bar."""
    tqdm.write(f"predict: {visible(' '.join(fault.splitlines()))}", file=sys.stderr)


if __name__ == "__main__":
    main()
