"""The trained pipeline as the service's model: windows of a stream."""

from functools import partial

import numpy as np
import pytest
import torch

from ser.encoders import catalogue
from ser.encoders.recipe import Recipe
from ser.learning.classifier import Classifier
from ser.learning.recipe import Recipe as Learned
from ser.predictor import Predictor
from serving.pipeline import Pipeline
from tests import builders


def pipeline(recipe, familiarity=None):
    extractor = catalogue.build(recipe)
    learned = Learned(["angry", "sad"], builders.train_params(), extractor.fingerprint, "kfold", 0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Pipeline(Predictor(extractor, [Classifier(learned, len(extractor.names)).eval()], familiarity))


@pytest.fixture
def signal():
    return np.random.default_rng(0).normal(0, 0.1, 32_000).astype(np.float32)


def test_windows_of_a_stream_have_the_probabilities_that_they_have_alone(signal):
    model = pipeline(Recipe("pase_plus_untrained"))
    stream, other = model.stream(), model.stream()
    near = partial(np.testing.assert_allclose, atol=1e-6)
    near(stream(signal[:16_000], 0).probabilities, model.hear(signal[:16_000]).probabilities)
    alone = model.hear(signal[8000:24_000]).probabilities
    near(stream(signal[8000:24_000], 8000).probabilities, alone)
    # Another stream knows nothing of the first.
    near(other(signal[8000:24_000], 8000).probabilities, alone)


def test_features_that_cannot_be_streamed_are_made_of_each_window(signal):
    model = pipeline(Recipe("mfcc"))
    stream = model.stream()
    for start in (0, 8000):
        window = signal[start : start + 16_000]
        np.testing.assert_array_equal(stream(window, start).probabilities, model.hear(window).probabilities)


def test_the_distance_is_that_of_the_vector_where_the_model_knows_its_training_speech(signal):
    extractor = catalogue.build(Recipe("mfcc"))
    known = builders.familiarity(len(extractor.names))
    model = pipeline(Recipe("mfcc"), known)
    assert model.hear(signal).distance == known.distances(extractor.vector(signal)[np.newaxis])[0]
    assert model.stream()(signal, 0).distance == model.hear(signal).distance
    assert pipeline(Recipe("mfcc")).hear(signal).distance is None
