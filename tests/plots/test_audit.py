import pandas as pd
import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from ser.plots import audit, drawing

EMOTIONS = ["angry", "sad"]
OVERVIEW = {"association": {"gender_age": 0.25, "speaker": 0.1}, "chance_uar": 0.5}


@pytest.fixture
def counts():
    rows = [
        *[("gender", "female", "angry", 3, 2), ("gender", "female", "sad", 9, 2)],
        *[("gender", "male", "angry", 4, 1), ("gender", "male", "sad", 0, 0)],
        *[("age", "under_30", "angry", 0, 0), ("age", "under_30", "sad", 0, 0)],
        *[("speaker", "c/1", "angry", 5, 1), ("speaker", "c/1", "sad", 5, 1)],
    ]
    return pd.DataFrame(rows, columns=["attribute", "group", "emotion", "utterances", "speakers"])


REFUSED = pd.DataFrame(
    [("gender", "male", "sad", "no utterances"), ("gender", "male", "uar", "nobody speaks sad")],
    columns=["attribute", "group", "claim", "reason"],
)


def frames(axes, colour):
    return [
        patch for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_edgecolor() == to_rgba(colour)
    ]


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_each_cell_holds_the_share_and_the_number_of_the_groups_utterances(counts):
    people, _, speakers = audit.draw(counts, REFUSED, OVERVIEW, EMOTIONS, "kfold").axes
    assert texts(people) == ["25%\n3", "75%\n9", "100%\n4", "0%\n0"]
    assert [label.get_text() for label in people.get_yticklabels()] == ["gender: female", "gender: male"]
    assert [label.get_text() for label in people.get_xticklabels()] == EMOTIONS
    assert texts(speakers) == ["50%\n5", "50%\n5"]
    assert [label.get_text() for label in speakers.get_yticklabels()] == ["c/1"]


def test_a_refused_emotion_has_a_frame(counts):
    people = audit.draw(counts, REFUSED, OVERVIEW, EMOTIONS, "kfold").axes[0]
    (frame,) = frames(people, drawing.ORANGE)
    assert frame.get_x() < 1 < frame.get_x() + frame.get_width()
    assert frame.get_y() < 1 < frame.get_y() + frame.get_height()


@pytest.mark.parametrize(
    ("refused", "framed"),
    [
        (("gender", "male", "any figure"), 2),  # of two cells of this group
        (("gender", "", "any figure"), 4),  # of two groups
        (("all", "", "any figure"), 4),
        (("gender", "male", "uar"), 0),  # the cells are each emotion's own
    ],
)
def test_what_is_refused_with_its_whole_group_has_a_frame(counts, refused, framed):
    rows = pd.DataFrame([(*refused, "why")], columns=REFUSED.columns)
    people = audit.draw(counts, rows, OVERVIEW, EMOTIONS, "kfold").axes[0]
    assert len(frames(people, drawing.ORANGE)) == framed


@pytest.mark.parametrize(("claim", "dotted"), [("uar", 1), ("interval", 1), ("any figure", 0), ("sad", 0)])
def test_a_group_without_a_uar_or_its_interval_has_a_dotted_frame_around_its_row(counts, claim, dotted):
    rows = pd.DataFrame([("gender", "male", claim, "why")], columns=REFUSED.columns)
    figure = audit.draw(counts, rows, OVERVIEW, EMOTIONS, "kfold")
    found = frames(figure.axes[0], drawing.BLACK)
    assert len(found) == dotted
    for frame in found:
        assert frame.get_y() < 1 < frame.get_y() + frame.get_height()  # the second row
        assert frame.get_width() > len(EMOTIONS) - 0.1
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == ["orange: no figure at all", "dotted: no UAR, or no interval of it"]


def test_the_associations_are_bars_with_their_numbers(counts):
    bars = audit.draw(counts, REFUSED, OVERVIEW, EMOTIONS, "kfold").axes[1]
    assert [bar.get_width() for bar in bars.patches] == [0.25, 0.1]
    assert texts(bars) == ["0.25", "0.10"]
    assert [label.get_text() for label in bars.get_yticklabels()] == ["gender and age band", "speaker"]
    assert bars.get_title() == "how strongly\nemotion goes with ..."
    assert bars.get_xlabel() == "Cramér's V, corrected for chance"


def test_groups_have_the_words_of_the_report(counts):
    counts["attribute"] = counts["attribute"].replace("age", "gender_age")
    counts["group"], counts["utterances"] = counts["group"].replace("under_30", "male_60_and_over"), 1
    people = audit.draw(counts, REFUSED, OVERVIEW, EMOTIONS, "kfold").axes[0]
    assert people.get_yticklabels()[-1].get_text() == "gender and age band: male 60 and over"


def test_so_many_speakers_that_names_would_overlap_are_left_out(counts):
    speaker = counts[counts["attribute"] == "speaker"]
    crowd = [speaker.assign(group=f"c/{number}") for number in range(2, audit.NAMED_SPEAKERS + 3)]
    figure = audit.draw(pd.concat([counts, *crowd], ignore_index=True), REFUSED, OVERVIEW, EMOTIONS, "kfold")
    assert len(figure.axes) == 2


def test_the_picture_has_the_same_bytes_every_time_whatever_is_unknown(counts, tmp_path):
    unknown = {"association": {}, "chance_uar": 0.5}
    for take in ("first", "second"):
        figure = audit.draw(counts[counts["attribute"] != "speaker"], REFUSED, unknown, EMOTIONS, "kfold")
        drawing.save(figure, tmp_path / f"{take}.png")
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()
