"""The classifier: a normaliser and a small network, from vectors to a probability for each emotion."""

import copy
import dataclasses
import hashlib
import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from sklearn.metrics import recall_score
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor, nn

from ser.failures import InputError
from ser.files import whole_file

CURVE = ("protocol", "fold", "epoch", "train_loss", "validation_loss", "train_uar", "validation_uar")


@dataclass(frozen=True)
class TrainParams:
    """The block ``train`` of params.yaml.

    Attributes:
        hidden: units of each hidden layer.
        dropout: share of hidden units silenced in training.
        learning_rate: of AdamW.
        weight_decay: of AdamW.
        batch_size: utterances a step; batches are cut equal, so they may be a little larger.
        epochs: at most.
        patience: epochs without a lower validation loss before training ends.
        normalisation: ``train``: mean and standard deviation of the training utterances; ``speaker``: each speaker's
            own, which uses the test speaker's audio, though no label; ``none``.
        class_weights: whether rare emotions weigh more in the loss, so that each counts the same in sum.
        seed: of the initial weights, the order of utterances and dropout.
    """

    hidden: list[int]
    dropout: float
    learning_rate: float
    weight_decay: float
    batch_size: int
    epochs: int
    patience: int
    normalisation: Literal["train", "speaker", "none"]
    class_weights: bool
    seed: int

    def __post_init__(self):
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError(f"hidden: expected at least one layer of 1 or more units, found {self.hidden}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout: expected 0 or more and below 1, found {self.dropout}")
        if self.learning_rate <= 0:
            raise ValueError(f"learning_rate: expected a number above 0, found {self.learning_rate}")
        if self.batch_size < 2:
            raise ValueError(f"batch_size: expected at least 2, for batch norm, found {self.batch_size}")
        for name, least in (("weight_decay", 0), ("epochs", 1), ("patience", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}: expected {least} or more, found {getattr(self, name)}")


@dataclass(frozen=True)
class Recipe:
    """All that makes a classifier, but the data.

    Attributes:
        labels: the emotions, in the order of the probabilities.
        params: how it is trained.
        extractor: the fingerprint of what made the vectors.
        protocol: of the split.
        fold: of the protocol.
    """

    labels: list[str]
    params: TrainParams
    extractor: str
    protocol: str
    fold: int


class Classifier(nn.Module):
    """A normaliser and a multilayer perceptron; each hidden layer: linear, batch norm, ReLU, dropout.

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
        for before, after in itertools.pairwise([inputs, *recipe.params.hidden]):
            layers += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU(), nn.Dropout(recipe.params.dropout)]
        self.network = nn.Sequential(*layers, nn.Linear(recipe.params.hidden[-1], len(recipe.labels)))

    def forward(self, vectors: Tensor) -> Tensor:
        """Score emotions.

        Args:
            vectors: float32 (utterances, inputs), by speaker normalised already where the recipe says ``speaker``.

        Returns:
            Logits (utterances, labels).
        """
        return self.network((vectors - self.mean) / self.scale)

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
        if vectors.shape[1] != self.inputs:
            raise InputError(
                f"classifier: expected vectors of {self.inputs} numbers, found {vectors.shape[1]}; train it again"
            )
        self.eval()
        logits = self(torch.tensor(_prepared(vectors, speakers, self.recipe.params), dtype=torch.float32))
        return logits.double().softmax(dim=1).numpy()


def fit(
    recipe: Recipe, vectors: np.ndarray, truth: np.ndarray, parts: np.ndarray, speakers: np.ndarray
) -> tuple[Classifier, pd.DataFrame]:
    """Train a classifier on one fold.

    The epoch with the lowest loss on the validation part is kept; loss, not UAR, as few validation speakers make the
    UAR jump in steps. Test utterances take part in one thing only: with normalisation ``speaker``, in the mean and
    standard deviation of their own speaker.

    The result depends on the arguments alone; to that end torch computes with one thread, which is also the fastest for
    networks of this size.

    Args:
        recipe: labels, parameters and fold.
        vectors: (utterances, inputs), of all parts.
        truth: (utterances,) emotions.
        parts: (utterances,) ``train``, ``validation`` or ``test``.
        speakers: (utterances,).

    Returns:
        The classifier in evaluation mode, and its learning curve with the columns ``CURVE``, one row an epoch, without
        dropout; losses are weighted cross-entropies in nats.

    Raises:
        InputError: the training part lacks an emotion or has one that is not in the labels, or it has a single
            utterance; or the loss is no longer finite.
    """
    place = f"{recipe.protocol}, fold {recipe.fold}"
    found, expected = set(truth[parts == "train"]), set(recipe.labels)
    if found != expected or not set(truth[parts == "validation"]) <= expected:
        raise InputError(
            f"{place}: expected the emotions {', '.join(recipe.labels)} in the training part and no others, "
            f"found {', '.join(sorted(found))}; make `emotions` agree with the manifest"
        )
    prepared = _prepared(vectors, speakers, recipe.params)
    # (utterances, inputs) and (utterances,) of each part
    x = {part: torch.tensor(prepared[parts == part], dtype=torch.float32) for part in ("train", "validation")}
    y = {part: torch.tensor([recipe.labels.index(word) for word in truth[parts == part]]) for part in x}
    weight = None
    if recipe.params.class_weights:
        balanced = compute_class_weight("balanced", classes=np.arange(len(recipe.labels)), y=y["train"].numpy())
        weight = torch.tensor(balanced, dtype=torch.float32)
    loss = nn.CrossEntropyLoss(weight)

    # Dropout and the initial weights draw from torch's global generator and take no other: seed it, and put it back.
    with _one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(_seed(recipe))
        classifier = Classifier(recipe, vectors.shape[1])
        if recipe.params.normalisation == "train":
            scaler = StandardScaler().fit(prepared[parts == "train"])  # a constant feature gets the scale 1
            classifier.mean.copy_(torch.from_numpy(scaler.mean_))
            classifier.scale.copy_(torch.from_numpy(scaler.scale_))
        curve = _descend(classifier, x, y, loss, place)
    return classifier.eval(), pd.DataFrame(curve, columns=CURVE)


def kept(curves: pd.DataFrame) -> pd.DataFrame:
    """Pick from learning curves the epoch that was kept, one row a protocol and fold."""
    return curves.loc[curves.groupby(["protocol", "fold"])["validation_loss"].idxmin()]


def _descend(classifier: Classifier, x: dict[str, Tensor], y: dict[str, Tensor], loss: nn.Module, place: str) -> list:
    """Train until the validation loss has not fallen for ``patience`` epochs, and restore the best epoch."""
    params = classifier.recipe.params
    optimiser = torch.optim.AdamW(classifier.parameters(), params.learning_rate, weight_decay=params.weight_decay)
    count = len(y["train"])
    if count < 2:
        raise InputError(f"{place}: expected at least 2 training utterances, for batch norm, found {count}; add some")
    curve, best, kept = [], None, None
    for epoch in range(1, params.epochs + 1):
        classifier.train()
        # Batches of equal size, give or take one: a last batch of a single row could not be batch-normalised.
        for batch in torch.randperm(count).tensor_split(max(1, count // params.batch_size)):
            optimiser.zero_grad()
            loss(classifier(x["train"][batch]), y["train"][batch]).backward()
            optimiser.step()
        losses, recalls = zip(*(_measure(classifier, x[part], y[part], loss) for part in x), strict=True)
        if not np.isfinite(losses).all():
            raise InputError(f"{place}: the loss is not finite in epoch {epoch}; lower train.learning_rate")
        curve.append((classifier.recipe.protocol, classifier.recipe.fold, epoch, *losses, *recalls))
        if best is None or losses[1] < curve[best][4]:
            best, kept = epoch - 1, copy.deepcopy(classifier.state_dict())
        if epoch - 1 - best >= params.patience:
            break
    classifier.load_state_dict(kept)
    return curve


@torch.inference_mode()
def _measure(classifier: Classifier, x: Tensor, y: Tensor, loss: nn.Module) -> tuple[float, float]:
    """Give the loss in nats and the unweighted average recall over the emotions that occur."""
    classifier.eval()
    logits = classifier(x)
    return loss(logits, y).item(), recall_score(y, logits.argmax(dim=1), labels=y.unique(), average="macro")


def _prepared(vectors: np.ndarray, speakers: np.ndarray | None, params: TrainParams) -> np.ndarray:
    """Normalise each speaker where the parameters say so; float64 (utterances, inputs)."""
    vectors = np.asarray(vectors, dtype=np.float64)
    if params.normalisation != "speaker":
        return vectors
    if speakers is None or (np.asarray(speakers) == "").any():
        raise InputError(
            "train.normalisation speaker: expected a speaker for every utterance; choose normalisation train"
        )
    normalised = np.empty_like(vectors)
    for speaker in np.unique(speakers):
        rows = speakers == speaker
        normalised[rows] = StandardScaler().fit_transform(vectors[rows])
    return normalised


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _seed(recipe: Recipe) -> int:
    """Give each fold of each protocol its own stream."""
    digest = hashlib.sha256(f"{recipe.params.seed} {recipe.protocol} {recipe.fold}".encode()).digest()
    return int.from_bytes(digest[:8])


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
    with whole_file(path) as temporary:
        save_file(classifier.state_dict(), temporary, {"classifier": json.dumps(card, sort_keys=True)})


def load(path: Path) -> Classifier:
    """Load a classifier.

    Args:
        path: a file of ``save``.

    Returns:
        The classifier in evaluation mode.

    Raises:
        InputError: the file is missing, cut short, not a classifier, or its tensors do not belong to its recipe; the
            message names the keys that are missing, surplus or misshapen.
    """
    try:
        with safe_open(path, framework="pt") as stream:
            header = stream.metadata() or {}
            tensors = {key: stream.get_tensor(key) for key in stream.keys()}  # noqa: SIM118 (not a dict)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; expected a classifier that the train stage makes") from error
    except SafetensorError as error:
        raise InputError(
            f"{path}: not a safetensors file, or cut short ({error}); run the train stage again"
        ) from error
    try:
        card = json.loads(header["classifier"])
        recipe = Recipe(**card["recipe"] | {"params": TrainParams(**card["recipe"]["params"])})
        classifier = Classifier(recipe, card["inputs"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: its header does not describe a classifier ({error!r}); run the train stage again"
        ) from error
    try:
        classifier.load_state_dict(tensors)
    except RuntimeError as error:  # which names missing, surplus and misshapen keys, a line each
        raise InputError(f"{path}: {' '.join(str(error).split())} Run the train stage again") from error
    damaged = [key for key, tensor in tensors.items() if not tensor.isfinite().all()]
    if damaged:
        raise InputError(f"{path}: '{damaged[0]}' holds numbers that are not finite; run the train stage again")
    return classifier.eval()
