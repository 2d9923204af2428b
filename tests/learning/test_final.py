"""The final classifier learns from everybody, and nobody stops two networks alike."""

import json

import numpy as np
import pytest

from ser.features import Features
from ser.learning import final, fitting
from ser.splits import protocols, table
from ser.splits.protocols import SplitParams
from tests import builders

EMOTIONS = ["sad", "angry"]


def corpus():
    rows = builders.manifest(6, 8, ["angry", "sad"])
    vectors = np.random.default_rng(0).normal(size=(48, 5)).astype(np.float32)
    vectors[:, 0] += np.where(rows["emotion"] == "angry", 2, -2)
    names = rows["id"].to_numpy(str)
    return rows, Features(names, names, vectors, np.array(list("abcde")), "{}")


def parts_of_final(monkeypatch, split, rows, features):
    """Who trains and who validates, without the training."""
    seen = []

    def watched(recipe, vectors, truth, parts, *rest):
        seen.append(parts)
        return None, None

    monkeypatch.setattr(fitting, "fit", watched)
    final.train(split, rows, features, EMOTIONS, builders.train_params())
    (parts,) = seen
    return parts


def test_everybody_trains_or_validates(monkeypatch):
    rows, features = corpus()
    split = protocols.make(rows, EMOTIONS, SplitParams(**builders.SPLIT))
    seen = []
    fit = fitting.fit

    def watched(recipe, vectors, truth, parts, *rest):
        seen.append(parts)
        return fit(recipe, vectors, truth, parts, *rest)

    monkeypatch.setattr(fitting, "fit", watched)
    model = final.train(split, rows, features, EMOTIONS, builders.train_params(networks=2))

    (parts,) = seen
    first = split.query("protocol == 'kfold' and fold == 0").set_index("id")["part"].loc[rows["id"]].to_numpy()
    assert set(parts) == {"train", "validation"}
    assert ((parts == "validation") == (first == "validation")).all()
    assert len(model.networks) == 2
    assert (model.recipe.protocol, model.recipe.fold, model.recipe.split) == ("kfold", 3, table.digest(split))


@pytest.mark.parametrize("classifier", ["mlp", "lda"])
@pytest.mark.parametrize(
    ("protocol", "units", "others"), [("loso", "speaker", "utterance"), ("random", "utterance", "speaker")]
)
def test_the_rule_speaks_of_what_the_protocol_keeps_apart(classifier, protocol, units, others):
    said = final.rule(classifier, protocol)
    told = {
        "mlp": "for each network other {}s, ",
        "lda": "the validation {}s of the protocol's first fold set how sure it is",
    }
    assert told[classifier].format(units) in said
    assert others not in said


def test_the_rule_says_that_parts_which_are_left_out_stay_out():
    said = "but for what split.test_parts leaves out"
    assert said in final.rule("mlp", "predefined")
    assert said not in final.rule("mlp", "loso")


def test_where_sentences_are_apart_what_folds_left_out_trains_or_validates_with_its_speaker(monkeypatch):
    rows, features = corpus()
    rows["text"] = [f"sentence {number // 2 % 4}" for number in range(len(rows))]
    split = protocols.make(rows, EMOTIONS, SplitParams(**builders.SPLIT, sentences="disjoint", sentence_groups=2))
    parts = parts_of_final(monkeypatch, split, rows, features)
    first = split.query("protocol == 'kfold' and fold == 0").merge(rows, on="id")
    validating = set(first.loc[first["part"] == "validation", "speaker"])
    assert validating
    assert (parts == np.where(rows["speaker"].isin(validating), "validation", "train")).all()


def test_own_parts_that_params_leave_out_are_not_learned(monkeypatch):
    rows, features = corpus()
    parts = {"a": "train", "b": "train", "c": "dev", "d": "test1", "e": "test2", "f": "test2"}
    names = dict(zip(sorted(set(rows["speaker"])), sorted(parts), strict=False))
    own = rows["speaker"].map(names).map(parts)
    rows["details"] = [json.dumps({"split": part}) for part in own]
    split = protocols.make(
        rows, EMOTIONS, SplitParams(**(builders.SPLIT | {"protocol": "predefined"}), test_parts=["test1"])
    )
    taken = parts_of_final(monkeypatch, split, rows, features)
    wanted = own.map({"train": "train", "dev": "validation", "test1": "train", "test2": "left_out"})
    assert (taken == wanted).all()
    assert (table.kept(split, rows) == (own != "test2")).all()


def test_it_tells_the_emotions_apart_and_comes_out_the_same_again():
    rows, features = corpus()
    split = protocols.make(rows, EMOTIONS, SplitParams(**builders.SPLIT))
    params = builders.train_params()

    model = final.train(split, rows, features, EMOTIONS, params)

    assert (model.likeliest(features.vectors) == rows["emotion"]).mean() > 0.9
    again = final.train(split, rows, features, EMOTIONS, params)
    np.testing.assert_array_equal(model.probabilities(features.vectors), again.probabilities(features.vectors))
