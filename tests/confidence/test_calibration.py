import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from ser.confidence import calibration
from ser.confidence.calibration import expected_calibration_error
from ser.predictions import probability_columns
from ser.scores.intervals import IntervalParams

EMOTIONS = ["sad", "angry", "happy"]  # not in the order of the alphabet
PARAMS = IntervalParams(resamples=300, confidence=0.95, seed=0, minimum_speakers=5)


def tempered(probabilities, temperature):
    powers = probabilities ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def simulate(temperature, speakers=8, each=60, seed=0):
    """Predictions that were calibrated by a temperature: what they would be without it, and labels drawn by the truth.

    Labels follow the probabilities before the temperature; so these are calibrated, and those after it are not unless
    it is 1.
    """
    generator = np.random.default_rng(seed)
    before = generator.dirichlet([0.7, 0.7, 0.7], size=speakers * each)
    truth = np.array([generator.choice(3, p=row) for row in before])
    after = tempered(before, temperature)
    words = np.array(EMOTIONS, dtype=object)
    table = pd.DataFrame({"truth": words[truth], "prediction": words[after.argmax(axis=1)], "fold": 0})
    table["speaker"] = [f"c/{index // each}" for index in range(len(table))]
    table[probability_columns(EMOTIONS)] = after
    return table.assign(temperature=temperature), before, truth


def test_an_error_worked_by_hand():
    """Two bins: confidence 0.95, right 1 of 2, off by 0.45; confidence 0.565 on average, right 1 of 2, off by 0.065."""
    error = expected_calibration_error([0.95, 0.95, 0.54, 0.59], [True, False, True, False])
    assert error == pytest.approx((2 * 0.45 + 2 * 0.065) / 4)


def test_surplus_and_lack_in_one_bin_cancel_but_not_across_bins():
    assert expected_calibration_error([0.75, 0.75, 0.75, 0.75], [1, 1, 1, 0]) == 0
    assert expected_calibration_error([0.75, 0.55], [1, 0]) == pytest.approx((0.25 + 0.55) / 2)


@pytest.mark.parametrize(("confidence", "other"), [(0.2, 0.15), (1.0, 0.94), (0.0, 0.06)])
def test_a_bin_holds_its_upper_edge_and_the_first_holds_0(confidence, other):
    """Together in a bin, one right and one wrong are off by the mean; apart they are off by more."""
    together = abs(confidence + other - 1) / 2
    assert expected_calibration_error([confidence, other], [True, False]) == pytest.approx(together)


def test_a_classifier_that_knows_how_sure_it_may_be_has_a_small_error():
    generator = np.random.default_rng(0)
    confidence = generator.uniform(0.25, 1, size=50_000)
    right = generator.random(len(confidence)) < confidence
    assert expected_calibration_error(confidence, right) < 0.01
    assert expected_calibration_error(np.sqrt(confidence), right) > 0.1


def test_nobody_has_no_error():
    assert np.isnan(expected_calibration_error([], []))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7])
def test_both_sides_are_those_of_scikit_learn(temperature):
    table, before, truth = simulate(temperature)
    found = calibration.report(table, EMOTIONS, PARAMS)
    for side, probabilities in (("before", before), ("after", tempered(before, temperature))):
        right = probabilities.argmax(axis=1) == truth
        assert found[side]["ece"] == pytest.approx(expected_calibration_error(probabilities.max(axis=1), right))
        assert found[side]["nll"] == pytest.approx(log_loss(truth, probabilities))
        expected = brier_score_loss(truth, probabilities, labels=[0, 1, 2], scale_by_half=False)
        assert found[side]["brier"] == pytest.approx(expected)


def test_the_difference_is_that_of_the_sides_and_its_interval_is_paired():
    found = calibration.report(simulate(1.3)[0], EMOTIONS, PARAMS)
    before, after, difference = (found[name] for name in ("before", "after", "after_minus_before"))
    for name in ("ece", "brier", "nll"):
        assert difference[name] == pytest.approx(after[name] - before[name])
        assert difference[f"{name}_low"] <= difference[name] <= difference[f"{name}_high"]
    assert difference["nll_high"] - difference["nll_low"] < after["nll_high"] - after["nll_low"]


def test_the_error_by_chance_turns_round_the_sign_of_each_speaker():
    """Against all 64 combinations of signs of six speakers, by the error's own definition."""
    generator = np.random.default_rng(0)
    confidence, speakers = generator.uniform(0.5, 1, 180), np.repeat(list("abcdef"), 30)
    right = generator.random(180) < confidence - 0.3 * (speakers < "c")
    bins, errors = np.ceil(confidence * 15), []
    for signs in itertools.product([-1, 1], repeat=6):
        sign = np.repeat(signs, 30)
        errors.append(sum(abs((sign * (confidence - right))[bins == bin].sum()) for bin in np.unique(bins)) / 180)
    mean, high = calibration.error_by_chance(confidence, right, speakers, PARAMS)
    assert mean == pytest.approx(np.mean(errors), abs=0.004)
    assert high == pytest.approx(np.quantile(errors, 0.95), abs=0.004)


def test_of_one_speaker_the_error_is_not_told_from_chance():
    confidence, right = np.full(40, 0.9), np.arange(40) % 2 == 0
    error = calibration.expected_calibration_error(confidence, right)
    expected = pytest.approx((error, np.nan), nan_ok=True)
    assert calibration.error_by_chance(confidence, right, ["a"] * 40, PARAMS) == expected


def test_a_limit_by_chance_is_given_only_where_an_error_can_be_above_it():
    """The largest error that speakers can have is one of those by chance, with the odds of two in 2^n."""
    right = np.zeros(60, bool)
    for speakers, testable in ((5, False), (6, True)):
        who = np.arange(60) % speakers
        confidence = np.full(60, 0.9)
        error = calibration.expected_calibration_error(confidence, right)
        _, high = calibration.error_by_chance(confidence, right, who.astype(str), PARAMS)
        assert high < error if testable else np.isnan(high)


def test_utterances_of_unknown_speakers_count_as_speakers():
    confidence, right = np.full(400, 0.9), np.arange(400) % 10 > 0
    _, unknown = calibration.error_by_chance(confidence, right, [""] * 400, PARAMS)
    names = [str(number) for number in range(400)]
    assert calibration.error_by_chance(confidence, right, names, PARAMS)[1] == unknown
    # One bin of 400 terms, 0.1 below or 0.9 above, with random signs.
    assert unknown == pytest.approx(1.96 * np.sqrt(0.9 * 0.1**2 + 0.1 * 0.9**2) / 20, rel=0.1)


def test_speakers_who_are_right_more_or_less_often_than_the_model_believes_are_rarely_beyond_chance():
    """Confidences that are right in the mean, with an effect of each speaker: one in twenty is beyond the limit."""
    generator, beyond, binomial = np.random.default_rng(3), 0, 0
    for _ in range(200):
        speakers = np.repeat(np.arange(12), 60)
        effect = generator.choice([-0.2, 0.2], size=12)[speakers]
        confidence = generator.uniform(0.5, 0.8, 720)
        right = generator.random(720) < confidence + effect
        error = calibration.expected_calibration_error(confidence, right)
        limits = (
            calibration.error_by_chance(confidence, right, who, dataclasses.replace(PARAMS, seed=0))[1]
            for who in (speakers.astype(str), np.full(720, ""))
        )
        by_speaker, by_utterance = (error > limit for limit in limits)
        beyond, binomial = beyond + by_speaker, binomial + by_utterance
    assert beyond / 200 == pytest.approx(0.05, abs=0.04)
    assert binomial / 200 > 0.3  # what answers taken one by one would make of it


def test_another_seed_draws_other_answers_by_chance():
    table, *_ = simulate(1.0)
    first, again, other = (
        calibration.report(table, EMOTIONS, dataclasses.replace(PARAMS, seed=seed))["after"] for seed in (0, 0, 1)
    )
    assert first == again
    assert first["ece_by_chance"] != other["ece_by_chance"] == pytest.approx(first["ece_by_chance"], rel=0.05)


def test_temperatures_that_sharpen_a_calibrated_classifier_make_it_worse_beyond_chance():
    found = calibration.report(simulate(0.5, each=200)[0], EMOTIONS, PARAMS)["after_minus_before"]
    assert min(found["ece_low"], found["brier_low"], found["nll_low"]) > 0


def test_a_temperature_of_1_changes_nothing():
    found = calibration.report(simulate(1.0)[0], EMOTIONS, PARAMS)
    assert found["after_minus_before"] == pytest.approx(dict.fromkeys(found["after_minus_before"], 0), abs=1e-12)


def test_an_impossible_label_costs_much_and_not_infinitely_much():
    table, *_ = simulate(1.0)
    table[probability_columns(EMOTIONS)] = [1.0, 0.0, 0.0]
    assert 10 < calibration.report(table, EMOTIONS, PARAMS)["after"]["nll"] < 100


def test_temperatures_are_counted_by_fold():
    table, *_ = simulate(1.0)
    table = table.assign(fold=[0] * 100 + [1] * 300 + [2] * 80)
    table["temperature"] = table["fold"].map({0: 0.5, 1: 1.0, 2: 3.0})
    found = calibration.report(table, EMOTIONS, PARAMS)["temperature"]
    assert found == pytest.approx({"mean": 1.5, "lowest": 0.5, "highest": 3.0})


def test_few_or_unknown_speakers_have_figures_without_intervals():
    table, *_ = simulate(1.2)
    few, unknown = table[table["speaker"].isin(["c/0", "c/1"])], table.assign(speaker="")
    for rows, limit in ((few, set()), (unknown, {"ece_by_chance_high"})):
        found = calibration.report(rows, EMOTIONS, PARAMS)
        assert set(found["after_minus_before"]) == {"ece", "brier", "nll"}
        assert set(found["after"]) == {"ece", "ece_by_chance", "brier", "nll"} | limit


def test_a_calibration_error_has_no_interval_and_the_others_have_one():
    found = calibration.report(simulate(1.3)[0], EMOTIONS, PARAMS)
    for side in ("before", "after"):
        assert {"brier_low", "nll_high"} <= set(found[side])
        assert not {"ece_low", "ece_high"} & set(found[side])
