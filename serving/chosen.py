"""The model that a person chose by flags; nothing that takes long is imported before it is needed."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ser.files.failures import InputError


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say which model to take."""
    either = parser.add_mutually_exclusive_group()
    for group, flag, default, words in (
        (either, "--model", "models/bundle", "the trained model, a bundle, or the .onnx file made of one"),
        (either, "--models", None, "instead the classifiers of the folds, a folder: their mean"),
        (
            parser,
            "--weights",
            "models/pase_plus.safetensors",
            "file of the trained encoder, where the model has none",
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


@contextmanager
def usage(parser: argparse.ArgumentParser) -> Iterator[None]:
    """End as the parser does, exit code 2, where a check of its flags raises ``InputError``."""
    try:
        yield
    except InputError as error:
        parser.error(str(error))


def read(options: argparse.Namespace, fold: int | None = None, device: str = "cpu"):
    """Read the model that the flags name.

    Args:
        options: those of ``add_flags``.
        fold: with ``--models``, the one fold whose classifier to take.
        device: where the encoder runs.

    Returns:
        The ``ser.predictor.Predictor``, and its model card, or None where it has none.

    Raises:
        InputError: as ``ser.predictor.load`` and ``ser.bundle.reading.load``.
    """
    import torch

    from ser import predictor
    from ser.bundle import reading

    torch.set_num_threads(1)  # the same sums as in the pipeline; short recordings gain nothing from more
    if options.models:
        return predictor.load(options.models, options.weights, fold, device), None
    bundle = reading.load(options.model, options.weights, device)
    return bundle.predictor, bundle.card


def is_onnx(options: argparse.Namespace) -> bool:
    """Tell whether the flags name an ONNX file, for which PyTorch need not be there."""
    return options.models is None and options.model.suffix == ".onnx"


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
