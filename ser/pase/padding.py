"""Reflect the ends of signals."""

import torch
from torch import Tensor


def reflect(signal: Tensor, left: int, right: int) -> Tensor:
    """Pad with the mirror image of the ends, without repeating the edge sample.

    As functional.pad(mode="reflect"), which leaves mixed precision for float32 and doubles the memory traffic.

    Args:
        signal: (batch, channels, frames).
        left: frames to add before.
        right: frames to add after.

    Returns:
        (batch, channels, frames + left + right).
    """
    return torch.cat([before(signal, left), signal, after(signal, right)], dim=-1)


def before(signal: Tensor, left: int) -> Tensor:
    """Mirror the first frames: (batch, channels, left)."""
    return signal[..., 1 : left + 1].flip(-1)


def after(signal: Tensor, right: int) -> Tensor:
    """Mirror the last frames: (batch, channels, right)."""
    return signal[..., -right - 1 : -1].flip(-1)
