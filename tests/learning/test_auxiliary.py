"""What other corpora do in training, by hand and by scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.preprocessing import StandardScaler

from ser.files.failures import InputError
from ser.learning import fitting
from ser.learning.choices import Auxiliary
from ser.learning.recipe import Recipe, TrainParams
from tests import builders

LABELS = ["angry", "sad"]


def recipe(**changes):
    return Recipe(LABELS, TrainParams(**builders.TRAIN | {"epochs": 3, "patience": 3} | changes), "{}", "kfold", 0, "")


@pytest.fixture
def own():
    """Vectors, emotions, parts and speakers of six speakers, of whom one tests and one validates."""
    rows = builders.manifest(6, 20, LABELS)
    speakers = rows["speaker"].to_numpy()
    names = sorted(set(speakers))
    parts = np.select([speakers == names[0], speakers == names[1]], ["test", "validation"], "train")
    truth = rows["emotion"].to_numpy()
    vectors = np.random.default_rng(0).normal(size=(len(rows), 4)) + np.outer(truth == "sad", [1, 0, 0, 0])
    return 5 + 3 * vectors, truth, parts, speakers


@pytest.fixture
def lent():
    """Two corpora at other levels, in which the second number tells the emotions."""
    found = []
    for corpus, level in (("one", -40.0), ("two", 90.0)):
        rows = builders.manifest(4, 12, LABELS).assign(corpus=corpus)
        vectors = np.random.default_rng(len(found) + 1).normal(size=(len(rows), 4))
        vectors += np.outer(rows["emotion"] == "sad", [0, 1, 0, 0])
        found.append((rows.assign(speaker=corpus + rows["speaker"]), level + 7 * vectors))
    return Auxiliary(
        pd.concat([rows for rows, _ in found], ignore_index=True), np.concatenate([each for _, each in found])
    )


def test_each_corpus_counts_as_if_it_had_the_mean_and_deviation_of_the_training_utterances(own, lent, monkeypatch):
    """Discriminant analysis of scikit-learn, on the rows laid out by hand; here all that are lent are drawn."""
    vectors, truth, parts, _ = own
    monkeypatch.setattr(fitting, "SHARES", (1.0,))
    fitted, _ = fitting.fit(recipe(classifier="lda"), *own, auxiliary=lent)
    learned = parts != "test"
    scaler = StandardScaler().fit(vectors[learned])
    standard = [
        StandardScaler().fit_transform(lent.vectors[lent.utterances["corpus"] == corpus]) for corpus in ("one", "two")
    ]
    rows = np.concatenate([scaler.transform(vectors[learned]), *standard])
    labels = np.concatenate([truth[learned], lent.utterances["emotion"]])
    expected = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5]).fit(rows, labels)
    found = logit(fitted.probabilities(vectors)[:, 1])
    factor = found / expected.decision_function(scaler.transform(vectors))  # how sure the validation speakers allow
    np.testing.assert_allclose(factor, factor[0], rtol=1e-4)


def lending(own: tuple, right: bool) -> Auxiliary:
    """A corpus in which the same number tells the emotions as in the own one, or tells the contrary."""
    rows = builders.manifest(8, 12, LABELS).assign(corpus="one")
    sign = 1 if right else -1
    vectors = np.random.default_rng(1).normal(size=(len(rows), 4)) + np.outer(rows["emotion"] == "sad", [sign, 0, 0, 0])
    return Auxiliary(rows, vectors)


@pytest.mark.parametrize("kind", ["mlp", "lda", "svm"])
def test_who_validates_decides_how_much_is_lent(own, kind):
    settings = recipe(classifier=kind, start="lda")
    plain, _ = fitting.fit(settings, *own)
    taught, _ = fitting.fit(settings, *own, auxiliary=lending(own, right=True))
    misled, _ = fitting.fit(settings, *own, auxiliary=lending(own, right=False))
    assert taught.lent > 0 == misled.lent
    assert np.abs(taught.probabilities(own[0]) - plain.probabilities(own[0])).max() > 1e-3
    np.testing.assert_array_equal(misled.probabilities(own[0]), plain.probabilities(own[0]))


@pytest.mark.parametrize(("kind", "trained"), [("mlp", 80), ("lda", 100)])  # lda: in the end by who validates, too
def test_of_a_corpus_that_has_less_than_is_asked_for_what_it_has_is_told(own, lent, kind, trained, monkeypatch):
    monkeypatch.setattr(fitting, "SHARES", (0.5,))
    few = Auxiliary(lent.utterances[:4], lent.vectors[:4])
    assert fitting.fit(recipe(classifier=kind, start="lda"), *own, auxiliary=few)[0].lent == 4 / trained
    assert fitting.fit(recipe(classifier=kind, start="lda"), *own, auxiliary=lent)[0].lent == 0.5


def test_normalisation_by_speaker_names_the_corpus_that_lacks_them(own, lent):
    mute = Auxiliary(lent.utterances.assign(speaker=""), lent.vectors)
    with pytest.raises(
        InputError, match=r"^auxiliary\.corpora: expected a speaker .* found some without in one, two; le"
    ):
        fitting.fit(recipe(classifier="lda", normalisation="speaker"), *own, auxiliary=mute)


def test_networks_that_do_not_start_from_discriminant_analysis_are_lent_nothing(own, lent):
    with pytest.raises(
        InputError, match=r"^auxiliary\.corpora: expected networks that start from discriminant analysis"
    ):
        fitting.fit(recipe(start="none"), *own, auxiliary=lent)


def test_shares_are_of_the_own_utterances_that_train(own, lent, monkeypatch):
    asked = []
    drawn = Auxiliary.drawn
    monkeypatch.setattr(
        Auxiliary, "drawn", lambda self, number, seed: asked.append(number) or drawn(self, number, seed)
    )
    fitting.fit(recipe(classifier="lda"), *own, auxiliary=lent)
    assert asked[: 3 * fitting.DRAWS] == [20] * fitting.DRAWS + [40] * fitting.DRAWS + [80] * fitting.DRAWS
    assert set(asked[3 * fitting.DRAWS :]) <= {25, 50, 100}  # then of all who are not tested


@pytest.mark.parametrize("normalisation", ["speaker", "none"])
def test_where_a_corpus_was_recorded_louder_makes_no_difference(own, lent, normalisation, monkeypatch):
    monkeypatch.setattr(fitting, "SHARES", (1.0,))
    settings = recipe(classifier="lda", normalisation=normalisation)
    one, other = (
        fitting.fit(settings, *own, auxiliary=Auxiliary(lent.utterances, lent.vectors + level))[0] for level in (0, 9)
    )
    np.testing.assert_allclose(one.probabilities(own[0], own[3]), other.probabilities(own[0], own[3]), atol=1e-6)
