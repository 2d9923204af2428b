import importlib.util
import math
import sys

import numpy as np
import pandas as pd
import pytest

from ser.files.failures import InputError
from ser.scores.intervals import Bootstrap, IntervalParams
from ser.splits import sentences
from ser.text import word_errors
from tests import builders

PARAMS = IntervalParams(resamples=500, confidence=0.95, seed=0, minimum_speakers=3)


@pytest.fixture
def library():
    if importlib.util.find_spec("jiwer") is None:
        pytest.skip("jiwer is not installed: pip install -r requirements-fusion.txt")


def heard(people, texts, languages="en"):
    return pd.DataFrame({"id": people["id"], "language": languages, "text": np.resize(texts, len(people))})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Die Tüten, die da stehen?", ["die", "tüten", "die", "da", "stehen"]),
        ("U\u0308ber", ["über"]),  # an umlaut of two signs is that of one
        ("Daß weiß-blau", ["dass", "weiss", "blau"]),
        ("Don't. I’m", ["dont", "im"]),
        ("In 7 Stunden ...", ["in", "7", "stunden"]),
        ("ሰላም፡ነው።", ["ሰላም", "ነው"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),  # vowel signs belong to their word
        ("♪ — !", []),
    ],
)
def test_texts_are_compared_as_written_alike(text, expected):
    assert sentences.written_alike(text) == expected


@pytest.mark.parametrize(
    ("said", "heard", "expected"),
    [
        ("She puts the keys.", "she puts the keys", (0, 4)),
        ("She puts the keys.", "She puts a keys", (1, 4)),  # one for another
        ("She puts the keys.", "She the keys", (1, 4)),  # left out
        ("She puts the keys.", "Oh, she puts the the keys", (2, 4)),  # put in
        ("She puts the keys.", "He has keys now", (4, 4)),  # he, has and one left out, one put in
        ("One.", "two three four", (3, 1)),  # more wrong than said
        ("She puts the keys.", "", (4, 4)),
        ("", "anything", (0, 0)),
        ("...", "anything", (0, 0)),
    ],
)
def test_errors_are_counted_as_by_hand(library, said, heard, expected):
    assert word_errors.count(said, heard) == expected


@pytest.fixture
def scored(library):
    """Four speakers say four words in two emotions; of those said in anger one is misheard, and by one speaker all."""
    people = builders.manifest(4, 2, ["angry", "sad"], text="one two three four")
    texts = ["one two three for", "one two three four"] * 4
    texts[0] = ""
    return people, word_errors.table(people, heard(people, texts), PARAMS)


def test_rates_are_errors_per_word_said(scored):
    _, table = scored
    rows = table.set_index(["by", "group"])
    assert list(table.columns) == list(word_errors.COLUMNS)
    assert rows.loc[("all", "all"), "wer"] == pytest.approx(7 / 32)
    assert rows.loc[("emotion", "angry"), ["wer", "difference"]].tolist() == pytest.approx([7 / 16, 7 / 16])
    assert rows.loc[("emotion", "sad"), ["wer", "difference"]].tolist() == pytest.approx([0, -7 / 16])
    assert rows.loc[("all", "all"), ["utterances", "nothing_heard", "known", "words"]].tolist() == [8, 1, 8, 32]
    assert math.isnan(rows.loc[("language", "en"), "difference"])  # there is no other
    assert rows.loc[("emotion", "angry"), "difference_low"] > 0


def test_intervals_are_those_of_the_speakers_drawn(scored):
    """By hand: of each speaker's 8 words 4, 1, 1 and 1 are heard wrongly, and three of the four are drawn."""
    _, table = scored
    bootstrap = Bootstrap.of(list("abcd"), PARAMS)
    low, high = bootstrap.bounds(bootstrap.weights @ [4, 1, 1, 1] / (3 * 8))
    assert table.loc[0, ["wer_low", "wer_high"]].tolist() == pytest.approx([low, high])


def test_utterances_without_known_words_do_not_count(library):
    people = builders.manifest(4, 2, ["angry", "sad"])
    people["text"] = np.where(people["emotion"] == "sad", "one two", "")
    table = word_errors.table(people, heard(people, ["one too"]), PARAMS)
    rows = table.set_index("group")
    assert rows.loc["all", ["known", "words", "wer"]].tolist() == [4, 8, 0.5]
    assert math.isnan(rows.loc["angry", "wer"])


def test_a_corpus_without_known_words_has_counts_alone(library):
    people = builders.manifest(4, 2, ["angry", "sad"])
    texts = heard(people, ["one", ""], ["en", "de"] * 4)
    table = word_errors.table(people, texts, PARAMS)
    assert table[list(word_errors.NUMBERS)].isna().all(axis=None)
    told = word_errors.nested(table, texts)
    assert told["language_heard"] == {"en": 4, "de": 4}
    assert (told["nothing_heard"], told["known"]) == (4, 0)
    assert "wer" not in told


def test_too_few_speakers_have_no_interval(library):
    people = builders.manifest(2, 2, ["angry", "sad"], text="one two")
    texts = heard(people, ["one"])
    told = word_errors.nested(word_errors.table(people, texts, PARAMS), texts)
    assert told["wer"] == 0.5
    assert "wer_low" not in told
    assert told["emotion"]["angry"]["difference"] == 0


def test_a_language_of_few_speakers_has_no_interval_however_many_speak_others(library):
    people = builders.manifest(12, 4, ["angry", "sad"], text="one two three four")
    people["language"] = np.where(people["speaker"] == people["speaker"][0], "de", "en")
    table = word_errors.table(people, heard(people, ["one two", "one two three four", "one"]), PARAMS).set_index(
        "group"
    )
    assert table.loc["de", ["wer_low", "difference_low"]].isna().all()
    assert table.loc["en", "wer_low"] < table.loc["en", "wer"]
    assert math.isnan(table.loc["en", "difference_low"])  # from those of one speaker
    assert table.loc["angry", "difference_low"] <= table.loc["angry", "difference"]


def test_a_missing_library_is_told_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "jiwer", None)
    with pytest.raises(InputError, match=r"^word errors: expected the package jiwer, found none; pip install -r req"):
        word_errors.count("one", "two")
