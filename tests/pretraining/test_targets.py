import librosa
import numpy as np
import pytest
import scipy.fft
import scipy.signal
import torch

from ser.pretraining import targets
from ser.pretraining.targets import (
    Targets,
    autocorrelation,
    gammatone_bands,
    periodicity,
    pitch,
    power_spectrum,
    prosody,
    with_derivatives,
)

RATE_HZ = 16_000


@pytest.fixture(scope="module")
def noise() -> torch.Tensor:
    return 0.1 * torch.randn(2, 16_000, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def values(noise) -> dict[str, torch.Tensor]:
    return Targets()(noise)


def voice(f0_hz: np.ndarray) -> torch.Tensor:
    """A pulse-like sound whose fundamental follows f0_hz, a value per sample."""
    phase = 2 * np.pi * np.cumsum(f0_hz) / RATE_HZ
    harmonics = sum(np.cos(order * phase) / order for order in range(1, 12))
    return torch.tensor(0.05 * harmonics, dtype=torch.float32)[None]


def librosa_power(signal: np.ndarray, window: int, fft: int) -> np.ndarray:
    spectrum = librosa.stft(signal, n_fft=fft, hop_length=160, win_length=window, window="hann", pad_mode="reflect")
    energy = (scipy.signal.get_window("hann", window) ** 2).sum()
    return np.abs(spectrum[:, 1:101]) ** 2 / energy


def test_every_target_has_a_frame_per_encoder_frame_and_its_derivatives(values):
    dimensions = {name: value.shape[1] for name, value in values.items()}
    assert dimensions == {
        "lps_short": 3 * 257,
        "lps_long": 3 * 513,
        "fbank_short": 120,
        "fbank_long": 120,
        "gammatone_short": 120,
        "gammatone_long": 120,
        "mfcc_short": 39,
        "mfcc_long": 60,
        "prosody": 12,
        "periodicity": 48,
    }
    assert {value.shape[::2] for value in values.values()} == {(2, 100)}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "window", "fft"), [("short", 400, 512), ("long", 1024, 1024)])
def test_log_power_spectrum_is_librosas(noise, values, name, window, fft):
    expected = np.log(np.maximum(librosa_power(noise[0].numpy(), window, fft), 1e-8))
    np.testing.assert_allclose(values[f"lps_{name}"][0, : fft // 2 + 1].numpy(), expected, atol=2e-3)


@pytest.mark.parametrize(("name", "window", "fft"), [("short", 400, 512), ("long", 1024, 1024)])
def test_fbank_is_librosas_htk_mel_spectrogram(noise, values, name, window, fft):
    mel = librosa.filters.mel(sr=RATE_HZ, n_fft=fft, n_mels=40, htk=True, norm=None)
    expected = np.log(np.maximum(mel @ librosa_power(noise[0].numpy(), window, fft), 1e-8))
    np.testing.assert_allclose(values[f"fbank_{name}"][0, :40].numpy(), expected, atol=2e-3)


@pytest.mark.parametrize(("name", "cepstra"), [("short", 13), ("long", 20)])
def test_mfcc_is_the_orthonormal_cosine_transform_of_fbank(values, name, cepstra):
    expected = scipy.fft.dct(values[f"fbank_{name}"][0, :40].numpy(), axis=0, norm="ortho")[:cepstra]
    np.testing.assert_allclose(values[f"mfcc_{name}"][0, :cepstra].numpy(), expected, atol=1e-3)


def test_gammatone_bands_have_the_shape_of_scipys_gammatone_filters():
    bands = gammatone_bands(513).double().numpy()
    frequencies_hz = np.linspace(0, 8000, 513)
    low, high = (21.4 * np.log10(1 + 0.00437 * edge) for edge in (50, 7600))
    centres_hz = (10 ** (np.linspace(low, high, 40) / 21.4) - 1) / 0.00437
    for band in (12, 20, 28):  # those wide enough for the grid, and far from half the sampling rate
        numerator, denominator = scipy.signal.gammatone(centres_hz[band], "iir", fs=RATE_HZ)
        _, response = scipy.signal.freqz(numerator, denominator, worN=frequencies_hz, fs=RATE_HZ)
        expected = np.abs(response) ** 2 / (np.abs(response) ** 2).sum()
        assert np.corrcoef(bands[band], expected)[0, 1] > 0.99
        assert abs(frequencies_hz[bands[band].argmax()] - centres_hz[band]) < 16


def test_power_spectrum_of_a_sine_has_its_peak_at_its_frequency():
    sine = torch.sin(2 * torch.pi * 1000 * torch.arange(16_000) / RATE_HZ)[None]
    power = power_spectrum(sine, 512, torch.hann_window(400))
    assert set(power[0, :, 10:-10].argmax(0).tolist()) == {round(1000 / (RATE_HZ / 512))}


@pytest.mark.parametrize("f0_hz", [80.0, 123.4, 220.0, 400.0])
def test_pitch_of_a_steady_voice_is_its_fundamental(f0_hz):
    log_f0, voicing = pitch(autocorrelation(voice(np.full(16_000, f0_hz))))
    np.testing.assert_allclose(log_f0[0, 5:-5].exp().numpy(), f0_hz, rtol=0.01)
    assert voicing[0, 5:-5].min() > 0.9


@pytest.mark.slow
def test_pitch_follows_a_glide_as_librosas_pyin_does():
    signal = voice(np.geomspace(110, 240, 32_000))
    own = pitch(autocorrelation(signal))[0][0, 10:-10].exp().numpy()
    other, voiced, _ = librosa.pyin(signal[0].numpy(), fmin=60, fmax=500, sr=RATE_HZ, frame_length=1024, hop_length=160)
    assert voiced[11:191].all()
    np.testing.assert_allclose(own, other[11:191], rtol=0.03)  # frame t is centred at sample 160 (t + 1)


def test_noise_and_silence_are_unvoiced_and_keep_the_last_voiced_pitch(noise):
    voiced = voice(np.full(16_000, 150.0))
    log_f0, voicing = pitch(autocorrelation(torch.cat([voiced, noise[:1], torch.zeros(1, 16_000)], dim=1)))
    assert voicing[0, 110:].mean() < 0.4
    assert voicing[0, 205:].max() == 0
    np.testing.assert_allclose(log_f0[0, 210:].exp().numpy(), log_f0[0, 209].exp().item(), rtol=1e-5)


def test_autocorrelation_is_librosas_divided_by_the_windows(noise):
    frame = noise[0, 8000 - 512 : 8000 + 512].double().numpy()  # the window of frame 49, centred at sample 160 * 50
    window = scipy.signal.get_window("hann", 1024)
    own, expected = (librosa.autocorrelate(signal) for signal in (window, (frame - frame.mean()) * window))
    lags = np.arange(31, 268)
    expected = (expected[lags] / expected[0]) / (own[lags] / own[0])
    np.testing.assert_allclose(autocorrelation(noise)[0, 49].numpy(), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("place", "f0_hz"), [(0, 60.0), (16, 120.0), (37, 60 * 2 ** (37 / 16)), (47, 60 * 2 ** (47 / 16))]
)
def test_periodicity_is_highest_at_the_period_of_a_steady_voice(place, f0_hz):
    found = periodicity(autocorrelation(voice(np.full(16_000, f0_hz))))[0, :, 10:-10]
    assert found[place].min() > 0.95
    assert found[place].mean() >= found.mean(dim=1).max() - 0.02  # no other period is higher, but for its multiples


def test_prosody_of_a_sine_has_its_energy_and_crossings():
    sine = 0.5 * torch.sin(2 * torch.pi * 200 * torch.arange(16_000) / RATE_HZ + 0.1)[None]
    _, _, log_energy, crossings = prosody(sine, autocorrelation(sine))[0, :, 5:-5]
    np.testing.assert_allclose(log_energy.numpy(), np.log(0.5**2 / 2), atol=0.01)
    np.testing.assert_allclose(crossings.numpy(), 2 * 200 / RATE_HZ, rtol=0.01)


def test_derivatives_are_the_regression_over_five_frames():
    ramp = torch.arange(20.0)[None, None] ** 2
    _, first, second = with_derivatives(ramp)[0]
    frame = 10
    expected = sum(n * (ramp[0, 0, frame + n] - ramp[0, 0, frame - n]) for n in (1, 2)) / (2 * (1 + 4))
    assert first[frame] == pytest.approx(expected.item())
    assert second[frame] == pytest.approx(2.0)


def test_silence_gives_finite_targets():
    assert all(value.isfinite().all() for value in Targets()(torch.zeros(1, 16_000)).values())


def test_target_frames_lie_where_the_encoders_frames_do():
    """A click moves both by the same frames: a target frame is centred within 10 samples of the encoder's."""
    kernels, strides = (20, 11, 11, 11, 11, 11, 11), (10, 2, 1, 2, 1, 2, 2)
    centre, hop = 0.0, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        left = kernel // 2 - (1 if stride > 1 or kernel % 2 == 0 else 0)
        centre += hop * ((kernel - 1) / 2 - left)
        hop *= stride
    assert abs(centre - targets.HOP) <= 10
