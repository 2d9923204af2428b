import errno
import struct

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from ser.plots import confusion, drawing, learning_curves
from ser.plots import groups as groups_picture

EMOTIONS = ["angry", "sad", "neutral"]
COUNTS = np.array([[9, 1, 0], [2, 3, 0], [0, 0, 0]])


def texts(axes):
    return [text.get_text() for text in axes.texts]


def line(axes, label):
    (found,) = [found for found in axes.lines if found.get_label() == label]
    return found.get_xdata(), found.get_ydata()


def hollow(axes):
    (found,) = [found for found in axes.lines if found.get_marker() == "o" and found.get_markerfacecolor() == "white"]
    return found.get_xdata()


@pytest.fixture
def curves():
    """Two folds; the second trains a third epoch, whose validation loss is its lowest."""
    return pd.DataFrame(
        [
            ("kfold", 0, 1, 1.2, 1.3, 0.4, 0.3),
            ("kfold", 0, 2, 1.0, 1.4, 0.5, 0.6),
            ("kfold", 1, 1, 1.4, 1.5, 0.3, 0.2),
            ("kfold", 1, 2, 1.2, 1.4, 0.4, 0.4),
            ("kfold", 1, 3, 0.9, 1.1, 0.6, 0.5),
        ],
        columns=["protocol", "fold", "epoch", "train_loss", "validation_loss", "train_uar", "validation_uar"],
    )


@pytest.fixture
def groups():
    rows = [
        ("gender", "female", 60, 6, 0.8, 0.7, 0.9),
        ("gender", "male", 40, 4, 0.6, np.nan, np.nan),
        ("age", "under_30", 0, 0, np.nan, np.nan, np.nan),
        ("age", "unknown", 100, pd.NA, 0.7, np.nan, np.nan),
        ("speaker", "c/2", 50, 1, 0.5, np.nan, np.nan),
        ("speaker", "c/1", 50, 1, 0.9, np.nan, np.nan),
    ]
    table = pd.DataFrame(rows, columns=["attribute", "group", "utterances", "speakers", "uar", "uar_low", "uar_high"])
    recalls = table["uar"].to_numpy()
    recalls = {f"recall_{emotion}": recalls + shift for emotion, shift in zip(EMOTIONS, (-0.1, 0, 0.1), strict=True)}
    return table.astype({"speakers": "Int64"}).assign(**recalls)


GAPS = {
    "gender: female_minus_male": {"uar": 0.2, "uar_low": -0.1, "uar_high": 0.5},
    "age: under_30_minus_30-44": {"uar": -0.3},
}


def test_a_confusion_cell_holds_the_share_of_its_row_and_the_count():
    figure = confusion.draw({"kfold": COUNTS, "random": COUNTS.T}, EMOTIONS)
    first, second = figure.axes
    assert texts(first) == ["90%\n9", "10%\n1", "0%\n0", "40%\n2", "60%\n3", "0%\n0", "–", "–", "–"]
    assert texts(second)[:2] == ["82%\n9", "18%\n2"]
    assert (first.get_title(), second.get_title()) == ("kfold", "random")
    assert [label.get_text() for label in first.get_yticklabels()] == EMOTIONS
    assert (first.get_xlabel(), first.get_ylabel()) == ("prediction", "truth")


def test_learning_curves_mark_the_epoch_that_is_kept_in_each_fold(curves):
    loss, uar = learning_curves.draw(curves).axes
    for axes, expected in ((loss, [1.3, 1.1]), (uar, [0.3, 0.5])):
        epochs, values = line(axes, "epoch kept")
        assert list(epochs) == [1, 3]
        assert list(values) == expected


def test_the_thick_curve_is_the_mean_while_all_folds_train(curves):
    third = curves[curves["fold"] == 1].assign(fold=2)
    loss, uar = learning_curves.draw(pd.concat([curves, third])).axes
    epochs, values = line(loss, "validation part")
    assert list(epochs) == [1, 2]  # in the third epoch two folds of three are left
    np.testing.assert_allclose(values, [(1.3 + 1.5 + 1.5) / 3, 1.4])
    np.testing.assert_allclose(line(uar, "training part")[1], [(0.4 + 0.3 + 0.3) / 3, (0.5 + 0.4 + 0.4) / 3])


def test_a_classifier_without_epochs_has_a_dot_for_each_fold_and_part_and_no_epoch_kept(curves):
    figure = learning_curves.draw(curves[curves["epoch"] == 1])
    loss, uar = figure.axes
    for axes, label, expected in (
        (loss, "training part", [1.2, 1.4]),
        (loss, "validation part", [1.3, 1.5]),
        (uar, "validation part", [0.3, 0.2]),
    ):
        folds, values = line(axes, label)
        assert (list(folds), list(values)) == ([0, 1], expected)
    assert {found.get_marker() for found in loss.lines} == {"o", "s"}
    assert "epoch kept" not in [text.get_text() for text in figure.legends[0].get_texts()]
    assert uar.get_xlabel() == "fold"


def test_the_legend_of_learning_curves_lies_on_no_curve(curves):
    figure = learning_curves.draw(curves)
    figure.canvas.draw()
    (legend,) = figure.legends
    assert not any(axes.get_legend() for axes in figure.axes)
    assert not any(legend.get_window_extent().overlaps(axes.get_window_extent()) for axes in figure.axes)


def test_groups_without_a_speaker_who_has_every_emotion_leave_no_room_for_them(groups):
    figure = groups_picture.draw(groups[groups["attribute"] != "speaker"], GAPS, EMOTIONS, "kfold")
    assert len(figure.axes) == 3
    assert {axes.get_gridspec().ncols for axes in figure.axes} == {2}


def test_learning_curves_have_a_column_for_each_protocol(curves):
    figure = learning_curves.draw(pd.concat([curves, curves.assign(protocol="random").query("fold == 0")]))
    assert [axes.get_title() for axes in figure.axes] == ["kfold, folds: 2", "random, folds: 1", "", ""]


def test_groups_show_figures_intervals_and_counts(groups):
    uars, recalls, gaps, speakers = groups_picture.draw(groups, GAPS, EMOTIONS, "kfold").axes
    assert [label.get_text() for label in uars.get_yticklabels()] == [
        "gender: female\nutterances 60, speakers 6",
        "gender: male\nutterances 40, speakers 4",
        "age band: unknown\nutterances 100, speakers unknown",
    ]
    assert list(uars.lines[0].get_xdata()) == [0.8, 0.6, 0.7]
    (interval,) = [path.vertices[:, 0] for path in uars.collections[0].get_paths()[:1]]
    assert list(interval) == pytest.approx([0.7, 0.9])
    assert list(hollow(uars)) == [0.6, 0.7]
    assert texts(recalls) == ["70%", "80%", "90%", "50%", "60%", "70%", "60%", "70%", "80%"]
    assert [label.get_text() for label in gaps.get_yticklabels()] == [
        "gender: female minus male\nno test",
        "age band: under 30 minus 30-44\nno test",
    ]
    assert list(gaps.lines[1].get_xdata()) == [0.2, -0.3]
    assert list(hollow(gaps)) == [-0.3]
    assert [label.get_text() for label in speakers.get_yticklabels()] == ["c/1", "c/2"]
    assert list(hollow(speakers)) == [0.9, 0.5]


def test_so_many_speakers_that_names_would_overlap_have_none(groups):
    crowd = [
        groups.query("group == 'c/1'").assign(group=f"c/{index}") for index in range(groups_picture.NAMED_SPEAKERS + 1)
    ]
    axes = groups_picture.draw(pd.concat([groups, *crowd]), GAPS, EMOTIONS, "kfold").axes[-1]
    assert len(axes.lines[0].get_xdata()) == groups_picture.NAMED_SPEAKERS + 3
    assert not axes.get_yticklabels()


def test_every_picture_has_the_same_bytes_every_time(curves, groups, tmp_path):
    pictures = {
        "confusion": lambda: confusion.draw({"kfold": COUNTS}, EMOTIONS),
        "curves": lambda: learning_curves.draw(curves),
        "groups": lambda: groups_picture.draw(groups, GAPS, EMOTIONS, "kfold"),
    }
    for name, draw in pictures.items():
        for take in ("first", "second"):
            drawing.save(draw(), tmp_path / f"{name}_{take}.png")
        assert (tmp_path / f"{name}_first.png").read_bytes() == (tmp_path / f"{name}_second.png").read_bytes()


def test_a_picture_holds_neither_time_nor_version(tmp_path):
    drawing.save(confusion.draw({"kfold": COUNTS}, EMOTIONS), tmp_path / "picture.png")
    data = (tmp_path / "picture.png").read_bytes()
    place, chunks = 8, []
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        chunks.append(data[place + 4 : place + 8])
        place += 12 + length
    assert set(chunks) == {b"IHDR", b"pHYs", b"IDAT", b"IEND"}


@pytest.mark.parametrize(("gone", "panels"), [(["gender", "age"], 1), (["speaker"], 2), ([], 3)])
def test_a_panel_that_would_be_empty_is_left_out(groups, tmp_path, gone, panels):
    figure = groups_picture.draw(groups[~groups["attribute"].isin(gone)], {}, EMOTIONS, "kfold")
    drawing.save(figure, tmp_path / "picture.png")
    assert len(figure.axes) == panels


def test_where_no_group_may_be_scored_a_sentence_says_so(groups):
    figure = groups_picture.draw(groups.assign(**dict.fromkeys(groups.columns[4:], np.nan)), {}, EMOTIONS, "kfold")
    assert not figure.axes
    (said,) = [text.get_text() for text in figure.texts if text is not figure._suptitle]
    assert said == "no group may be scored: see refused_claims.csv"


def test_a_long_title_of_groups_stays_within_the_picture(groups):
    title = "random (test speakers are in training as well): 535 utterances; 95 % intervals, for groups of 5 speakers"
    figure = groups_picture.draw(groups, GAPS, EMOTIONS, title)
    figure.canvas.draw()
    extent = figure._suptitle.get_window_extent()
    assert figure.bbox.x0 <= extent.x0
    assert extent.x1 <= figure.bbox.x1


def test_every_group_of_a_cloud_is_seen_among_the_others():
    """Two groups of points in the same place: were they drawn one after the other, the later one would be on top."""
    places = pd.DataFrame({"x": np.zeros(2000), "y": np.zeros(2000)})
    axes = Figure().add_subplot()
    drawing.cloud(axes, places, [drawing.BLUE] * 1000 + [drawing.ORANGE] * 1000, ["o"] * 1000 + ["s"] * 1000)
    (found,) = axes.collections
    blue = found.get_facecolors()[:, 2] > 0.5
    assert 400 < blue[:1000].sum() < 600
    corners = np.array([len(path.vertices) for path in found.get_paths()])
    assert len(set(corners[blue])) == len(set(corners[~blue])) == 1  # each kept its marker
    assert corners[blue][0] != corners[~blue][0]


def test_the_more_points_of_a_cloud_the_smaller_and_paler_they_are_and_many_have_no_edge():
    looks = []
    for count in (200, 1000, 5000):
        axes = Figure().add_subplot()
        places = pd.DataFrame({"x": np.arange(count), "y": 0})
        drawing.cloud(axes, places, [drawing.BLUE] * count, ["o"] * count)
        looks.append(axes.collections[0])
    few, some, many = looks
    assert few.get_sizes()[0] > some.get_sizes()[0] > many.get_sizes()[0]
    assert few.get_alpha() > some.get_alpha() > many.get_alpha()
    assert [len(look.get_edgecolors()) > 0 for look in looks] == [True, True, False]


def test_unknown_speakers_are_no_speaker(groups):
    groups.loc[groups["group"] == "c/1", ["group", "speakers"]] = ["unknown", pd.NA]
    axes = groups_picture.draw(groups, GAPS, EMOTIONS, "kfold").axes[-1]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["c/2"]
    assert axes.get_xlabel() == "UAR of each\nspeaker (1)"


def test_a_picture_that_could_not_be_written_leaves_the_old_one(monkeypatch, tmp_path):
    (tmp_path / "picture.png").write_text("old")

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(OSError, match="No space left"):
        drawing.save(confusion.draw({"kfold": COUNTS}, EMOTIONS), tmp_path / "picture.png")
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]
    assert (tmp_path / "picture.png").read_text() == "old"
