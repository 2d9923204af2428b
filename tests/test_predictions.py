import re

import numpy as np
import pandas as pd
import pytest

from ser import predictions
from ser.files import tables
from ser.files.failures import InputError

EMOTIONS = ["angry", "sad"]


@pytest.fixture
def table():
    tested = pd.DataFrame({"id": ["c/1", "c/2"], "emotion": ["sad", "angry"]}, index=[7, 3])
    return predictions.fold("kfold", 2, tested, np.array([[0.75, 0.25], [0.1, 0.9]]), EMOTIONS)


def test_a_fold_has_the_likeliest_emotion_beside_the_truth(table):
    assert table.to_dict("list") == {
        "id": ["c/1", "c/2"],
        "protocol": ["kfold", "kfold"],
        "fold": [2, 2],
        "truth": ["sad", "angry"],
        "prediction": ["angry", "sad"],
        "p_angry": [0.75, 0.1],
        "p_sad": [0.25, 0.9],
    }


def test_what_was_written_is_read_again(table, tmp_path):
    tables.write(table, tmp_path / "predictions.csv")
    pd.testing.assert_frame_equal(
        predictions.read(tmp_path / "predictions.csv", EMOTIONS), table, check_dtype=False, rtol=1e-8
    )


def test_predictions_of_other_emotions_are_refused(table, tmp_path):
    tables.write(table.assign(p_happy=0.0), tmp_path / "predictions.csv")
    with pytest.raises(
        InputError, match=r"truth, row 2 \(id c/1, .*\): expected one of angry, happy, found 'sad'; run the stage"
    ):
        predictions.read(tmp_path / "predictions.csv", ["angry", "happy"])


def test_a_missing_probability_is_refused(table, tmp_path):
    tables.write(table, tmp_path / "predictions.csv")
    with pytest.raises(InputError, match="missing: p_happy"):
        predictions.read(tmp_path / "predictions.csv", [*EMOTIONS, "happy"])


def test_an_empty_table_is_refused(table, tmp_path):
    tables.write(table.iloc[:0], tmp_path / "predictions.csv")
    with pytest.raises(InputError, match=r"predictions\.csv: expected rows, found none; run the stage evaluate again"):
        predictions.read(tmp_path / "predictions.csv", EMOTIONS)


def test_people_are_joined_on_the_id_whatever_the_order(table):
    manifest = pd.DataFrame(
        {"id": ["c/0", "c/2", "c/1"], "speaker": ["zero", "two", "one"], "emotion": ["sad", "angry", "sad"]}
    )
    joined = predictions.with_people(table, manifest)
    assert dict(zip(joined["id"], joined["speaker"], strict=True)) == {"c/1": "one", "c/2": "two"}
    assert list(joined["id"]) == list(table["id"])


def test_an_utterance_that_the_manifest_does_not_have_is_refused(table):
    with pytest.raises(InputError, match="1 ids are not in the manifest, such as 'c/2'"):
        predictions.with_people(table, pd.DataFrame({"id": ["c/1"], "speaker": ["one"]}))


def test_an_utterance_of_another_emotion_in_the_manifest_is_refused(table):
    manifest = pd.DataFrame({"id": ["c/1", "c/2"], "emotion": ["sad", "sad"]})
    with pytest.raises(InputError, match=r"1 truths are .*: 'c/2' is angry here and sad there; run `dvc repro`"):
        predictions.with_people(table, manifest)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("id", "", "column id, row 3 (protocol kfold): expected some text, found an empty cell"),
        ("id", "c/1", "column id and protocol: expected no two rows alike, found 'c/1, kfold' in row 2 and row 3"),
        ("fold", -1, "column fold, row 3 (id c/2, protocol kfold): expected a whole number of 0 or more, found -1"),
        ("prediction", "happy", "column prediction, row 3 (id c/2, protocol kfold): expected one of angry, sad, found"),
        (
            "prediction",
            "angry",
            "column prediction, row 3 (id c/2, protocol kfold): expected the likeliest emotion, fou",
        ),
        (
            "p_sad",
            "likely",
            "column p_sad, row 3 (id c/2, protocol kfold): expected a number from 0 to 1, found 'likely'",
        ),
        (
            "p_sad",
            np.nan,
            "column p_sad, row 3 (id c/2, protocol kfold): expected a number from 0 to 1, found an empty",
        ),
        ("p_sad", 1.5, "column p_sad, row 3 (id c/2, protocol kfold): expected a number from 0 to 1, found 1.5"),
        ("p_sad", -0.5, "column p_sad, row 3 (id c/2, protocol kfold): expected a number from 0 to 1, found -0.5"),
        (
            "p_sad",
            0.90001,
            "column p_angry to p_sad, row 3 (id c/2, protocol kfold): expected a sum of 1, found 1.00001",
        ),
        (
            "p_sad",
            0.875,
            "column p_angry to p_sad, row 3 (id c/2, protocol kfold): expected a sum of 1, found 0.975",
        ),
    ],
)
def test_a_row_that_no_evaluation_gives_is_refused(table, tmp_path, column, value, message):
    table[column] = [table[column][0], value]
    tables.write(table, tmp_path / "predictions.csv")
    with pytest.raises(InputError, match=re.escape(f"predictions.csv: {message}")) as caught:
        predictions.read(tmp_path / "predictions.csv", EMOTIONS)
    assert str(caught.value).endswith("; run the stage evaluate again")


def test_what_is_lost_in_writing_is_tolerated(tmp_path):
    """Nearly equal probabilities become equal in nine digits, and sums are no longer exact."""
    emotions = ["angry", "happy", "sad"]
    tested = pd.DataFrame({"id": ["c/1"], "emotion": ["sad"]})
    probabilities = np.array([[1 / 3, 1 / 3 + 1e-11, 1 / 3 - 1e-11]])
    tables.write(predictions.fold("kfold", 0, tested, probabilities, emotions), tmp_path / "predictions.csv")
    assert predictions.read(tmp_path / "predictions.csv", emotions)["prediction"].tolist() == ["happy"]
