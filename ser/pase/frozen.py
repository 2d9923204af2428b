"""PASE and PASE+ with fixed weights: the frames of ``PasePlus`` in evaluation mode, in the form that costs least.

Batch norms are folded into the weights before them. The waveform passes through the blocks in pieces whose frames stay
in the processor's cache; each block keeps the few frames that the next piece needs. The skip connections are one
product. What that is worth: ``docs/performance.md``.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor, nn
from torch.nn import functional

from ser.pase.encoder import ConvBlock, PasePlus
from ser.pase.padding import after, before
from ser.pase.qrnn import QRNNLayer, forget_mult, opened

# SincNet and the block after it have most of the frames, 4 MB for a second. The others have a tenth of that, and gain
# from longer pieces.
EARLY = 2
EARLY_PIECE, SHORTEST = 16_000, 2_000  # samples, over all signals of a batch; of each signal at least
LATE_PIECE = 8_000  # frames of the last early block: 5 s
TOP_PIECE = 500  # frames of the output, 5 s
FEW = 4  # neighbours that are averaged sooner one after the other than by PyTorch's mean


class Convolved(NamedTuple):
    """What the blocks make of waveforms, all at the output's rate.

    Attributes:
        below: (batch, maps, frames) of the last block.
        past: what reaches the output past the layers above the last block, (batch, channels, frames).
        inner: name to (batch, maps, frames), averages of the blocks before the last.
    """

    below: Tensor
    past: Tensor
    inner: dict[str, Tensor]


class Frozen(nn.Module):
    """An encoder as it is used. Its frames are those of ``PasePlus`` but for rounding (``docs/performance.md``).

    ``layers`` does all; ``convolve``, ``rnn`` and ``output`` are its parts, for a signal that comes in windows.

    Args:
        encoder: whose weights to take; later changes of it are not followed.
    """

    @torch.no_grad()
    def __init__(self, encoder: PasePlus) -> None:
        super().__init__()
        geometry = self.geometry = encoder.geometry
        sinc, *blocks = zip(encoder.blocks, geometry.strides, strict=True)
        blocks = [FrozenSinc(*sinc), *(FrozenBlock(*block) for block in blocks)]
        self.blocks = nn.ModuleDict(zip(geometry.layers, blocks, strict=False))
        self.last = list(self.blocks)[-1]
        self.rnn = FrozenQRNN(encoder.rnn.layers[0]) if geometry.qrnn_units is not None else None
        skips = [skip.weight for skip in encoder.denseskips] if geometry.skips else []
        weight, bias = folded(torch.cat([encoder.W.weight, *skips], dim=1), encoder.W.bias, encoder.norm_out)
        top = encoder.W.in_channels
        self.register_buffer("top_weight", weight[:, :top].contiguous())
        self.register_buffer("skip_weight", weight[:, top:].contiguous())
        self.register_buffer("bias", bias)

    def forward(self, signal: Tensor) -> Tensor:
        """Encode waveforms: see ``PasePlus.forward``."""
        return self.layers(signal, ["output"])["output"]

    def layers(self, signal: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """Encode waveforms and give inner layers beside the output, or instead of it: see ``PasePlus.layers``."""
        below, past, inner = self.convolve(signal, names)
        top = below if self.rnn is None else self.rnn(below)[0]
        given = inner | {self.last: below, "qrnn": top, "output": self.output(top, past)}
        return {name: given[name] for name in names}

    def convolve(self, signal: Tensor, names: Collection[str] = ()) -> Convolved:
        """Pass waveforms through the blocks.

        Args:
            signal: (batch, 1, samples), as for ``PasePlus.forward``.
            names: blocks whose averages are wanted; where there are skip connections, all are made.

        Raises:
            ValueError: a waveform is too short to be reflected in every layer.
        """
        geometry = self.geometry
        geometry.check(signal.shape[-1])
        counts = dict(zip(self.blocks, geometry.frames(signal.shape[-1]), strict=True))
        total = counts[self.last]
        wanted = [name for name in self.blocks if name != self.last and (geometry.skips or name in names)]
        ratios = {name: counts[name] // total for name in wanted}
        pieces = (max(EARLY_PIECE // len(signal), SHORTEST), LATE_PIECE)
        if signal.device.type != "cpu":  # pieces serve a processor's cache; a GPU is served by few large calls
            pieces = (signal.shape[-1], signal.shape[-1])
        blocks = list(self.blocks)
        frames, early = self._pass(blocks[:EARLY], signal, pieces[0], ratios)
        below, late = self._pass(blocks[EARLY:], frames, pieces[1], ratios)
        inner = {name: averages[..., :total] for name, averages in (early | late).items()}
        if not geometry.skips:
            return Convolved(below, self.bias[:, None].expand(len(signal), -1, total), inner)
        parts = zip(*(averages.split(TOP_PIECE, dim=-1) for averages in inner.values()), strict=True)
        past = [convolution(torch.cat(part, dim=1), self.skip_weight, self.bias) for part in parts]
        return Convolved(below, torch.cat(past, dim=-1), inner)

    def output(self, top: Tensor, past: Tensor) -> Tensor:
        """Join both ways to the output.

        Args:
            top: (batch, channels, frames) of the QRNN, or of the last block where there is none.
            past: what ``convolve`` gives beside, of the same frames.

        Returns:
            (batch, channels, frames).
        """
        return convolution(top, self.top_weight) + past

    def _pass(
        self, blocks: Sequence[str], frames: Tensor, piece: int, ratios: Mapping[str, int]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Pass frames through some blocks in pieces of about equal length.

        Args:
            blocks: which, one after the other.
            frames: (batch, maps, frames) into the first of them.
            piece: about how many frames a piece has.
            ratios: how many neighbouring frames of a block to average, for the blocks whose averages are wanted.

        Returns:
            (batch, maps, frames) out of the last of them, and the averages of each that are wanted.
        """
        pieces = frames.tensor_split(max(1, round(frames.shape[-1] / piece)), dim=-1)
        held, rest, passed = {}, {}, []
        averages = {name: [] for name in blocks if name in ratios}
        for number, frames in enumerate(pieces, 1):
            for name in blocks:
                frames, held[name] = self.blocks[name](frames, held.get(name), last=number == len(pieces))
                if name in ratios:
                    average, rest[name] = averaged(frames, rest.get(name), ratios[name])
                    averages[name].append(average)
            passed.append(frames)
        return torch.cat(passed, dim=-1), {name: torch.cat(parts, dim=-1) for name, parts in averages.items()}


class FrozenBlock(nn.Module):
    """A conv block whose input comes in pieces."""

    def __init__(self, block: ConvBlock, stride: int) -> None:
        super().__init__()
        self.padding, self.stride = block.padding, stride
        weight, bias = folded(*self.taken(block), block.norm)
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)
        self.register_buffer("slopes", block.act.weight.clone())

    def taken(self, block: ConvBlock) -> tuple[Tensor, Tensor | None]:
        """Give the convolution's weight and bias."""
        return block.conv.weight, block.conv.bias

    def convolve(self, frames: Tensor) -> Tensor:
        """(batch, maps of the layer before, frames) -> (batch, maps, frames out)."""
        return convolution(frames, self.weight, self.bias, self.stride)

    def forward(self, frames: Tensor, held: Tensor | None, last: bool) -> tuple[Tensor, Tensor]:
        """Convolve a piece.

        Args:
            frames: (batch, maps of the layer before, frames), longer than the reflected ends.
            held: what the piece before left; None for the first piece, whose beginning is reflected.
            last: whether it is the last piece, whose end is reflected.

        Returns:
            (batch, maps, frames out), and what the next piece needs.
        """
        left, right = self.padding
        parts = [before(frames, left) if held is None else held, frames]
        parts += [after(frames, right)] if last else []
        frames = torch.cat(parts, dim=-1)
        count = (frames.shape[-1] - self.weight.shape[-1]) // self.stride + 1
        return functional.prelu(self.convolve(frames), self.slopes), frames[..., count * self.stride :]


class FrozenSinc(FrozenBlock):
    """The SincNet layer, whose filters are symmetric: samples of the same weight are added first.

    That halves the products.
    """

    def __init__(self, block: ConvBlock, stride: int) -> None:
        super().__init__(block, stride)
        left = self.weight[:, 0, : self.weight.shape[-1] // 2 + 1].clone()  # (maps, taps up to the centre)
        left[:, -1] /= 2  # the centre will be added to itself
        self.register_buffer("left", torch.cat([left, self.bias[:, None]], dim=1))

    def taken(self, block: ConvBlock) -> tuple[Tensor, None]:
        """Give the filters."""
        return block.conv.filters(), None

    def convolve(self, frames: Tensor) -> Tensor:
        """(batch, 1, samples) -> (batch, maps, frames out)."""
        if frames.device.type != "cpu":
            return super().convolve(frames)
        half = self.left.shape[1] - 1
        count = frames.shape[-1] - self.weight.shape[-1] + 1
        shifted = sliding_window_view(frames.numpy()[:, 0], count, axis=-1)  # (batch, taps, frames out)
        sums = np.empty((len(frames), half + 1, count), np.float32)
        np.add(shifted[:, :half], shifted[:, ::-1][:, :half], out=sums[:, :half])
        sums[:, half] = 1  # for the bias
        # NumPy's product is OpenBLAS', which is fast with fixed numerics; PyTorch's is MKL's, which then is not.
        return torch.from_numpy(self.left.numpy() @ sums)


class FrozenQRNN(nn.Module):
    """The QRNN, which can go on from what it remembers."""

    def __init__(self, layer: QRNNLayer) -> None:
        super().__init__()
        self.register_buffer("weight", layer.linear.weight[..., None].clone())
        self.register_buffer("bias", layer.linear.bias.clone())

    def forward(self, frames: Tensor, memory: Tensor | None = None, first: int = 0) -> tuple[Tensor, Tensor]:
        """Run over time.

        Args:
            frames: (batch, inputs, frames).
            memory: its state before the first frame, (batch, units, 1); None for no memory.
            first: where to begin; the frames before it serve the window of two frames alone.

        Returns:
            (batch, units, frames), 0 before ``first``, and the states from ``first`` on.
        """
        delayed = functional.pad(frames, (1, 0))[..., first:-1]
        given, states = [], []
        for piece in torch.cat([frames[..., first:], delayed], dim=1).split(TOP_PIECE, dim=-1):
            f, z, o = opened(convolution(piece, self.weight, self.bias))
            states.append(recurrence(f, z, memory))
            memory = states[-1][..., -1:]
            given.append(o * states[-1])
        return functional.pad(torch.cat(given, dim=-1), (first, 0)), torch.cat(states, dim=-1)


def recurrence(f: Tensor, z: Tensor, memory: Tensor | None) -> Tensor:
    """Compute what ``forget_mult`` does, on the CPU frame by frame: few sums there cost less than vectorised many."""
    if f.device.type != "cpu":
        return forget_mult(f, z, memory)
    added, kept = (part.permute(2, 0, 1).contiguous() for part in (f * z, 1 - f))  # (frames, batch, units)
    state = torch.zeros_like(added[0]) if memory is None else memory[..., 0]
    states = []
    for new, share in zip(added, kept, strict=True):
        state = torch.addcmul(new, share, state)
        states.append(state)
    return torch.stack(states, dim=-1)


def convolution(frames: Tensor, weight: Tensor, bias: Tensor | None = None, stride: int = 1) -> Tensor:
    """Convolve as ``functional.conv1d``, on the CPU by oneDNN also where PyTorch leaves it: one tap, few frames."""
    if frames.device.type == "cpu" and torch.backends.mkldnn.is_available():
        return torch.mkldnn_convolution(frames, weight, bias, (0,), (stride,), (1,), 1)
    return functional.conv1d(frames, weight, bias, stride)


def averaged(frames: Tensor, rest: Tensor | None, ratio: int) -> tuple[Tensor, Tensor]:
    """Average neighbouring frames; gives the averages, and the frames that are left for the next piece."""
    begun = []
    if rest is not None and rest.shape[-1]:
        missing = ratio - rest.shape[-1]
        begun = [torch.cat([rest, frames[..., :missing]], dim=-1).mean(2, keepdim=True)]
        frames = frames[..., missing:]
    count = frames.shape[-1] // ratio
    groups = frames[..., : count * ratio].unflatten(2, (count, ratio))
    averages = groups.mean(3) if ratio > FEW else sum(groups.unbind(3)) / ratio
    return torch.cat([*begun, averages], dim=-1), frames[..., count * ratio :]


def folded(weight: Tensor, bias: Tensor | None, norm: nn.BatchNorm1d) -> tuple[Tensor, Tensor]:
    """Let a convolution normalise what it gives, computed in float64.

    Args:
        weight: (maps, inputs, taps).
        bias: (maps,), or None for none.
        norm: the batch norm after it.

    Returns:
        Weight and bias, of the weight's type.
    """
    scale = 1 / torch.sqrt(norm.running_var.double() + norm.eps)
    if norm.affine:
        scale = scale * norm.weight.double()
    shift = -norm.running_mean.double() if bias is None else bias.double() - norm.running_mean.double()
    offset = norm.bias.double() if norm.affine else 0.0
    return (weight.double() * scale[:, None, None]).to(weight.dtype), (shift * scale + offset).to(weight.dtype)
