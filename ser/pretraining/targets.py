"""What the regression workers have to predict: classic speech features of the clean signal, in batches, on any device.

A frame every 10 ms, aligned with the encoder's frames. Short windows are 25 ms, long ones 64 ms.
"""

import math

import torch
import torchaudio
from torch import Tensor, nn

SAMPLING_RATE_HZ = 16_000
HOP = 160
SHORT_WINDOW, SHORT_FFT = 400, 512
LONG_WINDOW, LONG_FFT = 1024, 1024
BANDS = 40
FLOOR = 1e-8  # of a power; about -80 dB, the noise of a quiet 16-bit recording
F0_MINIMUM_HZ, F0_MAXIMUM_HZ = 60.0, 500.0
SHORTEST_LAG, LONGEST_LAG = int(SAMPLING_RATE_HZ / F0_MAXIMUM_HZ), int(SAMPLING_RATE_HZ / F0_MINIMUM_HZ)  # samples
PERIODS, PERIODS_AN_OCTAVE = 48, 16
OCTAVE_COST = 0.01
VOICING_THRESHOLD = 0.45


class Targets(nn.Module):
    """Compute every regression target of a batch of signals.

    Log power spectrum (``lps``), log mel bands (``fbank``), log gammatone bands (``gammatone``) and cepstra (``mfcc``),
    each with a short and a long window, and ``prosody``: log F0, voicing, log energy, zero-crossing rate. Each comes
    with its first and second time derivatives. ``periodicity``, the autocorrelation that F0 is read from, is not a
    task of PASE+: without it an encoder that has seen little speech hardly learns F0, one number among hundreds.
    """

    def __init__(self) -> None:
        super().__init__()
        for name, window, fft, cepstra in (("short", SHORT_WINDOW, SHORT_FFT, 13), ("long", LONG_WINDOW, LONG_FFT, 20)):
            bins = fft // 2 + 1
            mel = torchaudio.functional.melscale_fbanks(bins, 0.0, SAMPLING_RATE_HZ / 2, BANDS, SAMPLING_RATE_HZ)
            self.register_buffer(f"{name}_window", torch.hann_window(window), persistent=False)
            self.register_buffer(f"{name}_mel", mel.T.contiguous(), persistent=False)  # (bands, bins)
            self.register_buffer(f"{name}_gammatone", gammatone_bands(bins), persistent=False)  # (bands, bins)
            self.register_buffer(
                f"{name}_dct",
                torchaudio.functional.create_dct(cepstra, BANDS, norm="ortho").T.contiguous(),
                persistent=False,
            )

    @torch.no_grad()
    def forward(self, signal: Tensor) -> dict[str, Tensor]:
        """Compute the targets.

        Args:
            signal: (batch, samples), clean, at 16 kHz.

        Returns:
            Name to (batch, dimensions, frames), float32, with samples // 160 frames.
        """
        values: dict[str, Tensor] = {}
        for name, fft in (("short", SHORT_FFT), ("long", LONG_FFT)):
            power = power_spectrum(signal, fft, getattr(self, f"{name}_window"))
            fbank = (getattr(self, f"{name}_mel") @ power).clamp(min=FLOOR).log()
            values[f"lps_{name}"] = power.clamp(min=FLOOR).log()
            values[f"fbank_{name}"] = fbank
            values[f"gammatone_{name}"] = (getattr(self, f"{name}_gammatone") @ power).clamp(min=FLOOR).log()
            values[f"mfcc_{name}"] = getattr(self, f"{name}_dct") @ fbank
        correlation = autocorrelation(signal)
        values["prosody"] = prosody(signal, correlation)
        derived = {name: with_derivatives(value) for name, value in values.items()}
        return derived | {"periodicity": periodicity(correlation)}


def power_spectrum(signal: Tensor, fft: int, window: Tensor) -> Tensor:
    """Compute the short-time power spectrum.

    Args:
        signal: (batch, samples).
        fft: points of the transform.
        window: (at most fft,).

    Returns:
        (batch, fft // 2 + 1, samples // 160), normalised by the window's energy. The first frame, centred at sample 0,
        is dropped: the encoder's strided layers look ahead, so that its frame t is centred near sample 160 (t + 1).
    """
    spectrum = torch.stft(
        signal, fft, hop_length=HOP, win_length=len(window), window=window, center=True, return_complex=True
    )
    return spectrum.abs().square()[..., 1 : signal.shape[-1] // HOP + 1] / window.square().sum()


def gammatone_bands(bins: int) -> Tensor:
    """Weigh the power spectrum as a bank of fourth-order gammatone filters would.

    |H(f)|^2 = (1 + ((f - fc) / b)^2)^-4 with b = 1.019 ERB(fc) and ERB(f) = 24.7 (4.37 f / 1000 + 1); centres equally
    spaced on the ERB-rate scale from 50 Hz to 7.6 kHz. Source: Slaney, "An efficient implementation of the
    Patterson-Holdsworth auditory filter bank", Apple technical report 35, 1993.

    Args:
        bins: points of the spectrum from 0 Hz to 8 kHz.

    Returns:
        (bands, bins), each row with a sum of 1.
    """
    low, high = (21.4 * math.log10(1 + 0.00437 * edge_hz) for edge_hz in (50.0, 7600.0))
    centres_hz = (10 ** (torch.linspace(low, high, BANDS, dtype=torch.float64) / 21.4) - 1) / 0.00437
    widths_hz = 1.019 * 24.7 * (4.37 * centres_hz / 1000 + 1)
    frequencies_hz = torch.linspace(0, SAMPLING_RATE_HZ / 2, bins, dtype=torch.float64)
    response = (1 + ((frequencies_hz - centres_hz[:, None]) / widths_hz[:, None]).square()).pow(-4)
    return (response / response.sum(dim=1, keepdim=True)).float()


def prosody(signal: Tensor, correlation: Tensor) -> Tensor:
    """Measure pitch, voicing, loudness and noisiness.

    Args:
        signal: (batch, samples).
        correlation: its ``autocorrelation``.

    Returns:
        (batch, 4, samples // 160): log F0 in log Hz, voicing 0..1, log of the mean square over 25 ms, sign changes per
        sample over 25 ms.
    """
    log_f0, voicing = pitch(correlation)
    power = _framed_mean(signal.square())
    changes = (signal[:, 1:].sign() - signal[:, :-1].sign()).abs() / 2
    crossings = _framed_mean(nn.functional.pad(changes, (1, 0)))
    return torch.stack([log_f0, voicing, power.clamp(min=FLOOR).log(), crossings], dim=1)


def _framed_mean(values: Tensor) -> Tensor:
    """Average over 25 ms around each frame's centre: (batch, samples) -> (batch, samples // 160)."""
    half = SHORT_WINDOW // 2
    padded = nn.functional.pad(values[:, None], (half - HOP, half))
    return nn.functional.avg_pool1d(padded, SHORT_WINDOW, HOP)[:, 0, : values.shape[-1] // HOP]


def autocorrelation(signal: Tensor) -> Tensor:
    """Correlate each frame of 64 ms with itself, after Boersma (1993): divided by its energy and by the window's own.

    Args:
        signal: (batch, samples).

    Returns:
        (batch, samples // 160, lags), about -1..1, at each lag in samples from one before the period of the highest F0
        to one after that of the lowest; 0 in frames without sound.
    """
    window = torch.hann_window(LONG_WINDOW, device=signal.device)
    half = LONG_WINDOW // 2
    frames = nn.functional.pad(signal, (half - HOP, half)).unfold(1, LONG_WINDOW, HOP)[:, : signal.shape[-1] // HOP]
    frames = (frames - frames.mean(dim=2, keepdim=True)) * window  # (batch, frames, window)
    correlation = _autocorrelation(frames)
    normalised = correlation / correlation[..., :1].clamp(min=FLOOR)
    own = _autocorrelation(window)
    lags = slice(SHORTEST_LAG - 1, LONGEST_LAG + 2)
    loud = frames.square().mean(dim=2, keepdim=True) > FLOOR
    return normalised[..., lags] / (own[lags] / own[0]) * loud


def pitch(correlation: Tensor) -> tuple[Tensor, Tensor]:
    """Estimate the fundamental frequency from the highest peak of the autocorrelation, after Boersma (1993).

    Args:
        correlation: (batch, frames, lags), of ``autocorrelation``.

    Returns:
        Log F0 in log Hz, and voicing 0..1: each (batch, frames).
    """
    lags = torch.arange(SHORTEST_LAG, LONGEST_LAG + 1, device=correlation.device)
    score = correlation[..., 1:-1] - OCTAVE_COST * torch.log2(F0_MINIMUM_HZ * lags / SAMPLING_RATE_HZ)
    best = score.argmax(dim=2, keepdim=True)  # place in the inner lags; best + 1 in the correlation
    before, peak, after = (correlation.gather(2, best + shift).squeeze(2) for shift in (0, 1, 2))
    bend = before - 2 * peak + after
    shift = torch.where(bend < -1e-6, 0.5 * (before - after) / bend.clamp(max=-1e-6), torch.zeros_like(bend))
    log_f0 = torch.log(SAMPLING_RATE_HZ / (lags[best.squeeze(2)] + shift.clamp(-0.5, 0.5)))
    voicing = peak.clamp(0, 1)
    return _held(log_f0, voicing >= VOICING_THRESHOLD), voicing


def periodicity(correlation: Tensor) -> Tensor:
    """Read the autocorrelation at the periods of 48 fundamental frequencies, 16 an octave up from 60 Hz.

    Args:
        correlation: (batch, frames, lags), of ``autocorrelation``.

    Returns:
        (batch, 48, frames), about -1..1: high at the true F0, and at its fractions.
    """
    f0_hz = F0_MINIMUM_HZ * 2 ** (torch.arange(PERIODS, device=correlation.device) / PERIODS_AN_OCTAVE)
    places = SAMPLING_RATE_HZ / f0_hz - (SHORTEST_LAG - 1)  # fractional
    below = places.floor().long()
    share = places - below
    return (correlation[..., below] * (1 - share) + correlation[..., below + 1] * share).transpose(1, 2)


def _autocorrelation(frames: Tensor) -> Tensor:
    spectrum = torch.fft.rfft(frames, n=2 * LONG_WINDOW)
    return torch.fft.irfft(spectrum.abs().square())[..., :LONG_WINDOW]


def _held(values: Tensor, known: Tensor) -> Tensor:
    """Keep the last known value through unknown frames; before the first known one stands its value, or log 150 Hz."""
    places = torch.arange(values.shape[1], device=values.device).expand_as(values)
    last = torch.where(known, places, -1).cummax(dim=1).values
    first = torch.where(known, places, values.shape[1]).amin(dim=1, keepdim=True).clamp(max=values.shape[1] - 1)
    held = values.gather(1, torch.where(last < 0, first, last))
    return torch.where(known.any(dim=1, keepdim=True), held, math.log(150.0))


def with_derivatives(values: Tensor) -> Tensor:
    """Append first and second time derivatives over five frames: (batch, dims, frames) -> (batch, 3 dims, frames)."""
    first = torchaudio.functional.compute_deltas(values)
    return torch.cat([values, first, torchaudio.functional.compute_deltas(first)], dim=1)
