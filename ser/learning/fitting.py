"""Fit a classifier on one fold: the data of its parts, distorted copies of them, and how sure it may be."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

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
    if found != expected:
        raise InputError(
            f"{place}: expected the emotions {', '.join(recipe.labels)} in the training part and no others, "
            f"found {', '.join(sorted(found))}; make `emotions` agree with the manifest"
        )
    if unknown := sorted(set(truth[parts == "validation"]) - expected):
        raise InputError(
            f"{place}: expected no emotions but {', '.join(recipe.labels)} in the validation part, found "
            f"{', '.join(unknown)}; make `emotions` agree with the manifest"
        )
    assert all(each.shape == vectors.shape for each in copies), "copies of other utterances"
    assert auxiliary is None or set(auxiliary.utterances["emotion"]) <= expected, "emotions that are not in the labels"
    prepared = [maybe_by_speaker(each, speakers, recipe.params) for each in (vectors, *copies)]
    codes = pd.Index(recipe.labels).get_indexer(truth)  # a test utterance's may be -1
    lent = None if auxiliary is None or auxiliary.utterances.empty else _standardised(auxiliary, recipe.params)
    if lent:
        recipe.params.check_lending()
    fold = _Fold(recipe, place, prepared, codes, parts, speakers, people, record, lent)

    # Dropout and the initial weights draw from torch's global generator and take no other: seed it, and put it back.
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(recipe))
        require_memory(recipe, len(vectors) * len(prepared), vectors.shape[1])
        classifier, curve = _networks(fold) if recipe.params.classifier == NETWORK else _linear(fold)
    classifier.float().double()  # the numbers that the file holds
    if not all(tensor.isfinite().all() for tensor in classifier.state_dict().values()):
        raise InputError(f"{place}: weights grew beyond what float32 holds; lower train.learning_rate")
    rows = [(recipe.protocol, recipe.fold, *row) for row in curve]
    return classifier.eval(), pd.DataFrame(rows, columns=CURVE)


@dataclass(frozen=True)
class _Fold:
    """What ``fit`` was given, as training takes it.

    Attributes:
        recipe: labels, parameters and fold.
        place: the fold, for messages.
        prepared: vectors, (utterances, inputs), normalised by speaker where the parameters say so: the originals, then
            the copies of each condition.
        codes: (utterances,) labels as numbers.
        parts: (utterances,).
        speakers: (utterances,).
        people: the utterances' rows of the manifest, or None.
        record: called after each epoch, or None.
        lent: utterances of other corpora, standardised, or None.
    """

    recipe: Recipe
    place: str
    prepared: Sequence[np.ndarray]
    codes: np.ndarray
    parts: np.ndarray
    speakers: np.ndarray
    people: pd.DataFrame | None
    record: Callable[[np.ndarray], None] | None
    lent: Auxiliary | None

    def data(self, parts: np.ndarray) -> "_Data":
        """Give what trains and validates in these parts, (utterances,)."""
        chosen = {part: parts == part for part in FITTED}
        x = {part: torch.from_numpy(self.prepared[0][rows]) for part, rows in chosen.items()}
        y = {part: torch.from_numpy(self.codes[rows]) for part, rows in chosen.items()}
        training, labels = self.rows(chosen["train"])
        return _Data(x, y, training, labels, _class_weights(self.recipe.params, y["train"]))

    def rows(self, chosen: np.ndarray) -> tuple[Tensor, Tensor]:
        """Give vectors and labels of chosen utterances: of the originals, then of the copies of each condition."""
        vectors = np.concatenate([each[chosen] for each in self.prepared])
        return torch.from_numpy(vectors), torch.from_numpy(np.tile(self.codes[chosen], len(self.prepared)))

    def solved(self, kind: str, network: Network, rows: Tensor, labels: Tensor, samples: Sequence[tuple]) -> tuple:
        """Fit a linear classifier to vectors as the network normalises them, and to samples of other corpora."""
        params, own = self.recipe.params, network.normalised(rows).numpy()
        if params.normalisation == "none":  # else the own ones have the mean 0 and the deviation 1 of the samples
            scaler = StandardScaler().fit(own)
            samples = [(scaler.inverse_transform(vectors), codes) for vectors, codes in samples]
        how = {"class_weights": params.class_weights, "cost": params.cost}
        return linear.fit(kind, own, labels.numpy(), self.place, samples=samples, **how)

    def share(self, asked: float, own: int) -> float:
        """Give how much is lent for each own utterance: less than is asked for where there is less."""
        return min(asked, len(self.lent.utterances) / own) if self.lent else 0.0

    def samples(self, number: float, draws: Sequence[int]) -> list[tuple]:
        """Draw vectors of other corpora and their labels, so many each time; nothing where none are lent."""
        if self.lent is None or not round(number):
            return []
        drawn = [self.lent.drawn(round(number), seed_of(self.recipe) + draw) for draw in draws]
        labels = pd.Index(self.recipe.labels)
        return [(taken.vectors, labels.get_indexer(taken.utterances["emotion"])) for taken in drawn]


class _Data(NamedTuple):
    """What one network, or a linear classifier, is fitted to and measured on.

    Attributes:
        x: vectors, (utterances, inputs), of the parts ``train`` and ``validation``, without copies.
        y: labels, (utterances,), likewise.
        training: vectors that train, copies among them.
        labels: of these.
        weights: of the classes, or None.
    """

    x: dict[str, Tensor]
    y: dict[str, Tensor]
    training: Tensor
    labels: Tensor
    weights: Tensor | None


def _networks(fold: _Fold) -> tuple[Classifier, list[tuple]]:
    """Train networks, each stopped by a validation part of its own; give them and the curve of the first."""
    recipe, params = fold.recipe, fold.recipe.params
    apart = None if recipe.protocol == RANDOM else fold.speakers
    chosen = choices.validation_choices(fold.parts, fold.codes, apart, params.networks)
    classifier = Classifier(recipe, fold.prepared[0].shape[1], len(chosen))

    def begin(number: int, share: float) -> tuple[_Data, float]:
        """Set the normaliser of a network and, with so much lent, its start; give its data, and the start's loss."""
        network, data = classifier.networks[number], fold.data(chosen[number])
        _set_normaliser(network, params, data.training)
        if network.start is None:
            return data, 0.0
        samples = fold.samples(share * len(data.y["train"]), [number])
        _set_linear(network.start, *fold.solved("lda", network, data.training, data.labels, samples))
        scores = network.start(network.normalised(data.x["validation"]))
        factor = linear.inverse_temperature(scores, data.y["validation"], data.weights)
        _multiply(network.start, factor)
        return data, cross_entropy(factor * scores, data.y["validation"], data.weights).item()

    share = 0.0
    if fold.lent:
        losses = {share: sum(begin(number, share)[1] for number in range(len(chosen))) for share in SHARES}
        share = min(losses, key=losses.get)
        classifier.lent = fold.share(share, int((fold.parts == "train").sum()))
    curves, answers = [], np.empty((len(fold.codes), len(recipe.labels)))
    for number, (network, own) in enumerate(zip(classifier.networks, chosen, strict=True)):
        data, _ = begin(number, share)
        trained = None if fold.people is None else pd.concat([fold.people[own == "train"]] * len(fold.prepared))
        hard = Hard(data.labels, data.weights)
        objective = objectives.make_objective(params, recipe.labels, hard, trained, fold.place)
        listener = None if curves else fold.record
        curves.append(
            descent.descend(
                network, params, data.training, data.x, data.y, objective, data.weights, fold.place, listener
            )
        )
        answers[own == "validation"] = descent.logits_of(network, data.x["validation"]).log_softmax(dim=1)
    if params.calibration == "temperature":
        asked = np.any([own == "validation" for own in chosen], axis=0)
        weights = _class_weights(params, torch.from_numpy(fold.codes[np.isin(fold.parts, FITTED)]))
        factor = linear.inverse_temperature(*map(torch.from_numpy, (answers[asked], fold.codes[asked])), weights)
        classifier.temperature = float(f"{1 / factor:.{DIGITS}g}")
    return classifier, curves[0]


def _linear(fold: _Fold) -> tuple[Classifier, list[tuple]]:
    """Measure a linear classifier of the training part, then fit one to all that is not tested; curve of one epoch."""
    kind, data = fold.recipe.params.classifier, fold.data(fold.parts)

    def fitted(chosen: np.ndarray, share: float) -> Classifier:
        classifier = Classifier(fold.recipe, fold.prepared[0].shape[1])
        (network,) = classifier.networks
        rows, labels = fold.rows(chosen)
        _set_normaliser(network, fold.recipe.params, rows)
        samples = fold.samples(share * chosen.sum(), range(DRAWS))
        _set_linear(network.layers[-1], *fold.solved(kind, network, rows, labels, samples))
        classifier.lent = fold.share(share, int(chosen.sum()))
        return classifier

    def tried(share: float) -> _Trial:
        (network,) = fitted(fold.parts == "train", share).networks
        scores = {part: descent.logits_of(network, data.x[part]) for part in FITTED}
        factor = linear.inverse_temperature(scores["validation"], data.y["validation"], data.weights)
        measured = [descent.measure(factor * scores[part], data.y[part], data.weights) for part in FITTED]
        losses, recalls = zip(*measured, strict=True)
        return _Trial(share, factor, factor * scores["train"], losses, recalls)

    best = min(map(tried, SHARES if fold.lent else SHARES[:1]), key=lambda trial: trial.losses[1])
    if fold.record is not None:
        fold.record(best.scores.softmax(dim=1).numpy())
    classifier = fitted(np.isin(fold.parts, FITTED), best.share)
    _multiply(classifier.networks[0].layers[-1], best.factor)
    return classifier, [(1, *best.losses, *best.recalls)]


class _Trial(NamedTuple):
    """What a linear classifier of the training part was worth with so much lent.

    Attributes:
        share: lent for each own utterance.
        factor: by which its scores are multiplied, as the validation part says.
        scores: of the training part, so multiplied, (utterances, labels).
        losses: of the training and the validation part.
        recalls: their UARs.
    """

    share: float
    factor: float
    scores: Tensor
    losses: tuple[float, float]
    recalls: tuple[float, float]


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


def _standardised(auxiliary: Auxiliary, params: TrainParams) -> Auxiliary:
    """Give each corpus the mean 0 and the deviation 1, or each speaker where the parameters normalise so."""
    units = auxiliary.utterances["speaker" if params.normalisation == "speaker" else "corpus"]
    if unknown := sorted(set(auxiliary.utterances.loc[units == "", "corpus"])):
        raise InputError(
            "auxiliary.corpora: expected a speaker for every utterance, as train.normalisation is speaker, found some "
            f"without in {', '.join(unknown)}; leave it out, or choose normalisation train"
        )
    return Auxiliary(auxiliary.utterances, by_speaker(auxiliary.vectors, units.to_numpy()))


def _class_weights(params: TrainParams, labels: Tensor) -> Tensor | None:
    if not params.class_weights:
        return None
    return torch.from_numpy(compute_class_weight("balanced", classes=labels.unique().numpy(), y=labels.numpy()))


def seed_of(recipe: Recipe) -> int:
    """Give each fold of each protocol its own stream."""
    digest = hashlib.sha256(f"{recipe.params.seed} {recipe.protocol} {recipe.fold}".encode()).digest()
    return int.from_bytes(digest[:8])
