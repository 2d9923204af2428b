import pandas as pd
import pytest

from ser.benchmarks import comparison, page
from ser.benchmarks.comparison import CompareParams, System
from ser.scores.intervals import IntervalParams

PARAMS = CompareParams("ours", System("theirs", "svm", "train"), IntervalParams(100, 0.95, 0, 5))


def line(encoder, normalisation, uar, **more):
    known = {"encoder": encoder, "classifier": "svm", "normalisation": normalisation, "protocol": "loso", "seeds": 1}
    scores = {"uar": uar, "uar_low": uar - 0.1, "uar_high": uar + 0.1, "accuracy": 0.5, "macro_f1": 0.4}
    return known | scores | {"note": ""} | more


@pytest.fixture
def scored():
    rows = [
        line("ours", "train", 0.61234, drop=0.1, drop_low=-0.0254, drop_high=0.2),
        line("theirs", "train", 0.7, difference=0.08766, difference_low=0.01, difference_high=0.15),
        line("ours", "speaker", 0.65),
        line("ours", "train", 0.99, protocol="random"),
        {"encoder": "chance", "uar": 0.25, "note": "a guess"},
        {"encoder": "speaker oracle", "uar": 0.31, "note": "no audio"},
        {"encoder": "speaker oracle, labels shuffled", "uar": 0.27, "note": "dealt"},
        {"encoder": "big", "note": "weights not available"},
    ]
    return pd.DataFrame(rows, columns=list(comparison.COLUMNS)).astype({"seeds": "Int64"})


def saved(tmp_path, comparisons):
    page.save("Benchmark: x", "What was asked.", comparisons, PARAMS, tmp_path / "page.md")
    return (tmp_path / "page.md").read_text(encoding="utf-8")


def rows(text, heading):
    """The cells of the table under a heading."""
    part = text.split(f"## {heading}")[1].split("\n## ")[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in part.splitlines() if row.startswith("|")]


def test_the_best_stands_first_and_random_is_no_row(tmp_path, scored):
    header, rule, *body = rows(saved(tmp_path, {"": scored}), "Normalisation `train`")
    assert [row[0] for row in body] == ["theirs", "ours"]
    assert all(set(cell) <= {":", "-"} for cell in rule)
    assert len({len(row) for row in (header, rule, *body)}) == 1


def test_numbers_stand_with_their_intervals_and_differences_with_their_sign(tmp_path, scored):
    header, _, theirs, ours = rows(saved(tmp_path, {"": scored}), "Normalisation `train`")
    assert ours[header.index("UAR")] == "0.612 [0.512, 0.712]"
    assert ours[header.index("accuracy")] == "0.500"
    assert ours[header.index("a random split adds")] == "+0.100 [-0.025, +0.200]"
    assert theirs[header.index("UAR minus ours's")] == "+0.088 [+0.010, +0.150]"
    assert ours[header.index("UAR minus ours's")] == ""


def test_columns_that_nobody_has_are_left_out(tmp_path, scored):
    header, *_ = rows(saved(tmp_path, {"": scored}), "Normalisation `speaker`")
    assert header == ["encoder", "classifier", "UAR", "accuracy", "macro F1", "seeds"]


def test_what_is_absent_and_what_needs_no_voice_is_said(tmp_path, scored):
    text = saved(tmp_path, {"": scored})
    assert "Not compared: big: weights not available." in text
    assert (
        "chance (a guess) 0.250, speaker oracle (no audio) 0.310, speaker oracle, labels shuffled (dealt) 0.270."
        in text
    )
    assert "transductive" in text.split("## Normalisation `speaker`")[1]
    assert "What was asked." in text


def test_a_floor_that_is_not_known_is_left_out(tmp_path, scored):
    text = saved(tmp_path, {"": scored[~scored["encoder"].str.startswith("speaker oracle")]})
    assert "knowing nothing of the voice: chance (a guess) 0.250." in text
    assert "speaker oracle" not in text


def test_several_comparisons_stand_under_their_names(tmp_path, scored):
    text = saved(tmp_path, {"a to b": scored, "b to a": scored[scored["encoder"] != "big"]})
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == [
        "## a to b: normalisation `train`",
        "## a to b: normalisation `speaker`",
        "## b to a: normalisation `train`",
        "## b to a: normalisation `speaker`",
    ]
    assert text.count("Not compared") == 1
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
