"""The model that a person chose by flags; nothing that takes long is imported before it is needed."""

import argparse
from pathlib import Path

from ser.files.failures import InputError


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say which model to take."""
    for flag, default, words in (
        ("--model", "models/bundle", "the trained model, a bundle"),
        ("--models", None, "instead the classifiers of the folds, a folder: their mean"),
        ("--weights", "models/pase_plus.safetensors", "file of the trained encoder, where the model lacks its own"),
    ):
        shown = f"{words} (default: {default})" if default else words
        parser.add_argument(flag, type=Path, metavar="PATH", default=default and Path(default), help=shown)


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
    from ser import predictor
    from ser.bundle import reading

    if options.models:
        return predictor.load(options.models, options.weights, fold, device), None
    if fold is not None:
        raise InputError("--fold: expected --models beside it, found none; a bundle has one classifier, of no fold")
    bundle = reading.load(options.model, options.weights, device)
    return bundle.predictor, bundle.card


def load(options: argparse.Namespace):
    """Load the model that the flags name, for the service: a ``serving.model.Model``.

    Raises:
        InputError: as ``read``, or the model normalises by speaker.
    """
    from serving.pipeline import Pipeline

    return Pipeline(*read(options))
