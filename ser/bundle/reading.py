"""Read a bundle, and let through only what is whole."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from ser import predictor
from ser.audio import SAMPLING_RATE_HZ
from ser.bundle import layout
from ser.confidence import familiarity
from ser.files.failures import InputError
from ser.files.whole import check_file
from ser.predictor import Predictor

AGAIN = "make it again (dvc repro bundle)"


@dataclass(frozen=True)
class Bundle:
    """A bundle, loaded.

    Attributes:
        description: that of ``ser.bundle.layout``.
        card: the model card, Markdown.
        predictor: the pipeline.
    """

    description: dict
    card: str
    predictor: Predictor


def load(folder: Path | str, weights: Path | str | None = None, device: str = "cpu") -> Bundle:
    """Load a bundle.

    Args:
        folder: the bundle.
        weights: the file of the encoder's weights, where they are not in the bundle.
        device: where the encoder runs.

    Returns:
        The bundle.

    Raises:
        InputError: it is missing, of another format, or not as it was written; or, as ``ser.predictor.load`` says, it
            was made by other code or versions.
    """
    folder = Path(folder)
    description = describe(folder)
    found, written = layout.digests(folder), description["files"]
    for name in sorted(found.keys() | written.keys()):
        if found.get(name) != written.get(name):
            if name not in written:
                raise InputError(
                    f"{folder}: expected no file {name}, which was not written with the bundle; take it out"
                )
            fault = "missing" if name not in found else "changed"
            raise InputError(f"{folder}: {name} is {fault} since the bundle was written; {AGAIN}")
    own = folder / layout.WEIGHTS
    loaded = predictor.load(folder / layout.CLASSIFIER, own if own.is_file() else weights, device=device)
    _check_same(folder / layout.DESCRIPTION, description, loaded)
    loaded = dataclasses.replace(loaded, familiarity=familiarity.load(folder / layout.FAMILIARITY))
    return Bundle(description, (folder / layout.CARD).read_text(encoding="utf-8"), loaded)


def _check_same(path: Path, description: dict, loaded: Predictor) -> None:
    """Refuse a description that says something else than the classifier and the encoder do themselves."""
    audio = description.get("audio", {})
    said = description.get("labels"), audio.get("sampling_rate_hz"), audio.get("minimum_samples")
    true = list(loaded.labels), SAMPLING_RATE_HZ, loaded.extractor.encoder.minimum_samples
    for name, wanted, found in zip(("labels", "sampling_rate_hz", "minimum_samples"), true, said, strict=True):
        if wanted != found:
            raise InputError(f"{path}: {name}: expected {wanted}, as in the classifier, found {found}; {AGAIN}")


def describe(folder: Path) -> dict:
    """Read a bundle's description.

    Raises:
        InputError: there is none, or it is of another format.
    """
    path = folder / layout.DESCRIPTION
    check_file(path, "the description of a bundle, which the stage bundle makes (dvc repro)")
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        found = description["format"]
        if found == layout.FORMAT:
            description["files"].items()
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: expected the description of a bundle, found something else; {AGAIN}") from error
    if found != layout.FORMAT:
        raise InputError(f"{path}: expected a bundle of format {layout.FORMAT}, found format {found}; {AGAIN}")
    return description
