"""The feature extractors by name: a signal in, one vector of named numbers out.

Those that give frames are pooled over time (``ser.pooling``); eGeMAPS are statistics already. Every extractor carries a
fingerprint of what decides its numbers, by which feature files and trained models recognise it.
"""

import ast
import hashlib
import inspect
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
import torchaudio

from ser import audio, pooling
from ser.failures import InputError
from ser.pase import checkpoint, encoder, padding, qrnn, sincnet
from ser.pase.encoder import PASE, PASE_PLUS, Geometry, PasePlus

# What turns an audio file into a vector. A change of this code, comments aside, is a change of the fingerprint.
CODE = (audio, pooling, checkpoint, encoder, padding, qrnn, sincnet, sys.modules[__name__])

MFCC = {  # windows of 25 ms every 10 ms, the usual ones for speech
    "n_mfcc": 20,
    "n_mels": 40,
    "n_fft": 512,
    "win_length": 400,
    "hop_length": 160,
    "f_min": 20.0,
    "f_max": 8000.0,
    "deltas": 2,
    "delta_window": 9,
}
EGEMAPS_MINIMUM_SAMPLES = 960  # 60 ms, the window of its F0; below it openSMILE gives NaN


@dataclass(frozen=True)
class Recipe:
    """What to make an extractor of.

    Attributes:
        name: one of ``EXTRACTORS``.
        statistics: how to pool frames, names out of ``ser.pooling.STATISTICS``; without effect on eGeMAPS.
        seed: of the random weights, where the extractor is an untrained one.
        weights: the file of the trained weights, where it is a trained one.
        device: where a PASE encoder runs: ``cpu``, ``cuda``, ``cuda:1``.
    """

    name: str
    statistics: Sequence[str] = ("mean", "std")
    seed: int = 0
    weights: Path | None = None
    device: str = "cpu"


@dataclass(frozen=True)
class Extractor:
    """A feature extractor, ready to use.

    Attributes:
        name: its name in ``EXTRACTORS``.
        names: the names of the numbers that it gives, (numbers,).
        fingerprint: a JSON object of all that decides the numbers: settings, statistics, seed, the weights' SHA-256,
            versions, code. What only decides how they are computed, device and workers, is not in it.
        minimum_samples: the shortest signal that it takes.
        measure: float32 (samples,) to (numbers,), without the checks of ``vector``.
    """

    name: str
    names: tuple[str, ...]
    fingerprint: str
    minimum_samples: int
    measure: Callable[[np.ndarray], np.ndarray]

    def vector(self, signal: np.ndarray) -> np.ndarray:
        """Measure a signal.

        Args:
            signal: float32 (samples,), mono at 16 kHz.

        Returns:
            float32 (numbers,), all finite.

        Raises:
            InputError: the signal is too short, or its numbers are not finite.
        """
        if signal.size < self.minimum_samples:
            minimum_ms = 1000 * self.minimum_samples / audio.SAMPLING_RATE_HZ
            raise InputError(
                f"expected at least {self.minimum_samples} samples ({minimum_ms:.0f} ms at 16 kHz) for {self.name}, "
                f"found {signal.size}; leave out what is shorter (in the pipeline by manifest.min_seconds)"
            )
        vector = self.measure(signal)
        if not np.isfinite(vector).all():
            raise InputError(f"expected finite numbers from {self.name}, found NaN or infinity; leave this signal out")
        return vector


def build(recipe: Recipe) -> Extractor:
    """Make an extractor.

    Args:
        recipe: what to make.

    Returns:
        The extractor.

    Raises:
        InputError: the weights are missing or wrong, or there is no such device.
    """
    return EXTRACTORS[recipe.name](recipe)


def rebuild(fingerprint: str, weights: Path | None = None, device: str = "cpu") -> Extractor:
    """Make the extractor of a fingerprint again.

    Args:
        fingerprint: that of the extractor, as a feature file or a trained model keeps it.
        weights: the file of the trained weights, where it had any.
        device: where a PASE encoder runs.

    Returns:
        The extractor, with this very fingerprint.

    Raises:
        InputError: as ``build``; or weights, versions or code are not those of the fingerprint.
    """
    wanted = json.loads(fingerprint)
    if wanted["extractor"] not in EXTRACTORS:
        raise InputError(f"expected an extractor out of {', '.join(EXTRACTORS)}, found '{wanted['extractor']}'")
    recipe = Recipe(wanted["extractor"], wanted.get("statistics", ()), wanted.get("seed", 0), weights, device)
    extractor = build(recipe)
    found = json.loads(extractor.fingerprint)
    differing = [key for key in sorted(wanted | found) if wanted.get(key) != found.get(key)]
    if differing:
        place = f" ({weights})" if "weights" in differing and weights else ""
        raise InputError(
            f"expected the {extractor.name} features that the model was trained on, found others: they differ in "
            f"{', '.join(differing)}{place}; give the weights it was trained with, or train it again (dvc repro)"
        )
    return extractor


def _pase_plus(recipe: Recipe) -> Extractor:
    if recipe.weights is None:
        raise InputError(f"{recipe.name} needs its weights: give their file by --weights, or take another extractor")
    return _pase(recipe, checkpoint.load(recipe.weights))


def _untrained(geometry: Geometry, recipe: Recipe) -> Extractor:
    return _pase(recipe, checkpoint.untrained(geometry, recipe.seed), seed=recipe.seed)


def _pase(recipe: Recipe, network: PasePlus, **identity) -> Extractor:
    identity["weights"] = _digest(network)
    device = _device(recipe.device)
    network = network.to(device)

    def frames(signal: np.ndarray) -> np.ndarray:
        batch = torch.from_numpy(signal).to(device)[None, None]  # (1, 1, samples)
        # Without TF32 a GPU gives the CPU's numbers to about six digits, with it to three.
        with torch.inference_mode(), torch.backends.cudnn.flags(allow_tf32=False):
            return network(batch)[0].cpu().numpy()

    channels = [f"{recipe.name}_{channel:03d}" for channel in range(network.geometry.channels)]
    return _pooled(recipe, frames, channels, network.geometry.minimum_samples, **identity)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"expected a device such as cpu or cuda, found '{name}'") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"expected a GPU for the device '{name}', found none; use the device cpu")
    return device


def _mfcc(recipe: Recipe) -> Extractor:
    """Cepstra of a mel spectrogram in dB (80 dB below the signal's loudest at most), and their derivatives."""
    transform = torchaudio.transforms.MFCC(
        audio.SAMPLING_RATE_HZ,
        MFCC["n_mfcc"],
        melkwargs={key: MFCC[key] for key in ("n_mels", "n_fft", "win_length", "hop_length", "f_min", "f_max")},
    )

    def frames(signal: np.ndarray) -> np.ndarray:
        orders = [transform(torch.from_numpy(signal))]  # each (n_mfcc, frames)
        for _ in range(MFCC["deltas"]):
            orders.append(torchaudio.functional.compute_deltas(orders[-1], MFCC["delta_window"]))
        return torch.cat(orders).numpy()

    channels = [f"{recipe.name}{order}_{i:02d}" for order in ("", "_delta", "_delta2") for i in range(MFCC["n_mfcc"])]
    return _pooled(recipe, frames, channels, MFCC["win_length"], ["torchaudio"], settings=MFCC)


def _egemaps(recipe: Recipe) -> Extractor:
    """The extended Geneva minimalistic acoustic parameter set, doi:10.1109/TAFFC.2015.2457417: 88 functionals.

    openSMILE is free for research and education; its licence does not allow use in commercial products.
    """
    # Imported here, so that whoever may not use it never loads it; and it takes as long as all the rest of this module.
    import opensmile

    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)

    def measure(signal: np.ndarray) -> np.ndarray:
        return smile.process_signal(signal, audio.SAMPLING_RATE_HZ).to_numpy(np.float32)[0]

    fingerprint = _fingerprint(recipe.name, ["opensmile"])
    names = tuple(f"{recipe.name}_{feature}" for feature in smile.feature_names)
    return Extractor(recipe.name, names, fingerprint, EGEMAPS_MINIMUM_SAMPLES, measure)


EXTRACTORS: dict[str, Callable[[Recipe], Extractor]] = {
    "pase_plus": _pase_plus,
    "pase_plus_untrained": partial(_untrained, PASE_PLUS),
    "pase_untrained": partial(_untrained, PASE),
    "mfcc": _mfcc,
    "egemaps": _egemaps,
}


def _pooled(
    recipe: Recipe,
    frames: Callable[[np.ndarray], np.ndarray],
    channels: Sequence[str],
    minimum_samples: int,
    packages: Sequence[str] = (),
    **identity,
) -> Extractor:
    """Make an extractor of a function that gives frames, (channels, frames)."""
    return Extractor(
        recipe.name,
        tuple(pooling.names(channels, recipe.statistics)),
        _fingerprint(recipe.name, packages, statistics=list(recipe.statistics), **identity),
        minimum_samples,
        lambda signal: pooling.pool(frames(signal), recipe.statistics),
    )


def _fingerprint(name: str, packages: Sequence[str], **identity) -> str:
    # The build after the plus, as in 2.11.0+cpu, tells devices apart, not versions.
    versions = {package: version(package).split("+")[0] for package in ("numpy", "soxr", "torch", *packages)}
    return json.dumps({"extractor": name, "code": _code(), "versions": versions, **identity}, sort_keys=True)


def _code() -> str:
    """Hash what the code does: its syntax without comments, layout and docstrings, so that words change nothing."""
    digest = hashlib.sha256()
    for module in CODE:
        tree = ast.parse(inspect.getsource(module))
        for node in ast.walk(tree):
            documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            if documented and ast.get_docstring(node) is not None:
                node.body = node.body[1:]
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()[:16]


def _digest(network: PasePlus) -> str:
    """Hash the weights themselves, so that it does not matter how they were stored."""
    digest = hashlib.sha256()
    for key, tensor in sorted(network.state_dict().items()):
        digest.update(key.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()
