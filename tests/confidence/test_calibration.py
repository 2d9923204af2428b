import dataclasses

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


def test_a_confidence_that_is_right_has_the_error_that_chance_makes():
    """Over many corpora drawn so, by the error's own definition."""
    confidence = np.random.default_rng(0).uniform(0.5, 1, 150)
    probabilities = np.column_stack([confidence, 1 - confidence, 0 * confidence])
    generator, errors = np.random.default_rng(1), []
    for _ in range(3000):
        right = generator.random(150) < confidence
        bins = np.ceil(confidence * 15)
        errors.append(sum(abs((confidence - right)[bins == bin].sum()) for bin in np.unique(bins)) / 150)
    table = pd.DataFrame(probabilities, columns=probability_columns(EMOTIONS))
    table = table.assign(truth=EMOTIONS[0], speaker="a", fold=0, temperature=1.0)
    found = calibration.report(table, EMOTIONS, PARAMS)["after"]
    assert found["ece_by_chance"] == pytest.approx(np.mean(errors), abs=0.002)
    assert found["ece_by_chance_high"] == pytest.approx(np.quantile(errors, 0.95), abs=0.004)


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
    for rows in (table[table["speaker"].isin(["c/0", "c/1"])], table.assign(speaker="")):
        found = calibration.report(rows, EMOTIONS, PARAMS)
        assert set(found["after_minus_before"]) == {"ece", "brier", "nll"}
        assert set(found["after"]) == {"ece", "ece_by_chance", "ece_by_chance_high", "brier", "nll"}


def test_a_calibration_error_has_no_interval_and_the_others_have_one():
    found = calibration.report(simulate(1.3)[0], EMOTIONS, PARAMS)
    for side in ("before", "after"):
        assert {"brier_low", "nll_high"} <= set(found[side])
        assert not {"ece_low", "ece_high"} & set(found[side])
