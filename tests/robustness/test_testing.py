import numpy as np
import pytest

from ser.confidence import familiarity
from ser.confidence.familiarity import FamiliarityParams
from ser.features import Features
from ser.files import tables
from ser.files.failures import InputError
from ser.learning import fitting
from ser.learning.recipe import Recipe
from ser.robustness import conditions, encoding, testing
from ser.robustness.catalogue import DISTORTIONS, VOICES
from ser.robustness.conditions import Choice
from ser.robustness.testing import Augment
from ser.splits.protocols import SplitParams
from tests import builders

EMOTIONS = ["angry", "sad"]
ALARMS = FamiliarityParams(0.05)
MEASURED = encoding.table(
    dict.fromkeys(conditions.listed({"pink": Choice([10.0]), "party": Choice([5.0], "babble")}, ""), "")
)


@pytest.fixture
def corpus():
    return builders.manifest(8, 8, EMOTIONS)


@pytest.fixture
def vectors(corpus):
    """Conditions that keep what tells emotions apart, turn it round, or shift it as another number gives away."""
    clean = np.random.default_rng(0).normal(size=(64, 4))
    clean[:, 0] += 4.0 * (corpus["emotion"] == "sad")
    turned = clean * [-1, 1, 1, 1] + [4, 0, 0, 0]
    shifted = clean + np.array([4, 8, 0, 0])
    ids, sha256 = corpus["id"].to_numpy(str), corpus["sha256"].to_numpy(str)
    return {
        name: Features(ids, sha256, own.astype(np.float32), np.array(list("abcd")), "{}")
        for name, own in {"clean": clean, "same": clean, "turned_1": turned, "shifted_1": shifted}.items()
    }


def folds(corpus):
    return testing.folds(corpus, EMOTIONS, SplitParams("kfold", 4, 0.3, 0.3, 0))


def predict(corpus, vectors, copies=(), classifier="lda"):
    train = testing.changed(builders.train_params(), classifier)
    augment = Augment(["made"] if copies else [], list(copies))
    return testing.predict(folds(corpus), {"made": vectors}, corpus, EMOTIONS, {"made": train}, ALARMS, augment)


def accuracy(table, corpus, **of):
    for name, value in of.items():
        table = table[table[name] == value]
    joined = table.merge(corpus[["id", "emotion"]], on="id")
    assert len(joined) == len(corpus)
    return (joined["prediction"] == joined["emotion"]).mean()


def test_folds_keep_speakers_apart_and_random_is_left_out(corpus):
    found = folds(corpus)
    assert [(protocol, number) for protocol, number, _ in found] == [("kfold", number) for number in range(4)]
    for _, _, parts in found:
        assert not set(corpus["speaker"][parts == "test"]) & set(corpus["speaker"][parts != "test"])


def test_a_classifier_of_clean_speech_is_asked_about_every_condition(corpus, vectors):
    table = predict(corpus, vectors)
    assert table.groupby(["encoder", "training", "condition"]).size().to_dict() == {
        ("made", "clean", name): 64 for name in vectors
    }
    assert accuracy(table, corpus, condition="clean") > 0.9
    assert accuracy(table, corpus, condition="same") == accuracy(table, corpus, condition="clean")
    assert accuracy(table, corpus, condition="turned_1") < 0.1


def test_a_classifier_that_has_heard_copies_does_better_under_that_condition(corpus, vectors):
    table = predict(corpus, vectors, ["shifted_1"])
    plain, taught = (accuracy(table, corpus, condition="shifted_1", training=name) for name in ("clean", "augmented"))
    assert plain < 0.6  # everything is taken for sad
    assert taught > 0.9


def test_copies_are_trained_on_as_in_the_main_pipeline(corpus, vectors):
    """Of training speakers alone, and they do not stop the network: the same answers as of ``fitting.fit``."""
    table = predict(corpus, vectors, ["turned_1"], "mlp")
    protocol, number, parts = folds(corpus)[0]
    recipe = Recipe(EMOTIONS, builders.train_params(), "{}", protocol, number)
    truth, speakers = corpus["emotion"].to_numpy(), corpus["speaker"].to_numpy()
    copies = [vectors["turned_1"].vectors]
    model, _ = fitting.fit(recipe, vectors["clean"].vectors, truth, parts, speakers, copies=copies)
    own = table[(table["fold"] == 0) & (table["training"] == "augmented") & (table["condition"] == "shifted_1")]
    expected = model.probabilities(vectors["shifted_1"].vectors[parts == "test"])
    np.testing.assert_allclose(own[["p_angry", "p_sad"]], expected, atol=1e-12)


def test_only_encoders_that_are_named_train_on_copies(corpus, vectors):
    train = testing.changed(builders.train_params(), "lda")
    both = {"one": vectors, "other": vectors}
    params, augment = dict.fromkeys(both, train), Augment(["other"], ["shifted_1"])
    table = testing.predict(folds(corpus), both, corpus, EMOTIONS, params, ALARMS, augment)
    assert table.groupby("encoder")["training"].unique().map(list).to_dict() == {
        "one": ["clean"],
        "other": ["clean", "augmented"],
    }


def test_what_is_far_from_training_speech_is_unfamiliar_unless_copies_of_it_were_trained_on(corpus, vectors):
    table = predict(corpus, vectors, ["shifted_1"])
    shares = (table["distance"] > 1).groupby([table["training"], table["condition"]]).mean()
    assert shares["clean", "clean"] < 0.2  # one in twenty, by the limit
    assert shares["clean", "shifted_1"] > 0.8
    assert shares["augmented", "shifted_1"] < 0.2


def test_test_speakers_do_not_tell_what_is_familiar(corpus, vectors):
    table = predict(corpus, vectors)
    for _, number, parts in folds(corpus):
        test = parts == "test"
        labels, speakers = (corpus[column].to_numpy()[~test] for column in ("emotion", "speaker"))
        known = familiarity.fit(vectors["clean"].vectors[~test], labels, speakers, ALARMS)
        for name, own in vectors.items():
            rows = table[(table["fold"] == number) & (table["condition"] == name)]
            assert rows["distance"].tolist() == known.distances(own.vectors[test]).tolist()


def test_copies_of_what_was_not_measured_are_refused(corpus, vectors):
    with pytest.raises(InputError, match=r"augment\.conditions: expected conditions that were measured, found pink_10"):
        predict(corpus, vectors, ["pink_10"])


def test_copies_for_an_encoder_that_there_is_not_are_refused():
    with pytest.raises(InputError, match=r"augment\.encoders: expected some of mfcc, egemaps, found egemap"):
        Augment(["mfcc", "egemap"], ["pink_10"]).check(["mfcc", "egemaps"], MEASURED)
    with pytest.raises(ValueError, match="conditions: expected one at least"):
        Augment(["mfcc"], [])


def test_copies_with_the_voices_of_those_who_test_are_refused():
    Augment(["mfcc"], ["pink_10"]).check(["mfcc"], MEASURED)
    Augment([], ["party_5"]).check(["mfcc"], MEASURED)
    with pytest.raises(InputError, match=r"augment\.conditions: expected no voices of other speakers, found party_5"):
        Augment(["mfcc"], ["pink_10", "party_5"]).check(["mfcc"], MEASURED)


def test_the_distortions_that_mix_in_voices_are_those_of_the_catalogue():
    assert set(testing.MIXED) == {name for name, of in DISTORTIONS.items() if of.material == VOICES}


def test_predictions_are_read_as_they_were_written(corpus, vectors, tmp_path):
    table = predict(corpus, vectors)
    tables.write(table, tmp_path / "p.csv")
    found = testing.read(tmp_path / "p.csv", EMOTIONS)
    assert found["prediction"].tolist() == table["prediction"].tolist()
    np.testing.assert_allclose(found["p_sad"], table["p_sad"], rtol=1e-8)
    with pytest.raises(InputError, match="p_happy"):
        testing.read(tmp_path / "p.csv", ["angry", "happy"])
