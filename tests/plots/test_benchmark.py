import pandas as pd
import pytest

from ser.plots import benchmark, drawing
from ser.plots.drawing import BLUE, ORANGE

SCORED = pd.DataFrame(
    [
        ("pase_plus", "svm", "train", "loso", 0.6, 0.5, 0.7),
        ("mfcc", "svm", "train", "loso", 0.5, 0.4, 0.6),
        ("mfcc", "mlp", "train", "loso", 0.55, None, None),
        ("pase_plus", "svm", "speaker", "loso", 0.65, 0.6, 0.7),
        ("pase_plus", "svm", "train", "random", 0.9, 0.8, 1.0),
        ("chance", None, None, None, 0.25, None, None),
    ],
    columns=["encoder", "classifier", "normalisation", "protocol", "uar", "uar_low", "uar_high"],
)


def dots(axes, colour):
    found = next(line for line in axes.lines if line.get_marker() in "oD" and line.get_color() == colour)
    return pd.Series(found.get_xdata(), dtype=float).tolist()


def drawn():
    return benchmark.draw({"": SCORED}, 0.25, "title")


def panels(figure):
    return {axes.get_title(): axes for axes in figure.axes}


def test_every_classifier_and_normalisation_has_a_panel_and_every_encoder_a_row():
    found = panels(drawn())
    assert list(found) == [f"{name}, normalisation {way}" for way in ("train", "speaker") for name in ("svm", "mlp")]
    names = [label.get_text() for label in found["svm, normalisation train"].get_yticklabels()]
    assert names == ["pase_plus", "mfcc"]


def test_dots_stand_at_the_uar_of_each_encoder_and_diamonds_at_the_random_one():
    found = panels(drawn())
    assert dots(found["svm, normalisation train"], BLUE) == [0.6, 0.5]
    assert dots(found["svm, normalisation train"], ORANGE) == pytest.approx([0.9, float("nan")], nan_ok=True)
    assert dots(found["mlp, normalisation train"], BLUE) == pytest.approx([float("nan"), 0.55], nan_ok=True)
    segments = found["svm, normalisation train"].collections[0].get_segments()
    assert [segment[:, 0].tolist() for segment in segments] == [
        pytest.approx(ends) for ends in ([0.5, 0.7], [0.4, 0.6])
    ]


def test_a_panel_of_what_nobody_ran_says_so():
    words = {title: [text.get_text() for text in axes.texts] for title, axes in panels(drawn()).items()}
    assert words.pop("mlp, normalisation speaker") == ["not run"]
    assert all(not found for found in words.values())


def test_the_legend_names_the_random_split_only_where_there_is_one():
    both = drawn()
    alone = benchmark.draw({"a to b": SCORED[SCORED["protocol"] != "random"]}, 0.25, "title")
    words = [[text.get_text() for text in figure.legends[0].get_texts()] for figure in (both, alone)]
    assert any("random" in word for word in words[0])
    assert not any("random" in word for word in words[1])
    assert "a to b: svm, normalisation train" in panels(alone)


def test_more_than_three_classifiers_are_put_into_lines_and_the_lowest_panels_name_the_axis():
    four = SCORED.query("classifier == 'svm'")
    rows = pd.concat([four.assign(classifier=name) for name in "abcd"])
    figure = benchmark.draw({"": rows[rows["normalisation"] == "train"]}, 0.25, "title")
    places = [(axes.get_subplotspec().rowspan.start, axes.get_subplotspec().colspan.start) for axes in figure.axes]
    assert places == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert [axes.get_xlabel() for axes in figure.axes] == ["", "", "UAR", "UAR"]
    assert figure.get_size_inches()[0] <= drawing.WIDTH_INCHES


def test_the_legend_explains_hollow_dots_only_where_an_interval_is_missing():
    def words(rows):
        return [text.get_text() for text in benchmark.draw({"": rows}, 0.25, "title").legends[0].get_texts()]

    assert "hollow: no interval" in words(SCORED)
    assert "hollow: no interval" not in words(SCORED[SCORED["classifier"] == "svm"])


def test_a_picture_of_numbers_without_intervals_can_be_saved(tmp_path):
    bare = SCORED.assign(uar_low=float("nan"), uar_high=float("nan"))
    drawing.save(benchmark.draw({"": bare}, 0.25, "title"), tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 1000
