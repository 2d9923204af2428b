"""Fit a classifier on one fold: the data of its parts, the loop over epochs, and the epoch that is kept."""

import copy
import hashlib
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor, nn

from ser.files.failures import InputError
from ser.learning import choices, linear
from ser.learning import objective as objectives
from ser.learning.classifier import Classifier, normalised_by_speaker, require_memory
from ser.learning.network import Network
from ser.learning.objective import Hard, Objective
from ser.learning.recipe import NETWORK, Recipe, TrainParams
from ser.machine.threads import one_thread
from ser.splits.names import RANDOM

FITTED = ("train", "validation")  # what a classifier may learn from
DIGITS = 4  # of a temperature: more of them are the solver's
CURVE = ("protocol", "fold", "epoch", "train_loss", "validation_loss", "train_uar", "validation_uar")


def fit(
    recipe: Recipe,
    vectors: np.ndarray,
    truth: np.ndarray,
    parts: np.ndarray,
    speakers: np.ndarray,
    people: pd.DataFrame | None = None,
    record: Callable[[np.ndarray], None] | None = None,
) -> tuple[Classifier, pd.DataFrame]:
    """Train a classifier on one fold.

    A linear classifier needs no validation part to stop by, and is fitted to it as well. Before, the validation part
    says how sure one fitted to the training part alone may be (``linear.inverse_temperature``); that one is the
    learning curve's only epoch. What follows is of networks. Where there are several, the split's validation part is
    that of the first, whose curve it is and of whom ``record`` hears; each of the others has another one, out of those
    who train the first.

    Networks then get their temperature, where the parameters ask for it. The mean of several cannot be asked for
    validation speakers, as some of the networks were trained on them; but each is asked for its own validation part,
    and together these are all or most who are not tested, each once. The temperature fits these answers
    (``linear.inverse_temperature``). It is honest of people whom a network does not know, but for their having chosen
    its epoch; and it is that of single networks, of whom the mean is a little less sure already: so it errs on the side
    of doubt. A linear classifier has its own number, found likewise, and keeps the temperature 1.

    The epoch with the lowest loss on the validation part is kept; loss, not UAR, as few validation speakers make the
    UAR jump in steps. Whatever training minimises, the losses of the learning curve are the cross-entropies to the
    labels, weighted by class where ``class_weights`` says so: so curves of soft labels, of an adversary or of the worst
    group compare with those without, and all are stopped by the same rule.

    Test utterances take part in one thing only: with normalisation ``speaker``, in the mean and standard deviation of
    their own speaker.

    The result depends on the arguments alone; to that end torch computes with one thread, which is also the fastest for
    networks of this size.

    Args:
        recipe: labels, parameters and fold.
        vectors: (utterances, inputs), of all parts.
        truth: (utterances,) emotions.
        parts: (utterances,) ``train``, ``validation`` or ``test``.
        speakers: (utterances,).
        people: the utterances' rows of the manifest: ``votes`` for soft labels, the attribute of ``group_weights``,
            ``adversary`` and ``robust``. Not needed without these.
        record: called after each epoch with the probabilities of the training part, float64 (utterances, labels).

    Returns:
        The classifier in evaluation mode, and its learning curve with the columns ``CURVE``, one row an epoch, without
        dropout, in nats.

    Raises:
        InputError: the training part lacks an emotion or has one that is not in the labels, or it has a single
            utterance; the network does not fit into memory; votes or groups are wanted that are not there; or the loss
            is no longer finite.
    """
    place = f"{recipe.protocol}, fold {recipe.fold}"
    found, expected = set(truth[parts == "train"]), set(recipe.labels)
    if found != expected or not set(truth[parts == "validation"]) <= expected:
        raise InputError(
            f"{place}: expected the emotions {', '.join(recipe.labels)} in the training part and no others, "
            f"found {', '.join(sorted(found))}; make `emotions` agree with the manifest"
        )
    prepared = normalised_by_speaker(vectors, speakers, recipe.params)
    codes = pd.Index(recipe.labels).get_indexer(truth)  # a test utterance's may be -1

    # Dropout and the initial weights draw from torch's global generator and take no other: seed it, and put it back.
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(recipe))
        require_memory(recipe, *vectors.shape)
        make = _networks if recipe.params.classifier == NETWORK else _linear
        classifier, curve = make(recipe, prepared, codes, parts, speakers, people, place, record)
    classifier.float().double()  # the numbers that the file holds
    if not all(tensor.isfinite().all() for tensor in classifier.state_dict().values()):
        raise InputError(f"{place}: weights grew beyond what float32 holds; lower train.learning_rate")
    rows = [(recipe.protocol, recipe.fold, *row) for row in curve]
    return classifier.eval(), pd.DataFrame(rows, columns=CURVE)


def _networks(
    recipe: Recipe,
    prepared: np.ndarray,
    codes: np.ndarray,
    parts: np.ndarray,
    speakers: np.ndarray,
    people: pd.DataFrame | None,
    place: str,
    record: Callable[[np.ndarray], None] | None,
) -> tuple[Classifier, list[tuple]]:
    """Train networks, each stopped by a validation part of its own; give them and the curve of the first."""
    apart = None if recipe.protocol == RANDOM else speakers
    chosen = choices.validation_choices(parts, codes, apart, recipe.params.networks)
    classifier = Classifier(recipe, prepared.shape[1], len(chosen))
    curves, answers = [], np.empty((len(codes), len(recipe.labels)))
    for network, own in zip(classifier.networks, chosen, strict=True):
        x, y = _tensors(prepared, codes, own)
        weights = _class_weights(recipe.params, y["train"])
        _set_normaliser(network, recipe.params, x["train"])
        if network.start is not None:
            fitted = linear.fit("lda", recipe.params, network.normalised(x["train"]).numpy(), y["train"].numpy(), place)
            _set_linear(network.start, *fitted)
            scores = network.start(network.normalised(x["validation"]))
            _multiply(network.start, linear.inverse_temperature(scores, y["validation"], weights))
        trained = None if people is None else people[own == "train"]
        objective = objectives.make_objective(recipe.params, recipe.labels, Hard(y["train"], weights), trained, place)
        listener = None if curves else record
        curves.append(descend(network, recipe.params, x, y, objective, weights, place, listener))
        answers[own == "validation"] = _logits(network, x["validation"]).log_softmax(dim=1)
    if recipe.params.calibration == "temperature":
        asked = np.any([own == "validation" for own in chosen], axis=0)
        weights = _class_weights(recipe.params, torch.from_numpy(codes[np.isin(parts, FITTED)]))
        factor = linear.inverse_temperature(*map(torch.from_numpy, (answers[asked], codes[asked])), weights)
        classifier.temperature = float(f"{1 / factor:.{DIGITS}g}")
    return classifier, curves[0]


def _linear(
    recipe: Recipe,
    prepared: np.ndarray,
    codes: np.ndarray,
    parts: np.ndarray,
    speakers: np.ndarray,
    people: pd.DataFrame | None,
    place: str,
    record: Callable[[np.ndarray], None] | None,
) -> tuple[Classifier, list[tuple]]:
    """Measure a linear classifier of the training part, then fit one to all that is not tested; curve of one epoch."""
    del speakers, people  # who speaks, and to whom else, makes no difference

    def fitted(chosen: np.ndarray) -> Classifier:
        classifier = Classifier(recipe, prepared.shape[1])
        (network,) = classifier.networks
        rows = torch.from_numpy(prepared[chosen])
        _set_normaliser(network, recipe.params, rows)
        rows = network.normalised(rows).numpy()
        _set_linear(
            network.layers[-1], *linear.fit(recipe.params.classifier, recipe.params, rows, codes[chosen], place)
        )
        return classifier

    x, y = _tensors(prepared, codes, parts)
    weights = _class_weights(recipe.params, y["train"])
    (first,) = fitted(parts == "train").networks
    scores = {part: _logits(first, x[part]) for part in x}
    factor = linear.inverse_temperature(scores["validation"], y["validation"], weights)
    losses, recalls = zip(*(_measure(factor * scores[part], y[part], weights) for part in x), strict=True)
    if record is not None:
        record((factor * scores["train"]).softmax(dim=1).numpy())
    classifier = fitted(np.isin(parts, FITTED))
    _multiply(classifier.networks[0].layers[-1], factor)
    return classifier, [(1, *losses, *recalls)]


@torch.no_grad()
def _set_normaliser(network: Network, params: TrainParams, rows: Tensor) -> None:
    """Take the mean and deviation of rows where the parameters say so."""
    if params.normalisation == "train":
        scaler = StandardScaler().fit(rows.numpy())  # a constant feature gets the scale 1
        network.mean.copy_(torch.from_numpy(scaler.mean_))
        network.scale.copy_(torch.from_numpy(scaler.scale_))


@torch.no_grad()
def _set_linear(layer: nn.Linear, weights: np.ndarray, bias: np.ndarray) -> None:
    layer.weight.copy_(torch.from_numpy(weights))
    layer.bias.copy_(torch.from_numpy(bias))


@torch.no_grad()
def _multiply(layer: nn.Linear, factor: float) -> None:
    for parameter in layer.parameters():
        parameter *= factor


def _tensors(prepared: np.ndarray, codes: np.ndarray, parts: np.ndarray) -> tuple[dict, dict]:
    """Give vectors, (utterances, inputs), and labels, (utterances,), of the parts ``train`` and ``validation``."""
    chosen = {part: parts == part for part in ("train", "validation")}
    x = {part: torch.from_numpy(prepared[rows]) for part, rows in chosen.items()}
    return x, {part: torch.from_numpy(codes[rows]) for part, rows in chosen.items()}


def _class_weights(params: TrainParams, labels: Tensor) -> Tensor | None:
    if not params.class_weights:
        return None
    return torch.from_numpy(compute_class_weight("balanced", classes=labels.unique().numpy(), y=labels.numpy()))


def seed_of(recipe: Recipe) -> int:
    """Give each fold of each protocol its own stream."""
    digest = hashlib.sha256(f"{recipe.params.seed} {recipe.protocol} {recipe.fold}".encode()).digest()
    return int.from_bytes(digest[:8])


# How many times faster than the network its adversary learns. At the same pace the network stays a step ahead: it turns
# what it should hide into what the adversary does not look for yet, where a fresh probe finds it just as well.
ADVERSARY_PACE = 10


def descend(
    network: nn.Module,
    params: TrainParams,
    x: dict[str, Tensor],
    y: dict[str, Tensor],
    minimised: Objective,
    class_weights: Tensor | None,
    place: str,
    record: Callable[[np.ndarray], None] | None,
) -> list[tuple[int, float, float, float, float]]:
    """Train until the validation loss has not fallen for ``patience`` epochs, and restore the best epoch.

    Args:
        network: gives the last hidden layer by ``last_hidden``, and from that logits by ``output``.
        params: how.
        x: vectors of the parts ``train`` and ``validation``, (utterances, inputs).
        y: their labels, (utterances,).
        minimised: what training minimises.
        class_weights: of the losses that are measured after each epoch.
        place: protocol and fold, for messages.
        record: called after each epoch with the probabilities of the training part, (utterances, labels).

    Returns:
        For each epoch its number, training and validation loss, training and validation UAR.

    Raises:
        InputError: there is a single training utterance, or the loss is no longer finite.
    """
    learning = [{"params": [parameter for parameter in network.parameters() if parameter.requires_grad]}]
    if adversary := list(minimised.parameters()):
        learning.append({"params": adversary, "lr": ADVERSARY_PACE * params.learning_rate})
    # Fused, it takes the processor's square root, which is exact; otherwise MKL's.
    optimiser = torch.optim.AdamW(learning, params.learning_rate, weight_decay=params.weight_decay, fused=True)
    count = len(y["train"])
    if count < 2:
        raise InputError(f"{place}: expected at least 2 training utterances, for batch norm, found {count}; add some")
    curve, best, kept = [], None, None
    for epoch in range(1, params.epochs + 1):
        network.train()
        # Batches of equal size, give or take one: a last batch of a single row could not be batch-normalised.
        for batch in torch.randperm(count).tensor_split(max(1, count // params.batch_size)):
            optimiser.zero_grad()
            hidden = network.last_hidden(x["train"][batch])
            minimised(hidden, network.output(hidden), batch).backward()
            optimiser.step()
        logits = {part: _logits(network, x[part]) for part in x}
        losses, recalls = zip(*(_measure(logits[part], y[part], class_weights) for part in x), strict=True)
        if not np.isfinite(losses).all():
            raise InputError(f"{place}: the loss is not finite in epoch {epoch}; lower train.learning_rate")
        if record is not None:
            record(logits["train"].softmax(dim=1).numpy())
        curve.append((epoch, *losses, *recalls))
        if best is None or losses[1] < curve[best][2]:
            best, kept = epoch - 1, copy.deepcopy(network.state_dict())
        if epoch - 1 - best >= params.patience:
            break
    network.load_state_dict(kept)
    return curve


@torch.inference_mode()
def _logits(network: nn.Module, x: Tensor) -> Tensor:
    network.eval()
    return network(x)


def _measure(logits: Tensor, y: Tensor, class_weights: Tensor | None) -> tuple[float, float]:
    """Give the loss in nats and the unweighted average recall over the emotions that occur."""
    loss = nn.functional.cross_entropy(logits, y, class_weights)
    # Not scikit-learn's recall_score: of an epoch of a small corpus its checks would take a quarter of the time.
    counts = y.bincount()
    hits = y[logits.argmax(dim=1) == y].bincount(minlength=len(counts))
    recalls = hits[counts > 0].double() / counts[counts > 0]
    return loss.item(), recalls.mean().item()
