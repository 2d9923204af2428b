from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ser.features import Features
from ser.files.failures import InputError
from ser.learning import classifier, recipe
from ser.learning.recipe import TrainParams
from ser.representation import spaces as representation_spaces
from ser.representation.spaces import PAIRS, RepresentationParams
from ser.splits import table

SETTINGS = {
    "resamples": 200,
    "confidence": 0.95,
    "seed": 0,
    "minimum_speakers": 3,
    "folds": 4,
    "cost": 0.01,
    "permutations": 3,
    "perplexity": 5.0,
    "utterances": 10_000,
    "neighbours": 5,
}
EXTRACTOR = '{"encoder": "numbers"}'


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("folds", 1, "folds: expected 2 or more, found 1"),
        ("cost", 0.0, "cost: expected 1e-09 to 1000000000.0, found 0.0"),
        ("permutations", 0, "permutations: expected 1 to 1000000, found 0"),
        ("perplexity", 0.5, "perplexity: expected 1 or more"),
        ("neighbours", 1, "neighbours: expected 2 or more"),
        ("resamples", 1, "resamples: expected 100 to 1000000, found 1"),
    ],
)
def test_settings_out_of_range_are_refused(key, value, message):
    RepresentationParams(**SETTINGS)
    with pytest.raises(ValueError, match=message):
        RepresentationParams(**SETTINGS | {key: value})


def test_a_speakers_mean_and_deviation_are_taken_away_and_unknown_speakers_left_out():
    speakers = np.array(["a", "b", "", "a", "b", "a"], dtype=object)
    vectors = np.array([[1, 5], [10, 5], [99, 99], [3, 5], [20, 5], [5, 5]], dtype=np.float32)
    (view,) = representation_spaces.by_speaker(vectors, speakers)
    assert list(view.rows) == [0, 1, 3, 4, 5]
    a = np.array([1, 3, 5])
    expected = [(1 - 3) / a.std(), -1, 0, 1, (5 - 3) / a.std()]
    np.testing.assert_allclose(view.vectors, np.stack([expected, np.zeros(5)], axis=1), atol=1e-6)


class Doubling:
    """Stands in for a trained classifier: its last layer is twice what went in."""

    def __init__(self, split, extractor=EXTRACTOR, layers=(64,)):
        self.recipe = recipe.Recipe([], SimpleNamespace(layers=layers), extractor, "kfold", 0, table.digest(split))

    def hidden(self, vectors, speakers):
        return 2 * vectors


@pytest.fixture
def corpus():
    """Six utterances of three speakers; two folds of three thirds, the random contrast beside them."""
    people = pd.DataFrame({"id": list("abcdef"), "speaker": ["s/1", "s/1", "s/2", "s/2", "s/3", "s/3"]})
    vectors = np.arange(12, dtype=np.float32).reshape(6, 2)
    features = Features(
        people["id"].to_numpy(str), people["id"].to_numpy(str), vectors, np.array(["x", "y"]), EXTRACTOR
    )
    parts = {
        ("kfold", 0): "test test validation validation train train",
        ("kfold", 1): "train train test test validation validation",
        ("random", 0): "train test validation train test validation",
    }
    split = [
        pd.DataFrame({"protocol": protocol, "fold": fold, "id": people["id"], "part": words.split()})
        for (protocol, fold), words in parts.items()
    ]
    return people, features, pd.concat(split)


def test_a_fold_shows_what_its_classifier_was_not_trained_on(corpus, monkeypatch, tmp_path):
    people, features, split = corpus
    loaded = []
    monkeypatch.setattr(classifier, "load", lambda path: loaded.append(path.name) or Doubling(split))
    spaces = representation_spaces.held_out(people, features, split, tmp_path, "kfold")
    assert loaded == ["kfold-00.safetensors", "kfold-01.safetensors"]
    assert [list(view.rows) for view in spaces["features_held_out"]] == [[0, 1, 2, 3], [2, 3, 4, 5]]
    for inputs, hidden in zip(spaces["features_held_out"], spaces["hidden_held_out"], strict=True):
        np.testing.assert_array_equal(inputs.rows, hidden.rows)
        np.testing.assert_array_equal(inputs.vectors, features.vectors[inputs.rows])
        np.testing.assert_array_equal(hidden.vectors, 2 * inputs.vectors)


def test_a_classifier_hears_all_utterances_also_those_that_are_not_shown(corpus, monkeypatch, tmp_path):
    """As normalisation by speaker must, whose utterances may train as well."""

    class Centring(Doubling):
        def hidden(self, vectors, speakers):
            return vectors - vectors.mean(axis=0)

    people, features, split = corpus
    monkeypatch.setattr(classifier, "load", lambda path: Centring(split))
    for view in representation_spaces.held_out(people, features, split, tmp_path, "kfold")["hidden_held_out"]:
        np.testing.assert_array_equal(view.vectors, (features.vectors - [5, 6])[view.rows])


def test_a_classifier_of_other_features_is_refused(corpus, monkeypatch, tmp_path):
    monkeypatch.setattr(classifier, "load", lambda path: Doubling(corpus[2], "{}"))
    with pytest.raises(InputError, match=r"kfold-00.*expected a classifier trained on features of .*; run the train"):
        representation_spaces.held_out(*corpus, tmp_path, "kfold")


def test_a_classifier_of_another_split_is_refused(corpus, monkeypatch, tmp_path):
    people, features, split = corpus
    monkeypatch.setattr(classifier, "load", lambda path: Doubling(split.iloc[::-1]))
    representation_spaces.held_out(people, features, split, tmp_path, "kfold")
    other = split.assign(part=split["part"].replace({"test": "train", "train": "test"}))
    with pytest.raises(
        InputError, match=r"kfold-00.*expected a classifier trained on the split \w{64}, found \w{64}; run"
    ):
        representation_spaces.held_out(people, features, other, tmp_path, "kfold")


def test_all_spaces_that_are_compared_are_there(corpus, monkeypatch, tmp_path):
    people, features, split = corpus
    monkeypatch.setattr(classifier, "load", lambda path: Doubling(split))
    baseline = Features(features.ids, features.sha256, -features.vectors, features.names, "{}")
    spaces = representation_spaces.spaces(people, features, baseline, split, tmp_path, "kfold")
    assert {name for pair in PAIRS for name in pair} == set(spaces)
    np.testing.assert_array_equal(spaces["features"][0].vectors, features.vectors)
    np.testing.assert_array_equal(spaces["mfcc"][0].vectors, -features.vectors)
    assert spaces["mfcc_by_speaker"][0].vectors[0, 0] == -spaces["features_by_speaker"][0].vectors[0, 0] == 1


def test_of_a_large_corpus_only_what_was_drawn_is_held_out(corpus, monkeypatch, tmp_path):
    people, features, split = corpus
    monkeypatch.setattr(classifier, "load", lambda path: Doubling(split))
    every = representation_spaces.held_out(people, features, split, tmp_path, "kfold")
    some = representation_spaces.held_out(people, features, split, tmp_path, "kfold", np.array([0, 2]))
    for name, views in some.items():
        for view, whole in zip(views, every[name], strict=True):
            kept = np.isin(whole.rows, [0, 2])
            np.testing.assert_array_equal(view.rows, whole.rows[kept])
            np.testing.assert_array_equal(view.vectors, whole.vectors[kept])


def test_a_linear_classifier_has_no_last_layer(corpus, tmp_path, monkeypatch):
    people, features, split = corpus
    monkeypatch.setattr(classifier, "load", lambda path: Doubling(split, layers=()))
    assert representation_spaces.held_out(people, features, split, tmp_path, "kfold") == {}


def test_features_that_are_the_baseline_are_not_compared_with_themselves(corpus, tmp_path, monkeypatch):
    people, features, split = corpus
    monkeypatch.setattr(classifier, "load", lambda path: Doubling(split))
    spaces = representation_spaces.spaces(people, features, features, split, tmp_path, "kfold")
    assert set(spaces) == {"features", "features_by_speaker", "features_held_out", "hidden_held_out"}


def test_a_classifier_copied_over_another_folds_is_refused(corpus, tmp_path):
    params = TrainParams([2], 0.0, 0.01, 0.0, 2, 1, 1, "none", False, 0)
    made = classifier.Classifier(recipe.Recipe(["angry", "sad"], params, EXTRACTOR, "random", 0), 2)
    classifier.save(made, tmp_path / "kfold-00.safetensors")
    with pytest.raises(InputError, match=r"kfold-00\.safetensors: expected .* its name, found that of random-00\.safe"):
        representation_spaces.held_out(*corpus, tmp_path, "kfold")
