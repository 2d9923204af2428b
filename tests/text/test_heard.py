import numpy as np
import pandas as pd
import pytest

from ser.files import tables
from ser.files.failures import InputError
from ser.text import heard, transcripts, vectors
from tests import builders

SAID = ["It rains.", "I am furious.", "", "It rains."]


@pytest.fixture
def people():
    return builders.manifest(2, 2, ["angry", "sad"], text="known")


@pytest.fixture(autouse=True)
def model(monkeypatch):
    """A sentence model that counts letters."""
    monkeypatch.setattr(vectors, "folder_of", lambda model: model)
    monkeypatch.setattr(vectors, "fingerprint", lambda folder: "made up")
    monkeypatch.setattr(
        vectors, "encode", lambda texts, folder: np.array([[len(text), text.count("r")] for text in texts], np.float32)
    )


def table(people, texts):
    return pd.DataFrame({"id": people["id"], "language": "en", "text": texts})


def test_vectors_are_of_what_was_heard_and_0_where_nothing_was(people):
    found = heard.encode(people, table(people, SAID), "any")
    assert found.vectors.tolist() == [[9, 1], [13, 1], [0, 0], [9, 1]]
    assert found.ids.tolist() == people["id"].tolist()
    assert found.sha256.tolist() == people["sha256"].tolist()


def test_transcripts_are_joined_by_id(people):
    found = heard.encode(people.iloc[1:].reset_index(drop=True), table(people, SAID).iloc[::-1], "any")
    assert found.vectors.tolist() == [[13, 1], [0, 0], [9, 1]]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([""] * 4, "words heard: expected words, found none in all 4 utterances; listen to some"),
        (["It rains.", "", "", ""], "expected at least two different sentences, found 'It rains.' alone"),
    ],
)
def test_words_that_tell_nothing_apart_are_refused(people, texts, message):
    with pytest.raises(InputError, match=message):
        heard.encode(people, table(people, texts), "any")


def test_a_table_survives_writing_whatever_was_heard(people, tmp_path):
    written = table(people, ['He said "no", twice', "NA", "", "café, ሰላም"])
    tables.write(written, tmp_path / "t.csv")
    assert transcripts.read(tmp_path / "t.csv", people)["text"].tolist() == written["text"].tolist()


def test_a_table_is_given_in_the_order_of_the_manifest(people, tmp_path):
    tables.write(table(people, SAID).iloc[::-1], tmp_path / "t.csv")
    assert transcripts.read(tmp_path / "t.csv", people)["text"].tolist() == SAID


def test_a_table_of_other_utterances_is_refused(people, tmp_path):
    tables.write(table(people, SAID).iloc[1:], tmp_path / "t.csv")
    with pytest.raises(InputError, match="expected the 4 utterances of the manifest, found 3, other ones; run the sta"):
        transcripts.read(tmp_path / "t.csv", people)
