from dataclasses import replace

import numpy as np
import pytest
import scipy.signal
import torch

from ser.pretraining.distortions import Distortions, at_snr, distort, reverberate, without_band
from ser.pretraining.store import Store

NAMES = ("reverberation", "noise", "overlap", "clipping", "chops", "band_drop", "downsampling", "gain")
NONE = Distortions(**dict.fromkeys(NAMES, 0.0))


@pytest.fixture
def clean() -> torch.Tensor:
    return 0.1 * torch.randn(4, 16_000, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def noises() -> Store:
    samples = np.random.default_rng(2).integers(-9000, 9000, 40_000).astype("<i2")
    return Store(samples, np.array([0, 20_000]), np.array([20_000, 20_000]))


@pytest.fixture
def rooms() -> list[np.ndarray]:
    decay = np.exp(-np.arange(800) / 100).astype(np.float32)
    return [decay, np.concatenate([np.zeros(30, np.float32), decay])]


def apply(clean, noises, rooms, seed=0, **probabilities):
    return distort(clean, replace(NONE, **probabilities), np.random.default_rng(seed), noises, rooms)


def power_db(signal: torch.Tensor) -> torch.Tensor:
    return 10 * torch.log10(signal.square().mean(dim=1))


def test_without_distortions_the_signal_stays_as_it_is(clean, noises, rooms):
    assert torch.equal(apply(clean, noises, rooms), clean)


@pytest.mark.parametrize("name", NAMES)
def test_each_distortion_changes_its_copy_and_never_the_clean_signal(clean, noises, rooms, name):
    before = clean.clone()
    distorted = apply(clean, noises, rooms, **{name: 1.0})
    assert torch.equal(clean, before)
    assert distorted.shape == clean.shape
    assert distorted.isfinite().all()
    assert (distorted != clean).any(dim=1).all()


def test_same_generator_state_same_distortions_other_state_others(clean, noises, rooms):
    everything = dict.fromkeys(NAMES, 0.5)
    first, same, other = (apply(clean, noises, rooms, seed, **everything) for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_probability_is_the_share_of_distorted_signals(noises, rooms):
    clean = torch.ones(2000, 320)
    changed = (apply(clean, noises, rooms, gain=0.3) != clean).any(dim=1)
    assert 0.26 < changed.float().mean() < 0.34


def test_noise_is_added_at_the_wanted_ratio(clean):
    noise = torch.randn(4, 16_000, generator=torch.Generator().manual_seed(5))
    wanted_db = torch.tensor([[0.0], [5.0], [10.0], [20.0]])
    added = at_snr(clean, noise, wanted_db) - clean
    torch.testing.assert_close(power_db(clean) - power_db(added), wanted_db[:, 0], atol=0.01, rtol=0)


def test_reverberation_is_convolution_from_the_direct_sound_at_the_same_power(clean, rooms):
    wet = reverberate(clean[:1], [torch.from_numpy(rooms[1])])[0].numpy()
    expected = scipy.signal.fftconvolve(clean[0].numpy(), rooms[1][30:])[:16_000]
    expected *= np.sqrt((clean[0].numpy() ** 2).mean() / (expected**2).mean())
    np.testing.assert_allclose(wet, expected, atol=1e-5)


def test_a_room_begins_at_its_onset_also_where_its_peak_comes_later(clean):
    hall = np.zeros(400, np.float32)
    hall[[10, 30, 200]] = 0.09, 0.2, 1.0  # 0.09 is more than 20 dB below the peak
    wet = reverberate(clean[:1], [torch.from_numpy(hall)])[0].numpy()
    expected = scipy.signal.fftconvolve(clean[0].numpy(), hall[30:])[:16_000]
    expected *= np.sqrt((clean[0].numpy() ** 2).mean() / (expected**2).mean())
    np.testing.assert_allclose(wet, expected, atol=1e-5)


def test_band_drop_removes_its_band_and_nothing_else(clean):
    filtered = without_band(clean, torch.full((4, 1), 1000.0), torch.full((4, 1), 2000.0))
    spectrum, before = torch.fft.rfft(filtered).abs(), torch.fft.rfft(clean).abs()
    assert spectrum[:, 1000:2000].max() < 1e-3
    torch.testing.assert_close(spectrum[:, :1000], before[:, :1000], atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(spectrum[:, 2000:], before[:, 2000:], atol=1e-3, rtol=1e-3)


def test_downsampling_leaves_nothing_above_4_khz(clean, noises, rooms):
    spectrum = torch.fft.rfft(apply(clean, noises, rooms, downsampling=1.0)).abs()
    assert spectrum[:, 4000:].max() < 1e-3
    assert spectrum[:, :4000].max() > 1


def test_clipping_bounds_the_signal_by_a_share_of_its_peak(clean, noises, rooms):
    clipped = distort(
        clean, replace(NONE, clipping=1.0, clipping_level=(0.5, 0.5)), np.random.default_rng(0), noises, rooms
    )
    torch.testing.assert_close(clipped.abs().amax(1), 0.5 * clean.abs().amax(1))


def test_chops_silence_pieces_of_the_given_length(noises, rooms):
    settings = replace(NONE, chops=1.0, chops_s=(0.05, 0.05))
    chopped = distort(torch.ones(1, 16_000), settings, np.random.default_rng(0), noises, rooms)
    silent = int((chopped == 0).sum())
    assert 800 <= silent <= 3 * 800


def test_gain_stays_in_its_range(clean, noises, rooms):
    change_db = power_db(apply(clean, noises, rooms, gain=1.0)) - power_db(clean)
    assert (change_db >= -12.01).all()
    assert (change_db <= 6.01).all()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [("noise", 1.5, "a probability"), ("noise_snr_db", (10.0, 0.0), "lowest, highest"), ("gain_db", (1.0,), "lowest")],
)
def test_settings_out_of_range_are_refused(key, value, message):
    with pytest.raises(ValueError, match=f"{key}: expected .*{message}"):
        Distortions(**{key: value})
