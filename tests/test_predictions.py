import numpy as np
import pandas as pd
import pytest

from ser import predictions, tables
from ser.failures import InputError

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
    with pytest.raises(InputError, match="expected the emotions angry, happy, found sad; run the stage 'evaluate'"):
        predictions.read(tmp_path / "predictions.csv", ["angry", "happy"])


def test_a_missing_probability_is_refused(table, tmp_path):
    tables.write(table, tmp_path / "predictions.csv")
    with pytest.raises(InputError, match="missing: p_happy"):
        predictions.read(tmp_path / "predictions.csv", [*EMOTIONS, "happy"])


def test_an_empty_table_is_refused(table, tmp_path):
    tables.write(table.iloc[:0], tmp_path / "predictions.csv")
    with pytest.raises(InputError, match="expected predictions, found none"):
        predictions.read(tmp_path / "predictions.csv", EMOTIONS)


def test_people_are_joined_on_the_id_whatever_the_order(table):
    manifest = pd.DataFrame({"id": ["c/0", "c/2", "c/1"], "speaker": ["zero", "two", "one"]})
    joined = predictions.with_people(table, manifest)
    assert dict(zip(joined["id"], joined["speaker"], strict=True)) == {"c/1": "one", "c/2": "two"}
    assert list(joined["id"]) == list(table["id"])


def test_an_utterance_that_the_manifest_does_not_have_is_refused(table):
    with pytest.raises(InputError, match="1 ids are not in the manifest, such as 'c/2'"):
        predictions.with_people(table, pd.DataFrame({"id": ["c/1"], "speaker": ["one"]}))


@pytest.mark.parametrize(
    ("protocols", "expected"), [(["random", "loso"], "loso"), (["kfold"], "kfold"), (["random"], "random")]
)
def test_the_chosen_protocol_is_the_one_beside_random(protocols, expected):
    assert predictions.chosen(pd.DataFrame({"protocol": protocols})) == expected


def test_two_protocols_beside_random_are_refused():
    with pytest.raises(InputError, match="expected one protocol beside 'random', found kfold, loso"):
        predictions.chosen(pd.DataFrame({"protocol": ["kfold", "loso", "random"]}))
