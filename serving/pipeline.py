"""The trained pipeline as a model for the service."""

import math
from collections.abc import Callable

import numpy as np

from ser import predictor, streaming
from ser.audio import SAMPLING_RATE_HZ
from ser.files.failures import InputError
from serving.model import Heard


class Pipeline:
    """The classifier that the pipeline trained, or the mean of several, as ``ser predict`` uses it.

    Args:
        trained: the predictor.
        card: the model card of its bundle, where it has one.

    Raises:
        InputError: the model normalises by speaker, which one recording cannot give.
    """

    def __init__(self, trained: predictor.Predictor, card: str | None = None):
        if trained.by_speaker:
            raise InputError(
                "expected a model for single recordings, found one that normalises by speaker; train with "
                "normalisation train (train.normalisation in params.yaml)"
            )
        recipe = trained.classifiers[0].recipe
        self._trained = trained
        self.labels = trained.labels
        self.abstain_below = trained.abstain_below
        self.longest_s = math.inf
        self.settings = {
            "features": trained.extractor.recipe.encoder,
            "protocol": recipe.protocol,
            "classifiers": len(trained.classifiers),
            "shortest_s": trained.extractor.encoder.minimum_samples / SAMPLING_RATE_HZ,
        }
        self.card = card or CARD.format(
            emotions=", ".join(self.labels),
            features=trained.extractor.recipe.encoder,
            classifiers=len(trained.classifiers),
            protocol=recipe.protocol,
        )

    def hear(self, signal: np.ndarray) -> Heard:
        """Hear a signal, as ``Model`` says."""
        return self._of(self._trained.extractor.vector(signal))

    def stream(self) -> Callable[[np.ndarray, int], Heard]:
        """Begin a stream, as ``Model`` says; features that cannot be streamed are made of each window anew."""
        if not streaming.possible(self._trained.extractor):
            return lambda signal, start: self.hear(signal)
        begun = streaming.Stream(self._trained.extractor)
        return lambda signal, start: self._of(begun.vector(signal, start))

    def _of(self, vector: np.ndarray) -> Heard:
        vectors = vector[np.newaxis]
        return Heard(self._trained.probabilities(vectors)[0], self._trained.distances(vectors)[0])


CARD = """\
# This model

It tells apart {emotions} by how a voice sounds, not by what it says: {features} features, and the mean of \
{classifiers} classifiers, each trained without some of the speakers (protocol {protocol}).

## What it is for

- Research on emotional speech, and trying out what such a model hears.

## What it is not

- It does not read feelings. It guesses which word listeners would have chosen for a voice like this one.
- It knows the speakers, the language and the microphones of its training corpus, and errs more on others.
- Its confidence was measured, if at all, on speakers like those of its training corpus. Of others 0.8 does not mean
  that it is right four times out of five.
- It is nothing to judge a person by: not for hiring, schooling, policing, medicine or credit.
"""
