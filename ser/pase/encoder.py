"""The PASE and PASE+ encoders: a waveform in, a frame of learned features every 10 ms out.

Sources: Pascual et al., "Learning problem-agnostic speech representations from multiple self-supervised tasks", 2019,
arXiv 1904.03416 (PASE: 100 numbers a frame); Ravanelli et al., "Multi-task self-supervised learning for robust speech
recognition", 2020, arXiv 2001.09239 (PASE+: skip connections, a QRNN, 256 numbers a frame).

    waveform -> SincNet -> 7 conv blocks -> [QRNN] -> 1x1 conv -> (+) -> BatchNorm -> frames
                   |          |                                    |
                   +----------+-- 1x1 conv, averaged in time ------+      [PASE+ only]

Parameter names are the published checkpoint's, so that it loads as it is (``ser.pase.checkpoint``).

This is the form that is trained. Features are encoded by ``ser.pase.frozen``: the same layers with fixed weights, batch
norms folded, which takes less time and memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

from torch import Tensor, nn

from ser.pase.padding import reflect
from ser.pase.qrnn import QRNN
from ser.pase.sincnet import SincConv

SAMPLING_RATE_HZ = 16_000


@dataclass(frozen=True)
class Geometry:
    """The sizes of an encoder, from which layers, hop and frame count derive.

    Attributes:
        kernels: taps of the SincNet filters, then the kernel of each conv block.
        strides: stride of each of them.
        maps: channels out of each of them.
        channels: numbers per output frame.
        qrnn_units: units of the QRNN, or None for none.
        skips: whether every layer but the last conv block is also summed into the output.
    """

    kernels: tuple[int, ...] = (251, 20, 11, 11, 11, 11, 11, 11)
    strides: tuple[int, ...] = (1, 10, 2, 1, 2, 1, 2, 2)
    maps: tuple[int, ...] = (64, 64, 128, 128, 256, 256, 512, 512)
    channels: int = 256
    qrnn_units: int | None = 512
    skips: bool = True

    @property
    def hop(self) -> int:
        """Samples from one output frame to the next."""
        return prod(self.strides)

    def padding(self, layer: int) -> tuple[int, int]:
        """Frames to reflect before and after the input of a layer."""
        half = self.kernels[layer] // 2
        # As in the reference: where the kernel has no middle, or wherever it strides, one frame less before than after.
        uneven = self.strides[layer] > 1 or self.kernels[layer] % 2 == 0
        return (half - 1, half) if uneven else (half, half)

    def frames(self, samples: int) -> list[int]:
        """Count the frames out of each layer.

        Args:
            samples: length of the waveform.

        Returns:
            One count a layer; the last is the encoder's output.
        """
        counts = []
        for layer, (kernel, stride) in enumerate(zip(self.kernels, self.strides, strict=True)):
            samples = (samples + sum(self.padding(layer)) - kernel) // stride + 1
            counts.append(samples)
        return counts

    def check(self, samples: int) -> None:
        """Raise ValueError if a waveform is too short to be reflected in every layer."""
        if samples < self.minimum_samples:
            raise ValueError(f"expected at least {self.minimum_samples} samples, found {samples}")

    @property
    def layers(self) -> dict[str, int]:
        """Count the numbers a frame of each layer, by name: SincNet, the conv blocks, the QRNN if any, the output."""
        names = ["sinc", *(f"block{number}" for number in range(1, len(self.maps)))]
        top = {"qrnn": self.qrnn_units} if self.qrnn_units is not None else {}
        return dict(zip(names, self.maps, strict=True)) | top | {"output": self.channels}

    @cached_property
    def minimum_samples(self) -> int:
        """The shortest waveform whose ends can be reflected in every layer."""
        samples = 1
        while any(
            max(self.padding(layer)) >= count for layer, count in enumerate([samples, *self.frames(samples)[:-1]])
        ):
            samples += 1
        return samples


PASE_PLUS = Geometry()
PASE = replace(PASE_PLUS, channels=100, qrnn_units=None, skips=False)


class ConvBlock(nn.Module):
    """Reflect, convolve, normalise, PReLU per channel; the first block's convolution is the SincNet layer."""

    def __init__(self, geometry: Geometry, layer: int) -> None:
        super().__init__()
        maps, kernel, stride = geometry.maps[layer], geometry.kernels[layer], geometry.strides[layer]
        self.padding = geometry.padding(layer)
        if layer == 0:
            self.conv = SincConv(maps, kernel, SAMPLING_RATE_HZ)
        else:
            self.conv = nn.Conv1d(geometry.maps[layer - 1], maps, kernel, stride)
        self.norm = nn.BatchNorm1d(maps)
        self.act = nn.PReLU(maps, init=0.0)

    def forward(self, frames: Tensor) -> Tensor:
        """(batch, maps of the layer before, frames) -> (batch, maps, frames out)."""
        filtered = self.conv(reflect(frames, *self.padding))
        return self.act(self.norm(filtered))


class PasePlus(nn.Module):
    """The encoder of a geometry: ``PASE_PLUS`` or ``PASE``.

    Args:
        geometry: the sizes.

    Example:
        >>> import torch
        >>> encoder = PasePlus(PASE_PLUS).eval()
        >>> encoder(torch.zeros(1, 1, 100_000)).shape
        torch.Size([1, 256, 625])
    """

    def __init__(self, geometry: Geometry = PASE_PLUS) -> None:
        super().__init__()
        self.geometry = geometry
        layers = range(len(geometry.maps))
        self.blocks = nn.ModuleList(ConvBlock(geometry, layer) for layer in layers)
        top = geometry.maps[-1]
        if geometry.qrnn_units is not None:
            self.rnn = QRNN(top, geometry.qrnn_units)
            top = geometry.qrnn_units
        self.W = nn.Conv1d(top, geometry.channels, 1)
        if geometry.skips:
            self.denseskips = nn.ModuleList(
                nn.Conv1d(maps, geometry.channels, 1, bias=False) for maps in geometry.maps[:-1]
            )
        self.norm_out = nn.BatchNorm1d(geometry.channels, affine=False)

    def forward(self, signal: Tensor) -> Tensor:
        """Encode waveforms.

        Args:
            signal: (batch, 1, samples), mono at 16 kHz, about -1..1; its loudness is left as it is.

        Returns:
            (batch, channels, frames), a frame per 160 samples.

        Raises:
            ValueError: a waveform is too short to be reflected in every layer.
        """
        return self.layers(signal, ["output"])["output"]

    def layers(self, signal: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """Encode waveforms and give inner layers beside the output, or instead of it.

        Args:
            signal: as for ``forward``.
            names: the layers to give, out of ``geometry.layers``.

        Returns:
            Name to (batch, channels of the layer, frames), in the order of ``names``, each after its activation and at
            the output's rate: a layer with more frames is averaged down to it (``average_to``), as the skip connections
            do.

        Raises:
            ValueError: a waveform is too short to be reflected in every layer.
        """
        self.geometry.check(signal.shape[-1])
        total = self.geometry.frames(signal.shape[-1])[-1]
        given, frames, skipped = {}, signal, 0
        # The names go on after the blocks: QRNN, output.
        for layer, (name, block) in enumerate(zip(self.geometry.layers, self.blocks, strict=False)):
            frames = block(frames)  # (batch, maps, frames of this layer)
            skips = self.geometry.skips and layer < len(self.denseskips)
            if skips or name in names:
                given[name] = average_to(frames, total)
            if skips:
                skipped = skipped + self.denseskips[layer](given[name])
        if self.geometry.qrnn_units is not None:
            frames = given["qrnn"] = self.rnn(frames)
        given["output"] = self.norm_out(self.W(frames) + skipped)
        return {name: given[name] for name in names}


def average_to(frames: Tensor, total: int) -> Tensor:
    """Average neighbouring frames down to fewer, by the whole ratio of the two counts.

    The reference truncates to a multiple of the target count and reshapes. The ratio depends on the length: 16,159
    samples give 101 frames, and a ratio of 159 rather than 160. Averaging before the skip's 1x1 convolution, which is
    linear, gives the reference's result at a fraction of the cost.

    Args:
        frames: (batch, channels, frames).
        total: how many frames to average them to.

    Returns:
        (batch, channels, total).
    """
    ratio = frames.shape[-1] // total
    return frames[..., : ratio * total].unflatten(2, (total, ratio)).mean(3)
