"""The classifier: a normaliser and a small network, from vectors to a probability for each emotion.

A linear classifier is a network without hidden layers.
"""

import dataclasses
import itertools
import json
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialised
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from ser.files.failures import InputError
from ser.files.whole import check_file, whole_file
from ser.learning.recipe import AdversaryParams, Recipe, RobustParams, TrainParams
from ser.machine import memory


class Classifier(nn.Module):
    """A normaliser and a multilayer perceptron; each hidden layer: linear, batch norm, ReLU, dropout.

    It computes in float64, in which training forgives what processors do differently: in float32 their last bits made
    other epochs and other predictions. Its numbers are float32's all the same, so that the file holds all of them.

    Attributes:
        recipe: what made it.
        inputs: the length of a vector.
    """

    def __init__(self, recipe: Recipe, inputs: int):
        super().__init__()
        self.recipe = recipe
        self.inputs = inputs
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))
        layers = []
        widths = [inputs, *recipe.params.layers]
        for before, after in itertools.pairwise(widths):
            layers += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU(), nn.Dropout(recipe.params.dropout)]
        self.network = nn.Sequential(*layers, nn.Linear(widths[-1], len(recipe.labels)))
        self.double()

    def forward(self, vectors: Tensor) -> Tensor:
        """Score emotions.

        Args:
            vectors: float64 (utterances, inputs), by speaker normalised already where the recipe says ``speaker``.

        Returns:
            Logits (utterances, labels).
        """
        return self.output(self.last_hidden(vectors))

    def last_hidden(self, vectors: Tensor) -> Tensor:
        """Give the last hidden layer, (utterances, units), of the same vectors; without one, the vectors normalised."""
        return self.network[:-1]((vectors - self.mean) / self.scale)

    def output(self, hidden: Tensor) -> Tensor:
        """Give the logits, (utterances, labels), of the last hidden layer."""
        return self.network[-1](hidden)

    @torch.inference_mode()
    def probabilities(self, vectors: np.ndarray, speakers: np.ndarray | None = None) -> np.ndarray:
        """Give each emotion's probability.

        Args:
            vectors: (utterances, inputs), as the extractor made them.
            speakers: (utterances,), used with normalisation ``speaker`` only: give all utterances of a speaker in one
                call, as their mean and standard deviation are taken from it.

        Returns:
            float64 (utterances, labels) in the order of ``recipe.labels``; each row sums to 1.

        Raises:
            InputError: the vectors have another length, or speakers are wanted and not known.
        """
        return self.output(self._last_hidden(vectors, speakers)).softmax(dim=1).numpy()

    def likeliest(self, vectors: np.ndarray, speakers: np.ndarray | None = None) -> np.ndarray:
        """Name each utterance's likeliest emotion, (utterances,); arguments and errors as of ``probabilities``."""
        return np.asarray(self.recipe.labels, dtype=object)[self.probabilities(vectors, speakers).argmax(axis=1)]

    @torch.inference_mode()
    def hidden(self, vectors: np.ndarray, speakers: np.ndarray | None = None) -> np.ndarray:
        """Give the last hidden layer: what the network makes of utterances before it names an emotion.

        Args:
            vectors: as for ``probabilities``.
            speakers: as for ``probabilities``.

        Returns:
            float32 (utterances, units), 0 or more: after ReLU, without dropout. A linear classifier has no hidden
            layer: the vectors as it normalises them, (utterances, inputs).

        Raises:
            InputError: as ``probabilities``; or a number is not finite.
        """
        return _finite(self._last_hidden(vectors, speakers).float()).numpy()

    def _last_hidden(self, vectors: np.ndarray, speakers: np.ndarray | None) -> Tensor:
        """Give the last hidden layer of vectors as the extractor made them, in evaluation mode."""
        if vectors.shape[1] != self.inputs:
            raise InputError(
                f"classifier: expected vectors of {self.inputs} numbers, found {vectors.shape[1]}; train it again"
            )
        self.eval()
        return self.last_hidden(torch.from_numpy(normalised_by_speaker(vectors, speakers, self.recipe.params)))


def _finite(outputs: Tensor) -> Tensor:
    """Pass on what a network made of vectors, unless damaged weights made it overflow."""
    if not outputs.isfinite().all():
        raise InputError("classifier: expected finite numbers, found others; run the stages features and train again")
    return outputs


def require_memory(recipe: Recipe, utterances: int, inputs: int) -> None:
    """Refuse a network of which the weights (with gradient, two moments and the best copy) or the layers do not fit."""
    hidden = recipe.params.layers
    weights = sum(before * after for before, after in itertools.pairwise([inputs, *hidden, len(recipe.labels)]))
    memory.require(4 * (5 * weights + utterances * sum(hidden)), f"train.hidden {hidden} on {inputs} numbers")


def normalised_by_speaker(vectors: np.ndarray, speakers: np.ndarray | None, params: TrainParams) -> np.ndarray:
    """Normalise each speaker where the parameters say so; float64 (utterances, inputs)."""
    vectors = np.asarray(vectors, dtype=np.float64)
    if params.normalisation != "speaker":
        return vectors
    if speakers is None or (np.asarray(speakers) == "").any():
        raise InputError(
            "train.normalisation speaker: expected a speaker for every utterance; choose normalisation train"
        )
    return by_speaker(vectors, speakers)


def by_speaker(vectors: np.ndarray, speakers: np.ndarray) -> np.ndarray:
    """Standardise each speaker's vectors by the speaker's own mean and deviation: float64 (utterances, inputs)."""
    normalised = np.empty(vectors.shape)
    for speaker in np.unique(speakers):
        rows = speakers == speaker
        normalised[rows] = StandardScaler().fit_transform(np.asarray(vectors[rows], dtype=np.float64))
    return normalised


def file_name(protocol: str, fold: int) -> str:
    """Name a fold's classifier file."""
    return f"{protocol}-{fold:02d}.safetensors"


def save(classifier: Classifier, path: Path) -> None:
    """Save a classifier: weights and normaliser as safetensors, the recipe in the header.

    Args:
        classifier: the classifier.
        path: the file, written whole or not at all.
    """
    # One key only: safetensors writes several in an order that changes from run to run.
    card = {"inputs": classifier.inputs, "recipe": dataclasses.asdict(classifier.recipe)}
    tensors = {
        key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in classifier.state_dict().items()
    }
    with whole_file(path) as temporary:
        temporary.write_bytes(serialised(tensors, {"classifier": json.dumps(card, sort_keys=True)}))


def load(path: Path) -> Classifier:
    """Load a classifier.

    Args:
        path: a file of ``save``.

    Returns:
        The classifier in evaluation mode.

    Raises:
        InputError: the file is missing, unreadable, cut short, not a classifier, or that of another protocol or fold
            than its name says; its tensors do not belong to its recipe, and the message names the keys that are
            missing, surplus or misshapen; or they hold numbers that no training gives.
    """
    check_file(path, "a classifier that the train stage makes")
    try:
        with safe_open(path, framework="pt") as stream:
            header = stream.metadata() or {}
            tensors = {key: stream.get_tensor(key) for key in stream.keys()}  # noqa: SIM118 (not a dict)
    except SafetensorError as error:
        raise InputError(
            f"{path}: not a safetensors file, or cut short ({error}); run the train stage again"
        ) from error
    try:
        card = json.loads(header["classifier"])
        block = card["recipe"]["params"]
        nested = {"adversary": AdversaryParams(**block["adversary"]), "robust": RobustParams(**block["robust"])}
        recipe = Recipe(**card["recipe"] | {"params": TrainParams(**block | nested)})
        classifier = Classifier(recipe, card["inputs"])
        named = file_name(recipe.protocol, recipe.fold)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{path}: its header does not describe a classifier ({error!r}); run the train stage again"
        ) from error
    if path.name != named:  # such as a copy over another fold's, which would be tested on what it was trained on
        raise InputError(
            f"{path}: expected the classifier of its name, found that of {named}; run the train stage again"
        )
    try:
        classifier.load_state_dict(tensors)
    except RuntimeError as error:  # which names missing, surplus and misshapen keys, a line each
        raise InputError(f"{path}: {' '.join(str(error).split())} Run the train stage again") from error
    damaged = [key for key, tensor in tensors.items() if not tensor.isfinite().all()]
    if damaged:
        raise InputError(f"{path}: '{damaged[0]}' holds numbers that are not finite; run the train stage again")
    # Deviations and variances: the network divides by them.
    for key, least in (("scale", "above 0"), *((key, "0 or more") for key in tensors if key.endswith("running_var"))):
        lowest = tensors[key].min().item()
        if lowest < 0 or (lowest == 0 and key == "scale"):
            raise InputError(f"{path}: '{key}': expected numbers {least}, found {lowest:g}; run the train stage again")
    return classifier.eval()
