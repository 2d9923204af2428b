import numpy as np
import pandas as pd
import pytest

from ser.scores import words

KNOWN = {"uar": 0.7521, "uar_low": 0.6978, "uar_high": 0.8043}
GAP = {"gap": 0.1542, "gap_low": -0.0636, "gap_high": 0.2409}


@pytest.mark.parametrize(("value", "text"), [(0.7521, "0.752"), (1, "1.000"), (-0.0354, "-0.035"), (-0.0004, "0.000")])
def test_numbers_have_three_decimals_and_no_negative_zero(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.154, "+0.154"), (-0.035, "-0.035"), (0.0004, "0.000")])
def test_differences_have_a_sign_unless_they_are_shown_as_zero(value, text):
    assert words.number(value, sign=True) == text


def test_a_figure_stands_beside_its_interval():
    assert words.estimate(KNOWN, "uar") == "0.752 [0.698, 0.804]"
    assert words.estimate(GAP, "gap", sign=True) == "+0.154 [-0.064, +0.241]"


@pytest.mark.parametrize(
    "row", [{"a": 0.5}, {"a": 0.5, "a_low": np.nan, "a_high": np.nan}, {"a": 0.5, "a_low": None, "a_high": 1}]
)
def test_a_figure_without_an_interval_says_so_or_why_or_nothing(row):
    assert words.estimate(row, "a") == "0.500 (no interval)"
    assert words.estimate(row, "a", "3 speakers of 5 needed") == "0.500 (3 speakers of 5 needed)"
    assert words.estimate(row, "a", otherwise="") == "0.500"
    assert words.interval(row, "a") == ""
    assert words.ends(row, "a") is None


def test_the_ends_of_the_one_figure_of_a_row_need_no_name():
    row = pd.Series({"space": "mfcc", "balanced_accuracy": 0.5, "low": 0.4, "high": 0.6})
    assert words.estimate(row, "balanced_accuracy") == "0.500 [0.400, 0.600]"
    assert words.ends(row, "balanced_accuracy") == (0.4, 0.6)


def test_a_p_value_that_is_none_is_not_called_small():
    assert words.p_value(float("nan")) == "no p"
