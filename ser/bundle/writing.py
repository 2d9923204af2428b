"""Write a bundle."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from ser.audio import SAMPLING_RATE_HZ
from ser.bundle import layout
from ser.confidence import familiarity
from ser.confidence.familiarity import Familiarity
from ser.encoders.extractor import Extractor
from ser.learning import classifier, final
from ser.learning.classifier import Classifier
from ser.pase import checkpoint

PACKAGES = ("numpy", "safetensors", "scikit-learn", "soxr", "torch")
PASE_PLUS = "pase_plus"  # the encoder whose weights are in safetensors, and go into the bundle


def save(
    folder: Path,
    model: Classifier,
    extractor: Extractor,
    weights: Path,
    speech: Familiarity,
    data: Mapping,
    scores: Mapping,
    card: str,
) -> None:
    """Fill a folder with a bundle; the same bytes for the same things.

    Args:
        folder: an empty folder.
        model: the classifier.
        extractor: the extractor of its vectors.
        weights: the file of the encoder's weights, where it has one. Those of PASE+ are copied; of another encoder
            the description has their digest, and who loads the bundle gives the file.
        speech: what it was trained on is like.
        data: what it was trained on.
        scores: what was measured, and of whom.
        card: the model card, Markdown.
    """
    recipe, encoder = model.recipe, extractor.recipe.encoder
    classifier.save(model, folder / layout.CLASSIFIER / classifier.file_name(recipe.protocol, recipe.fold))
    if encoder == PASE_PLUS and weights.suffix == ".safetensors":
        shutil.copyfile(weights, folder / layout.WEIGHTS)
    elif encoder == PASE_PLUS:
        checkpoint.save(extractor.encoder.network, folder / layout.WEIGHTS, extractor.encoder.network.W.weight.dtype)
    familiarity.save(speech, folder / layout.FAMILIARITY)
    (folder / layout.CARD).write_text(card, encoding="utf-8", newline="\n")
    description = {
        "format": layout.FORMAT,
        "labels": recipe.labels,
        "audio": {
            "channels": 1,
            "minimum_samples": extractor.encoder.minimum_samples,
            "sampling_rate_hz": SAMPLING_RATE_HZ,
        },
        "encoder": json.loads(extractor.fingerprint),
        "classifier": {
            "networks": len(model.networks),
            "numbers": model.inputs,
            "params": asdict(recipe.params),
            "protocol": recipe.protocol,
            "rule": final.rule(recipe.params.classifier, recipe.protocol),
        },
        "versions": {name: metadata.version(name).split("+")[0] for name in PACKAGES},  # without "+cpu"
        "data": data,
        "scores": scores,
        "files": layout.digests(folder),
    }
    text = json.dumps(description, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    (folder / layout.DESCRIPTION).write_text(text, encoding="utf-8", newline="\n")
