import pandas as pd
import pytest

from ser.plots import fusion
from ser.plots.drawing import BLUE

TABLE = pd.DataFrame(
    [
        (kind, system, uar, uar - 0.1, uar + 0.1)
        for kind in fusion.PANELS
        for system, uar in (("voice", 0.6), ("late_mean", 0.7))
    ],
    columns=["folds", "system", "uar", "uar_low", "uar_high"],
)


def test_dots_at_1_are_whole_and_leave_the_panels_their_size():
    table = TABLE.assign(uar=1.0, uar_low=1.0, uar_high=1.0)
    figure = fusion.draw(table, 0.25, "title", 0.9)
    figure.draw_without_rendering()
    for axes in figure.axes:
        assert [line.get_clip_on() for line in axes.lines if line.get_marker() == "o"] == [False, False]
        assert axes.get_window_extent().width > 0.2 * figure.get_window_extent().width


def test_every_kind_of_folds_has_a_panel_from_0_to_1():
    figure = fusion.draw(TABLE, 0.25, "title", 0.9)
    assert [axes.get_xlabel() for axes in figure.axes] == list(fusion.PANELS.values())
    for axes in figure.axes:
        assert axes.get_xlim() == (0, 1)
        (dots,) = [line for line in axes.lines if line.get_marker() == "o" and line.get_markerfacecolor() == BLUE]
        assert list(dots.get_xdata()) == [0.6, 0.7]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["voice", "late, mean"]


@pytest.mark.parametrize(("missing", "hollow"), [(False, ""), (True, " · hollow: no interval")])
def test_the_line_below_says_what_lines_and_dots_are(missing, hollow):
    rows = TABLE.assign(uar_low=None, uar_high=None).astype({"uar_low": float, "uar_high": float}) if missing else TABLE
    below = fusion.draw(rows, 0.25, "title", 0.9).get_supxlabel()
    assert below == f"dashed: chance · line: 90 % interval over speakers{hollow}"
