"""Fit a classifier on one fold: the data of its parts, distorted copies of them, and how sure it may be."""

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ser.files.failures import InputError
from ser.learning import choices, descent, linear
from ser.learning import objective as objectives
from ser.learning.choices import Auxiliary
from ser.learning.classifier import Classifier, by_speaker, maybe_by_speaker, require_memory
from ser.learning.network import Network
from ser.learning.objective import Hard
from ser.learning.recipe import NETWORK, Recipe, TrainParams
from ser.machine.threads import one_thread
from ser.splits.names import RANDOM

FITTED = ("train", "validation")  # what a classifier may learn from
SHARES = (0.0, 0.25, 0.5, 1.0)  # utterances that are lent, for each own one that trains
DRAWS = 5  # of what is lent to a linear classifier
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
    copies: Sequence[np.ndarray] = (),
    auxiliary: Auxiliary | None = None,
) -> tuple[Classifier, pd.DataFrame]:
    """Train a classifier on one fold.

    **Networks.** Each has a validation part of its own: the first that of the split, every other one another choice out
    of those who train the first (``ser.learning.choices``). The epoch with the lowest loss on it is kept; loss, not
    UAR, as few validation speakers make the UAR jump in steps. The learning curve is that of the first network, of
    which ``record`` hears. Whatever training minimises, the curve's losses are the cross-entropies to the labels,
    weighted by class where ``class_weights`` says so: so curves of soft labels, of an adversary or of the worst group
    compare with those without, and all are stopped by the same rule.

    **Temperature**, where the parameters ask for it. Each network predicts its own validation part, to which it was not
    fitted, though the part chose its epoch. These parts do not overlap, and cover all or most who are not tested. The
    temperature is fitted to these predictions (``linear.inverse_temperature``). The mean of several networks is a
    little less sure than one of them, so the result errs on the side of doubt.

    **Linear classifiers** need nobody to stop them. One that is fitted to the training part alone predicts the
    validation part, which says how sure it may be (``linear.inverse_temperature``); it is the learning curve's only
    epoch. Then the classifier that counts is fitted to both parts, made as sure, and keeps the temperature 1.

    Test utterances take part in one thing only: with normalisation ``speaker``, in the mean and standard deviation of
    their own speaker.

    Distorted copies train beside their original, with its label and its votes, wherever that trains; the
    normaliser's statistics are of all that trains. They never stop a network, nor say how sure to be, and are in no
    learning curve. With normalisation ``speaker`` those of one condition are normalised by what the speaker said under
    it, as a test speaker's would be.

    **Auxiliary corpora** lend utterances to discriminant analysis, that from which networks start or ``lda`` itself,
    and to ``svm``: some ``SHARES`` for each own one that trains, and of these the share whose scores have the lowest
    loss on those who validate, maybe none. They count as if the same microphones had recorded them: each corpus' mean
    and deviation become those of the own training utterances, by which the normaliser is set. Networks draw one sample
    each; of a linear classifier the mean of several is taken (``DRAWS``). They take part in nothing else.

    The result depends on the arguments alone; to that end torch computes with one thread, which is also the fastest for
    networks of this size.

    Args:
        recipe: labels, parameters and fold.
        vectors: (utterances, inputs), of all parts.
        truth: (utterances,) emotions.
        parts: (utterances,) ``train``, ``validation``, ``test`` or ``left_out``; only the first two are learned from.
        speakers: (utterances,).
        people: the utterances' rows of the manifest: ``votes`` for soft labels, the attribute of ``group_weights``,
            ``adversary`` and ``robust``. Not needed without these.
        record: called after each epoch with the probabilities of the training part, float64 (utterances, labels).
        copies: for each condition a distorted copy of every utterance, (utterances, inputs), in the vectors' order.
        auxiliary: utterances of other corpora, with emotions out of the labels; not for networks without a start.

    Returns:
        The classifier in evaluation mode, and its learning curve with the columns ``CURVE``, one row an epoch, without
        dropout, in nats.

    Raises:
        InputError: the training part lacks an emotion or has one that is not in the labels, or it has a single
            utterance; corpora are lent to networks that have no start; the network does not fit into memory; votes or
            groups are wanted that are not there; or the loss is no longer finite.
    """
    place = f"{recipe.protocol}, fold {recipe.fold}"
    found, expected = set(truth[parts == "train"]), set(recipe.labels)
    if found != expected or not set(truth[parts == "validation"]) <= expected:
        raise InputError(
            f"{place}: expected the emotions {', '.join(recipe.labels)} in the training part and no others, "
            f"found {', '.join(sorted(found))}; make `emotions` agree with the manifest"
        )
    assert all(each.shape == vectors.shape for each in copies), "copies of other utterances"
    prepared = [maybe_by_speaker(each, speakers, recipe.params) for each in (vectors, *copies)]
    codes = pd.Index(recipe.labels).get_indexer(truth)  # a test utterance's may be -1
    lent = None if auxiliary is None or auxiliary.utterances.empty else _standardised(auxiliary, recipe.params)
    if lent and recipe.params.classifier == NETWORK and not recipe.params.starts:
        raise InputError(
            "auxiliary.corpora: expected networks that start from discriminant analysis, to which they are lent; "
            "choose train.start lda without an adversary, or train.classifier lda or svm"
        )

    # Dropout and the initial weights draw from torch's global generator and take no other: seed it, and put it back.
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(recipe))
        require_memory(recipe, len(vectors) * len(prepared), vectors.shape[1])
        make = _networks if recipe.params.classifier == NETWORK else _linear
        classifier, curve = make(recipe, prepared, codes, parts, speakers, people, place, record, lent)
    classifier.float().double()  # the numbers that the file holds
    if not all(tensor.isfinite().all() for tensor in classifier.state_dict().values()):
        raise InputError(f"{place}: weights grew beyond what float32 holds; lower train.learning_rate")
    rows = [(recipe.protocol, recipe.fold, *row) for row in curve]
    return classifier.eval(), pd.DataFrame(rows, columns=CURVE)


def _networks(
    recipe: Recipe,
    prepared: Sequence[np.ndarray],
    codes: np.ndarray,
    parts: np.ndarray,
    speakers: np.ndarray,
    people: pd.DataFrame | None,
    place: str,
    record: Callable[[np.ndarray], None] | None,
    lent: Auxiliary | None,
) -> tuple[Classifier, list[tuple]]:
    """Train networks, each stopped by a validation part of its own; give them and the curve of the first."""
    apart = None if recipe.protocol == RANDOM else speakers
    chosen = choices.validation_choices(parts, codes, apart, recipe.params.networks)
    classifier = Classifier(recipe, prepared[0].shape[1], len(chosen))
    curves, answers = [], np.empty((len(codes), len(recipe.labels)))

    def begin(number: int, share: float) -> tuple:
        """Set the normaliser of a network and, with so much lent, its start; give its data and the start's loss."""
        network, own = classifier.networks[number], chosen[number]
        x, y = _tensors(prepared[0], codes, own)
        training, labels = _training_rows(prepared, codes, own == "train")
        weights = _class_weights(recipe.params, labels)
        _set_normaliser(network, recipe.params, training)
        loss = 0.0
        if network.start is not None:
            samples = _samples(lent, share * (own == "train").sum(), recipe, [number])
            _set_linear(network.start, *_solved("lda", recipe.params, network, training, labels, place, samples))
            scores = network.start(network.normalised(x["validation"]))
            factor = linear.inverse_temperature(scores, y["validation"], weights)
            _multiply(network.start, factor)
            loss = cross_entropy(factor * scores, y["validation"], weights).item()
        return x, y, training, labels, weights, loss

    if lent:
        losses = {share: sum(begin(number, share)[-1] for number in range(len(chosen))) for share in SHARES}
        classifier.lent = min(losses, key=losses.get)
    for number, (network, own) in enumerate(zip(classifier.networks, chosen, strict=True)):
        x, y, training, labels, weights, _ = begin(number, classifier.lent)
        trained = None if people is None else pd.concat([people[own == "train"]] * len(prepared))
        objective = objectives.make_objective(recipe.params, recipe.labels, Hard(labels, weights), trained, place)
        listener = None if curves else record
        curves.append(descent.descend(network, recipe.params, training, x, y, objective, weights, place, listener))
        answers[own == "validation"] = descent.logits_of(network, x["validation"]).log_softmax(dim=1)
    if recipe.params.calibration == "temperature":
        asked = np.any([own == "validation" for own in chosen], axis=0)
        weights = _class_weights(recipe.params, torch.from_numpy(codes[np.isin(parts, FITTED)]))
        factor = linear.inverse_temperature(*map(torch.from_numpy, (answers[asked], codes[asked])), weights)
        classifier.temperature = float(f"{1 / factor:.{DIGITS}g}")
    return classifier, curves[0]


def _linear(
    recipe: Recipe,
    prepared: Sequence[np.ndarray],
    codes: np.ndarray,
    parts: np.ndarray,
    speakers: np.ndarray,
    people: pd.DataFrame | None,
    place: str,
    record: Callable[[np.ndarray], None] | None,
    lent: Auxiliary | None,
) -> tuple[Classifier, list[tuple]]:
    """Measure a linear classifier of the training part, then fit one to all that is not tested; curve of one epoch."""
    del speakers, people  # who speaks, and to whom else, makes no difference

    def fitted(chosen: np.ndarray, share: float) -> Classifier:
        classifier = Classifier(recipe, prepared[0].shape[1])
        (network,) = classifier.networks
        rows, labels = _training_rows(prepared, codes, chosen)
        _set_normaliser(network, recipe.params, rows)
        kind, samples = recipe.params.classifier, _samples(lent, share * chosen.sum(), recipe, range(DRAWS))
        _set_linear(network.layers[-1], *_solved(kind, recipe.params, network, rows, labels, place, samples))
        classifier.lent = share
        return classifier

    x, y = _tensors(prepared[0], codes, parts)
    weights = _class_weights(recipe.params, y["train"])
    tried = []
    for share in SHARES if lent else SHARES[:1]:
        (first,) = fitted(parts == "train", share).networks
        scores = {part: descent.logits_of(first, x[part]) for part in x}
        factor = linear.inverse_temperature(scores["validation"], y["validation"], weights)
        measured = [descent.measure(factor * scores[part], y[part], weights) for part in ("train", "validation")]
        tried.append((share, scores, factor, measured))
    share, scores, factor, measured = min(tried, key=lambda each: each[-1][-1][0])  # the loss on those who validate
    losses, recalls = zip(*measured, strict=True)
    if record is not None:
        record((factor * scores["train"]).softmax(dim=1).numpy())
    classifier = fitted(np.isin(parts, FITTED), share)
    _multiply(classifier.networks[0].layers[-1], factor)
    return classifier, [(1, *losses, *recalls)]


def _solved(
    kind: str, params: TrainParams, network: Network, rows: Tensor, labels: Tensor, place: str, samples: Sequence[tuple]
) -> tuple[np.ndarray, np.ndarray]:
    """Fit a linear classifier to vectors as the network normalises them, and to samples of other corpora."""
    own = network.normalised(rows).numpy()
    if params.normalisation == "none":  # else the own ones have the mean 0 and the deviation 1 of the samples
        scaler = StandardScaler().fit(own)
        samples = [(scaler.inverse_transform(vectors), codes) for vectors, codes in samples]
    how = {"class_weights": params.class_weights, "cost": params.cost}
    return linear.fit(kind, own, labels.numpy(), place, samples=samples, **how)


def _samples(lent: Auxiliary | None, number: float, recipe: Recipe, draws: Sequence[int]) -> list[tuple]:
    """Draw vectors of other corpora and their labels, so many each time; nothing where none are lent."""
    if lent is None or not round(number):
        return []
    drawn = [lent.drawn(round(number), seed_of(recipe) + draw) for draw in draws]
    labels = pd.Index(recipe.labels)
    return [(taken.vectors, labels.get_indexer(taken.utterances["emotion"])) for taken in drawn]


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


def _training_rows(prepared: Sequence[np.ndarray], codes: np.ndarray, rows: np.ndarray) -> tuple[Tensor, Tensor]:
    """Give vectors and labels of chosen utterances: first of the originals, then of the copies of each condition."""
    vectors = np.concatenate([each[rows] for each in prepared])
    return torch.from_numpy(vectors), torch.from_numpy(np.tile(codes[rows], len(prepared)))


def _standardised(auxiliary: Auxiliary, params: TrainParams) -> Auxiliary:
    """Give each corpus the mean 0 and the deviation 1, or each speaker where the parameters normalise so."""
    units = auxiliary.utterances["speaker" if params.normalisation == "speaker" else "corpus"]
    return Auxiliary(auxiliary.utterances, by_speaker(auxiliary.vectors, units.to_numpy()))


def _class_weights(params: TrainParams, labels: Tensor) -> Tensor | None:
    if not params.class_weights:
        return None
    return torch.from_numpy(compute_class_weight("balanced", classes=labels.unique().numpy(), y=labels.numpy()))


def seed_of(recipe: Recipe) -> int:
    """Give each fold of each protocol its own stream."""
    digest = hashlib.sha256(f"{recipe.params.seed} {recipe.protocol} {recipe.fold}".encode()).digest()
    return int.from_bytes(digest[:8])
