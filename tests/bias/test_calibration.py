import numpy as np
import pytest

from ser.bias.calibration import expected_calibration_error


def test_an_error_worked_by_hand():
    """Two bins: confidence 0.95, right 1 of 2, off by 0.45; confidence 0.55 on average, right 1 of 2, off by 0.05."""
    error = expected_calibration_error([0.95, 0.95, 0.52, 0.58], [True, False, True, False])
    assert error == pytest.approx((2 * 0.45 + 2 * 0.05) / 4)


def test_surplus_and_lack_in_one_bin_cancel_but_not_across_bins():
    assert expected_calibration_error([0.75, 0.75, 0.75, 0.75], [1, 1, 1, 0]) == 0
    assert expected_calibration_error([0.75, 0.55], [1, 0]) == pytest.approx((0.25 + 0.55) / 2)


@pytest.mark.parametrize(("confidence", "other"), [(0.3, 0.21), (1.0, 0.91), (0.0, 0.1)])
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
