import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.markers import MarkerStyle

from ser.plots import drawing
from ser.plots import projection as projection_picture
from ser.plots import representation as representation_picture

NAMES = {"features": "pase_plus", "mfcc": "mfcc"}


@pytest.fixture
def probes():
    rows = [
        ("features", "emotion", 0.7, 0.6, 0.8, 0.25, np.nan),
        ("features", "gender", 0.9, np.nan, np.nan, 0.5, 0.45),
        ("mfcc", "emotion", 0.6, 0.5, 0.7, 0.25, np.nan),
        ("mfcc", "gender", np.nan, np.nan, np.nan, np.nan, np.nan),
        ("features_minus_mfcc", "emotion", 0.1, 0.0, 0.2, np.nan, np.nan),
    ]
    columns = ["space", "attribute", "balanced_accuracy", "low", "high", "chance", "permuted"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def silhouettes():
    rows = [
        ("mfcc", "speaker", 0.3, 0.2, 0.4),
        ("mfcc", "emotion", 0.1, 0.0, 0.2),
        ("features", "emotion", -0.1, -0.2, 0),
    ]
    return pd.DataFrame(rows, columns=["space", "grouping", "silhouette", "low", "high"])


@pytest.fixture
def points():
    rows = [("t-SNE", 0, 0), ("t-SNE", 1, 2), ("t-SNE", 5, 1), ("UMAP", 3, 3), ("UMAP", 4, 4), ("UMAP", 5, 5)]
    table = pd.DataFrame(rows, columns=["method", "x", "y"])
    table["emotion"] = ["sad", "angry", "sad"] * 2
    table["speaker"] = ["c/1", "c/2", "c/1"] * 2
    table["gender"] = ["female", "", "female"] * 2
    return table


def line(axes, label):
    (found,) = [found for found in axes.lines if found.get_label().startswith(label)]
    return found.get_xdata(), found.get_ydata()


def marks(axes):
    """Colour and number of corners of each point of a map, by its place."""
    (found,) = axes.collections
    colours = [tuple(colour[:3]) for colour in found.get_facecolors()]
    corners = [len(path.vertices) for path in found.get_paths()]
    places = map(tuple, found.get_offsets().tolist())
    return dict(zip(places, zip(colours, corners, strict=True), strict=True))


def test_a_space_is_a_row_and_an_attribute_a_panel(probes, silhouettes):
    figure = representation_picture.draw(probes, silhouettes, NAMES, "a title")
    emotion, gender, apart = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["emotion", "gender", "silhouettes"]
    assert [label.get_text() for label in emotion.get_yticklabels()] == ["pase_plus", "mfcc"]
    np.testing.assert_array_equal(line(emotion, "linear probe"), [[0.7, 0.6], [0, 1]])
    np.testing.assert_array_equal(line(gender, "chance")[0], [0.5, np.nan])
    np.testing.assert_array_equal(line(gender, "labels permuted")[0], [0.45, np.nan])
    np.testing.assert_array_equal(line(apart, "by speaker")[0], [np.nan, 0.3])
    np.testing.assert_array_equal(line(apart, "by emotion")[0], [-0.1, 0.1])
    assert figure.get_suptitle() == "a title"


def test_a_probe_that_could_not_be_had_is_a_dash(probes, silhouettes):
    emotion, gender, _ = representation_picture.draw(probes, silhouettes, NAMES, "").axes
    assert [(text.get_text(), text.get_position()[1]) for text in gender.texts] == [("–", 1)]
    assert not emotion.texts


def test_a_legend_names_every_mark_once(probes, silhouettes):
    (legend,) = representation_picture.draw(probes, silhouettes, NAMES, "").legends
    names = [text.get_text() for text in legend.get_texts()]
    assert len(set(names)) == len(names) == 5


def test_each_map_has_a_panel_for_each_aspect(points):
    figure = projection_picture.draw(points, "")
    titles = [f"{method} by {aspect}" for method in ("t-SNE", "UMAP") for aspect in ("emotion", "speaker", "gender")]
    assert [axes.get_title() for axes in figure.axes] == titles
    drawn = marks(figure.axes[0])
    assert {place for place in drawn} == {(0, 0), (5, 1), (1, 2)}
    assert drawn[0, 0] == drawn[5, 1]
    assert all(one != other for one, other in zip(drawn[0, 0], drawn[1, 2], strict=True))  # colour, and marker


def test_the_unknown_are_drawn_and_named_only_where_there_are_some(points):
    figure = projection_picture.draw(points, "")
    colour, _ = marks(figure.axes[2])[1, 2]
    assert colour == to_rgb(drawing.GREY)
    emotion, _, gender = ([text.get_text() for text in axes.get_legend().get_texts()] for axes in figure.axes[3:])
    assert emotion == ["angry", "sad"]
    assert gender == ["unknown", "female"]


def test_up_to_88_groups_differ_in_colour_or_marker():
    styles = projection_picture.style([f"c/{number}" for number in range(88)])
    assert len(set(styles.values())) == 88


def test_no_two_markers_look_alike():
    """A circle and a hexagon of one colour cannot be told apart where they are small: they share 83 % of their area."""
    grid = np.stack(np.meshgrid(*[np.linspace(-0.8, 0.8, 161)] * 2), axis=-1).reshape(-1, 2)
    styles = [MarkerStyle(marker) for marker in projection_picture.MARKERS]
    areas = [style.get_path().transformed(style.get_transform()).contains_points(grid) for style in styles]
    for first, second in itertools.combinations(areas, 2):
        assert (first & second).sum() < 0.8 * (first | second).sum()


def test_too_many_groups_are_counted_instead_of_named(points):
    crowd = pd.concat([points.assign(speaker=f"c/{number}") for number in range(projection_picture.NAMED + 1)])
    axes = projection_picture.draw(crowd, "").axes[4]
    assert axes.get_legend() is None
    assert axes.get_xlabel() == "41 groups: too many to name"


def test_without_points_there_is_an_empty_picture(points, tmp_path):
    figure = projection_picture.draw(points[:0], "no map")
    drawing.save(figure, tmp_path / "picture.png")
    assert not figure.axes


def test_pictures_have_the_same_bytes_every_time(probes, silhouettes, points, tmp_path):
    pictures = {
        "probes": lambda: representation_picture.draw(probes, silhouettes, NAMES, ""),
        "maps": lambda: projection_picture.draw(points, ""),
    }
    for name, draw in pictures.items():
        for take in ("first", "second"):
            drawing.save(draw(), tmp_path / f"{name}_{take}.png")
        assert (tmp_path / f"{name}_first.png").read_bytes() == (tmp_path / f"{name}_second.png").read_bytes()
