import pytest

from ser.corpora import emotions
from ser.files.failures import InputError

TABLES = [name for name, value in vars(emotions).items() if name.isupper() and isinstance(value, dict)]


@pytest.mark.parametrize("table", TABLES)
def test_every_corpus_speaks_our_words(table):
    assert set(getattr(emotions, table).values()) <= set(emotions.WORDS)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("angry", "angry"),
        ("Anger", "angry"),
        ("happiness", "happy"),
        ("joy", "happy"),
        ("Sadness", "sad"),
        (" NEUTRAL ", "neutral"),
        ("fear", "fearful"),
        ("disgust", "disgusted"),
        ("surprise", "surprised"),
        ("boredom", "bored"),
        ("frustration", "frustrated"),
        ("Cole\u0300re", "angry"),  # as macOS writes it
        ("colere", "angry"),
        ("Arger", "angry"),
        ("ira", "angry"),
        ("triste", "sad"),
        ("felicidad", "happy"),
        ("tristezza", "sad"),
        ("Ekel", "disgusted"),
        ("Suprised", "surprised"),
        ("guilt", "other"),
        ("Pleasant_Surprise", "surprised"),
        ("pleasant-surprised", "surprised"),
        ("ps", "surprised"),
        ("boredem", "bored"),
        ("Neutral state", "neutral"),
        ("No-agreement", "undecided"),
        ("contempt", "contemptuous"),
        ("melancholy", None),
        ("", None),
    ],
)
def test_names_of_folders_become_our_words(name, word):
    assert emotions.word(name) == word


@pytest.mark.parametrize(
    ("label_set", "message"),
    [
        (["angry", "happpy"], "found 'happpy'; did you mean 'happy'"),
        (["angry", "sadness"], "found 'sadness'; did you mean 'sad'"),
        (["angry", "xyz"], "expected some of angry, happy, .* found 'xyz'$"),
        (["angry", "sad", "angry"], "two words or more, each once, found angry, sad, angry"),
        (["angry"], "two words or more"),
        ([], "found none"),
    ],
)
def test_a_wrong_label_set_is_refused(label_set, message):
    with pytest.raises(InputError, match=message):
        emotions.check_label_set(label_set)


def test_all_words_are_a_label_set():
    emotions.check_label_set(emotions.WORDS)


@pytest.mark.parametrize(
    ("merge", "message"),
    [
        ({"excitd": "happy"}, "manifest.merge: .* found 'excitd'"),
        ({"excited": "joy"}, "found 'joy'"),
        ({"calm": "bored", "bored": "neutral"}, "'calm' becomes 'bored', which is merged as well"),
        ({"happy": "excited"}, "'happy' becomes 'excited', but is in `emotions`"),
    ],
)
def test_a_wrong_merge_is_refused(merge, message):
    with pytest.raises(InputError, match=message):
        emotions.check_merge(merge, ["angry", "happy"])


def test_several_words_may_become_one():
    emotions.check_merge({"excited": "happy", "calm": "neutral", "bored": "neutral"}, ["happy", "neutral"])
