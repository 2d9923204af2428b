"""Reflect the ends of signals, each at its own end where a batch holds different lengths."""

import torch
from torch import Tensor


def reflect(signal: Tensor, left: int, right: int, lengths: Tensor | None = None) -> Tensor:
    """Pad with the mirror image of the ends, without repeating the edge sample.

    Args:
        signal: (batch, channels, frames).
        left: frames to add before.
        right: frames to add after.
        lengths: (batch,) true number of frames of each; None where all are full. What follows a signal's end is
            replaced by its mirror image; the first ``length + left + right`` frames are those of the signal alone.

    Returns:
        (batch, channels, frames + left + right).
    """
    if lengths is None:
        # As functional.pad(mode="reflect"), which leaves mixed precision for float32 and doubles the memory traffic.
        before = signal[..., 1 : left + 1].flip(-1)
        after = signal[..., -right - 1 : -1].flip(-1)
        return torch.cat([before, signal, after], dim=-1)
    positions = torch.arange(-left, signal.shape[-1] + right, device=signal.device)
    last = (lengths - 1).unsqueeze(1)
    source = last - (last - positions.abs()).abs()  # mirrored at 0, then at each signal's last frame: (batch, frames)
    source = source.clamp(min=0).unsqueeze(1).expand(-1, signal.shape[1], -1)  # beyond the mirror image: unused
    return signal.gather(2, source)
