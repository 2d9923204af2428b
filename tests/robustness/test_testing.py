import numpy as np
import pytest

from ser.features import Features
from ser.files import tables
from ser.files.failures import InputError
from ser.robustness import testing
from ser.splits.protocols import SplitParams
from tests import builders

EMOTIONS = ["angry", "sad"]


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
    return testing.predict(folds(corpus), {"made": vectors}, corpus, EMOTIONS, {"made": train}, copies)


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


def test_copies_are_of_those_who_train_and_validate_and_have_their_part(corpus, vectors):
    _, _, parts = folds(corpus)[0]
    stacks = {name: found.vectors for name, found in vectors.items()}
    taught, rows, of = testing.with_copies(stacks, corpus, parts, ["turned_1"])
    copied = rows.iloc[64:]
    assert sorted(copied["id"]) == sorted(corpus["id"][parts != "test"])
    assert set(of[64:]) == {"train", "validation"}
    expected = dict(zip(corpus["id"], parts, strict=True))
    assert [expected[name] for name in rows["id"]] == of.tolist()
    np.testing.assert_array_equal(taught[64:], stacks["turned_1"][parts != "test"])
    assert not set(copied["speaker"]) & set(corpus["speaker"][parts == "test"])


def test_copies_of_what_was_not_measured_are_refused(corpus, vectors):
    with pytest.raises(InputError, match="augment: expected conditions that were measured, found pink_10"):
        predict(corpus, vectors, ["pink_10"])


def test_predictions_are_read_as_they_were_written(corpus, vectors, tmp_path):
    table = predict(corpus, vectors)
    tables.write(table, tmp_path / "p.csv")
    found = testing.read(tmp_path / "p.csv", EMOTIONS)
    assert found["prediction"].tolist() == table["prediction"].tolist()
    np.testing.assert_allclose(found["p_sad"], table["p_sad"], rtol=1e-8)
    with pytest.raises(InputError, match="p_happy"):
        testing.read(tmp_path / "p.csv", ["angry", "happy"])
