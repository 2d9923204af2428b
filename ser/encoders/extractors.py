"""The feature extractors by name: a signal in, one vector of named numbers out.

Those that give frames are pooled over time (``ser.encoders.pooling``); openSMILE's are statistics already. Every
extractor carries a fingerprint of what decides its numbers, by which feature files and trained models recognise it.
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
from torch import Tensor, nn
from torch.nn import functional

from ser import audio
from ser.encoders import pooling, selfsupervised
from ser.files.failures import InputError
from ser.machine import numerics
from ser.pase import checkpoint, encoder, padding, qrnn, sincnet
from ser.pase.encoder import PASE, PASE_PLUS, Geometry, PasePlus
from ser.pase.qrnn import forget_mult

# What turns an audio file into a vector. A change of this code, comments aside, is a change of the fingerprint.
CODE = (audio, numerics, pooling, selfsupervised, checkpoint, encoder, padding, qrnn, sincnet, sys.modules[__name__])

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
OPENSMILE = {"egemaps": "eGeMAPSv02", "compare_2016": "ComParE_2016"}  # feature sets that pool by themselves
OPENSMILE_MINIMUM_SAMPLES = 960  # 60 ms, the window of its F0; below it openSMILE gives NaN
OUTPUT = "output"

# Longer signals are encoded in windows, as PASE+ takes 12 MB for each second; up to a minute, the default of
# manifest.max_seconds, a signal is encoded as one. In samples; windows and context are multiples of every hop.
WHOLE = 60 * audio.SAMPLING_RATE_HZ
WINDOW = 10 * audio.SAMPLING_RATE_HZ
# On each side: PASE's convolutions reach 1,185 samples to each side of a frame, MFCC's derivatives 1,536.
CONTEXT = audio.SAMPLING_RATE_HZ // 2
SELF_SUPERVISED_HOP = 320


@dataclass(frozen=True)
class Recipe:
    """What to make an extractor of.

    Attributes:
        name: one of ``EXTRACTORS``.
        statistics: how to pool frames, names out of ``ser.encoders.pooling.STATISTICS``; without effect on openSMILE's.
        seed: of the random weights, where the extractor is an untrained one.
        weights: the file of the trained weights, where it is a trained one.
        device: where a network runs: ``cpu``, ``cuda``, ``cuda:1``.
        layers: whose frames to pool, out of ``LAYERS[name]``.
        frames: which frames to pool, one of ``pooling.FRAMES``: ``all``, or the ``active`` ones, joined as if nothing
            had been between them; without effect on openSMILE's.
    """

    name: str
    statistics: Sequence[str] = ("mean", "std")
    seed: int = 0
    weights: Path | None = None
    device: str = "cpu"
    layers: Sequence[str] = (OUTPUT,)
    frames: str = "all"


@dataclass(frozen=True)
class Extractor:
    """A feature extractor, ready to use.

    Attributes:
        name: its name in ``EXTRACTORS``.
        names: the names of the numbers that it gives, (numbers,).
        fingerprint: a JSON object of all that decides the numbers: settings, statistics, seed, the weights' SHA-256,
            versions, code, and what decides the last digits, the kind of processor. Workers are not in it.
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


@dataclass
class Window:
    """A part of a long signal, of which frames are made.

    Attributes:
        kept: which of its frames count; those before and after are context.
        memory: (1, units, 1) what a recurrent layer remembers of the windows before, which it brings up to date.
    """

    kept: slice | None = None
    memory: Tensor | float = 0.0


def build(recipe: Recipe) -> Extractor:
    """Make an extractor.

    Args:
        recipe: what to make.

    Returns:
        The extractor.

    Raises:
        InputError: the weights are missing or wrong, or there is no such device.
        ser.selfsupervised.WeightsNotAvailable: the weights would have to be downloaded, and cannot be.
    """
    return EXTRACTORS[recipe.name](recipe)


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
    if wanted["extractor"] not in EXTRACTORS:
        raise InputError(f"expected an extractor out of {', '.join(EXTRACTORS)}, found '{wanted['extractor']}'")
    settings = {key: wanted[key] for key in ("statistics", "seed", "layers", "frames") if key in wanted}
    recipe = Recipe(wanted["extractor"], weights=weights, device=device, **settings)
    extractor = build(recipe)
    found = json.loads(extractor.fingerprint)
    differing = [key for key in sorted(wanted | found) if wanted.get(key) != found.get(key) and key != "numerics"]
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
    widths = network.geometry.layers
    channels = [
        f"{recipe.name}_{channel:03d}" if layer == OUTPUT else f"{recipe.name}_{layer}_{channel:03d}"
        for layer in recipe.layers
        for channel in range(widths[layer])
    ]

    def encode(signal: Tensor, window: Window | None) -> Tensor:
        recurrent = window is not None and network.geometry.qrnn_units is not None
        top = list(widths)[-3:] if recurrent else []
        frames = network.layers(signal[None, None], list(dict.fromkeys([*recipe.layers, *top])))
        if recurrent:
            _remember(network, frames, window)
        return torch.cat([frames[layer] for layer in recipe.layers], dim=1)[0]

    identity["layers"] = list(recipe.layers)
    geometry = network.geometry
    return _network(recipe, network, encode, channels, geometry.minimum_samples, geometry.hop, **identity)


def _remember(network: PasePlus, frames: dict[str, Tensor], window: Window) -> None:
    """Let the QRNN start from what it remembers of the windows before, rather than from nothing.

    Some of its units remember for minutes, so that no context would do. It is linear in its memory,
    c_t = (c_t from nothing) + (1 - f_0) ... (1 - f_t) c_{-1}, and what it changes reaches the output by linear layers.

    Args:
        network: the encoder.
        frames: of the last block, the QRNN and the output, (1, channels, frames); of the last two those that the window
            keeps are corrected.
        window: the window; its memory is brought up to date.
    """
    below, qrnn, output = (frames[layer] for layer in list(network.geometry.layers)[-3:])
    before = functional.pad(below, (1, 0))[..., :-1]
    gates = network.rnn.layers[0].linear(torch.cat([below, before], dim=1).transpose(1, 2)).transpose(1, 2)
    z, f, o = gates[..., window.kept].chunk(3, dim=1)
    f = torch.sigmoid(f)
    state = forget_mult(f, torch.tanh(z)) + (1 - f).cumprod(dim=2) * window.memory
    window.memory = state[..., -1:]
    remembering = torch.sigmoid(o) * state
    scale = (network.norm_out.running_var + network.norm_out.eps).rsqrt()[:, None]
    output[..., window.kept] += scale * functional.conv1d(remembering - qrnn[..., window.kept], network.W.weight)
    qrnn[..., window.kept] = remembering


def _self_supervised(recipe: Recipe) -> Extractor:
    network = selfsupervised.load(recipe.name)
    width = network.encoder.feature_projection.projection.out_features
    channels = [f"{recipe.name}_{channel:03d}" for channel in range(width)]

    def encode(signal: Tensor, window: Window | None) -> Tensor:
        return selfsupervised.frames(network, signal)

    minimum = selfsupervised.MINIMUM_SAMPLES
    return _network(recipe, network, encode, channels, minimum, SELF_SUPERVISED_HOP, ["torchaudio"])


def _network(
    recipe: Recipe,
    network: nn.Module,
    encode: Callable[[Tensor, Window | None], Tensor],
    channels: Sequence[str],
    minimum_samples: int,
    hop: int,
    packages: Sequence[str] = (),
    **identity,
) -> Extractor:
    """Make an extractor of a network and a function that encodes with it, (samples,) to (channels, frames)."""
    identity["weights"] = _digest(network)
    device = _device(recipe.device)
    identity["numerics"] = _numerics(device.type)
    network.to(device)

    def frames(signal: np.ndarray, window: Window | None = None) -> np.ndarray:
        # Without TF32 a GPU gives the CPU's numbers to about six digits, with it to three.
        with torch.inference_mode(), torch.backends.cudnn.flags(allow_tf32=False):
            return encode(torch.from_numpy(signal).to(device), window).cpu().numpy()

    return _pooled(recipe, frames, channels, minimum_samples, hop, packages, **identity)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.ones(1, device=device).sum().item()
    except (RuntimeError, AssertionError, ImportError) as error:  # each kind of device says no in a way of its own
        known = ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
        known += ["mps"] * torch.backends.mps.is_available()
        reason = f"{error}".partition("\n")[0][:100]
        raise InputError(f"expected a device that works, of {', '.join(known)}, found '{name}': {reason}") from error
    return device


def _mfcc(recipe: Recipe) -> Extractor:
    """Cepstra of a mel spectrogram in dB (80 dB below the signal's loudest at most), and their derivatives."""
    transform = torchaudio.transforms.MFCC(
        audio.SAMPLING_RATE_HZ,
        MFCC["n_mfcc"],
        melkwargs={key: MFCC[key] for key in ("n_mels", "n_fft", "win_length", "hop_length", "f_min", "f_max")},
    )

    def frames(signal: np.ndarray, window: Window | None = None) -> np.ndarray:
        orders = [transform(torch.from_numpy(signal))]  # each (n_mfcc, frames)
        for _ in range(MFCC["deltas"]):
            orders.append(torchaudio.functional.compute_deltas(orders[-1], MFCC["delta_window"]))
        return torch.cat(orders).numpy()

    channels = [f"{recipe.name}{order}_{i:02d}" for order in ("", "_delta", "_delta2") for i in range(MFCC["n_mfcc"])]
    return _pooled(recipe, frames, channels, MFCC["win_length"], MFCC["hop_length"], ["torchaudio"], settings=MFCC)


def _opensmile(feature_set: str, recipe: Recipe) -> Extractor:
    """Functionals by openSMILE, of one of its feature sets.

    eGeMAPSv02, the extended Geneva minimalistic acoustic parameter set, doi:10.1109/TAFFC.2015.2457417: 88.
    ComParE_2016, the set of the Interspeech challenges, doi:10.3389/fpsyg.2013.00292: 6,373.

    openSMILE is free for research and education; its licence does not allow use in commercial products.
    """
    # Imported here, so that whoever may not use it never loads it; and it takes as long as all the rest of this module.
    import opensmile

    smile = opensmile.Smile(opensmile.FeatureSet[feature_set], opensmile.FeatureLevel.Functionals)

    def measure(signal: np.ndarray) -> np.ndarray:
        return smile.process_signal(signal, audio.SAMPLING_RATE_HZ).to_numpy(np.float32)[0]

    fingerprint = _fingerprint(recipe.name, ["opensmile"])
    names = tuple(f"{recipe.name}_{feature}" for feature in smile.feature_names)
    return Extractor(recipe.name, names, fingerprint, OPENSMILE_MINIMUM_SAMPLES, measure)


EXTRACTORS: dict[str, Callable[[Recipe], Extractor]] = {
    "pase_plus": _pase_plus,
    "pase_plus_untrained": partial(_untrained, PASE_PLUS),
    "pase_untrained": partial(_untrained, PASE),
    "mfcc": _mfcc,
    **{name: partial(_opensmile, feature_set) for name, feature_set in OPENSMILE.items()},
    **dict.fromkeys(selfsupervised.MODELS, _self_supervised),
}

# The layers that each extractor can give.
LAYERS: dict[str, tuple[str, ...]] = dict.fromkeys(EXTRACTORS, (OUTPUT,)) | {
    "pase_plus": tuple(PASE_PLUS.layers),
    "pase_plus_untrained": tuple(PASE_PLUS.layers),
    "pase_untrained": tuple(PASE.layers),
}


def _pooled(
    recipe: Recipe,
    frames: Callable[[np.ndarray, Window | None], np.ndarray],
    channels: Sequence[str],
    minimum_samples: int,
    hop: int,
    packages: Sequence[str] = (),
    **identity,
) -> Extractor:
    """Make an extractor of a function that gives frames, (channels, frames)."""
    assert recipe.frames in pooling.FRAMES, recipe.frames

    def measure(signal: np.ndarray) -> np.ndarray:
        if signal.size > WHOLE:
            return _in_windows(recipe, frames, signal, hop)
        found = frames(signal, None)
        if recipe.frames == "active":
            found = found[:, pooling.active(signal, found.shape[1])]
        return pooling.pool(found, recipe.statistics)

    names = tuple(pooling.names(channels, recipe.statistics))
    identity |= {"statistics": list(recipe.statistics), "frames": recipe.frames}
    return Extractor(recipe.name, names, _fingerprint(recipe.name, packages, **identity), minimum_samples, measure)


def _in_windows(
    recipe: Recipe, frames: Callable[[np.ndarray, Window | None], np.ndarray], signal: np.ndarray, hop: int
) -> np.ndarray:
    """Encode a long signal in windows and pool their frames together, in memory that its length hardly changes.

    PASE's frames are those of the whole signal, but that skip connections do not drift: of a length that is no multiple
    of the hop the whole would average them by 159 samples rather than 160. MFCC's floor, 80 dB below the loudest, and
    the attention of the self-supervised networks are those of a window.

    Args:
        recipe: how to pool.
        frames: gives (channels, frames), one for each hop.
        signal: (samples,); the part of a hop at its end is left out.
        hop: samples from one frame to the next.

    Returns:
        float32 (numbers,).
    """
    count = signal.size // hop
    signal = signal[: count * hop]
    active = pooling.active(signal, count) if recipe.frames == "active" else np.ones(count, bool)
    pool, window = pooling.Pool(recipe.statistics), Window()
    for start in range(0, signal.size, WINDOW):
        before, stop = min(start, CONTEXT), min(start + WINDOW, signal.size)
        window.kept = slice(before // hop, (before + stop - start) // hop)
        found = frames(signal[start - before : stop + CONTEXT], window)[:, window.kept]
        first = start // hop
        pool.add(found[:, active[first : first + found.shape[1]]])
    return pool.vector()


def _fingerprint(name: str, packages: Sequence[str], **identity) -> str:
    # The build after the plus, as in 2.11.0+cpu, tells devices apart, not versions.
    versions = {package: version(package).split("+")[0] for package in ("numpy", "soxr", "torch", *packages)}
    made = {"extractor": name, "code": _code(), "versions": versions, "numerics": _numerics()}
    return json.dumps(made | identity, sort_keys=True)


def _numerics(device: str = "cpu") -> str:
    """Name what decides the last digits, and no others."""
    if device != "cpu":
        return device
    name = numerics.name()
    return name if name == numerics.PORTABLE else f"{name}, {torch.backends.cpu.get_cpu_capability()}"


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


def _digest(network: nn.Module) -> str:
    """Hash the weights themselves, so that it does not matter how they were stored."""
    digest = hashlib.sha256()
    for key, tensor in sorted(network.state_dict().items()):
        digest.update(key.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()
