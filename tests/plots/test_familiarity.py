import numpy as np
import pandas as pd

from ser.plots import familiarity


def test_each_kind_is_a_row_that_says_how_much_is_beyond_the_limit():
    measured = pd.DataFrame(
        {"kind": ["speech"] * 4 + ["clicks"] * 2, "distance": [0.4, 0.6, 0.8, 1.2, 3, 5]},
    )
    (axes,) = familiarity.draw(measured, "test utterances").axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["test utterances, beyond: 25.0%", "clicks, beyond: 100.0%"]
    np.testing.assert_array_equal(np.sort(axes.lines[0].get_xdata()), [0.4, 0.6, 0.8, 1.2])


def test_the_ticks_are_round_numbers_within_the_range():
    measured = pd.DataFrame({"kind": ["speech", "clicks"], "distance": [0.4, 12]})
    (axes,) = familiarity.draw(measured, "speech").axes
    assert list(axes.get_xticks()) == [0.5, 1, 2, 5, 10]
    assert axes.get_xlabel().endswith("(log scale)")


def test_distances_are_written_as_plain_numbers():
    measured = pd.DataFrame({"kind": ["speech", "clicks"], "distance": [0.05, 20]})
    figure = familiarity.draw(measured, "speech")
    figure.canvas.draw()
    (axes,) = figure.axes
    assert {"0.1", "1", "10"} <= {label.get_text() for label in axes.get_xticklabels()}
