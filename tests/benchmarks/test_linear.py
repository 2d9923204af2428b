import numpy as np
import pandas as pd
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ser.benchmarks import linear
from ser.files.failures import InputError
from ser.learning.choices import inner_folds
from ser.learning.classifier import by_speaker

COSTS = [0.01, 1.0, 10.0]


def predict(name, vectors, truth, speakers, test, costs, folds=3, scale=True):
    """Predict the test utterances by one machine; the others train, some of them as validation speakers."""
    parts = np.where(test, "test", np.where(np.arange(len(test)) % 4 > 0, "train", "validation"))
    return linear.predict({name: costs}, vectors, truth, speakers, parts, folds, scale)[name]


@pytest.fixture
def corpus():
    """Eight speakers with an offset each, three emotions; more numbers than utterances."""
    generator = np.random.default_rng(3)
    speakers, truth = np.repeat(list("abcdefgh"), 12), np.tile(["angry", "happy", "sad"], 32)
    offsets = dict(zip("abcdefgh", generator.normal(0, 1, (8, 200)), strict=True))
    means = dict(zip(["angry", "happy", "sad"], generator.normal(0, 0.25, (3, 200)), strict=True))
    vectors = np.stack([offsets[s] + means[t] for s, t in zip(speakers, truth, strict=True)])
    return vectors + generator.normal(0, 1, vectors.shape), truth, speakers


@pytest.mark.parametrize(
    ("name", "machine"),
    [
        ("svm_tuned", SVC(kernel="linear", class_weight="balanced")),
        ("logistic_tuned", LogisticRegression(class_weight="balanced", max_iter=5000)),
    ],
)
def test_predictions_are_those_of_a_grid_search_over_speakers_by_scikit_learn(corpus, name, machine):
    vectors, truth, speakers = corpus
    test = np.isin(speakers, ["a", "b"])
    pipeline = make_pipeline(StandardScaler(), machine)
    uars = []
    for cost in COSTS:
        pipeline[-1].set_params(C=cost / 200)
        inner = cross_val_predict(
            pipeline, vectors[~test], truth[~test], groups=speakers[~test], cv=StratifiedGroupKFold(3)
        )
        uars.append(recall_score(truth[~test], inner, average="macro"))
    pipeline[-1].set_params(C=COSTS[int(np.argmax(uars))] / 200)
    expected = pipeline.fit(vectors[~test], truth[~test]).predict(vectors[test])
    assert 0.4 < np.mean(expected == truth[test]) < 1  # neither trivial nor hopeless
    found = predict(name, vectors, truth, speakers, test, COSTS, folds=3)
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("shrinkage", [0.05, 0.5, 1.0])
def test_the_discriminant_is_that_of_scikit_learn(corpus, shrinkage):
    vectors, truth, speakers = corpus
    test = speakers == "a"
    oracle = LinearDiscriminantAnalysis("lsqr", shrinkage, priors=np.full(3, 1 / 3)).fit(vectors[~test], truth[~test])
    found = linear.BalancedDiscriminant(shrinkage).fit(vectors[~test], truth[~test])
    np.testing.assert_allclose(found.weights.T, oracle.coef_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(
        found.intercept - found.intercept[0], oracle.intercept_ - oracle.intercept_[0], rtol=1e-6
    )
    assert found.predict(vectors[test]).tolist() == oracle.predict(vectors[test]).tolist()


@pytest.mark.parametrize("cost", [0.1, 1.0, 10.0])
def test_the_discriminant_is_the_formula_with_equal_priors_and_a_shrunk_covariance(corpus, cost):
    vectors, truth, speakers = corpus
    vectors = vectors[:, :30]  # fewer than the rows, so that the basis is that of the vectors
    test = speakers == "a"
    rare = ~test & ~((truth == "sad") & (np.arange(96) % 4 > 0))  # priors by frequency would decide otherwise
    keep = test | rare
    vectors, truth, speakers, test = vectors[keep], truth[keep], speakers[keep], test[keep]
    mean, deviation = vectors[~test].mean(axis=0), vectors[~test].std(axis=0)
    rows, asked = (vectors[~test] - mean) / deviation, (vectors[test] - mean) / deviation
    emotions, shrinkage = sorted(set(truth)), 1 / (1 + cost)
    means = np.stack([rows[truth[~test] == emotion].mean(axis=0) for emotion in emotions])
    within = np.mean([np.cov(rows[truth[~test] == emotion].T, ddof=0) for emotion in emotions], axis=0)
    covariance = (1 - shrinkage) * within + shrinkage * np.trace(within) / 30 * np.eye(30)
    weights = np.linalg.solve(covariance, means.T)  # (numbers, emotions)
    scores = asked @ weights - 0.5 * (means.T * weights).sum(axis=0)
    expected = np.asarray(emotions)[scores.argmax(axis=1)]
    found = predict("lda_tuned", vectors, truth, speakers, test, [cost], folds=3)
    assert found.tolist() == expected.tolist()


def test_vectors_that_are_normalised_already_are_not_scaled_again(corpus):
    vectors, truth, speakers = corpus
    vectors = by_speaker(vectors, speakers) * np.linspace(0.1, 3, 200)  # scaling again would undo this
    test = speakers == "a"
    expected = SVC(kernel="linear", class_weight="balanced", C=0.005).fit(vectors[~test], truth[~test])
    found = predict("svm_tuned", vectors, truth, speakers, test, [1.0], folds=3, scale=False)
    assert found.tolist() == expected.predict(vectors[test]).tolist()


def test_inner_folds_keep_speakers_apart_and_never_touch_the_test_utterances(corpus):
    _, truth, speakers = corpus
    train = np.flatnonzero(speakers != "h")
    folds = list(inner_folds(truth, speakers, train, 3))
    assert len(folds) == 3
    for fit, ask in folds:
        assert not set(speakers[fit]) & set(speakers[ask])
        assert sorted([*fit, *ask]) == train.tolist()
    assert sorted(np.concatenate([ask for _, ask in folds])) == train.tolist()


def test_inner_folds_are_no_more_than_speakers(corpus):
    _, truth, speakers = corpus
    train = np.flatnonzero(np.isin(speakers, ["a", "b"]))
    assert len(list(inner_folds(truth, speakers, train, 5))) == 2


def test_without_groups_inner_folds_share_speakers_as_a_random_split_does(corpus):
    _, truth, speakers = corpus
    train = np.flatnonzero(speakers != "h")
    for fit, ask in inner_folds(truth, None, train, 3):
        assert set(speakers[fit]) & set(speakers[ask])
        assert sorted([*fit, *ask]) == train.tolist()


def test_the_labels_of_test_utterances_decide_nothing(corpus):
    vectors, truth, speakers = corpus
    test = np.isin(speakers, ["a", "b"])
    other = np.where(test, "angry", truth)
    one, two = (predict("svm_tuned", vectors, words, speakers, test, COSTS, 3) for words in (truth, other))
    assert one.tolist() == two.tolist()


class Machine:
    """Right on what it is asked if its cost is the one wanted; keeps the costs that were fitted."""

    fitted: list = []  # noqa: RUF012

    def __init__(self, c, wanted):
        self.c, self.wanted = c, wanted

    def fit(self, rows, labels):
        Machine.fitted.append(self.c)
        return self

    def predict(self, rows):
        right = np.where(rows[:, 0] > 0, "b", "a")
        return right if self.c in self.wanted else np.full(len(rows), "a")


@pytest.mark.parametrize(("wanted", "chosen"), [([1.0], 1.0), ([1.0, 10.0], 1.0), ([0.1, 1.0, 10.0], 0.1), ([], 0.1)])
def test_the_lowest_of_the_best_costs_is_taken(monkeypatch, wanted, chosen):
    Machine.fitted = []
    monkeypatch.setitem(linear.MACHINES, "svm_tuned", lambda cost, numbers: Machine(cost, wanted))
    vectors = np.tile([[-1.0], [1.0]], (12, 1))
    truth, speakers = np.tile(["a", "b"], 12), np.repeat(list("uvwx"), 6)
    predict("svm_tuned", vectors, truth, speakers, speakers == "x", [0.1, 1.0, 10.0], folds=3)
    assert Machine.fitted[-1] == chosen
    assert len(Machine.fitted) == 3 * 3 + 1


def test_the_cost_is_chosen_by_mean_recall_not_by_accuracy(monkeypatch):
    """Cost 0.1 says the common emotion always, 90 % right; cost 1 is right on all rare and half of the common ones."""

    class Lopsided(Machine):
        def predict(self, rows):
            if self.c < 1:
                return np.full(len(rows), "common")
            return np.where((rows[:, 0] > 0) | (rows[:, 1] > 0), "rare", "common")

    Machine.fitted = []
    monkeypatch.setitem(linear.MACHINES, "svm_tuned", lambda cost, numbers: Lopsided(cost, []))
    rare, half = np.tile([1] + [-1] * 9, 4), np.tile([1, -1], 20)
    truth, speakers = np.where(rare > 0, "rare", "common"), np.repeat(list("uvwx"), 10)
    vectors = np.stack([rare, half], axis=1).astype(float)
    predict("svm_tuned", vectors, truth, speakers, speakers == "x", [0.1, 1.0], 3, scale=False)
    assert Machine.fitted[-1] == 1.0


@pytest.mark.parametrize("grouped", [True, False])
def test_training_utterances_that_no_folds_can_be_cut_from_are_one_line(corpus, grouped):
    vectors, *_ = corpus
    truth, speakers = np.array(["angry", "sad", "happy"]), np.array(list("abc")) if grouped else None
    with pytest.raises(InputError, match=r"for two inner folds, .*found 2 that cannot be cut; add recordings"):
        predict("svm_tuned", vectors[:3], truth, speakers, np.array([False, False, True]), COSTS, folds=3)


def test_an_inner_fold_that_would_train_on_one_emotion_is_passed_over():
    generator = np.random.default_rng(0)
    speakers = np.repeat(list("abcdef"), 10)
    truth = np.where(np.isin(speakers, ["a", "b"]), "sad", "angry")  # the outer fold tests one, an inner one the other
    vectors = generator.normal(size=(60, 5)) + 3 * (truth == "sad")[:, None]
    for name in ("svm_tuned", "logistic_tuned", "lda_tuned"):
        found = predict(name, vectors, truth, speakers, speakers == "a", COSTS, folds=3)
        assert (found == "sad").mean() > 0.8


def test_vectors_that_are_all_alike_are_one_line(corpus):
    _, truth, speakers = corpus
    for name in ("svm_tuned", "logistic_tuned", "lda_tuned"):
        with pytest.raises(InputError, match="expected training vectors that differ, found all alike"):
            predict(name, np.zeros((96, 5)), truth, speakers, speakers == "a", COSTS, folds=3, scale=False)


def test_unknown_speakers_are_not_standardised_as_one(corpus):
    vectors, _, speakers = corpus
    with pytest.raises(InputError, match="expected a speaker for every utterance"):
        by_speaker(vectors, np.where(speakers == "a", "", speakers))


def test_a_basis_of_the_span_keeps_all_inner_products(corpus):
    rows, others = corpus[0][:70], corpus[0][70:]
    short, shorter = linear.in_span(rows - rows.mean(axis=0), others)
    assert short.shape == (70, 69)  # centring takes a dimension away
    centred = rows - rows.mean(axis=0)
    np.testing.assert_allclose(short @ short.T, centred @ centred.T, atol=1e-8)
    np.testing.assert_allclose(shorter @ short.T, others @ centred.T, atol=1e-8)


def test_vectors_shorter_than_the_rows_are_many_stay_as_they_are():
    rows = np.random.default_rng(0).normal(size=(20, 5))
    assert linear.in_span(rows, rows[:3])[0] is rows


def test_every_speaker_is_standardised_by_the_own_mean_and_deviation(corpus):
    vectors, _, speakers = corpus
    vectors = np.where(np.arange(200) == 7, 5.0, vectors)  # a number that does not move
    groups = pd.DataFrame(vectors).groupby(speakers)
    expected = ((vectors - groups.transform("mean")) / groups.transform("std", ddof=0).replace(0, 1)).to_numpy()
    np.testing.assert_allclose(by_speaker(vectors, speakers), expected, atol=1e-9)


def test_a_rare_emotion_passes_without_a_warning(corpus):
    _, truth, speakers = corpus
    truth = np.where(np.arange(96) < 2, "rare", truth)
    for groups in (None, speakers):
        assert len(list(inner_folds(truth, groups, np.arange(96), 3))) == 3


def test_group_folds_agree_with_scikit_learns_about_who_is_apart(corpus):
    _, truth, speakers = corpus
    sizes = sorted(len(set(speakers[ask])) for _, ask in GroupKFold(4).split(truth, truth, speakers))
    assert sorted(len(set(speakers[ask])) for _, ask in inner_folds(truth, speakers, np.arange(96), 4)) == sizes


@pytest.mark.parametrize("name", ["svm_tuned", "logistic_tuned", "lda_tuned"])
def test_utterances_that_a_fold_leaves_out_teach_nothing(corpus, name):
    vectors, truth, speakers = corpus
    parts = np.where(speakers == "a", "test", np.where(speakers == "b", "left_out", "train"))
    kept = parts != "left_out"
    found = linear.predict({name: COSTS}, vectors, truth, speakers, parts, 3)[name]
    without = linear.predict({name: COSTS}, vectors[kept], truth[kept], speakers[kept], parts[kept], 3)[name]
    assert found.tolist() == without.tolist()
