"""Distort the encoder's input, so that its features must survive rooms, noise and bad lines; targets stay clean.

Source: the distortions of PASE+ (arXiv 2001.09239, section 2.1), with downsampling and gain beside them.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ser.pretraining.store import Store

SAMPLING_RATE_HZ = 16_000
ONSET = 0.1  # of the peak, 20 dB below it: from there on a response has begun (ISO 3382-1)


@dataclass(frozen=True)
class Distortions:
    """Probability and range of each distortion; ranges are drawn from uniformly.

    Attributes:
        reverberation: probability of a room.
        noise: probability of additive noise.
        noise_snr_db: its signal-to-noise ratio.
        overlap: probability of another voice.
        overlap_snr_db: its signal-to-noise ratio.
        clipping: probability of clipping.
        clipping_level: level, as a share of the peak.
        chops: probability of temporal masking.
        chops_s: length of each of up to three silenced pieces.
        band_drop: probability of frequency masking.
        band_drop_hz: width of the removed band.
        downsampling: probability of losing the upper half of the spectrum (4 kHz).
        gain: probability of another loudness.
        gain_db: its change.
    """

    reverberation: float = 0.3
    noise: float = 0.4
    noise_snr_db: tuple[float, ...] = (0.0, 15.0)
    overlap: float = 0.1
    overlap_snr_db: tuple[float, ...] = (5.0, 15.0)
    clipping: float = 0.15
    clipping_level: tuple[float, ...] = (0.1, 0.6)
    chops: float = 0.2
    chops_s: tuple[float, ...] = (0.02, 0.15)
    band_drop: float = 0.3
    band_drop_hz: tuple[float, ...] = (100.0, 1500.0)
    downsampling: float = 0.15
    gain: float = 0.5
    gain_db: tuple[float, ...] = (-12.0, 6.0)

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, tuple) and not (len(value) == 2 and value[0] <= value[1]):
                raise ValueError(f"{name}: expected [lowest, highest], found {list(value)}")
            if isinstance(value, float) and not 0 <= value <= 1:
                raise ValueError(f"{name}: expected a probability, 0 to 1, found {value}")


def distort(
    clean: Tensor,
    settings: Distortions,
    generator: np.random.Generator,
    noises: Store | None = None,
    rooms: list[np.ndarray] | None = None,
) -> Tensor:
    """Distort a batch.

    Args:
        clean: (batch, samples).
        settings: probabilities and ranges.
        generator: draws everything; the same state gives the same result.
        noises: where noise comes from, if its probability is above 0.
        rooms: impulse responses, if the probability of reverberation is above 0.

    Returns:
        (batch, samples), another tensor.
    """
    batch, samples = clean.shape
    device = clean.device

    def chosen(probability: float) -> Tensor:
        return torch.from_numpy(np.flatnonzero(generator.random(batch) < probability))

    def drawn(bounds: tuple[float, ...], count: int) -> Tensor:
        return torch.from_numpy(generator.uniform(*bounds, size=(count, 1)).astype(np.float32)).to(device)

    signal = clean.clone()
    rows = chosen(settings.overlap)
    if len(rows) and batch > 1:
        others = (rows + int(generator.integers(1, batch))) % batch
        signal[rows] = at_snr(signal[rows], clean[others], drawn(settings.overlap_snr_db, len(rows)))
    rows = chosen(settings.reverberation)
    if len(rows):
        picks = generator.integers(len(rooms), size=len(rows))
        signal[rows] = reverberate(signal[rows], [torch.from_numpy(rooms[pick]) for pick in picks])
    rows = chosen(settings.noise)
    if len(rows):
        noise = noises.chunks(len(rows), samples, generator).to(device)
        signal[rows] = at_snr(signal[rows], noise, drawn(settings.noise_snr_db, len(rows)))
    rows = chosen(settings.clipping)
    if len(rows):
        limit = signal[rows].abs().amax(dim=1, keepdim=True) * drawn(settings.clipping_level, len(rows))
        signal[rows] = signal[rows].clamp(-limit, limit)
    rows = chosen(settings.band_drop)
    if len(rows):
        width_hz = drawn(settings.band_drop_hz, len(rows))
        low_hz = drawn((0.0, 1.0), len(rows)) * (SAMPLING_RATE_HZ / 2 - width_hz)
        signal[rows] = without_band(signal[rows], low_hz, low_hz + width_hz)
    rows = chosen(settings.downsampling)
    if len(rows):
        edge_hz = torch.full((len(rows), 1), SAMPLING_RATE_HZ / 4, device=device)
        signal[rows] = without_band(signal[rows], edge_hz, 2 * edge_hz + 1)
    for row in chosen(settings.chops).tolist():
        for _ in range(int(generator.integers(1, 4))):
            length = int(generator.uniform(*settings.chops_s) * SAMPLING_RATE_HZ)
            start = int(generator.integers(max(samples - length, 1)))
            signal[row, start : start + length] = 0
    rows = chosen(settings.gain)
    if len(rows):
        signal[rows] = signal[rows] * 10 ** (drawn(settings.gain_db, len(rows)) / 20)
    return signal


def at_snr(signal: Tensor, noise: Tensor, snr_db: Tensor) -> Tensor:
    """Add noise at a ratio of powers: (batch, samples), (batch, samples), (batch, 1) in dB -> (batch, samples)."""
    power, noise_power = (part.square().mean(dim=1, keepdim=True) for part in (signal, noise))
    wanted = power / 10 ** (snr_db / 10)
    return signal + noise * torch.sqrt(wanted / noise_power.clamp(min=1e-12))


def reverberate(signal: Tensor, responses: list[Tensor]) -> Tensor:
    """Convolve each signal with a room, from the response's onset on and at the signal's own power.

    In halls the peak can come tens of milliseconds after the direct sound.

    Args:
        signal: (batch, samples).
        responses: one impulse response (taps,) for each signal, on the CPU.

    Returns:
        (batch, samples).
    """
    taps = [response[int((response.abs() >= ONSET * response.abs().max()).int().argmax()) :] for response in responses]
    room = torch.nn.utils.rnn.pad_sequence(taps, batch_first=True).to(signal.device)
    size = signal.shape[1] + room.shape[1] - 1
    wet = torch.fft.irfft(torch.fft.rfft(signal, size) * torch.fft.rfft(room, size), size)[:, : signal.shape[1]]
    loudness = signal.square().mean(dim=1, keepdim=True) / wet.square().mean(dim=1, keepdim=True).clamp(min=1e-12)
    return wet * loudness.sqrt()


def without_band(signal: Tensor, low_hz: Tensor, high_hz: Tensor) -> Tensor:
    """Remove frequencies from low_hz up to high_hz: (batch, samples), (batch, 1), (batch, 1) -> (batch, samples)."""
    frequencies_hz = torch.fft.rfftfreq(signal.shape[1], 1 / SAMPLING_RATE_HZ).to(signal.device)
    kept = (frequencies_hz < low_hz) | (frequencies_hz >= high_hz)
    return torch.fft.irfft(torch.fft.rfft(signal) * kept, signal.shape[1])
