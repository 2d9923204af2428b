"""The quasi-recurrent layer: gates by a linear layer over two frames, then an element-wise recurrence over time.

Source: Bradbury et al., "Quasi-recurrent neural networks", 2016, arXiv 1611.01576, with the gates' order and the forget
gate's convention of the implementation that PASE+ was trained with.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class QRNNLayer(nn.Module):
    """One forward QRNN layer with a window of two frames and fo-pooling.

    Args:
        inputs: channels in.
        units: channels out.
    """

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.linear = nn.Linear(2 * inputs, 3 * units)

    def forward(self, frames: Tensor) -> Tensor:
        """Run over time.

        Args:
            frames: (batch, inputs, frames).

        Returns:
            (batch, units, frames).
        """
        # The layer takes the current frame's channels, then those of the frame before: a convolution of two frames.
        taps = self.linear.weight.unflatten(1, (2, -1)).flip(1).transpose(1, 2)  # (3 * units, inputs, 2)
        gates = functional.conv1d(
            functional.pad(frames, (1, 0)), taps, self.linear.bias
        )  # zeros before the first frame
        f, z, o = opened(gates)
        return o * forget_mult(f, z)


class QRNN(nn.Module):
    """A stack of one layer, so that the keys are those of the published checkpoint (``rnn.layers.0.linear``)."""

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([QRNNLayer(inputs, units)])

    def forward(self, frames: Tensor) -> Tensor:
        """Run over time: (batch, inputs, frames) -> (batch, units, frames)."""
        for layer in self.layers:
            frames = layer(frames)
        return frames


def opened(gates: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Give the forget gate, the new values and the output gate, each (batch, units, frames).

    Args:
        gates: (batch, 3 * units, frames), what the linear layer gives.
    """
    # In float32 even under mixed precision: the recurrence adds up rounding errors.
    z, f, o = gates.float().chunk(3, dim=1)
    # tanh by the sigmoid: torch has the first from MKL, whose last bits may depend on the processor.
    return torch.sigmoid(f), 2 * torch.sigmoid(2 * z) - 1, torch.sigmoid(o)


def forget_mult(f: Tensor, z: Tensor, memory: Tensor | None = None) -> Tensor:
    """Compute the recurrence c_t = f_t z_t + (1 - f_t) c_{t-1}.

    The loop doubles its stride at each turn (a parallel scan), so that n frames take log2(n) vectorised steps rather
    than n small ones: c_t = b_t + a_t c_{t-k}, with b and a composed over the last k frames.

    Args:
        f: (batch, units, frames), in 0..1: how much of the new value enters.
        z: (batch, units, frames), the new values.
        memory: c_{-1}, (batch, units, 1); None for 0.

    Returns:
        (batch, units, frames).
    """
    a, b = 1 - f, f * z
    if memory is not None:
        b = torch.cat([b[..., :1] + a[..., :1] * memory, b[..., 1:]], dim=-1)
    stride = 1
    while stride < f.shape[-1]:
        b = torch.cat([b[..., :stride], b[..., stride:] + a[..., stride:] * b[..., :-stride]], dim=-1)
        a = torch.cat([a[..., :stride], a[..., stride:] * a[..., :-stride]], dim=-1)
        stride *= 2
    return b
