"""Distorted copies are trained on beside their originals, and decide nothing."""

import numpy as np
import pytest

from ser.files.failures import InputError
from ser.learning import classifier, fitting
from ser.learning.recipe import AdversaryParams, Recipe, RobustParams
from tests import builders

EMOTIONS = ["angry", "sad"]
PEOPLE = builders.manifest(6, 8, EMOTIONS, votes='{"angry": 3, "sad": 1}')
PARTS = np.repeat(["train", "train", "train", "train", "validation", "test"], 8).astype(object)
TRUTH, SPEAKERS = (PEOPLE[column].to_numpy() for column in ("emotion", "speaker"))
OFF = 4.0  # by how much the copies are shifted
KINDS = [
    {},
    {"start": "lda", "calibration": "temperature"},
    {"labels": "soft", "group_weights": "gender", "adversary": AdversaryParams("speaker")},
    {"robust": RobustParams("gender"), "labels": "smoothed"},
]


def speech():
    """Vectors (48, 4) whose first number tells the emotion, and copies that are shifted."""
    vectors = np.random.default_rng(0).normal(size=(48, 4)).astype(np.float32)
    vectors[:, 0] += np.where(TRUTH == "angry", -1, 1)
    return vectors, vectors + np.float32([OFF, 2 * OFF, 0, 0])


def fit(*copies, protocol="kfold", record=None, **params):
    recipe = Recipe(EMOTIONS, builders.train_params(**{"epochs": 3} | params), "{}", protocol, 0)
    return fitting.fit(recipe, speech()[0], TRUTH, PARTS, SPEAKERS, PEOPLE, record, copies)


def content(fitted, folder):
    """The bytes of its file, and of its learning curve."""
    model, curve = fitted
    path = folder / classifier.file_name(model.recipe.protocol, 0)
    classifier.save(model, path)
    return path.read_bytes(), curve.to_csv()


def absurd(copies, *parts):
    return np.where(np.isin(PARTS, parts)[:, np.newaxis], 1e9, copies).astype(np.float32)


@pytest.mark.parametrize("params", [*KINDS, {"classifier": "lda"}, {"networks": 3}], ids=str)
def test_without_copies_the_bytes_are_those_without_the_argument(tmp_path, params):
    recipe = Recipe(EMOTIONS, builders.train_params(epochs=3, **params), "{}", "kfold", 0)
    without = fitting.fit(recipe, speech()[0], TRUTH, PARTS, SPEAKERS, PEOPLE)
    assert content(fit(**params), tmp_path) == content(without, tmp_path)


@pytest.mark.parametrize("params", KINDS, ids=str)
def test_copies_of_those_who_validate_or_test_change_nothing(tmp_path, params):
    copies = speech()[1]
    assert content(fit(absurd(copies, "validation", "test"), **params), tmp_path) == content(
        fit(copies, **params), tmp_path
    )
    assert content(fit(absurd(copies, "train"), **params), tmp_path) != content(fit(copies, **params), tmp_path)


@pytest.mark.parametrize("protocol", ["kfold", "random"])
@pytest.mark.parametrize("params", [{"classifier": "lda"}, {"classifier": "svm"}, {"networks": 3}], ids=str)
def test_where_those_who_validate_are_learned_from_later_test_speakers_are_still_unheard(tmp_path, params, protocol):
    copies = speech()[1]
    found = [fit(each, protocol=protocol, **params) for each in (copies, absurd(copies, "test"))]
    assert content(found[0], tmp_path) == content(found[1], tmp_path)


def test_of_several_networks_none_trains_on_copies_of_those_who_stop_it():
    """The first is stopped by the split's validation speaker."""
    copies = speech()[1]
    (one, curve), (other, same) = (fit(each, networks=3) for each in (copies, absurd(copies, "validation")))
    first, rest = ([model.networks[place].state_dict() for model in (one, other)] for place in (0, 1))
    assert all((first[0][key] == first[1][key]).all() for key in first[0])
    assert any((rest[0][key] != rest[1][key]).any() for key in rest[0])
    assert curve.equals(same)


@pytest.mark.parametrize("kind", ["mlp", "lda", "svm"])
def test_who_has_heard_copies_does_better_on_distorted_speech(kind):
    _, distorted = speech()
    test = PARTS == "test"
    plain, taught = (fit(*copies, classifier=kind, epochs=20, normalisation="none")[0] for copies in ([], [distorted]))
    right = [(model.likeliest(distorted[test]) == TRUTH[test]).mean() for model in (plain, taught)]
    assert right[0] < right[1]


def test_curves_and_records_are_of_the_originals_and_statistics_of_all_that_trains():
    clean, distorted = speech()
    seen, train = [], PARTS == "train"
    model, curve = fit(distorted, record=seen.append)
    assert [each.shape for each in seen] == [(32, 2)] * len(curve)
    label = (TRUTH[train] == "sad").astype(int)
    expected = [-np.log(each[np.arange(32), label]).mean() for each in seen]  # both emotions as often
    np.testing.assert_allclose(curve["train_loss"], expected, rtol=1e-9)
    taught = np.concatenate([clean[train], distorted[train]]).astype(np.float64)
    np.testing.assert_allclose(model.networks[0].mean, taught.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(model.networks[0].scale, taught.std(axis=0), rtol=1e-6)


def test_a_copy_has_the_votes_and_the_speaker_of_its_original(monkeypatch):
    seen, made = [], fitting.objectives.make_objective

    def watched(params, labels, hard, people, place):
        seen.append((hard, people))
        return made(params, labels, hard, people, place)

    monkeypatch.setattr(fitting.objectives, "make_objective", watched)
    fit(speech()[1], speech()[1], labels="soft")
    ((hard, people),) = seen
    train = PARTS == "train"
    assert people["id"].tolist() == PEOPLE["id"][train].tolist() * 3
    assert np.asarray(EMOTIONS)[hard.truth].tolist() == TRUTH[train].tolist() * 3
    np.testing.assert_allclose(hard.weights, 1)  # both emotions as often, however many copies


def test_an_utterance_without_votes_is_counted_once_however_many_copies_it_lends(monkeypatch):
    monkeypatch.setitem(PEOPLE, "votes", "")
    with pytest.raises(InputError, match="found none with 32 of 'c', such as 'c/00'"):
        fit(speech()[1], labels="soft")


def test_by_speaker_copies_are_normalised_as_what_the_speaker_said_under_that_condition(tmp_path):
    clean, _ = speech()
    louder = (8 * clean + 16).astype(np.float32)  # the same, once each speaker is normalised
    found = [fit(each, normalisation="speaker")[0].probabilities(clean, SPEAKERS) for each in (clean, louder)]
    np.testing.assert_allclose(*found, atol=1e-5)
