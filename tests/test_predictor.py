from dataclasses import replace

import numpy as np
import pytest
import torch

from ser import predictor
from ser.encoders.catalogue import build
from ser.encoders.recipe import Recipe
from ser.files.failures import InputError
from ser.learning import classifier
from ser.learning import recipe as learning_recipe
from ser.learning.classifier import Classifier
from tests import builders

PARAMS = builders.train_params(hidden=[4], weight_decay=0.0, batch_size=4, epochs=1, patience=1, class_weights=False)


@pytest.fixture(scope="module")
def extractor():
    return build(Recipe("mfcc"))


@pytest.fixture
def write(tmp_path, extractor):
    """Write a classifier with random weights; returns it."""

    def write(protocol="loso", fold=0, temperature=1.0, **changes) -> Classifier:
        recipe = learning_recipe.Recipe(["angry", "happy", "sad"], PARAMS, extractor.fingerprint, protocol, fold)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(fold)
            made = Classifier(replace(recipe, **changes), len(extractor.names)).eval()
        made.temperature = temperature
        classifier.save(made, tmp_path / classifier.file_name(protocol, fold))
        return made

    return write


@pytest.fixture
def vectors(extractor):
    rng = np.random.default_rng(0)
    return np.array([extractor.vector(rng.normal(0, 0.1, 3200).astype(np.float32)) for _ in range(4)])


def test_probabilities_are_the_mean_over_the_folds(tmp_path, write, vectors):
    members = [write(fold=fold) for fold in range(3)]

    probabilities = predictor.load(tmp_path).probabilities(vectors)

    np.testing.assert_allclose(probabilities, sum(member.probabilities(vectors) for member in members) / 3, atol=1e-6)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert probabilities.shape == (4, 3)


def test_the_mean_gets_the_geometric_mean_of_the_temperatures_and_keeps_its_labels(tmp_path, write, vectors):
    members = [write(fold=fold, temperature=temperature) for fold, temperature in enumerate((0.5, 0.25, 1.0))]

    probabilities = predictor.load(tmp_path).probabilities(vectors)

    mean = sum(member.uncalibrated(vectors) for member in members) / 3
    powers = mean**2  # the temperature is 0.5
    np.testing.assert_allclose(probabilities, powers / powers.sum(axis=1, keepdims=True), atol=1e-9)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), mean.argmax(axis=1))


def test_the_threshold_is_the_one_that_the_classifiers_were_trained_with(tmp_path, write):
    write(params=replace(PARAMS, abstain_below=0.7))

    assert predictor.load(tmp_path).abstain_below == 0.7


def test_a_file_has_the_same_numbers_alone_and_among_forty(tmp_path, write, extractor):
    for fold in range(3):
        write(fold=fold, params=replace(PARAMS, hidden=[256, 128]), temperature=0.9)
    loaded = predictor.load(tmp_path)
    vectors = np.random.default_rng(0).normal(size=(40, len(extractor.names))).astype(np.float32)

    among = loaded.probabilities(vectors)

    alone = np.concatenate([loaded.probabilities(vector[np.newaxis]) for vector in vectors])
    assert among.tobytes() == alone.tobytes()


def test_one_fold_can_be_chosen(tmp_path, write, vectors):
    members = [write(fold=fold) for fold in range(3)]

    one = predictor.load(tmp_path, fold=1)

    np.testing.assert_allclose(one.probabilities(vectors), members[1].probabilities(vectors), atol=1e-6)
    assert np.abs(one.probabilities(vectors) - members[0].probabilities(vectors)).max() > 1e-3


def test_classifiers_of_the_random_contrast_are_left_out(tmp_path, write, vectors):
    honest = write("loso", 0)
    write("random", 1)

    assert [member.recipe.protocol for member in predictor.load(tmp_path).classifiers] == ["loso"]
    np.testing.assert_allclose(
        predictor.load(tmp_path).probabilities(vectors), honest.probabilities(vectors), atol=1e-6
    )


def test_random_alone_is_what_the_user_chose(tmp_path, write):
    write("random", 0)

    assert len(predictor.load(tmp_path).classifiers) == 1


def test_the_predictor_carries_the_extractor_and_the_labels(tmp_path, write, extractor):
    write()

    loaded = predictor.load(tmp_path)

    assert loaded.extractor.fingerprint == extractor.fingerprint
    assert loaded.labels == ["angry", "happy", "sad"]


def test_a_folder_without_classifiers_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"expected classifiers .* found none; train them first"):
        predictor.load(tmp_path)


def test_a_fold_that_does_not_exist_is_refused(tmp_path, write):
    write(fold=0)
    write(fold=2)

    with pytest.raises(InputError, match="expected a fold out of 0, 2, found 1"):
        predictor.load(tmp_path, fold=1)


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": ["angry", "happy", "calm"]},
        {"params": replace(PARAMS, seed=1)},
        {"extractor": "{}"},
        {"protocol": "kfold"},
        {"split": "other"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_classifiers_of_different_trainings_are_refused(tmp_path, write, changes):
    write(fold=0)
    write(fold=1, **changes)

    with pytest.raises(InputError, match=r"of one training, found \w+, fold [01], and \w+, fold [01],"):
        predictor.load(tmp_path)


def test_a_classifier_of_other_features_is_refused(tmp_path, write, extractor):
    write(extractor=extractor.fingerprint.replace('"ser.audio": "', '"ser.audio": "f'))

    with pytest.raises(
        InputError,
        match=r"expected the mfcc features that the model was trained on, .* differ in modules \(ser.audio\)",
    ):
        predictor.load(tmp_path)


def test_a_model_that_normalises_by_speaker_uses_that_speaker_alone(tmp_path, write, vectors):
    member = write(params=replace(PARAMS, normalisation="speaker"))
    loaded = predictor.load(tmp_path)

    probabilities = loaded.probabilities(vectors, one_speaker=True)

    assert loaded.by_speaker
    double = vectors.astype(float)
    normalised = (double - double.mean(axis=0)) / double.std(axis=0)
    with torch.no_grad():
        expected = member.networks[0](torch.tensor(normalised, dtype=torch.float32)).softmax(dim=1)
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)


def test_a_model_that_normalises_by_speaker_refuses_lone_and_mixed_files(tmp_path, write, vectors):
    write(params=replace(PARAMS, normalisation="speaker"))
    loaded = predictor.load(tmp_path)

    for files, one_speaker in ((vectors, False), (vectors[:1], True)):
        with pytest.raises(InputError, match="normalises by speaker: expected several files, all of one speaker"):
            loaded.probabilities(files, one_speaker)


def test_of_no_vectors_there_are_no_probabilities_and_no_distances(tmp_path, write, vectors):
    write()
    loaded = predictor.load(tmp_path)
    assert loaded.probabilities(vectors[:0]).shape == (0, len(loaded.labels))
    assert loaded.distances(vectors[:0]) == []


def test_a_distance_is_the_same_to_the_last_bit_whatever_the_company(tmp_path, write):
    write()
    generator = np.random.default_rng(0)
    basis = np.linalg.qr(generator.normal(size=(120, 60)))[0].T.astype(np.float32)
    known = replace(
        builders.familiarity(120), directions=basis, variances=generator.uniform(1, 3, 60).astype(np.float32)
    )
    loaded = replace(predictor.load(tmp_path), familiarity=known)
    vectors = generator.normal(size=(200, 120)).astype(np.float32)
    assert loaded.distances(vectors) == [loaded.distances(vector[np.newaxis])[0] for vector in vectors]


def test_vectors_that_are_none_of_the_extractors_are_refused(tmp_path, write, vectors):
    write()
    loaded = predictor.load(str(tmp_path))

    for wrong, message in (
        (vectors[0], r"expected \(utterances, 120\), found \(120,\); of a single one give vector\[None\]"),
        (vectors[:, 1:], r"expected \(utterances, 120\), found \(4, 119\)"),
        (np.where(np.arange(120) == 7, np.nan, vectors), "expected finite numbers, found NaN"),
    ):
        for ask in (loaded.probabilities, loaded.distances):
            with pytest.raises(InputError, match=message):
                ask(wrong)
