"""The classifier: from vectors to a probability for each emotion; and its file."""

import dataclasses
import itertools
import json
import math
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialised
from scipy.special import softmax
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from ser.files.failures import InputError
from ser.files.whole import check_file, whole_file
from ser.learning.network import Network
from ser.learning.recipe import AdversaryParams, Recipe, RobustParams, TrainParams
from ser.machine import memory


class Classifier(nn.Module):
    """One network or several, the mean of whose probabilities counts.

    It computes in float64, so that what processors round differently does not change the epoch that is kept: in float32
    it did, and predictions with it. Its numbers are float32's all the same, so that the file holds all of them.

    Args:
        recipe: what made it.
        inputs: the length of a vector.
        count: how many networks.

    Attributes:
        recipe: what made it.
        inputs: the length of a vector.
        networks: the networks; the validation part of the split is that of the first.
        temperature: by what the logarithms of the mean are divided: below 1 sharpens, above 1 softens, and no label
            changes.
        lent: how many utterances of other corpora it was lent for each own one that trained it; only known of one that
            was just trained, as the file does not hold it.
    """

    def __init__(self, recipe: Recipe, inputs: int, count: int = 1):
        super().__init__()
        self.recipe = recipe
        self.inputs = inputs
        self.networks = nn.ModuleList(Network(recipe, inputs) for _ in range(count))
        self.temperature = 1.0
        self.lent = 0.0

    def probabilities(self, vectors: np.ndarray, speakers: np.ndarray | None = None) -> np.ndarray:
        """Give each emotion's probability, after the temperature.

        Args:
            vectors: (utterances, inputs), as the extractor made them.
            speakers: (utterances,), used with normalisation ``speaker`` only: give all utterances of a speaker in one
                call, as their mean and standard deviation are taken from it.

        Returns:
            float64 (utterances, labels) in the order of ``recipe.labels``; each row sums to 1.

        Raises:
            InputError: the vectors have another length, or speakers are wanted and not known.
        """
        return tempered(self.uncalibrated(vectors, speakers), self.temperature)

    @torch.inference_mode()
    def uncalibrated(self, vectors: np.ndarray, speakers: np.ndarray | None = None) -> np.ndarray:
        """Give the networks' mean probabilities, before the temperature; all else as of ``probabilities``."""
        prepared = self._prepared(vectors, speakers)
        return torch.stack([network(prepared).softmax(dim=1) for network in self.networks]).mean(dim=0).numpy()

    def likeliest(self, vectors: np.ndarray, speakers: np.ndarray | None = None) -> np.ndarray:
        """Name each utterance's likeliest emotion, (utterances,); arguments and errors as of ``probabilities``."""
        return np.asarray(self.recipe.labels, dtype=object)[self.probabilities(vectors, speakers).argmax(axis=1)]

    @torch.inference_mode()
    def hidden(self, vectors: np.ndarray, speakers: np.ndarray | None = None) -> np.ndarray:
        """Give the last hidden layer of the first network: what it makes of utterances before it names an emotion.

        The first one has not been trained on the validation part of the split, while another one may have.

        Args:
            vectors: as for ``probabilities``.
            speakers: as for ``probabilities``.

        Returns:
            float32 (utterances, numbers), as ``Network.last_hidden``: units, 0 or more (after ReLU, without dropout),
            and after them the scores of the start, where there is one.

        Raises:
            InputError: as ``probabilities``; or a number is not finite.
        """
        return _finite(self.networks[0].last_hidden(self._prepared(vectors, speakers)).float()).numpy()

    def _prepared(self, vectors: np.ndarray, speakers: np.ndarray | None) -> Tensor:
        """Check the vectors' length, normalise by speaker where the recipe says so, set networks to evaluation mode."""
        if vectors.shape[1] != self.inputs:
            raise InputError(
                f"classifier: expected vectors of {self.inputs} numbers, found {vectors.shape[1]}; train it again"
            )
        self.eval()
        return torch.from_numpy(maybe_by_speaker(vectors, speakers, self.recipe.params))


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Divide the logarithms of probabilities, (utterances, labels), by a temperature, and make rows sum to 1 again."""
    if temperature == 1:
        return probabilities
    return softmax(np.log(np.maximum(probabilities, np.finfo(float).tiny)) / temperature, axis=1)


def _finite(outputs: Tensor) -> Tensor:
    """Pass on what a network made of vectors, unless damaged weights made it overflow."""
    if not outputs.isfinite().all():
        raise InputError("classifier: expected finite numbers, found others; run the stages features and train again")
    return outputs


def require_memory(recipe: Recipe, utterances: int, inputs: int) -> None:
    """Refuse networks of which the weights (with gradient, two moments and the best copy) or the layers do not fit."""
    hidden = recipe.params.layers
    weights = sum(before * after for before, after in itertools.pairwise([inputs, *hidden, len(recipe.labels)]))
    copies = 4 + recipe.params.networks
    memory.require(8 * (copies * weights + utterances * sum(hidden)), f"train.hidden {hidden} on {inputs} numbers")


def maybe_by_speaker(vectors: np.ndarray, speakers: np.ndarray | None, params: TrainParams) -> np.ndarray:
    """Standardise each speaker's vectors if the parameters say so, or leave them: float64 (utterances, inputs)."""
    vectors = np.asarray(vectors, dtype=np.float64)
    return by_speaker(vectors, speakers) if params.normalisation == "speaker" else vectors


def by_speaker(vectors: np.ndarray, speakers: np.ndarray | None) -> np.ndarray:
    """Standardise each speaker's vectors by the speaker's own mean and deviation: float64 (utterances, inputs).

    Raises:
        InputError: a speaker is unknown.
    """
    if speakers is None or (np.asarray(speakers) == "").any():
        raise InputError("normalisation speaker: expected a speaker for every utterance; choose normalisation train")
    normalised = np.empty(vectors.shape)
    for speaker in np.unique(speakers):
        rows = speakers == speaker
        normalised[rows] = StandardScaler().fit_transform(np.asarray(vectors[rows], dtype=np.float64))
    return normalised


def file_name(protocol: str, fold: int) -> str:
    """Name a fold's classifier file."""
    return f"{protocol}-{fold:02d}.safetensors"


def save(classifier: Classifier, path: Path) -> None:
    """Save a classifier: weights and normaliser as safetensors, recipe and temperature in the header.

    Args:
        classifier: the classifier.
        path: the file, written whole or not at all.
    """
    # One key only: safetensors writes several in an order that changes from run to run.
    recipe = dataclasses.asdict(classifier.recipe)
    card = {"inputs": classifier.inputs, "networks": len(classifier.networks), "recipe": recipe}
    card["temperature"] = classifier.temperature
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
        classifier = Classifier(recipe, card["inputs"], card["networks"])
        classifier.temperature = float(card["temperature"])
        if not 0 < classifier.temperature < math.inf:
            raise ValueError(f"temperature {classifier.temperature}")
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
    for ending, least in ((".scale", "above 0"), (".running_var", "0 or more")):
        for key in (key for key in tensors if key.endswith(ending)):
            lowest = tensors[key].min().item()
            if lowest < 0 or (lowest == 0 and ending == ".scale"):
                raise InputError(
                    f"{path}: '{key}': expected numbers {least}, found {lowest:g}; run the train stage again"
                )
    return classifier.eval()
