"""The model that a person chose by flags; nothing that takes long is imported before it is needed."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ser.files.failures import InputError
from serving.policy import SILENCE_DB, Policy

WEIGHTS = Path("models/pase_plus.safetensors")
NEVER_UNFAMILIAR = (
    "--models: the classifiers of the folds do not know what their training speech is like, so that no answer is "
    "'unfamiliar'"
)
IGNORED_BY_ONNX = {
    "weights": "it has its own",
    "device": "it runs on the CPU",
    "one_speaker": "it takes each file by itself",
}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say which model to take."""
    either = parser.add_mutually_exclusive_group()
    for group, flag, default, words in (
        (either, "--model", "models/bundle", "the trained model, a bundle, or the .onnx file made of one"),
        (either, "--models", None, "instead the classifiers of the folds, a folder: their mean"),
        (
            parser,
            "--weights",
            None,
            f"file of the trained encoder, where the model has none (default: {WEIGHTS})",
        ),
    ):
        shown = f"{words} (default: {default})" if default else words
        group.add_argument(flag, type=Path, metavar="PATH", default=default and Path(default), help=shown)


def add_doubt_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say when to give no emotion."""
    words = "confidence below which the answer is 'uncertain' (default: the model's, train.abstain_below)"
    parser.add_argument("--threshold", type=float, metavar="P", help=words)
    words = "name an emotion for what is unlike the training speech, too, instead of the answer 'unfamiliar'"
    parser.add_argument("--any-sound", action="store_true", help=words)
    words = f"level in dB of full scale that 50 ms must reach, else the answer is 'silence' (default: {SILENCE_DB:g})"
    parser.add_argument("--silence-db", type=float, default=SILENCE_DB, metavar="DB", help=words)


def policy(options: argparse.Namespace, abstain_below: float = 0.0) -> Policy:
    """Give the policy that the flags say.

    Args:
        options: those of ``add_doubt_flags``.
        abstain_below: the model's own threshold, where no flag says another one.

    Raises:
        InputError: a flag is out of its range.
    """
    threshold = abstain_below if options.threshold is None else options.threshold
    return Policy(threshold, options.silence_db, options.any_sound)


@contextmanager
def usage(parser: argparse.ArgumentParser) -> Iterator[None]:
    """End as the parser does, exit code 2, where a check of its flags raises ``InputError``."""
    try:
        yield
    except InputError as error:
        parser.error(str(error))


def check(options: argparse.Namespace) -> None:
    """Refuse flags that the model would ignore.

    Args:
        options: those of ``add_flags``; of ``ser predict`` also ``device`` and ``one_speaker``.

    Raises:
        InputError: there is such a flag.
    """
    if is_onnx(options):
        for name, why in IGNORED_BY_ONNX.items():
            if getattr(options, name, None):
                flag = "--" + name.replace("_", "-")
                raise InputError(f"{flag}: expected a bundle beside it, found {options.model}: {why}; leave it out")
    elif options.weights and not options.models:
        from ser.bundle import layout

        if (options.model / layout.WEIGHTS).is_file():
            raise InputError(
                f"--weights: expected a model without weights beside it, found {options.model}: it has its own; leave "
                "it out"
            )


def read(options: argparse.Namespace, fold: int | None = None, device: str | None = None):
    """Read the model that the flags name.

    Args:
        options: those of ``add_flags``.
        fold: with ``--models``, the one fold whose classifier to take.
        device: where the encoder runs; the CPU by default.

    Returns:
        The ``ser.predictor.Predictor``, and its model card, or None where it has none.

    Raises:
        InputError: there is no such file or device; or as ``ser.predictor.load`` and ``ser.bundle.reading.load``.
    """
    import torch

    from ser import predictor
    from ser.bundle import reading
    from ser.encoders.network import usable

    _check_files(options)
    weights, device = options.weights or WEIGHTS, device or "cpu"
    try:
        usable(device)
    except InputError as error:
        raise InputError(f"--device: {error}") from error
    torch.set_num_threads(1)  # the same sums as in the pipeline; short recordings gain nothing from more
    try:
        if options.models:
            return predictor.load(options.models, weights, fold, device), None
        bundle = reading.load(options.model, weights, device)
    except InputError as error:
        if not weights.is_file() and str(weights) in str(error):
            raise InputError(
                f"{weights}: expected the file of the trained encoder, which this model lacks, found none; name it by "
                "--weights"
            ) from error
        raise
    return bundle.predictor, bundle.card


def _check_files(options: argparse.Namespace) -> None:
    """Refuse paths that cannot be what their flags say."""
    from ser.bundle import layout

    if options.weights and not options.weights.is_file():
        raise InputError(f"--weights: expected the file of the trained encoder, found none at {options.weights}")
    if not options.models and not (options.model / layout.DESCRIPTION).is_file():
        there = "a file" if options.model.is_file() else "another folder" if options.model.is_dir() else "nothing"
        seen_from = "" if options.model.is_absolute() else f" in the current folder, {Path.cwd()}"
        raise InputError(
            f"--model: expected a bundle or an .onnx file, found {there} at {options.model}{seen_from}; name its path "
            "by --model, or make the bundle in the project's folder: dvc repro bundle"
        )


def is_onnx(options: argparse.Namespace) -> bool:
    """Tell whether the flags name an ONNX file, for which PyTorch need not be there."""
    return options.models is None and options.model.suffix == ".onnx"


def never_unfamiliar(options: argparse.Namespace) -> bool:
    """Tell whether the model cannot tell what is unfamiliar, and no flag says that it need not."""
    return options.models is not None and not options.any_sound


def load(options: argparse.Namespace):
    """Load the model that the flags name, for the service: a ``serving.model.Model``.

    Raises:
        InputError: as ``read``, or the model normalises by speaker.
    """
    if is_onnx(options):
        from serving.onnx_model import OnnxModel

        return OnnxModel(options.model)
    from serving.pipeline import Pipeline

    return Pipeline(*read(options))
