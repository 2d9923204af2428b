import json
import unicodedata

import numpy as np
import pandas as pd
import pytest

from ser.splits import sentences
from tests import builders
from tests.splits.made import NUMBERED, corpus


def named(*texts):
    manifest = builders.manifest(1, len(texts), ["angry"]).assign(text=list(texts))
    return sentences.named(manifest, "test").tolist()


def test_texts_that_differ_in_signs_blanks_and_spelling_of_accents_are_one_sentence():
    texts = ["Schöner Tag.", unicodedata.normalize("NFD", "Schöner Tag."), "Schöner Tag", "schöner  Tag!"]
    assert named(*texts) == ["schöner tag."] * 4


@pytest.mark.parametrize("other", ["Schöne Tage", "Schöner Tag heute", "Schoner Tag"])
def test_other_words_are_another_sentence(other):
    assert len(set(named("Schöner Tag", other))) == 2


def test_texts_of_signs_alone_are_told_apart():
    assert named("...", "?!", "...") == ["...", "?!", "..."]


def test_words_are_compared_without_case_and_signs():
    assert sentences.written_alike("Don't STOP, now!") == ["dont", "stop", "now"]


def test_sentences_of_the_same_number_in_another_corpus_or_language_are_others():
    rows = pd.concat([corpus(4, name=name).assign(language=language) for name, language in NUMBERED])
    rows["details"] = json.dumps({"sentence": "1"})
    assert sentences.known(rows).groupby([rows["corpus"], rows["language"]]).nunique().tolist() == [1] * 3
    assert sentences.known(rows).nunique() == 3


def test_groups_of_sentences_have_every_emotion_where_there_are_enough_sentences():
    rows = pd.DataFrame({"emotion": np.repeat(["angry", "happy", "sad"], 30), "language": "en"})
    said = rows["emotion"] + pd.Series(np.arange(90) // 10 % 3).astype(str)  # three sentences of each emotion alone
    for seed in range(5):
        for piece in sentences.grouped(rows, said, 3, seed):
            assert set(rows["emotion"].iloc[piece]) == {"angry", "happy", "sad"}
