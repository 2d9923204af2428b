"""The encoders by name, and extractors made of them."""

import json
from dataclasses import fields
from pathlib import Path

from ser.encoders import fingerprint as fingerprints
from ser.encoders.encoder import Encoder
from ser.encoders.extractor import Extractor
from ser.encoders.level import LevelExtractor
from ser.encoders.mfcc import MfccEncoder
from ser.encoders.network import usable
from ser.encoders.opensmile import OpenSmileEncoder
from ser.encoders.pase_plus import PaseEncoder
from ser.encoders.pooling import FRAMES, STATISTICS
from ser.encoders.recipe import Recipe
from ser.encoders.selfsupervised import SelfSupervisedEncoder
from ser.encoders.whisper import WhisperBaseEncoder
from ser.files.failures import InputError
from ser.files.params import SEEDS, check_ranges, hint

KINDS: tuple[type[Encoder], ...] = (
    PaseEncoder,
    MfccEncoder,
    OpenSmileEncoder,
    SelfSupervisedEncoder,
    WhisperBaseEncoder,
)
LEVELS = (-60.0, 0.0)  # dB re full scale
ENCODERS: dict[str, type[Encoder]] = {name: kind for kind in KINDS for name in kind.LAYERS}


def check(recipe: Recipe) -> None:
    """Check that there is what a recipe names.

    Raises:
        ValueError: there is not; the message begins with the field.
    """
    if recipe.encoder not in ENCODERS:
        raise ValueError(
            f"encoder: expected one of {', '.join(ENCODERS)}, found '{recipe.encoder}'{hint(recipe.encoder, ENCODERS)}"
        )
    for key, chosen, offered in (
        ("statistics", recipe.statistics, STATISTICS),
        ("layers", recipe.layers, ENCODERS[recipe.encoder].LAYERS[recipe.encoder]),
    ):
        if not chosen or len(set(chosen)) < len(chosen):
            raise ValueError(f"{key}: expected at least one, each once, found {chosen}")
        for name in chosen:
            if name not in offered:
                of = f" of the encoder {recipe.encoder}" if key == "layers" else ""
                raise ValueError(
                    f"{key}: expected some of {', '.join(offered)}{of}, found '{name}'{hint(name, offered)}"
                )
    if recipe.frames not in FRAMES:
        raise ValueError(f"frames: expected one of {', '.join(FRAMES)}, found '{recipe.frames}'")
    check_ranges(recipe, seed=SEEDS, **({} if recipe.level is None else {"level": LEVELS}))


def build(recipe: Recipe, weights: Path | None = None, device: str = "cpu") -> Extractor:
    """Make an extractor.

    Args:
        recipe: what it makes of a signal.
        weights: the file of the trained weights, for an encoder that has one.
        device: where a network runs: ``cpu``, ``cuda``, ``cuda:1``.

    Returns:
        The extractor.

    Raises:
        ValueError: there is not what the recipe names.
        InputError: the weights are missing or wrong, or there is no such device.
        ser.encoders.selfsupervised.WeightsNotAvailable: the weights would have to be downloaded, and cannot be.
    """
    check(recipe)
    usable(device)  # even for an encoder that is no network, and runs on the CPU wherever it is asked to
    kind = Extractor if recipe.level is None else LevelExtractor
    return kind(recipe, ENCODERS[recipe.encoder](recipe, weights, device))


def rebuild(fingerprint: str, weights: Path | None = None, device: str = "cpu") -> Extractor:
    """Make the extractor of a fingerprint again.

    Args:
        fingerprint: that of the extractor, as a feature file or a trained model keeps it.
        weights: the file of the trained weights, where it had any.
        device: where a network runs.

    Returns:
        The extractor, with this very fingerprint, but for the numerics: they decide no more than the last digits.

    Raises:
        InputError: as ``build``; or weights, versions or code are not those of the fingerprint.
    """
    wanted = json.loads(fingerprint)
    name = wanted.get("encoder")
    if name not in ENCODERS:
        raise InputError(
            f"expected a model trained on vectors of an encoder out of {', '.join(ENCODERS)}, found '{name}'; train it "
            "again (dvc repro)"
        )
    recipe = Recipe(**{choice.name: wanted[choice.name] for choice in fields(Recipe) if choice.name in wanted})
    try:
        extractor = build(recipe, weights, device)
    except ValueError as error:
        raise InputError(
            f"the model was trained on features that are not known here: {error}; train it again"
        ) from error
    differing = fingerprints.differences(wanted, json.loads(extractor.fingerprint))
    if differing:
        place = f" ({weights})" if "weights" in differing and weights else ""
        raise InputError(
            f"expected the {name} features that the model was trained on, found others: they differ in "
            f"{', '.join(differing)}{place}; give the weights it was trained with, or train it again (dvc repro)"
        )
    return extractor


def baseline(recipe: Recipe) -> Recipe:
    """Give what a representation is compared with: MFCC, pooled alike, or by mean and deviation beside openSMILE's."""
    pooled = "statistics" in ENCODERS[recipe.encoder].choices
    alike = {"statistics": recipe.statistics, "frames": recipe.frames} if pooled else {}
    return Recipe("mfcc", **alike, level=recipe.level)
