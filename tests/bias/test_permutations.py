import itertools
import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ser.bias import permutations
from ser.files.failures import InputError


def difference(values, labels):
    """The mean of the first group minus that of the second, for each arrangement."""
    first = labels == 0
    return (values * first).sum(axis=-1) / first.sum(axis=-1) - (values * ~first).sum(axis=-1) / (~first).sum(axis=-1)


def arrangements(sizes, limit, seed):
    """Those of groups of one corpus."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    return permutations.arrangements(groups, np.zeros(len(groups)), limit, seed)


def p_of(values, sizes, limit, seed=0):
    labels, exact = arrangements(sizes, limit, seed)
    seen = difference(values, np.repeat([0, 1], sizes))
    return float(permutations.p_values(seen, difference(values, labels), exact))


@pytest.mark.parametrize("sizes", [(1, 1), (2, 3), (5, 5), (2, 1, 3), (1, 1, 1, 2)])
def test_all_arrangements_are_there_once_each_with_the_right_sizes(sizes):
    labels, exact = arrangements(sizes, 1000, 0)
    expected = math.factorial(sum(sizes)) // math.prod(math.factorial(size) for size in sizes)
    assert exact
    assert len(labels) == len({tuple(row) for row in labels}) == permutations.count(np.array([sizes])) == expected
    for group, size in enumerate(sizes):
        assert ((labels == group).sum(axis=1) == size).all()


def test_arrangements_that_memory_cannot_hold_are_refused():
    with pytest.raises(InputError, match=r"permutations 100000000000 of 40 speakers: .* takes 7,450\.6 GiB"):
        arrangements([20, 20], 10**11, 0)


def test_too_many_arrangements_are_drawn_seeded_with_the_right_sizes():
    labels, exact = arrangements([12, 12], 500, 3)
    assert not exact
    assert labels.shape == (500, 24)
    assert ((labels == 1).sum(axis=1) == 12).all()
    np.testing.assert_array_equal(labels, arrangements([12, 12], 500, 3)[0])
    assert (labels != arrangements([12, 12], 500, 4)[0]).any()


@pytest.mark.parametrize("sizes", [(5, 5), (3, 6)])
def test_the_exact_p_equals_that_of_scipy(sizes):
    for seed in range(5):
        values = np.random.default_rng(seed).normal(size=sum(sizes)) + np.repeat([0.7, 0], sizes)
        expected = stats.permutation_test(
            (values[: sizes[0]], values[sizes[0] :]),
            lambda one, other, axis: np.abs(one.mean(axis=axis) - other.mean(axis=axis)),
            vectorized=True,
            n_resamples=np.inf,
            alternative="greater",
        ).pvalue
        assert p_of(values, sizes, 1000) == pytest.approx(expected)


def test_the_p_of_draws_comes_near_that_of_scipy():
    values = np.random.default_rng(1).normal(size=24) + np.repeat([0.6, 0], 12)
    expected = stats.permutation_test(
        (values[:12], values[12:]),
        lambda one, other, axis: one.mean(axis=axis) - other.mean(axis=axis),
        vectorized=True,
        n_resamples=20_000,
        rng=5,
    ).pvalue
    assert p_of(values, (12, 12), 20_000) == pytest.approx(expected, abs=0.01)


def test_five_women_and_five_men_allow_no_p_below_2_of_252():
    assert permutations.smallest_p(np.array([[5, 5]]), 10_000) == 2 / 252
    assert p_of(np.repeat([1.0, 0.0], 5), (5, 5), 10_000) == 2 / 252


def test_as_many_arrangements_as_the_limit_are_all_gone_through():
    labels, exact = arrangements([5, 5], 252, 0)
    assert (exact, len(labels)) == (True, 252)
    assert permutations.smallest_p(np.array([[5, 5]]), 252) == 2 / 252
    labels, exact = arrangements([5, 5], 251, 0)
    assert (exact, len(labels)) == (False, 251)
    assert permutations.smallest_p(np.array([[5, 5]]), 251) == 1 / 252


def test_groups_of_different_sizes_cannot_change_places():
    assert permutations.smallest_p(np.array([[3, 6]]), 10_000) == 1 / 84
    assert p_of(np.repeat([1.0, 0.0], (3, 6)), (3, 6), 10_000) == 1 / 84


def test_the_smallest_p_of_three_groups_counts_how_those_of_one_size_change_places():
    assert permutations.smallest_p(np.array([[2, 2, 3]]), 10_000) == 2 / 210
    assert permutations.smallest_p(np.array([[2, 2, 2]]), 10_000) == 6 / 90


def test_groups_change_places_within_each_corpus_in_every_way():
    groups, corpora = np.array([0, 1, 1, 2, 0, 1, 0]), np.array(list("aabbabb"))
    labels, exact = permutations.arrangements(groups, corpora, 1000, 0)
    there = [groups[corpora == corpus] for corpus in "ab"]
    ways = [set(itertools.permutations(part.tolist())) for part in there]
    expected = {one + other for one, other in itertools.product(*ways)}
    assert exact
    assert len(labels) == len(expected) == permutations.count(permutations.table(groups, corpora)) == 3 * 12
    assert {(*row[corpora == "a"], *row[corpora == "b"]) for row in labels} == expected


def test_drawn_arrangements_keep_each_corpus_as_many_of_each_group():
    groups, corpora = np.repeat([0, 1, 0, 1], (12, 3, 4, 14)), np.repeat(["a", "b"], (15, 18))
    labels, exact = permutations.arrangements(groups, corpora, 300, 0)
    assert not exact
    assert ((labels[:, :15] == 0).sum(axis=1) == 12).all()
    assert ((labels[:, 15:] == 0).sum(axis=1) == 4).all()
    assert len({tuple(row) for row in labels}) > 250


def test_groups_change_places_only_where_they_are_as_many_in_every_corpus():
    assert permutations.smallest_p(np.array([[2, 2], [3, 3]]), 10_000) == 2 / (6 * 20)
    assert permutations.smallest_p(np.array([[2, 3], [3, 2]]), 10_000) == 1 / (10 * 10)
    assert permutations.smallest_p(np.array([[4, 0], [0, 4]]), 10_000) == 1


def test_draws_never_give_a_p_of_0():
    assert permutations.smallest_p(np.array([[12, 12]]), 999) == 1 / 1000
    assert p_of(np.repeat([1.0, 0.0], 12), (12, 12), 999) == 1 / 1000


def test_where_nothing_differs_every_arrangement_is_as_good():
    assert p_of(np.ones(10), (5, 5), 1000) == 1.0


def test_an_arrangement_that_says_nothing_counts_against_the_gap():
    assert permutations.p_values(np.array(0.5), np.array([0.5, np.nan, 0.1, 0.2]), exact=True) == 0.5


def test_no_gap_has_no_p():
    assert np.isnan(permutations.p_values(np.array(np.nan), np.array([0.5, 0.1]), exact=True))


def test_without_a_difference_p_is_below_5_percent_in_no_more_than_5_percent_of_the_cases():
    found = [p_of(np.random.default_rng(seed).normal(size=10), (5, 5), 1000) <= 0.05 for seed in range(400)]
    low, high = stats.binom.ppf([0.001, 0.999], len(found), 12 / 252)  # the largest p up to 0.05 that there is
    assert low <= sum(found) <= high


def test_holm_equals_statsmodels():
    p = np.random.default_rng(0).beta(0.3, 1, size=20)
    np.testing.assert_allclose(permutations.holm(p), multipletests(p, method="holm")[1])


def test_holm_worked_by_hand():
    np.testing.assert_allclose(permutations.holm([0.03, 0.01, np.nan, 0.02]), [0.04, 0.03, np.nan, 0.04])


def test_holm_never_passes_1():
    assert list(permutations.holm([0.6, 0.9])) == [1, 1]
