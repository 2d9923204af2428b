import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from ser.plots import ambiguity, drawing

COLUMNS = [
    f"{name}{end}" for name in ("auroc", "within_auroc", "spearman", "within_spearman") for end in ("", "_low", "_high")
]
BANDS = [f"{name}{end}" for name in ("accuracy", "uar", "distance", "label_distance") for end in ("", "_low", "_high")]


@pytest.fixture
def table():
    ids = pd.Index(["c/1", "c/2", "c/3"], name="id")
    return pd.DataFrame(
        {"low_training_confidence": [0.1, 0.6, np.nan], "training_variability": [0.05, 0.2, np.nan]}, ids
    )


@pytest.fixture
def checked():
    rows = pd.DataFrame({"reference": ["planted", "votes"], "score": "mean_rank"})
    figures = pd.DataFrame(
        [[0.8, 0.7, 0.9] * 2 + [np.nan] * 6, [0.7] + [np.nan] * 5 + [0.4, 0.3, 0.5] * 2], columns=COLUMNS
    )
    return pd.concat([rows, figures], axis=1)


@pytest.fixture
def banded():
    rows = pd.DataFrame({"by": ["votes", "votes", "listeners"], "band": ["0-50", "50-100", "50-100"]})
    figures = pd.DataFrame([[np.nan] * 12, [0.8] * 12, [0.9] * 6 + [np.nan] * 6], columns=BANDS)
    return pd.concat([rows.assign(utterances=[0, 20, 30]), figures], axis=1)


COSTS = {
    "votes": {
        "left_out": 3,
        "utterances": 20,
        "uar": {"all": 0.7, "without": 0.75, "matched": 0.71, "gain": 0.05, "cost": 0.04},
    }
}


def labels(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_all_that_is_known_has_a_panel(table, checked, banded):
    figure = ambiguity.draw(table, pd.Series([0, 1, 0], table.index), checked, banded, COSTS, "kfold")
    places, auroc, spearman, scores, distances, costs = figure.axes
    assert legend(places) == ["others (1)", "known to be ambiguous (1)"]
    assert legend(auroc) == [
        "corpus' own flags",
        "corpus' own flags, within emotions",
        "raters' votes",
        "raters' votes, within emotions",
    ]
    assert legend(spearman) == ["raters' votes", "raters' votes, within emotions"]
    assert labels(auroc) == ["mean rank of scores"]
    assert labels(scores) == ["raters agree 50-100 %\n20 utterances", "listeners agree 50-100 %\n30 utterances"]
    assert labels(distances) == ["raters agree 50-100 %\n20 utterances"]
    assert labels(costs) == ["raters' votes: 3 of 20\nUAR 0.700, then 0.750"]


def test_the_map_shows_confidence_over_variability(table, checked, banded):
    figure = ambiguity.draw(table, pd.Series([0, 1, 0], table.index), checked, banded, COSTS, "kfold")
    (points,) = figure.axes[0].collections
    drawn = dict(zip(map(tuple, points.get_offsets().tolist()), points.get_facecolors()[:, :3], strict=True))
    assert set(drawn) == {(0.2, 0.4), (0.05, 0.9)}
    assert tuple(drawn[0.2, 0.4]) == to_rgb(drawing.ORANGE)
    assert tuple(drawn[0.05, 0.9]) == to_rgb(drawing.GREY)


def test_without_raters_there_is_the_map_and_the_cost(table, checked, banded):
    figure = ambiguity.draw(table, pd.Series(np.nan, table.index), checked[:0], banded[:0], COSTS, "kfold")
    assert len(figure.axes) == 2
    assert legend(figure.axes[0]) == ["utterances (2)"]


def test_with_nothing_else_there_is_the_map(table, checked, banded):
    assert len(ambiguity.draw(table, pd.Series(dtype=float), checked[:0], banded[:0], {}, "kfold").axes) == 1


def test_a_long_title_is_cut_into_lines_that_one_panel_has_room_for(table, checked, banded):
    title = "random (test speakers are in training as well): 535 utterances; intervals over speakers"
    figure = ambiguity.draw(table, pd.Series(dtype=float), checked[:0], banded[:0], {}, title)
    figure.canvas.draw()
    extent = figure._suptitle.get_window_extent()
    assert figure.bbox.x0 <= extent.x0
    assert extent.x1 <= figure.bbox.x1
    assert figure.get_suptitle().replace("\n", " ") == title
