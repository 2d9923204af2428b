"""The SincNet layer: band-pass filters that learn two numbers each, their low edge and their width.

Source: Ravanelli and Bengio, "Speaker recognition from raw waveform with SincNet", 2018, arXiv 1808.00158, in the form
that the reference implementation of PASE+ gives it.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

MINIMUM_LOW_HZ = 50.0
MINIMUM_BAND_HZ = 50.0


class SincConv(nn.Module):
    """A bank of band-pass filters over the waveform.

    Args:
        filters: number of filters.
        taps: length of a filter in samples, odd.
        sampling_rate_hz: sampling rate of the waveform in Hz.
    """

    def __init__(self, filters: int, taps: int, sampling_rate_hz: int) -> None:
        super().__init__()
        assert taps % 2 == 1, "a symmetric filter with a centre has an odd number of taps"
        self.sampling_rate_hz = sampling_rate_hz
        edges_hz = mel_spaced_hz(filters + 1, 30.0, sampling_rate_hz / 2 - (MINIMUM_LOW_HZ + MINIMUM_BAND_HZ))
        # The names, with their underscores, are the published checkpoint's. Shape: (filters, 1).
        self.low_hz_ = nn.Parameter(edges_hz[:-1].unsqueeze(1))
        self.band_hz_ = nn.Parameter(edges_hz.diff().unsqueeze(1))
        half = taps // 2
        times_s = torch.arange(-half, 0, dtype=torch.float64) / sampling_rate_hz
        # A quirk of the reference, kept for parity: the half window's points run to (taps / 2) - 1, not to the centre.
        points = torch.linspace(0, taps / 2 - 1, half, dtype=torch.float64)
        self.register_buffer("angles", 2 * math.pi * times_s, persistent=False)  # (half,)
        self.register_buffer("window", 0.54 - 0.46 * torch.cos(2 * math.pi * points / taps), persistent=False)

    def filters(self) -> Tensor:
        """Build the filters from their edges, in float64: the last bits of a float32 sine depend on the processor.

        Returns:
            The impulse responses, float32 (filters, 1, taps), symmetric in time, with 1 at the centre.
        """
        low_hz = MINIMUM_LOW_HZ + self.low_hz_.double().abs()
        high_hz = (low_hz + MINIMUM_BAND_HZ + self.band_hz_.double().abs()).clamp(
            MINIMUM_LOW_HZ, self.sampling_rate_hz / 2
        )
        band_hz = high_hz - low_hz  # (filters, 1)
        left = 2 * (torch.sin(high_hz * self.angles) - torch.sin(low_hz * self.angles)) / self.angles
        left = left * self.window
        centre = 2 * band_hz
        return (torch.cat([left, centre, left.flip(1)], dim=1) / (2 * band_hz)).unsqueeze(1).to(self.low_hz_.dtype)

    def forward(self, signal: Tensor) -> Tensor:
        """Filter the waveform: (batch, 1, samples) -> (batch, filters, samples - taps + 1)."""
        mixed = torch.is_autocast_enabled(signal.device.type)
        return (filter_bank if mixed else functional.conv1d)(signal, self.filters())


def filter_bank(signal: Tensor, filters: Tensor, block: int = 32) -> Tensor:
    """Convolve one channel with many filters, as one matrix product, for mixed precision.

    The same as ``functional.conv1d(signal, filters)``, which finds no use for matrix units where there is one input
    channel; so done, a step of pretraining in bfloat16 takes a tenth less time. In float32 nothing is gained. Each row
    of the matrix gives ``block`` neighbouring samples of one filter's output from the ``taps + block - 1`` samples that
    they need.

    Args:
        signal: (batch, 1, samples).
        filters: (filters, 1, taps).
        block: samples of the output per row.

    Returns:
        (batch, filters, samples - taps + 1).
    """
    count, _, taps = filters.shape
    length = signal.shape[-1] - taps + 1
    blocks = -(-length // block)
    windows = functional.pad(signal[:, 0], (0, blocks * block - length)).unfold(1, taps + block - 1, block)
    # Rows that repeat with a period one longer than a window: each starts one sample later than the one above.
    period = functional.pad(filters[:, 0], (0, block)).repeat(1, block)
    matrix = period[:, : block * (taps + block - 1)].reshape(count * block, taps + block - 1)
    output = windows @ matrix.T  # (batch, blocks, filters * block)
    return output.unflatten(2, (count, block)).transpose(1, 2).flatten(2)[..., :length]


def mel_spaced_hz(count: int, low_hz: float, high_hz: float) -> Tensor:
    """Space frequencies equally on the mel scale, mel(f) = 2595 log10(1 + f / 700).

    Args:
        count: number of frequencies.
        low_hz: the first, in Hz.
        high_hz: the last, in Hz.

    Returns:
        (count,) frequencies in Hz, ascending.
    """
    low_mel, high_mel = (2595 * math.log10(1 + edge_hz / 700) for edge_hz in (low_hz, high_hz))
    mels = torch.linspace(low_mel, high_mel, count, dtype=torch.float64)
    return (700 * (10 ** (mels / 2595) - 1)).float()
