import numpy as np
import pytest

from ser.representation import sample
from ser.representation.spaces import View

EACH = sample.EACH


def counts(speakers, rows):
    names, numbers = np.unique(speakers[rows], return_counts=True)
    return dict(zip(names, numbers, strict=True))


@pytest.mark.parametrize("most", [30, 31, 10_000])
def test_a_corpus_that_is_small_enough_is_taken_whole(most):
    assert sample.drawn(np.repeat(["a", "b", ""], 10), most, 0).tolist() == list(range(30))


def test_of_many_speakers_some_are_drawn_with_enough_utterances_each():
    speakers = np.repeat([f"{number:03d}" for number in range(100)], 2 * EACH)
    taken = counts(speakers, sample.drawn(speakers, 20 * EACH, 0))
    assert set(taken.values()) == {EACH}
    assert len(taken) == 20
    assert taken != counts(speakers, sample.drawn(speakers, 20 * EACH, 1))


def test_of_few_speakers_all_are_drawn_with_equally_many_utterances():
    speakers = np.repeat(["a", "b", "c"], [1000, 2000, 90])
    taken = counts(speakers, sample.drawn(speakers, 1000, 0))
    assert (taken["c"], sum(taken.values())) == (90, 1000)
    assert abs(taken["a"] - taken["b"]) <= 1


def test_speakers_of_few_utterances_are_drawn_whole_and_unknown_ones_not_at_all():
    speakers = np.concatenate([np.repeat([f"{number:03d}" for number in range(200)], 5), np.full(5000, "")])
    taken = counts(speakers, sample.drawn(speakers, 500, 0))
    assert len(taken) == 100
    assert set(taken.values()) == {5}
    assert sample.drawn(speakers, 1000, 0).tolist() == list(range(1000))  # all who are known


def test_where_nobody_is_known_utterances_are_drawn():
    rows = sample.drawn(np.full(1000, ""), 100, 0)
    assert len(set(rows)) == 100
    assert (np.diff(rows) > 0).all()


def test_a_speakers_utterances_are_drawn_by_chance_whatever_their_order():
    speakers = np.repeat(["a", "b"], 10_000)
    rows = sample.drawn(speakers, 2000, 0)
    assert rows[speakers[rows] == "a"].mean() == pytest.approx(5000, abs=400)  # 4.6 standard errors of 87


def test_views_keep_their_own_utterances_of_those_that_were_drawn():
    space = [
        View(np.array([0, 2, 4]), np.array([[0.0], [2.0], [4.0]])),
        View(np.array([1, 3]), np.array([[1.0], [3.0]])),
    ]
    first, second = sample.restricted(space, np.array([2, 3, 4]))
    assert (first.rows.tolist(), first.vectors.tolist()) == ([2, 4], [[2.0], [4.0]])
    assert (second.rows.tolist(), second.vectors.tolist()) == ([3], [[3.0]])
