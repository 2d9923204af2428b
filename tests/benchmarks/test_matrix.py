import numpy as np
import pandas as pd
import pytest

from ser.benchmarks import comparison, matrix
from ser.plots import cross_corpus

UAR = {
    ("home", "away"): {
        ("small", "train"): 0.4,
        ("large", "train"): 0.6,
        ("small", "speaker"): 0.5,
        ("large", "speaker"): 0.7,
    },
    ("away", "home"): {
        ("small", "train"): 0.3,
        ("large", "train"): 0.5,
        ("small", "speaker"): 0.45,
        ("large", "speaker"): 0.6,
    },
}


@pytest.fixture
def scored():
    def rows(uar):
        systems = [
            {"encoder": encoder, "classifier": "lda", "normalisation": normalisation, "protocol": "cross_corpus"}
            | {"uar": value, "uar_low": value - 0.1, "uar_high": value + 0.1}
            for (encoder, normalisation), value in uar.items()
        ]
        chance = {"encoder": "chance", "uar": 0.25, "note": "a guess"}
        return pd.DataFrame([*systems, chance], columns=list(comparison.COLUMNS))

    return {pair: rows(uar) for pair, uar in UAR.items()}


def body(lines, heading):
    table = lines[lines.index(heading) + 2].splitlines()
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table]


def test_a_row_per_pair_of_corpora_and_a_column_per_encoder_with_their_mean(scored):
    header, _, *rows = body(matrix.sections(scored), "## UAR, `lda`, normalisation `train`")
    assert header == ["trained on, tested on", "small", "large"]
    assert rows == [
        ["home to away", "0.400 [0.300, 0.500]", "0.600 [0.500, 0.700]"],
        ["away to home", "0.300 [0.200, 0.400]", "0.500 [0.400, 0.600]"],
        ["mean of these", "0.350", "0.550"],
    ]


def test_an_encoder_that_one_corpus_lacks_leaves_a_gap_and_no_mean_of_fewer(scored):
    scored["away", "home"] = scored["away", "home"].query("encoder != 'large'")
    _, _, _, home, mean = body(matrix.sections(scored), "## UAR, `lda`, normalisation `train`")
    assert home == ["away to home", "0.300 [0.200, 0.400]", "–"]
    assert mean == ["mean of these", "0.350", "–"]


def test_the_picture_has_who_trains_as_rows_and_who_tests_as_columns(scored):
    figure = cross_corpus.draw(matrix.together(scored), "title")
    panels = {axes.get_title(): axes for axes in figure.axes}
    assert list(panels) == [
        "small\nlda, normalised\nby training",
        "large\nlda, normalised\nby training",
        "small\nlda, normalised\nby speaker",
        "large\nlda, normalised\nby speaker",
    ]
    drawn = np.ma.filled(panels["large\nlda, normalised\nby training"].images[0].get_array(), np.nan)
    np.testing.assert_array_equal(drawn, [[np.nan, 0.6], [0.5, np.nan]])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["home", "away"]
