"""The trained pipeline as one thing: a signal in, a probability for each emotion out."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import gmean

from ser.confidence.familiarity import Familiarity
from ser.encoders import catalogue
from ser.encoders.extractor import Extractor
from ser.files.failures import InputError
from ser.learning import classifier
from ser.learning.classifier import Classifier
from ser.splits.names import RANDOM


@dataclass(frozen=True)
class Predictor:
    """An extractor and the classifiers that were trained on its vectors.

    The mean of several classifiers gets the geometric mean of their temperatures, so that no temperature changes a
    label. How well that mean's confidence is calibrated cannot be measured: every speaker trained at
    least one of them.

    Attributes:
        extractor: ``extractor.vector(signal)`` gives a signal's vector.
        classifiers: one, or several whose probabilities are averaged; all of one training.
        familiarity: what their training speech is like; None for the classifiers of the folds, each of which has
            speech of its own.

    Example:
        predictor = load(folder)
        vector = predictor.extractor.vector(audio.load(path))
        predictor.probabilities(vector[np.newaxis])
    """

    extractor: Extractor
    classifiers: Sequence[Classifier]
    familiarity: Familiarity | None = None

    @property
    def labels(self) -> list[str]:
        """The emotions, in the order of the probabilities."""
        return self.classifiers[0].recipe.labels

    @property
    def by_speaker(self) -> bool:
        """Whether vectors are normalised by the mean and deviation of their speaker's."""
        return self.classifiers[0].recipe.params.normalisation == "speaker"

    @property
    def abstain_below(self) -> float:
        """The confidence below which the answer is ``uncertain``, as it was when the classifiers were evaluated."""
        return self.classifiers[0].recipe.params.abstain_below

    @property
    def temperature(self) -> float:
        """By what the logarithms of the mean probabilities are divided."""
        return float(gmean([member.temperature for member in self.classifiers]))

    def check_speaker(self, utterances: int, one_speaker: bool) -> None:
        """Refuse what cannot be normalised by its speaker, where the model does that.

        Args:
            utterances: how many there are.
            one_speaker: whether all of them are of one and the same speaker.

        Raises:
            InputError: a speaker's mean and deviation are needed, and these are not several utterances of one speaker.
        """
        if self.by_speaker and not (one_speaker and utterances > 1):
            raise InputError(
                "the model normalises by speaker: expected several files, all of one speaker (--one-speaker); "
                "for single files train with normalisation train"
            )

    def probabilities(self, vectors: np.ndarray, one_speaker: bool = False) -> np.ndarray:
        """Give each emotion's probability.

        Args:
            vectors: (utterances, numbers), of the extractor.
            one_speaker: whether all of them are of one and the same speaker; only used where ``by_speaker``.

        Returns:
            float64 (utterances, labels), the mean over the classifiers, after the temperature; each row sums to 1, and
            is the same to the last bit whatever the others are, unless ``by_speaker``.

        Raises:
            InputError: as ``check_speaker``; or these are no vectors of the extractor.
        """
        self._check(vectors)
        self.check_speaker(len(vectors), one_speaker)
        # Alone, where they do not share a speaker's mean: the last bits of a matrix product depend on its size.
        groups = [vectors] if self.by_speaker or not len(vectors) else vectors[:, np.newaxis]
        return classifier.tempered(np.concatenate([self._mean(group) for group in groups]), self.temperature)

    def distances(self, vectors: np.ndarray) -> list[float] | list[None]:
        """Measure how far vectors, (utterances, numbers), are from the training speech; None each where nobody knows.

        Above 1 a vector is unlike it. Each distance is the same to the last bit whatever the other vectors are.

        Raises:
            InputError: these are no vectors of the extractor.
        """
        self._check(vectors)
        if not self.familiarity:
            return [None] * len(vectors)
        # One at a time, as in ``probabilities``.
        return [float(self.familiarity.distances(vector).item()) for vector in vectors[:, np.newaxis]]

    def _check(self, vectors: np.ndarray) -> None:
        numbers = len(self.extractor.names)
        if vectors.ndim != 2 or vectors.shape[1] != numbers:
            raise InputError(
                f"vectors: expected (utterances, {numbers}), found {vectors.shape}; of a single one give vector[None]"
            )
        if not np.isfinite(vectors).all():
            raise InputError("vectors: expected finite numbers, found NaN or infinity; leave these utterances out")

    def _mean(self, vectors: np.ndarray) -> np.ndarray:
        """Give the mean over the classifiers of the probabilities that each gives in one go, before any temperature."""
        speakers = np.full(len(vectors), "one")
        return np.mean([member.uncalibrated(vectors, speakers) for member in self.classifiers], axis=0)


def load(
    folder: Path | str, weights: Path | str | None = None, fold: int | None = None, device: str = "cpu"
) -> Predictor:
    """Load what the stage train made.

    Args:
        folder: the folder of the classifiers, one file a protocol and fold. Those of the protocol ``random`` are left
            out where there is another: each of them was trained for the contrast, not for use.
        weights: the file of the encoder's weights, where it was a trained one.
        fold: the one fold whose classifier to take; the mean of all by default.
        device: where the encoder runs.

    Returns:
        The predictor.

    Raises:
        InputError: there is no such classifier; the classifiers are not of one training; or the extractor that they
            were trained with cannot be made.
    """
    folder = Path(folder)
    trained = [classifier.load(path) for path in sorted(folder.glob("*.safetensors"))]
    members = [member for member in trained if member.recipe.protocol != RANDOM] or trained
    if not members:
        raise InputError(f"{folder}: expected classifiers (.safetensors), found none; train them first (dvc repro)")
    first = members[0].recipe
    for recipe in (member.recipe for member in members):
        if dataclasses.replace(recipe, fold=first.fold) != first:
            raise InputError(
                f"{folder}: expected classifiers of one training, found {first.protocol}, fold {first.fold}, and "
                f"{recipe.protocol}, fold {recipe.fold}, to differ in more than the fold; train again (dvc repro)"
            )
    if fold is not None:
        folds = [member.recipe.fold for member in members]
        members = [member for member in members if member.recipe.fold == fold]
        if not members:
            raise InputError(f"{folder}: expected a fold out of {', '.join(map(str, folds))}, found {fold}")
    return Predictor(catalogue.rebuild(first.extractor, weights and Path(weights), device), members)
