import audmetric
import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame, demographic_parity_difference, equalized_odds_difference, selection_rate
from sklearn.metrics import recall_score

from ser.bias.disparity import differences, matched, spreads
from ser.scores.metrics import confusions

EMOTIONS = ["angry", "happy", "sad"]
GROUPS = ["a", "b", "c"]


@pytest.fixture
def table():
    """Three groups that speak the emotions in different shares, and are understood differently well."""
    generator = np.random.default_rng(0)
    parts = []
    for group, shares, right in zip(
        GROUPS, ([0.6, 0.2, 0.2], [0.2, 0.2, 0.6], [0.3, 0.4, 0.3]), (0.8, 0.6, 0.5), strict=True
    ):
        truth = generator.choice(EMOTIONS, size=200, p=shares)
        guess = generator.choice(EMOTIONS, size=200)
        parts.append(
            pd.DataFrame(
                {"group": group, "truth": truth, "prediction": np.where(generator.random(200) < right, truth, guess)}
            )
        )
    return pd.concat(parts, ignore_index=True)


def counted(table, names=GROUPS):
    table = table[table["group"].isin(names)]
    stack = confusions(table["truth"], table["prediction"], table["group"], names, EMOTIONS)
    return stack, stack.sum(axis=(0, 2)) / stack.sum()


def weights(table):
    """The weight of each utterance that gives every group the shares of emotions that all have together."""
    wanted = table["truth"].map(table["truth"].value_counts(normalize=True))
    own = table.groupby("group")["truth"].transform(lambda truth: truth.map(truth.value_counts(normalize=True)))
    return wanted / own


def test_matching_equals_weighting_every_utterance(table):
    stack, target = counted(table)
    weighted = table.assign(weight=weights(table)).groupby(["group", "truth", "prediction"])["weight"].sum()
    expected = weighted.unstack(["truth", "prediction"], fill_value=0)
    found = matched(stack, target)
    for place, group in enumerate(GROUPS):
        assert found[place].sum() == pytest.approx(1)
        order = pd.MultiIndex.from_product([EMOTIONS, EMOTIONS])
        np.testing.assert_allclose(found[place].ravel(), expected.loc[group, order] / 200)


def test_matched_groups_have_the_same_shares_of_emotions(table):
    stack, target = counted(table)
    np.testing.assert_allclose(matched(stack, target).sum(axis=-1), np.tile(target, (3, 1)))


def test_matching_leaves_out_what_a_group_lacks(table):
    table = table[(table["group"] != "a") | (table["truth"] != "sad")]
    stack, target = counted(table)
    found = matched(stack, target)
    np.testing.assert_array_equal(found[:, 2].sum(axis=-1), 0)
    np.testing.assert_allclose(found.sum(axis=(1, 2)), 1)


def test_differences_equal_metric_frames(table):
    stack, target = counted(table, ["a", "b"])
    found = differences(stack, target)
    table = table[table["group"] != "c"]
    for index, emotion in enumerate(EMOTIONS):
        truth, prediction = table["truth"] == emotion, table["prediction"] == emotion
        frame = MetricFrame(
            metrics={"recall": recall_score, "rate": selection_rate},
            y_true=truth,
            y_pred=prediction,
            sensitive_features=table["group"],
        )
        one, other = (frame.by_group.loc[group] for group in ("a", "b"))
        assert found["recall"][index] == pytest.approx(one["recall"] - other["recall"])
        assert found["rate"][index] == pytest.approx(one["rate"] - other["rate"])
        weighted = MetricFrame(
            metrics=selection_rate,
            y_true=truth,
            y_pred=prediction,
            sensitive_features=table["group"],
            sample_params={"sample_weight": weights(table)},
        )
        assert found["rate_matched"][index] == pytest.approx(weighted.by_group["a"] - weighted.by_group["b"])
    assert found["uar"][0] == pytest.approx(found["recall"].mean())


def test_a_difference_is_signed_and_over_the_emotions_that_both_have():
    stack = np.array([[[1, 1, 0], [0, 4, 0], [0, 0, 0]], [[1, 0, 0], [0, 2, 2], [0, 3, 0]]])
    found = differences(stack, np.array([0.3, 0.5, 0.2]))
    assert found["uar"][0] == pytest.approx((-0.5 + 0.5) / 2)
    np.testing.assert_allclose(found["recall"], [-0.5, 0.5, np.nan])
    np.testing.assert_allclose(differences(stack[::-1], np.array([0.3, 0.5, 0.2]))["recall"], [0.5, -0.5, np.nan])


def test_spreads_equal_fairlearn(table):
    found = spreads(*counted(table))
    odds = []
    for index, emotion in enumerate(EMOTIONS):
        one_against_all = (table["truth"] == emotion, table["prediction"] == emotion)
        parity = demographic_parity_difference(*one_against_all, sensitive_features=table["group"])
        assert found["demographic_parity"][index] == pytest.approx(parity)
        weighted = {"sensitive_features": table["group"], "sample_weight": weights(table)}
        parity = demographic_parity_difference(*one_against_all, **weighted)
        assert found["demographic_parity_matched"][index] == pytest.approx(parity)
        odds.append(
            [
                equalized_odds_difference(*one_against_all, sensitive_features=table["group"]),
                equalized_odds_difference(*one_against_all, **weighted),
            ]
        )
    raw, fair = np.max(odds, axis=0)
    assert found["equalised_odds"][0] == pytest.approx(raw)
    assert found["equalised_odds_matched"][0] == pytest.approx(fair)


def test_where_false_alarms_differ_more_than_hits_they_are_the_odds():
    partial = np.array([[5, 5, 0], [5, 5, 0], [5, 0, 5]])  # half of what is no anger is taken for anger
    even = np.array([[6, 2, 2], [2, 6, 2], [2, 2, 6]])  # a fifth; hits differ by a tenth
    found = spreads(np.stack([partial, even]), np.full(3, 1 / 3))
    assert found["equalised_odds"][0] == pytest.approx(0.5 - 0.2)


def test_odds_are_over_the_emotions_that_all_groups_have():
    without_sad = np.array([[5, 5, 0], [5, 5, 0], [0, 0, 0]])
    even = np.array([[6, 2, 2], [2, 6, 2], [2, 2, 6]])
    found = spreads(np.stack([without_sad, even]), np.full(3, 1 / 3))
    assert found["equalised_odds"][0] == pytest.approx(0.5 - 0.2)
    # Of anger and happiness alone, in equal shares: 0.5 of 1 against (0.2 + 0) of 1.
    assert found["equalised_odds_matched"][0] == pytest.approx(0.5 - 0.2)


def test_emotions_that_may_not_be_told_of_a_group_make_no_odds():
    hits = np.array([[10, 0, 0], [0, 10, 0], [0, 0, 10]])
    misses = np.array([[0, 10, 0], [0, 10, 0], [0, 0, 10]])  # of anger, all taken for happiness
    stack, even = np.stack([hits, misses]), np.full(3, 1 / 3)
    assert spreads(stack, even)["equalised_odds"][0] == 1
    found = spreads(stack, even, np.array([False, True, True]))
    assert found["equalised_odds"][0] == pytest.approx(0.5)  # half of what is no happiness is taken for it
    assert found["unweighted_average_bias"][0] == pytest.approx((1 - 2 / 3) / 4)  # of happiness, over two emotions
    assert found["uar_largest"][0] == pytest.approx(1 / 3)
    nothing = spreads(stack, even, np.zeros(3, dtype=bool))
    assert np.isnan(nothing["equalised_odds"]).all()
    assert np.isnan(nothing["unweighted_average_bias"]).all()


def test_the_largest_gap_is_that_of_fairlearn(table):
    frame = MetricFrame(
        metrics=lambda truth, prediction: recall_score(truth, prediction, average="macro"),
        y_true=table["truth"],
        y_pred=table["prediction"],
        sensitive_features=table["group"],
    )
    assert spreads(*counted(table))["uar_largest"][0] == pytest.approx(frame.difference())


def test_the_unweighted_average_bias_is_that_of_audmetric(table):
    expected = audmetric.unweighted_average_bias(table["truth"], table["prediction"], table["group"])
    found = spreads(*counted(table))
    assert found["unweighted_average_bias"][0] == pytest.approx(expected)
    assert found["unweighted_average_bias_matched"][0] != pytest.approx(expected)


def test_other_shares_of_emotions_alone_look_like_a_gap_until_they_are_matched():
    recalls = np.array([[0.8, 0.1, 0.1], [0.2, 0.6, 0.2], [0.1, 0.2, 0.7]])
    stack = np.stack([recalls * [[100], [20], [20]], recalls * [[20], [50], [100]]])
    target = stack.sum(axis=(0, 2)) / stack.sum()
    found = spreads(stack, target)
    assert found["demographic_parity"].max() > 0.2
    assert found["unweighted_average_bias"][0] > 0.05
    for name in (
        "demographic_parity_matched",
        "unweighted_average_bias_matched",
        "equalised_odds_matched",
        "uar_largest",
    ):
        np.testing.assert_allclose(found[name], 0, atol=1e-12)


def test_what_is_counted_for_many_arrangements_at_once_is_counted_for_each(table):
    stack, target = counted(table)
    both = np.stack([stack, stack[::-1] + 3])
    for measure in (spreads, differences):
        for name, values in measure(both, target).items():
            for one, confusion in zip(values, both, strict=True):
                np.testing.assert_allclose(one, measure(confusion, target)[name])
