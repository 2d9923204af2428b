import json

import numpy as np
import pytest

from ser import streaming
from ser.audio import SAMPLING_RATE_HZ
from ser.encoders import catalogue
from ser.encoders.level import at_level
from ser.encoders.recipe import Recipe


def speech(seconds=1.0, scale=0.2, seed=0):
    """Noise, scale its deviation, between pauses of the same length."""
    size = round(seconds * SAMPLING_RATE_HZ)
    noise = np.random.default_rng(seed).normal(0, scale, size)
    return np.concatenate([np.zeros(size), noise, np.zeros(size)]).astype(np.float32)


def decibels(signal):
    return 10 * np.log10(np.mean(np.square(signal, dtype=float)))


@pytest.mark.parametrize("level", [-40.0, -26.0, -6.0])
def test_what_is_not_pause_gets_the_level(level):
    brought = at_level(speech(), level)

    assert brought.dtype == np.float32
    assert decibels(brought[16_000:32_000]) == pytest.approx(level, abs=0.1)  # the frames at the edges are half pause


def test_a_sine_of_full_scale_has_minus_three():
    sine = np.sin(2 * np.pi * 200 * np.arange(16_000) / 16_000).astype(np.float32)

    np.testing.assert_allclose(at_level(0.1 * sine, -3.0103), sine, atol=1e-4)


def test_pauses_do_not_count():
    alone = at_level(speech()[16_000:32_000], -26.0)

    np.testing.assert_allclose(at_level(speech(), -26.0)[16_000:32_000], alone, rtol=0.02)


@pytest.mark.parametrize("size", [1, 100, 160, 161])
def test_a_signal_of_few_samples_has_a_level_too(size):
    brought = at_level(np.full(size, 0.01, np.float32), -20.0)

    np.testing.assert_allclose(brought, 0.1, rtol=1e-5)


@pytest.mark.parametrize("wrong", [0.0, np.nan, np.inf])
def test_without_a_level_a_signal_stays_as_it_is(wrong):
    signal = np.full(1600, wrong, np.float32)

    np.testing.assert_array_equal(at_level(signal, -26.0), signal)


@pytest.mark.parametrize("encoder", ["mfcc", "egemaps", "pase_plus_untrained"])
def test_loudness_no_longer_reaches_a_vector(encoder):
    softer = Recipe(encoder, level=-26.0)
    loud, soft = (catalogue.build(softer).vector(speech(scale=scale)) for scale in (0.2, 0.02))
    as_recorded = catalogue.build(Recipe(encoder)).vector(speech(scale=0.02))

    np.testing.assert_allclose(soft, loud, rtol=1e-3, atol=1e-3)
    assert np.abs(as_recorded - soft).max() > 10 * np.abs(loud - soft).max()


def test_a_signal_in_windows_has_one_level():
    extractor = catalogue.build(Recipe("mfcc", level=-26.0))
    signal = np.concatenate([speech(10, 0.02), speech(15, 0.2, seed=1)])  # 75 s: encoded in windows
    expected = catalogue.build(Recipe("mfcc")).vector(at_level(signal, -26.0))

    np.testing.assert_array_equal(extractor.vector(signal), expected)


def test_the_level_is_in_the_fingerprint_where_there_is_one():
    plain, levelled = (catalogue.build(Recipe("mfcc", level=level)) for level in (None, -26.0))

    assert "level" not in json.loads(plain.fingerprint)
    told = json.loads(levelled.fingerprint)
    assert told["level"] == -26.0
    assert "ser.encoders.level" in told["modules"]
    assert catalogue.rebuild(levelled.fingerprint).recipe.level == -26.0
    assert catalogue.rebuild(plain.fingerprint).recipe.level is None


@pytest.mark.parametrize("level", [-61.0, 1.0, float("nan")])
def test_a_level_that_none_would_want_is_refused(level):
    with pytest.raises(ValueError, match=r"level: expected -60.0 to 0.0, found"):
        catalogue.build(Recipe("mfcc", level=level))


def test_the_baseline_has_the_level_too():
    assert catalogue.baseline(Recipe("pase_plus", level=-26.0)).level == -26.0
    assert catalogue.baseline(Recipe("egemaps", level=-26.0)).level == -26.0


def test_windows_of_a_stream_are_encoded_each_by_itself():
    assert streaming.possible(catalogue.build(Recipe("pase_plus_untrained")))
    assert not streaming.possible(catalogue.build(Recipe("pase_plus_untrained", level=-26.0)))
