"""The temperature: fitted to speakers whom a network was not trained on, and what it does to probabilities."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.metrics import log_loss

from ser.confidence.calibration import expected_calibration_error
from ser.files.failures import InputError
from ser.learning import classifier, fitting
from ser.learning.choices import validation_choices
from ser.learning.recipe import Recipe
from tests import builders

LABELS = ["angry", "happy", "sad"]
PARAMS = builders.train_params(hidden=[16], calibration="temperature")


def recipe(**changes):
    return Recipe(list(LABELS), dataclasses.replace(PARAMS, **changes), '{"extractor": "made"}', "kfold", 0)


def speech(speakers=9, each=24, clarity=0.7, rare=True, seed=0):
    """Vectors of speakers who speak emotions in turn, the last of them more seldom; the last speaker tests."""
    random = np.random.default_rng(seed)
    who = np.repeat(np.arange(speakers), each)
    emotion = np.tile(np.array([0, 1, 2, 0, 1, 0] if rare else [0, 1, 2] * 2)[np.arange(each) % 6], speakers)
    vectors = random.normal(size=(len(who), 10)) + 0.7 * random.normal(size=(speakers, 10))[who]
    vectors += clarity * random.normal(size=(3, 10))[emotion]
    parts = np.select([who == speakers - 1, who >= speakers - 3], ["test", "validation"], "train").astype(object)
    return vectors, np.array(LABELS, dtype=object)[emotion], parts, np.array([f"c/{number}" for number in who])


def codes(truth):
    return np.searchsorted(LABELS, truth.astype(str))


def own_answers(model, data):
    """What each network says of its own validation part, and the labels of these utterances."""
    vectors, truth, parts, speakers = data
    chosen = validation_choices(parts, codes(truth), speakers, model.recipe.params.networks)
    said, labels = [], []
    for network, own in zip(model.networks, chosen, strict=True):
        asked = own == "validation"
        with torch.no_grad():
            said.append(network(torch.from_numpy(vectors[asked])).numpy())
        labels.append(codes(truth)[asked])
    return np.concatenate(said), np.concatenate(labels)


@pytest.mark.parametrize("class_weights", [True, False])
@pytest.mark.parametrize("networks", [1, 4])
def test_is_the_minimum_of_the_loss_of_each_networks_answers_on_its_own_validation_part(networks, class_weights):
    data = speech()
    seldom = (data[2] == "validation") & (data[1] == "sad") & (np.arange(len(data[1])) % 4 > 0)  # than in training
    data = tuple(part[~seldom] for part in data)
    model, _ = fitting.fit(recipe(networks=networks, class_weights=class_weights), *data)
    assert len(model.networks) == networks
    logits, labels = own_answers(model, data)
    counts = np.bincount(codes(data[1][data[2] != "test"]))
    weights = counts.sum() / (3 * counts) if class_weights else np.ones(3)
    smoothing = 1 / (len(labels) + 2)
    targets = (1 - smoothing) * np.eye(3)[labels] + smoothing / 3

    def loss(temperature):
        return -(weights * targets * log_softmax(logits / temperature, axis=1)).sum()

    expected = minimize(loss, 1.0, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9}).x.item()
    assert model.temperature == pytest.approx(expected, rel=1e-3)
    assert model.temperature != 1


def test_together_the_validation_parts_are_all_who_are_not_tested():
    _, truth, parts, speakers = speech()
    chosen = validation_choices(parts, codes(truth), speakers, 4)
    assert np.array_equal(np.sum([own == "validation" for own in chosen], axis=0), parts != "test")


def test_does_not_know_the_test_part():
    vectors, truth, parts, speakers = speech()
    model, _ = fitting.fit(recipe(networks=4), vectors, truth, parts, speakers)
    vectors, truth = vectors.copy(), truth.copy()
    vectors[parts == "test"], truth[parts == "test"] = 1e3, "neutral"
    assert fitting.fit(recipe(networks=4), vectors, truth, parts, speakers)[0].temperature == model.temperature


@pytest.mark.parametrize("networks", [1, 4])
def test_changes_no_label_and_no_network_and_nothing_where_it_is_not_asked_for(networks):
    data = speech()
    with_it, curve = fitting.fit(recipe(networks=networks), *data)
    without, same = fitting.fit(recipe(networks=networks, calibration="none"), *data)
    assert curve.equals(same)
    assert without.temperature == 1 != with_it.temperature
    before, after = without.probabilities(data[0]), with_it.probabilities(data[0])
    np.testing.assert_array_equal(with_it.uncalibrated(data[0]), before)
    np.testing.assert_array_equal(without.uncalibrated(data[0]), before)
    np.testing.assert_array_equal(before.argmax(axis=1), after.argmax(axis=1))
    powers = before ** (1 / with_it.temperature)
    np.testing.assert_allclose(after, powers / powers.sum(axis=1, keepdims=True))
    assert np.abs(after - before).max() > 1e-3


def planted(seed=0):
    """Speakers who train are labelled by what they speak; of the others half are labelled at random."""
    vectors, truth, parts, speakers = speech(speakers=6, each=600, clarity=1.5, rare=False, seed=seed)
    random = np.random.default_rng(seed)
    strange = (parts != "train") & (random.random(len(parts)) < 0.5)
    return vectors, np.where(strange, random.choice(LABELS, len(parts)), truth).astype(object), parts, speakers


def test_finds_overconfidence_that_was_planted_and_mends_it():
    vectors, truth, parts, _ = data = planted()
    model, _ = fitting.fit(recipe(batch_size=64), *data)
    asked = parts == "test"
    errors, losses = [], []
    for probabilities in (model.uncalibrated(vectors)[asked], model.probabilities(vectors)[asked]):
        right = np.array(LABELS)[probabilities.argmax(axis=1)] == truth[asked]
        errors.append(expected_calibration_error(probabilities.max(axis=1), right))
        losses.append(log_loss(truth[asked].astype(str), probabilities, labels=LABELS))
    assert model.temperature > 1.3
    assert errors[0] > 0.15
    assert errors[1] < errors[0] / 2
    assert losses[1] < losses[0]


@pytest.mark.parametrize("kind", ["lda", "svm"])
def test_a_linear_classifier_has_its_own_number_and_no_temperature(kind):
    assert fitting.fit(recipe(classifier=kind), *speech())[0].temperature == 1


def test_one_above_1_softens_and_one_below_sharpens_also_what_is_almost_impossible():
    probabilities = np.array([[0.8, 0.2, 0.0], [1 - 1e-12, 1e-12, 0.0]])
    for temperature, stronger in ((0.01, np.greater_equal), (3.0, np.less)):
        found = classifier.tempered(probabilities, temperature)
        assert np.isfinite(found).all()
        np.testing.assert_allclose(found.sum(axis=1), 1)
        assert stronger(found.max(axis=1), probabilities.max(axis=1)).all()


def test_is_kept_in_the_file(tmp_path):
    data = speech()
    model, _ = fitting.fit(recipe(networks=4), *data)
    classifier.save(model, tmp_path / "kfold-00.safetensors")
    loaded = classifier.load(tmp_path / "kfold-00.safetensors")
    assert loaded.temperature == model.temperature
    np.testing.assert_array_equal(loaded.probabilities(data[0]), model.probabilities(data[0]))


@pytest.mark.parametrize("temperature", [0, -1.0, float("inf"), float("nan"), "warm", None])
def test_a_file_with_another_is_refused(tmp_path, temperature):
    path = tmp_path / "kfold-00.safetensors"
    classifier.save(classifier.Classifier(recipe(), 10), path)
    with safe_open(path, framework="pt") as stream:
        card = json.loads(stream.metadata()["classifier"])
    card["temperature"] = temperature
    save_file(load_file(path), path, {"classifier": json.dumps(card)})
    with pytest.raises(InputError, match="its header does not describe a classifier"):
        classifier.load(path)
