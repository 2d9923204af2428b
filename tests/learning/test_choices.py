import numpy as np
import pandas as pd
import pytest

from ser.learning.choices import Auxiliary, inner_folds, validation_choices
from tests import builders


@pytest.fixture
def corpus():
    """Ten speakers who say each of three emotions four times: one tests, two validate."""
    speakers, labels = np.repeat(list("abcdefghij"), 12), np.tile([0, 1, 2], 40)
    parts = np.select([speakers == "a", np.isin(speakers, ["b", "c"])], ["test", "validation"], "train")
    return parts, labels, speakers


def test_every_training_speaker_validates_once_and_none_that_tests(corpus):
    parts, _, speakers = corpus
    chosen = validation_choices(*corpus, most=9)
    assert np.array_equal(chosen[0], parts)
    asked = [set(speakers[own == "validation"]) for own in chosen]
    assert sorted(name for names in asked for name in names) == list("bcdefghij")
    assert {len(names) for names in asked} <= {1, 2, 3}  # as large as the split's, or nearly
    for own, names in zip(chosen, asked, strict=True):
        assert set(speakers[own == "test"]) == {"a"}
        assert set(speakers[own == "train"]) == set("bcdefghij") - names


@pytest.mark.parametrize("most", [1, 2, 3])
def test_there_are_no_more_than_asked_for(corpus, most):
    assert len(validation_choices(*corpus, most)) == most


def test_no_choice_takes_an_emotion_from_training(corpus):
    parts, labels, speakers = corpus
    labels = np.where((labels == 2) & ~np.isin(speakers, ["d", "a"]), 0, labels)  # only d says it, beside the tested
    chosen = validation_choices(parts, labels, speakers, most=9)
    assert all("d" not in speakers[own == "validation"] for own in chosen)
    assert len(chosen) > 1


def test_unknown_speakers_never_validate(corpus):
    parts, labels, speakers = corpus
    speakers = np.where(np.isin(speakers, ["d", "e"]), "", speakers)
    chosen = validation_choices(parts, labels, speakers, most=9)
    assert len(chosen) > 2
    assert all(set(own[speakers == ""]) == {"train"} for own in chosen)
    assert {name for own in chosen for name in speakers[own == "validation"]} == set("bcfghij")


def test_without_groups_speakers_may_train_and_validate(corpus):
    parts, labels, speakers = corpus
    chosen = validation_choices(parts, labels, None, most=9)
    assert len(chosen) > 2
    assert all(set(speakers[own == "validation"]) & set(speakers[own == "train"]) for own in chosen[1:])


@pytest.mark.parametrize("groups", [True, False])
def test_a_training_part_that_cannot_be_cut_leaves_the_splits_choice(groups):
    parts, labels = np.array(["test", "validation", "validation", "train", "train"]), np.array([0, 0, 1, 0, 1])
    assert len(validation_choices(parts, labels, np.array(list("abbcc")) if groups else None, most=5)) == 1


@pytest.mark.parametrize("grouped", [True, False])
def test_folds_are_no_more_than_utterances_of_an_emotion(grouped):
    speakers, labels = np.repeat(np.arange(8), 2), np.resize(["angry", "happy", "sad", "neutral"], 16)
    train = np.arange(12)  # three of each emotion, by six speakers
    folds = list(inner_folds(labels, speakers if grouped else None, train, 5))
    assert len(folds) == 3
    assert sorted(np.concatenate([ask for _, ask in folds])) == train.tolist()


@pytest.mark.parametrize("grouped", [True, False])
@pytest.mark.parametrize("train", [np.arange(4), np.arange(0)], ids=["one of each emotion", "nobody"])
def test_where_no_two_folds_can_be_cut_there_is_none(grouped, train):
    speakers, labels = np.repeat(np.arange(8), 2), np.resize(["angry", "happy", "sad", "neutral"], 16)
    assert list(inner_folds(labels, speakers if grouped else None, train, 5)) == []


@pytest.mark.parametrize(("speakers", "others"), [(8, 4), (3, 0)])
def test_there_are_no_more_other_choices_than_utterances_of_an_emotion(speakers, others):
    """Speakers of two utterances, of whom the first validates: an emotion is in training four times at most."""
    rows = builders.manifest(speakers, 2, ["angry", "happy", "sad", "neutral"])
    labels, people = pd.factorize(rows["emotion"])[0], rows["speaker"].to_numpy()
    parts = np.where(people == "c/0", "validation", "train")
    assert len(validation_choices(parts, labels, people, most=9)) == 1 + others


def test_the_training_part_is_cut_into_pieces_about_as_large_as_the_validation_part():
    parts = np.array(["validation"] * 10 + ["train"] * 20 + ["test"] * 5)
    speakers = np.repeat([f"s{n}" for n in range(7)], 5)
    found = validation_choices(parts, np.arange(35) % 2, speakers, 9)
    assert [(each == "validation").sum() for each in found] == [10, 10, 10]


def lent(**sizes: int) -> Auxiliary:
    """Utterances by corpus and emotion, such as ``a_angry=3``, each with its position as vector."""
    cells = [name.split("_") for name, size in sizes.items() for _ in range(size)]
    rows = pd.DataFrame(cells, columns=["corpus", "emotion"])
    return Auxiliary(rows, np.arange(len(rows))[:, np.newaxis])


def test_auxiliary_utterances_are_drawn_evenly_over_corpora_and_emotions():
    source = lent(a_angry=50, a_sad=3, b_angry=20, b_happy=20)
    drawn = source.drawn(33, seed=0)
    assert drawn.utterances.groupby(["corpus", "emotion"]).size().to_dict() == {
        ("a", "angry"): 10,
        ("a", "sad"): 3,
        ("b", "angry"): 10,
        ("b", "happy"): 10,
    }
    np.testing.assert_array_equal(drawn.vectors[:, 0], drawn.utterances.index)
    assert (np.diff(drawn.vectors[:, 0]) > 0).all()
    assert set(source.drawn(33, seed=1).vectors[:, 0]) != set(drawn.vectors[:, 0])


def test_where_fewer_auxiliary_utterances_are_there_than_wanted_all_are_drawn():
    source = lent(a_angry=5, b_sad=2)
    np.testing.assert_array_equal(source.drawn(100, seed=0).vectors, source.vectors)
    assert source.described() == {"auxiliary": {"a": 5, "b": 2}}
    assert source.drawn(0, seed=0).described() == {}
