import numpy as np
import pytest


def test_egemaps_hear_the_pitch(tone, extractors):
    extractor = extractors["egemaps"]

    vector = dict(zip(extractor.names, extractor.vector(tone(1.0, pitch_hz=220.0)), strict=True))

    # 220 Hz is three octaves above 27.5 Hz.
    assert vector["egemaps_F0semitoneFrom27.5Hz_sma3nz_amean"] == pytest.approx(36, abs=0.1)


@pytest.mark.parametrize(("name", "numbers"), [("egemaps", 88), ("compare_2016", 6373)])
def test_opensmile_gives_its_published_number_of_functionals(tone, extractors, name, numbers):
    import opensmile

    feature_set = {"egemaps": opensmile.FeatureSet.eGeMAPSv02, "compare_2016": opensmile.FeatureSet.ComParE_2016}[name]
    expected = opensmile.Smile(feature_set, opensmile.FeatureLevel.Functionals).process_signal(tone(0.5), 16_000)

    assert expected.shape == (1, numbers)
    np.testing.assert_array_equal(extractors[name].vector(tone(0.5)), expected.to_numpy(np.float32)[0])
    assert extractors[name].names == tuple(f"{name}_{column}" for column in expected.columns)


def test_compare_2016_hear_the_pitch(tone, extractors):
    vector = dict(zip(extractors["compare_2016"].names, extractors["compare_2016"].vector(tone(1.0)), strict=True))

    assert vector["compare_2016_F0final_sma_amean"] == pytest.approx(220, abs=1)
