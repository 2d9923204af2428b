import audformat
import numpy as np
import pandas as pd
import pytest
import soundfile

from ser.corpora import folders
from ser.files.failures import InputError

pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")  # where audformat writes
FILES = ["wav/a.wav", "wav/b.wav"]


def database():
    """Two files of two speakers, as in audEERING's EMO-DB: a table of speakers, one of files, one of emotions."""
    db = audformat.Database("mine", languages=["deu"])
    db.raters["gold"] = audformat.Rater()
    db.schemes["age"] = audformat.Scheme("int")
    db.schemes["gender"] = audformat.Scheme(labels=["female", "male"])
    db["speaker"] = audformat.MiscTable(pd.Index([3, 8], name="speaker", dtype="Int64"))
    db["speaker"]["age"] = audformat.Column(scheme_id="age")
    db["speaker"]["age"].set([31, 34])
    db["speaker"]["gender"] = audformat.Column(scheme_id="gender")
    db["speaker"]["gender"].set(["male", "female"])
    db.schemes["speaker"] = audformat.Scheme("int", labels="speaker")
    db.schemes["emotion"] = audformat.Scheme(labels=["anger", "boredom", "happiness"])
    db.schemes["confidence"] = audformat.Scheme("float")
    db.schemes["transcription"] = audformat.Scheme(labels={"a01": "Der Lappen."})
    db["files"] = audformat.Table(audformat.filewise_index(FILES))
    db["files"]["speaker"] = audformat.Column(scheme_id="speaker")
    db["files"]["speaker"].set([3, 8])
    db["files"]["transcription"] = audformat.Column(scheme_id="transcription")
    db["files"]["transcription"].set(["a01", "a01"])
    db.splits["train"] = audformat.Split("train")
    db["emotion"] = audformat.Table(audformat.filewise_index(FILES), split_id="train")
    db["emotion"]["emotion"] = audformat.Column(scheme_id="emotion", rater_id="gold")
    db["emotion"]["emotion"].set(["anger", "boredom"])
    db["emotion"]["emotion.confidence"] = audformat.Column(scheme_id="confidence", rater_id="gold")
    db["emotion"]["emotion.confidence"].set([0.9, 1.0])
    return db


def save(tmp_path, db, storage="csv", files=FILES):
    folder = tmp_path / "mine"
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / name, np.zeros(160), 16000)
    db.save(str(folder), storage_format=storage)
    return folder


def parsed(folder):
    return {utterance.name: utterance for utterance in folders.parse(folder, folders.Reading())}


def test_genders_of_a_database_are_read_as_a_whole(tmp_path):
    db = database()
    db.schemes["sex"] = audformat.Scheme(labels=["H", "M"])
    db["speaker"].drop_columns("gender", inplace=True)
    db["files"]["gender"] = audformat.Column(scheme_id="sex")
    db["files"]["gender"].set(["H", "M"])
    assert [utterance.gender for utterance in parsed(save(tmp_path, db)).values()] == ["male", "female"]


@pytest.mark.parametrize("storage", ["csv", "parquet"])
def test_a_database_tells_everything(tmp_path, storage):
    first, second = parsed(save(tmp_path, database(), storage)).values()
    assert (first.emotion, first.speaker, first.gender, first.age) == ("angry", "3", "male", 31.0)
    assert (second.emotion, second.speaker, second.gender, second.age) == ("bored", "8", "female", 34.0)
    assert (first.language, first.text, first.votes) == ("de", "Der Lappen.", {})
    assert first.details == {"split": "train", "emotion.confidence": 0.9}


def test_the_language_of_a_speaker_counts_more_than_the_database_s(tmp_path):
    db = database()
    db.schemes["language"] = audformat.Scheme("str")
    db["speaker"]["language"] = audformat.Column(scheme_id="language")
    db["speaker"]["language"].set(["English", None])
    assert [utterance.language for utterance in parsed(save(tmp_path, db)).values()] == ["en", "de"]


def test_several_people_are_raters_and_gold_is_the_label(tmp_path):
    db = database()
    for rater, labels in {"r1": ["anger", "anger"], "r2": ["anger", "boredom"], "r3": ["happiness", None]}.items():
        db.raters[rater] = audformat.Rater("human")
        db["emotion"][rater] = audformat.Column(scheme_id="emotion", rater_id=rater)
        db["emotion"][rater].set(labels)
    first, second = parsed(save(tmp_path, db)).values()
    assert (first.emotion, first.votes) == ("angry", {"angry": 2, "happy": 1})
    assert (second.emotion, second.votes) == ("bored", {"angry": 1, "bored": 1})


def test_without_a_label_the_most_voted_emotion_counts(tmp_path):
    db = database()
    del db["emotion"].columns["emotion"]
    db["emotion"] = audformat.Table(audformat.filewise_index(FILES))
    for rater, labels in {"r1": ["anger", "anger"], "r2": ["anger", "boredom"]}.items():
        db.raters[rater] = audformat.Rater("human")
        db["emotion"][rater] = audformat.Column(scheme_id="emotion", rater_id=rater)
        db["emotion"][rater].set(labels)
    assert [utterance.emotion for utterance in parsed(save(tmp_path, db)).values()] == ["angry", "undecided"]


def test_a_pickle_or_code_in_the_header_is_refused_and_not_run(tmp_path):
    folder = save(tmp_path, database())
    (folder / "db.files.pkl").write_bytes(b"cos\nsystem\n")
    with pytest.raises(InputError, match=r"db\.files\.pkl: a pickle, which could run any code"):
        parsed(folder)
    (folder / "db.files.pkl").unlink()
    proof = tmp_path / "run"
    (folder / "db.yaml").write_text(f"name: !!python/object/apply:os.mkdir ['{proof}']\n")
    with pytest.raises(InputError, match=r"db\.yaml: no database in audformat"):
        parsed(folder)
    assert not proof.exists()


def test_files_and_tables_must_agree(tmp_path):
    folder = save(tmp_path, database(), files=[*FILES, "wav/c.wav"])
    with pytest.raises(InputError, match=r"found none for 1 of 3, such as 'wav/c\.wav'"):
        parsed(folder)
    (folder / "wav/c.wav").unlink()
    (folder / "wav/b.wav").unlink()
    with pytest.raises(InputError, match=r"1 of 2 files of a table are not there, such as 'wav/b\.wav'"):
        parsed(folder)


def test_tables_that_contradict_each_other_are_refused(tmp_path):
    db = database()
    db["again"] = audformat.Table(audformat.filewise_index(FILES))
    db["again"]["emotion"] = audformat.Column(scheme_id="emotion")
    db["again"]["emotion"].set(["anger", "anger"])
    with pytest.raises(
        InputError, match=r"'angry' and 'bored' \(emotion of the table again and emotion of the table emotion\)"
    ):
        parsed(save(tmp_path, db))


def test_words_of_the_database_that_are_not_known_are_told_by_params(tmp_path):
    db = database()
    db.schemes["mood"] = audformat.Scheme(labels=["hot anger", "boredom"])
    db["emotion"]["emotion"] = audformat.Column(scheme_id="mood", rater_id="gold")
    db["emotion"]["emotion"].set(["hot anger", "boredom"])
    folder = save(tmp_path, db)
    with pytest.raises(
        InputError, match=r"found the emotion 'hot anger'; .* manifest\.words: \{\w+: \{'hot anger': \.\.\.\}\}"
    ):
        folders.parse(folder, folders.Reading())
    found = folders.parse(folder, folders.Reading(words={"hot anger": "angry"}))
    assert {utterance.emotion for utterance in found} >= {"angry", "bored"}


def test_a_damaged_header_or_a_missing_table_is_refused(tmp_path):
    folder = save(tmp_path, database())
    (folder / "db.emotion.csv").unlink()
    with pytest.raises(InputError, match=r"db\.yaml: no database in audformat: No file found for table"):
        parsed(folder)
    (folder / "db.yaml").write_text("[1, 2]")
    with pytest.raises(InputError, match=r"db\.yaml: no database in audformat"):
        parsed(folder)


def test_files_without_an_emotion_are_left_out_where_params_say_so(tmp_path):
    folder = save(tmp_path, database(), files=[*FILES, "wav/c.wav"])
    said = []
    found = folders.parse(folder, folders.Reading(incomplete=True), said.append)
    assert [utterance.name for utterance in found] == ["wav/a", "wav/b"]
    assert said == [f"{folder}: left out: 1 of 3 recordings, of which no table tells an emotion, such as 'wav/c.wav'"]


def test_emotions_by_number_are_told_by_the_labels_of_their_scheme(tmp_path):
    db = database()
    db.schemes["number"] = audformat.Scheme("int", labels={0: "anger", 1: "boredom"})
    db["emotion"].drop_columns("emotion", inplace=True)
    db["emotion"]["emotion"] = audformat.Column(scheme_id="number")
    db["emotion"]["emotion"].set([0, 1])
    assert [utterance.emotion for utterance in parsed(save(tmp_path, db)).values()] == ["angry", "bored"]


def test_of_several_columns_of_emotions_that_nobody_rated_the_one_called_so_counts(tmp_path):
    db = database()
    db["emotion"].drop_columns("emotion", inplace=True)
    for name, words in (("emotion.perceived", ["boredom", "boredom"]), ("emotion", ["anger", "boredom"])):
        db["emotion"][name] = audformat.Column(scheme_id="emotion")
        db["emotion"][name].set(words)
    first, second = parsed(save(tmp_path, db)).values()
    assert (first.emotion, first.details["emotion.perceived"]) == ("angry", "boredom")
    assert second.emotion == "bored"


def test_columns_that_contradict_each_other_are_named(tmp_path):
    db = database()
    db["emotion"].drop_columns("emotion", inplace=True)
    for name, words in (("felt", ["anger", "anger"]), ("shown", ["boredom", "anger"])):
        db["emotion"][name] = audformat.Column(scheme_id="emotion")
        db["emotion"][name].set(words)
    with pytest.raises(
        InputError, match=r"'angry' and 'bored' \(felt of the table emotion and shown of the table emotion\); mend one"
    ):
        parsed(save(tmp_path, db))


def test_a_database_in_a_folder_of_its_own_is_to_be_moved_up(tmp_path):
    save(tmp_path / "inner", database())
    said = r"inner/mine/db\.yaml: expected in .*/inner, the folder .*: mv .*/inner/mine/\* .*/inner$"
    with pytest.raises(InputError, match=said):
        parsed(tmp_path / "inner")
