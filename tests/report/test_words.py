import pytest

from ser.report import words
from ser.report.words import FOUND, NOT_SHOWN, UNKNOWN, UNSURE


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.7521, "0.752"), (1, "1.000"), (-0.0354, "−0.035"), (-0.0004, "0.000"), (0.0, "0.000"), (12.3456, "12.346")],
)
def test_numbers_have_three_decimals_a_true_minus_and_no_negative_zero(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.154, "+0.154"), (-0.035, "−0.035"), (0.0004, "0.000"), (-0.0004, "0.000")]
)
def test_differences_have_a_sign_unless_they_are_shown_as_zero(value, text):
    assert words.signed(value) == text


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [(1, "speaker", "1 speaker"), (24, "speaker", "24 speakers"), (0, "file", "0 files"), (7442, "", "7,442")],
)
def test_counts_have_the_right_number(count, noun, text):
    assert words.amount(count, noun) == text


def test_an_estimate_has_its_interval_or_says_why_not():
    values = {"uar": 0.7521, "uar_low": 0.6978, "uar_high": 0.8043}
    assert plain(words.estimate(values, "uar")) == "0.752 [0.698, 0.804]"
    assert words.estimate({"uar": 0.5}, "uar", words.no_interval(3, 5)) == "0.500 (no interval: 3 speakers of 5 needed)"
    assert words.no_interval(24, 5) == "no interval: too few speakers have some emotion here"
    assert words.estimate({"uar": 0.5}, "uar", words.no_interval(None, 5)) == "0.500 (no interval: speakers unknown)"
    gap = {"uar": 0.1542, "uar_low": -0.0636, "uar_high": 0.2409}
    assert plain(words.estimate(gap, "uar", sign=True)) == "+0.154 [−0.064, +0.241]"


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0184, "p = 0.018"), (1.0, "p = 1.000"), (0.0004, "p < 0.001"), (0.0503, "p = 0.0503"), (0.0496, "p = 0.050")],
)
def test_small_p_values_are_not_written_as_zero(p, text):
    assert plain(words.p_value(p)) == text


@pytest.mark.parametrize(
    ("low", "high", "p_holm", "verdict"),
    [
        (0.064, 0.241, None, FOUND),
        (-0.2, -0.01, None, FOUND),
        (-0.072, 0.031, None, NOT_SHOWN),
        (0.0, 0.2, None, NOT_SHOWN),
        (0.0001, 0.039, None, NOT_SHOWN),  # shown as [0.000, +0.039], which a reader takes to include zero
        (0.0006, 0.039, None, FOUND),
        (0.064, 0.241, 0.018, FOUND),
        (0.064, 0.241, 0.05, FOUND),
        (0.014, 0.243, 0.249, UNSURE),
        (-0.014, 0.243, 0.02, UNSURE),
        (-0.1, 0.1, 1.0, NOT_SHOWN),
        (None, None, 0.018, UNSURE),  # fewer speakers than an interval needs
        (0.064, 0.241, 0.0503, UNSURE),
        (None, None, 0.3, NOT_SHOWN),
        (None, None, None, UNKNOWN),
    ],
)
def test_something_is_found_where_interval_and_test_both_say_so(low, high, p_holm, verdict):
    values = {"gap": 0.1, "gap_low": low, "gap_high": high, "p_holm": p_holm}
    assert words.verdict({key: value for key, value in values.items() if value is not None}, "gap", 0.05) == verdict


def test_words_are_listed():
    assert words.listing(["a"]) == "a"
    assert words.listing(["a", "b", "c"]) == "a, b and c"
    assert words.reason("test speakers: 3, minimum_speakers: 5") == "test speakers: 3, needed: 5"
    assert words.sentence("One.", "", "Two.") == "One. Two."
