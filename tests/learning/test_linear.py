import dataclasses

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from ser.files.failures import InputError
from ser.learning import classifier, fitting, linear
from ser.learning.recipe import AdversaryParams, Recipe, RobustParams, TrainParams

PLAIN = TrainParams([16], 0.2, 0.003, 0.01, 16, 12, 4, "train", True, 0, classifier="lda")
LABELS = ["sad", "angry", "happy"]  # not in the order of the alphabet


def recipe(kind="lda", emotions=LABELS, protocol="kfold", **changes):
    return Recipe(emotions, dataclasses.replace(PLAIN, classifier=kind, **changes), "{}", protocol, 0)


def speech(labels=LABELS, inputs=10, speakers=9):
    """Speakers with an offset each who speak the first emotion oftener; the last two test, the two before validate."""
    generator = np.random.default_rng(5)
    who, emotion = (
        np.repeat(np.arange(speakers), 16),
        np.tile(np.maximum(0, np.arange(16) - 16 + len(labels) * 3) % len(labels), speakers),
    )
    vectors = generator.normal(size=(len(who), inputs)) + generator.normal(size=(speakers, inputs))[who]
    vectors += 3.2 / np.sqrt(inputs) * generator.normal(size=(len(labels), inputs))[emotion]
    parts = np.select([who >= speakers - 2, who >= speakers - 4], ["test", "validation"], "train")
    names = np.array([f"c/{number}" for number in who], dtype=object)
    return (10 * vectors + 3).astype(np.float32), np.array(labels, dtype=object)[emotion], parts, names


def by_scikit_learn(kind, data, taught, balanced=True, cost=0.01):
    """The machine that users of scikit-learn would write, and its scores of all utterances, in the order of LABELS."""
    vectors, truth = data[0].astype(float), data[1]
    emotions = [word for word in LABELS if word in truth]
    if kind == "lda":
        priors = np.full(len(emotions), 1 / len(emotions)) if balanced else None
        machine = LinearDiscriminantAnalysis("lsqr", "auto", priors)
    else:
        machine = LinearSVC(C=cost, class_weight="balanced" if balanced else None, dual=False)
    machine = make_pipeline(StandardScaler(), machine).fit(vectors[taught], truth[taught])
    scores = machine.decision_function(vectors)
    scores = np.stack([-scores, scores], axis=1) / 2 if scores.ndim == 1 else scores
    return machine, scores[:, [list(machine.classes_).index(word) for word in emotions]]


def log_probabilities(scores):
    return scores - logsumexp(scores, axis=1, keepdims=True)


@pytest.mark.parametrize("kind", ["lda", "svm"])
@pytest.mark.parametrize("labels", [LABELS, LABELS[:2]])
@pytest.mark.parametrize("inputs", [10, 200])
@pytest.mark.parametrize("balanced", [True, False])
def test_scores_are_scikit_learns_times_one_number(kind, labels, inputs, balanced):
    data = speech(labels, inputs)
    machine, scores = by_scikit_learn(kind, data, data[2] != "test", balanced, cost=0.05)
    model, _ = fitting.fit(recipe(kind, labels, class_weights=balanced, cost=0.05), *data)
    found = np.log(model.probabilities(data[0]))
    np.testing.assert_array_equal(model.likeliest(data[0]), machine.predict(data[0]))
    apart, wanted = (values - values.mean(axis=1, keepdims=True) for values in (found, scores))
    factor = (apart * wanted).sum() / (wanted**2).sum()
    assert factor > 0
    np.testing.assert_allclose(apart, factor * wanted, atol=2e-3 * np.abs(apart).max())  # the solvers' tolerance


def test_no_other_number_fits_the_validation_part_better():
    data = speech()
    vectors, truth, parts, _ = data
    _, scores = by_scikit_learn("lda", data, parts == "train")
    model, _ = fitting.fit(recipe(), *data)
    _, of_all = by_scikit_learn("lda", data, parts != "test")
    factor = np.ptp(np.log(model.probabilities(vectors)), axis=1).mean() / np.ptp(of_all, axis=1).mean()
    asked = parts == "validation"
    right = np.array([LABELS.index(word) for word in truth[asked]])
    smoothing = 1 / (asked.sum() + 2)
    targets = (1 - smoothing) * np.eye(3)[right] + smoothing / 3
    weights = {word: 1 / (truth[parts == "train"] == word).sum() for word in LABELS}
    rows = np.array([weights[word] for word in truth[asked]])

    def loss(number):  # torch weighs every term of a smoothed label by its own class
        each = targets * np.array([weights[word] for word in LABELS])
        return -(each * log_probabilities(number * scores[asked])).sum() / rows.sum()

    assert loss(factor) < min(loss(0.97 * factor), loss(1.03 * factor))


def test_perfect_scores_give_no_certainty():
    scores, truth = torch.eye(3).double().repeat(4, 1), torch.arange(3).repeat(4)
    factor = linear.inverse_temperature(scores, truth, None)
    # Of 12 utterances, smoothed by a fourteenth of which each label gets a third.
    assert (factor * scores).softmax(dim=1).diagonal().numpy() == pytest.approx(1 - 2 / 3 / 14, abs=1e-3)


def sparse(each):
    """As many training utterances of each emotion, of more numbers than that; the same ones validate."""
    vectors = np.random.default_rng(0).normal(size=(3 * each, 40)).astype(np.float32)
    truth = np.repeat(np.array(LABELS, dtype=object), each)
    parts = np.repeat(["train", "validation"], 3 * each)
    return np.tile(vectors, (2, 1)), np.tile(truth, 2), parts, np.where(parts == "train", "c/0", "c/1")


@pytest.mark.parametrize("changes", [{"kind": "lda"}, {"kind": "mlp", "start": "lda"}], ids=["alone", "as a start"])
class TestTheDiscriminantOfFewUtterances:
    """Of two, the shrinkage that Ledoit and Wolf estimate is none, so the covariance stays singular."""

    def test_asks_for_a_third_one(self, changes):
        expected = (
            "^kfold, fold 0: linear discriminant analysis: expected three training utterances of an emotion that "
            "differ, found two at most; add recordings, or choose train.start none or train.classifier svm$"
        )
        with pytest.raises(InputError, match=expected):
            fitting.fit(recipe(**changes), *sparse(2))

    @pytest.mark.parametrize("each", [1, 2])
    def test_says_so_where_none_differ(self, changes, each):
        vectors, *others = sparse(each)
        vectors[:] = np.repeat(vectors[::each], each, axis=0)
        expected = "^kfold, fold 0: .*: expected utterances of an emotion to differ, found none that do; add recordings"
        with pytest.raises(InputError, match=expected):
            fitting.fit(recipe(**changes), vectors, *others)

    def test_makes_do_with_three_of_one_emotion(self, changes):
        vectors, truth, parts, speakers = sparse(3)
        kept = (truth == "happy") | (np.arange(len(truth)) % 3 < 2)
        data = vectors[kept], truth[kept], parts[kept], speakers[kept]
        model, _ = fitting.fit(recipe(**changes), *data)
        assert np.isfinite(model.probabilities(data[0])).all()


@pytest.mark.parametrize("kind", ["lda", "svm"])
class TestBoth:
    def test_learn_from_the_validation_part_and_not_from_the_test_part(self, kind):
        vectors, truth, parts, speakers = data = speech()
        model, _ = fitting.fit(recipe(kind), *data)
        for part, same in (("test", True), ("validation", False)):
            changed = truth.copy()
            changed[parts == part] = np.roll(changed[parts == part], 1)
            other, _ = fitting.fit(recipe(kind), vectors, changed, parts, speakers)
            assert np.array_equal(other.probabilities(vectors), model.probabilities(vectors)) == same

    def test_learn_nothing_from_what_the_fold_leaves_out(self, kind):
        vectors, truth, parts, speakers = speech()
        out = (parts == "train") & (np.arange(len(parts)) % 16 < 4)
        parts = np.where(out, "left_out", parts)
        model, _ = fitting.fit(recipe(kind), vectors, truth, parts, speakers)
        absurd = np.where(out[:, np.newaxis], 1e3, vectors).astype(np.float32)
        other, _ = fitting.fit(recipe(kind), absurd, truth, parts, speakers)
        assert np.array_equal(other.probabilities(vectors), model.probabilities(vectors))

    def test_have_a_curve_of_one_epoch_of_the_training_part_alone(self, kind):
        _, truth, parts, _ = data = speech()
        seen = []
        _, curve = fitting.fit(recipe(kind, class_weights=False), *data, record=seen.append)
        (row,) = curve.to_dict("records")
        assert (row["protocol"], row["fold"], row["epoch"]) == ("kfold", 0, 1)
        machine, _ = by_scikit_learn(kind, data, parts == "train", balanced=False)
        for part in ("train", "validation"):
            asked = parts == part
            uar = recall_score(truth[asked], machine.predict(data[0][asked]), average="macro")
            assert row[f"{part}_uar"] == pytest.approx(uar)
        (probabilities,) = seen
        right = probabilities[np.arange(len(probabilities)), [LABELS.index(word) for word in truth[parts == "train"]]]
        assert row["train_loss"] == pytest.approx(-np.log(right).mean())

    def test_pass_over_the_keys_of_the_network(self, kind):
        data = speech()
        other = {"hidden": [3], "dropout": 0.5, "learning_rate": 1.0, "epochs": 1, "seed": 7}
        models = [fitting.fit(recipe(kind, **changes), *data)[0] for changes in ({}, other)]
        np.testing.assert_array_equal(*(model.probabilities(data[0]) for model in models))

    def test_have_a_file_like_the_networks(self, kind, tmp_path):
        data = speech()
        model, _ = fitting.fit(recipe(kind), *data)
        path = tmp_path / "kfold-00.safetensors"
        classifier.save(model, path)
        loaded = classifier.load(path)
        assert loaded.recipe == model.recipe
        np.testing.assert_array_equal(loaded.probabilities(data[0]), model.probabilities(data[0]))
        np.testing.assert_allclose(loaded.hidden(data[0]).std(), 1, atol=0.2)  # the vectors, normalised

    def test_normalise_each_speaker_where_asked(self, kind):
        vectors, *_, speakers = data = speech()
        model, _ = fitting.fit(recipe(kind, normalisation="speaker"), *data)
        moved = vectors.copy()
        moved[speakers == "c/8"] = 7 * moved[speakers == "c/8"] - 100
        expected = model.probabilities(vectors, speakers)
        np.testing.assert_allclose(model.probabilities(moved, speakers), expected, atol=1e-4)

    @pytest.mark.parametrize("inputs", [10, 200])
    def test_make_do_with_an_emotion_that_was_said_once(self, kind, inputs):
        vectors, truth, parts, speakers = speech(inputs=inputs)
        truth[np.flatnonzero(truth == "happy")[1:]] = "sad"
        model, _ = fitting.fit(recipe(kind), vectors, truth, parts, speakers)
        assert np.isfinite(model.probabilities(vectors)).all()

    @pytest.mark.parametrize(
        ("changes", "key"),
        [
            ({"labels": "soft"}, "labels soft"),
            ({"labels": "smoothed"}, "labels smoothed"),
            ({"group_weights": "gender"}, "group_weights gender"),
            ({"adversary": AdversaryParams("gender")}, "adversary gender"),
            ({"robust": RobustParams("gender")}, "robust gender"),
        ],
    )
    def test_refuse_what_only_a_network_can_learn(self, kind, changes, key):
        with pytest.raises(ValueError, match=f"^classifier: expected mlp with {key}, found {kind}; only the network"):
            recipe(kind, **changes)
