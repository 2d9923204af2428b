"""Export a bundle of PASE features as one ONNX file: a waveform in, probabilities out.

``python -m serving.export_onnx --model models/bundle --onnx models/bundle.onnx``
"""

import argparse
import copy
import json
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ser.audio import SAMPLING_RATE_HZ
from ser.bundle import reading
from ser.bundle.reading import Bundle
from ser.confidence.familiarity import ARRAYS
from ser.encoders import pooling, windows
from ser.encoders.level import HOP
from ser.encoders.pase_plus import PaseEncoder
from ser.files.failures import InputError, one_line
from ser.files.whole import whole_file
from ser.pase.qrnn import QRNNLayer, opened
from ser.predictor import Predictor
from serving.onnx_model import DISTANCE, FORMAT, PROBABILITIES, SIGNAL, OnnxModel
from serving.pipeline import Pipeline

STRIDES = 13  # of the recurrence, doubling: they reach 2^13 frames, 82 s, and windows.WHOLE has 60 s
TOLERANCE = 1e-4
CHECKED = (4800, 16_159, 59_217, 320_000)  # samples: 0.3 to 20 s, multiples of the hop and others


def main(arguments: Sequence[str] | None = None) -> None:
    """Read a bundle; write the ONNX file, once it gives the same probabilities."""
    parser = argparse.ArgumentParser(
        prog="python -m serving.export_onnx",
        description="Export a bundle of PASE features as one ONNX file: a waveform in, probabilities out.",
    )
    for flag, default, words in (
        ("--model", "models/bundle", "the bundle"),
        ("--onnx", "models/bundle.onnx", "the file to write; its name ends in .onnx"),
    ):
        shown = f"{words} (default: {default})"
        parser.add_argument(flag, type=Path, metavar="PATH", default=Path(default), help=shown)
    options = parser.parse_args(arguments)
    if options.onnx.suffix != ".onnx":
        parser.error(
            f"--onnx: expected a name that ends in .onnx, by which ser --model knows the file, found {options.onnx}"
        )
    with one_line("export_onnx"):
        largest = export(reading.load(options.model), options.onnx)
        print(f"export_onnx: answers differ by at most {largest:.1g}; see {options.onnx}")


def export(bundle: Bundle, path: Path) -> float:
    """Write a bundle as ONNX.

    Args:
        bundle: the bundle.
        path: the file, written whole or not at all.

    Returns:
        The largest difference between ONNX Runtime and PyTorch, as ``difference``.

    Raises:
        InputError: it cannot be exported, or the difference is above ``TOLERANCE``.
    """
    served = Pipeline(bundle.predictor, bundle.card)
    whole = Whole(bundle.predictor)
    encoder = bundle.predictor.extractor.encoder
    samples = torch.export.Dim("samples", min=encoder.minimum_samples, max=windows.WHOLE)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it would tell of packages that are not needed
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch about itself
        program = torch.onnx.export(
            whole,
            (torch.zeros(SAMPLING_RATE_HZ),),
            input_names=[SIGNAL],
            output_names=[PROBABILITIES, DISTANCE],
            dynamic_shapes=({0: samples},),
            dynamo=True,
            verbose=False,
        )
    told = {
        "labels": served.labels,
        "settings": served.settings,
        "abstain_below": served.abstain_below,
        "minimum_samples": encoder.minimum_samples,
        "maximum_samples": windows.WHOLE,
        "description": bundle.description,
    }
    program.model.metadata_props.update({key: json.dumps(value, sort_keys=True) for key, value in told.items()})
    program.model.metadata_props.update(format=FORMAT, card=bundle.card)
    with whole_file(path) as temporary:
        program.save(temporary)
        largest = difference(served, OnnxModel(temporary))
        if largest > TOLERANCE:
            raise InputError(f"{path}: expected the answers of the bundle, found some {largest:.2g} away")
    return largest


def difference(one, other) -> float:
    """Give the largest difference of a probability, or of a distance as a share of it, over noise of ``CHECKED``."""
    generator, found = np.random.default_rng(0), []
    for size in CHECKED:
        signal = (generator.normal(0, 0.2, size) * np.linspace(0, 1, size) ** 2).astype(np.float32)
        heard, heard_by_other = one.hear(signal), other.hear(signal)
        found.append(np.abs(heard.probabilities - heard_by_other.probabilities).max())
        found.append(abs(heard.distance - heard_by_other.distance) / heard.distance)
    return float(max(found))


class Whole(nn.Module):
    """The whole path, in operations that ONNX has: what ``Predictor`` does in NumPy and with loops.

    Args:
        trained: a predictor.

    Raises:
        InputError: its encoder or statistics have no such form.
    """

    def __init__(self, trained: Predictor):
        super().__init__()
        recipe, encoder = trained.extractor.recipe, trained.extractor.encoder
        if not isinstance(encoder, PaseEncoder):
            raise InputError(f"expected a bundle of PASE features for ONNX, found {recipe.encoder}")
        if surplus := [name for name in recipe.statistics if name not in pooling.SUMMED]:
            raise InputError(f"expected statistics of {', '.join(pooling.SUMMED)} for ONNX, found {surplus[0]}")
        self.recipe, self.layers = recipe, encoder.layers
        self.encoder = copy.deepcopy(encoder.network)
        if self.encoder.geometry.qrnn_units is not None:
            self.encoder.rnn = Recurrence(self.encoder.rnn.layers[0])
        self.classifiers = nn.ModuleList(trained.classifiers)
        self.temperature = trained.temperature
        self.limit, self.rest = trained.familiarity.limit, trained.familiarity.rest
        for name in ARRAYS:
            self.register_buffer(name, torch.from_numpy(getattr(trained.familiarity, name)).double())
        self.eval()

    def forward(self, signal: Tensor) -> tuple[Tensor, Tensor]:
        """Give the probabilities, float64 (labels,), of a signal, float32 (samples,); and its distance, float64 ()."""
        if self.recipe.level is not None:
            signal = self._at_level(signal)
        frames = self.encoder.layers(signal[None, None], self.layers)
        frames = torch.cat([frames[layer] for layer in self.layers], dim=1)[0]
        vector = self._pool(frames.double(), signal).float().double()[None]
        members = [
            torch.stack([network(vector).softmax(dim=1) for network in member.networks]).mean(dim=0)
            for member in self.classifiers
        ]
        mean = torch.stack(members).mean(dim=0)[0]
        tempered = (mean.clamp(min=torch.finfo(mean.dtype).tiny).log() / self.temperature).softmax(dim=0)
        return tempered, self._distance(vector[0])

    def _distance(self, vector: Tensor) -> Tensor:
        """Measure how far a vector, (numbers,), is from the training speech, as ``Familiarity.distances``."""
        row = (vector - self.mean) / self.scale
        along = self.directions @ row
        across = (row.square().sum() - along.square().sum()).clamp(min=0)
        return (((along.square() / self.variances).sum() + across / self.rest) / self.limit).sqrt()

    def _pool(self, frames: Tensor, signal: Tensor) -> Tensor:
        """Pool the frames that count, (channels, frames), as ``pooling.pool``."""
        ones = torch.ones_like(frames[0])
        counts = _active(ones, signal) if self.recipe.frames == "active" else ones > 0
        total = counts.double().sum()
        mean = torch.where(counts, frames, 0.0).sum(dim=1) / total
        made = {
            "mean": lambda: mean,
            "std": lambda: (torch.where(counts, frames - mean[:, None], 0.0).square().sum(dim=1) / total).sqrt(),
            "min": lambda: torch.where(counts, frames, torch.inf).amin(dim=1),
            "max": lambda: torch.where(counts, frames, -torch.inf).amax(dim=1),
        }
        return torch.cat([made[name]() for name in self.recipe.statistics])

    def _at_level(self, signal: Tensor) -> Tensor:
        """Scale a signal to the recipe's level, as ``level.at_level``: float32 (samples,)."""
        ones = torch.ones_like(signal[HOP - 1 :: HOP], dtype=torch.float64)  # of each frame one, as many as fit
        edges = functional.pad(ones, (1, 0)).cumsum(dim=0) * torch.ones_like(signal).double().sum() / ones.sum()
        edges = edges.floor().long()
        active = _active(ones, signal)
        energy = torch.where(active, _sums(signal)[edges].diff(), 0.0).sum()
        power = energy / torch.where(active, edges.diff(), 0).sum()
        gain = torch.where(power > 0, 10 ** (self.recipe.level / 20) / power.sqrt(), 1.0)
        return signal * gain.float()


def _active(ones: Tensor, signal: Tensor) -> Tensor:
    """Find the frames in which there is something to hear, as ``pooling.active``; a frame for each of the ones."""
    sums = _sums(signal)
    size, count = torch.ones_like(signal, dtype=torch.float64).sum(), ones.sum()
    centres = (ones.cumsum(dim=0) - 0.5) * size / count
    first = torch.minimum((centres - pooling.WINDOW / 2).clamp(min=0), size).long()
    last = torch.minimum((centres + pooling.WINDOW / 2).clamp(min=0), size).long()
    power = (sums[last] - sums[first]) / (last - first)
    return power >= power.max() * 10 ** (-pooling.ACTIVE_DB / 10)


def _sums(signal: Tensor) -> Tensor:
    """Sum the squares of the samples before each place, as ``pooling.energy``: float64 (samples + 1,)."""
    return functional.pad(signal.double().square(), (1, 0)).cumsum(dim=0)


class Recurrence(nn.Module):
    """The QRNN without a loop whose length depends on the signal's: as many strides as the longest one needs."""

    def __init__(self, layer: QRNNLayer):
        super().__init__()
        self.linear = layer.linear

    def forward(self, frames: Tensor) -> Tensor:
        """(batch, inputs, frames) -> (batch, units, frames), as ``QRNNLayer``."""
        taps = self.linear.weight.unflatten(1, (2, -1)).flip(1).transpose(1, 2)
        f, z, o = opened(functional.conv1d(functional.pad(frames, (1, 0)), taps, self.linear.bias))
        a, b = 1 - f, f * z
        for stride in (2**power for power in range(STRIDES)):
            b, a = b + a * _later(b, stride), a * _later(a, stride)
        return o * b


def _later(frames: Tensor, stride: int) -> Tensor:
    """Move frames to later times, with zeros before them; (batch, units, frames)."""
    return functional.pad(frames, (stride, 0))[..., : frames.shape[-1]]


if __name__ == "__main__":
    main()
