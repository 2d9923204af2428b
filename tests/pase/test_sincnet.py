import numpy as np
import pytest
import torch
from scipy.signal import freqz

from ser.pase.sincnet import SincConv, filter_bank, mel_spaced_hz


@pytest.fixture
def layer() -> SincConv:
    return SincConv(filters=64, taps=251, sampling_rate_hz=16_000)


def test_filter_is_the_windowed_difference_of_two_sincs(layer):
    low_hz = 50 + abs(layer.low_hz_[5].item())
    high_hz = low_hz + 50 + abs(layer.band_hz_[5].item())
    left = []
    for tap in range(125):
        time_s = (tap - 125) / 16_000
        window = 0.54 - 0.46 * np.cos(2 * np.pi * (124.5 / 124 * tap) / 251)
        sincs = 2 * (np.sin(2 * np.pi * high_hz * time_s) - np.sin(2 * np.pi * low_hz * time_s)) / (2 * np.pi * time_s)
        left.append(window * sincs / (2 * (high_hz - low_hz)))
    np.testing.assert_allclose(layer.filters()[5, 0].detach().numpy(), [*left, 1.0, *left[::-1]], atol=1e-4)


def test_filter_passes_its_band_and_stops_the_rest(layer):
    low_hz = 50 + abs(layer.low_hz_[60].item())
    high_hz = low_hz + 50 + abs(layer.band_hz_[60].item())
    frequencies_hz, response = freqz(layer.filters()[60, 0].detach().double().numpy(), worN=4096, fs=16_000)
    gain = np.abs(response) / np.abs(response).max()
    inside = (frequencies_hz > low_hz + 50) & (frequencies_hz < high_hz - 50)
    outside = (frequencies_hz < low_hz - 150) | (frequencies_hz > high_hz + 150)
    assert gain[inside].min() > 0.8
    assert gain[outside].max() < 0.05


def test_high_edge_stays_below_half_the_sampling_rate(layer):
    filters = []
    with torch.no_grad():
        layer.low_hz_.fill_(7_000.0)
        for band_hz in (5_000.0, 9_000.0):  # from 7,050 Hz on, either ends above 8,000
            layer.band_hz_.fill_(band_hz)
            filters.append(layer.filters().clone())
    assert torch.equal(*filters)


def test_a_frame_per_sample(layer):
    assert layer(torch.zeros(2, 1, 1250)).shape == (2, 64, 1000)


def test_mel_spacing_is_equal_on_the_mel_scale_with_the_given_ends():
    frequencies_hz = mel_spaced_hz(65, 30.0, 7900.0).double().numpy()
    mels = 2595 * np.log10(1 + frequencies_hz / 700)
    np.testing.assert_allclose(np.diff(mels), np.diff(mels).mean(), rtol=1e-4)
    np.testing.assert_allclose(frequencies_hz[[0, -1]], [30, 7900], rtol=1e-5)


@pytest.mark.parametrize("samples", [251, 252, 282, 283, 1000])
def test_filter_bank_is_a_convolution(layer, samples):
    signal = torch.randn(2, 1, samples, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = torch.nn.functional.conv1d(signal, layer.filters())
        torch.testing.assert_close(filter_bank(signal, layer.filters()), expected, atol=1e-5, rtol=1e-5)
