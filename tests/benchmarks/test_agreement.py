"""Metrics compared with the committed ones."""

import pytest

from ser.benchmarks import agreement

COMMITTED = {"random": {"uar": 0.7, "uar_low": 0.6, "uar_high": 0.8, "utterances": 480}, "gini": 0.05}


def differences(**random):
    return agreement.compare(COMMITTED, COMMITTED | {"random": COMMITTED["random"] | random})


def test_equal_figures_have_no_difference():
    assert differences() == []


def test_a_figure_may_move_by_a_quarter_of_half_its_interval():
    (near,) = differences(uar=0.7249)
    (far,) = differences(uar=0.7251)
    assert near.name == "random.uar"
    assert near.tolerable
    assert not far.tolerable


def test_a_bound_may_move_as_far_as_its_estimate():
    (bound,) = differences(uar_high=0.82)
    assert bound.allowed == pytest.approx(0.025)


def test_a_figure_without_an_interval_may_move_a_little():
    (found,) = agreement.compare(COMMITTED, COMMITTED | {"gini": 0.071})
    assert not found.tolerable
    (found,) = agreement.compare(COMMITTED, COMMITTED | {"gini": 0.069})
    assert found.tolerable


def test_a_count_must_be_equal():
    (found,) = differences(utterances=481)
    assert not found.tolerable


def test_cells_of_a_table_are_compared_as_figures_and_words_are():
    committed = agreement.cells("group,uar,low,high,speakers\nwomen,0.7,0.6,0.8,5\nmen,0.5,,,4\n")
    same, moved = "women,0.7,0.6,0.8,5\n", "women,0.72,0.6,0.8,5\n"
    header, men = "group,uar,low,high,speakers\n", "men,0.5,,,4\n"
    assert agreement.compare(committed, agreement.cells(header + same + men)) == []
    (near,) = agreement.compare(committed, agreement.cells(header + moved + men))
    assert (near.name, near.tolerable) == ("row 2.uar", True)
    (word,) = agreement.compare(committed, agreement.cells(header + same + men.replace("men", "nobody")))
    assert str(word) == "row 3.group: committed 'men', found 'nobody', allowed 0.0000"
    gone = agreement.compare(committed, agreement.cells(header + same))
    for found in (word, *gone, *agreement.compare(committed, agreement.cells(header + same + men.replace("4", "3")))):
        assert not found.tolerable
    assert len(gone) == 5


def test_a_figure_that_happens_to_be_whole_is_none_of_a_count():
    committed = agreement.cells("emotion,p_holm,speakers\nangry,1,5\nsad,0.2,6\n")
    found = agreement.cells("emotion,p_holm,speakers\nangry,0.99,5\nsad,0.2,7\n")
    moved, counted = agreement.compare(committed, found)
    assert (moved.name, moved.tolerable) == ("row 2.p_holm", True)
    assert (counted.name, counted.tolerable) == ("row 3.speakers", False)


def test_an_interval_allows_its_own_figure_to_move_and_no_p_beside_it():
    figures = {"difference": 0.1, "low": -0.4, "high": 0.4, "p": 0.04, "chance": 0.5}
    moved = {**figures, "difference": 0.15, "p": 0.09, "chance": 0.55}
    tolerable = {each.name: each.tolerable for each in agreement.compare(figures, moved)}
    assert tolerable == {"difference": True, "p": False, "chance": False}


def test_what_is_gone_or_new_is_no_agreement():
    (gone,) = agreement.compare(COMMITTED, {"random": COMMITTED["random"]})
    (new,) = agreement.compare({"random": COMMITTED["random"]}, COMMITTED)
    assert str(gone) == "gini: committed 0.05, found missing, allowed 0.0200"
    assert not gone.tolerable
    assert not new.tolerable
