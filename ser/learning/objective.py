"""What training minimises: the loss on the emotions, and what may be added to it to serve groups of people evenly.

Each addition is off unless params ask for it:

- weights that make every cell of group and emotion count the same;
- an adversary that guesses the group from the last hidden layer, whose gradient is reversed on its way into the
  network (Y. Ganin and V. Lempitsky, "Unsupervised domain adaptation by backpropagation", 2015, arXiv 1409.7495);
- the loss of the worst group instead of the mean (S. Sagawa et al., "Distributionally robust neural networks for group
  shifts", 2020, arXiv 1911.08731).
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ser.files.failures import InputError
from ser.learning import soft_labels
from ser.learning.recipe import TrainParams


class Objective(nn.Module):
    """The loss of a batch: that of the emotions and, where there is an adversary, that of the adversary.

    Args:
        emotions: logits (utterances, labels) and which utterances these are, to the loss in nats.
        adversary: the last hidden layer (utterances, units) and which utterances these are, to the loss in nats.
    """

    def __init__(self, emotions: Callable[[Tensor, Tensor], Tensor], adversary: nn.Module | None = None):
        super().__init__()
        self.emotions, self.adversary = emotions, adversary

    def forward(self, hidden: Tensor, logits: Tensor, batch: Tensor) -> Tensor:
        """Give the loss in nats."""
        loss = self.emotions(logits, batch)
        return loss if self.adversary is None else loss + self.adversary(hidden, batch)


class Hard:
    """Cross-entropy to the labels, weighted by class.

    Args:
        truth: labels of all training utterances, int64 (utterances,).
        weights: of the labels, (labels,), or None.
    """

    def __init__(self, truth: Tensor, weights: Tensor | None):
        self.truth, self.weights = truth, weights

    def __call__(self, logits: Tensor, batch: Tensor) -> Tensor:
        """Give the weighted mean over the batch, in nats."""
        return cross_entropy(logits, self.truth[batch], self.weights)


class Weighted:
    """Cross-entropy to distributions over the labels, weighted by utterance.

    Args:
        targets: of all training utterances, (utterances, labels).
        weights: theirs, (utterances,).
    """

    def __init__(self, targets: Tensor, weights: Tensor):
        self.targets, self.weights = targets, weights

    def __call__(self, logits: Tensor, batch: Tensor) -> Tensor:
        """Give the weighted mean over the batch, in nats."""
        return _mean(cross_entropy(logits, self.targets[batch], reduction="none"), self.weights[batch])


class WorstGroup:
    """The same, group by group, with a weight that moves to the groups with the higher loss: the paper's algorithm 1.

    Args:
        targets: as for ``Weighted``.
        weights: as for ``Weighted``; they compare utterances within their group only.
        groups: each utterance's group, 0 1 2 ..., int64 (utterances,).
        step: of the groups' weights.
    """

    def __init__(self, targets: Tensor, weights: Tensor, groups: Tensor, step: float):
        self.targets, self.weights, self.groups, self.step = targets, weights, groups, step
        count = int(groups.max()) + 1
        self.group_weights = torch.full((count,), 1 / count, dtype=torch.float64)

    def __call__(self, logits: Tensor, batch: Tensor) -> Tensor:
        """Move the groups' weights, then give the loss under them, in nats; a group not in the batch adds nothing."""
        each = cross_entropy(logits, self.targets[batch], reduction="none")
        weights, groups = self.weights[batch], self.groups[batch]
        present = groups.unique()
        losses = torch.stack([_mean(each[groups == group], weights[groups == group]) for group in present])
        self.group_weights[present] *= torch.exp(self.step * losses.detach())
        self.group_weights /= self.group_weights.sum()
        return (self.group_weights[present] * losses).sum()


class Adversary(nn.Module):
    """Guesses the group from the last hidden layer, by one linear layer, and teaches that layer to give nothing away.

    Args:
        units: of the last hidden layer.
        groups: each utterance's group, 0 1 2 ..., -1 where unknown, int64 (utterances,).
        strength: of the reversed gradient.
    """

    def __init__(self, units: int, groups: Tensor, strength: float):
        super().__init__()
        self.groups, self.strength = groups, strength
        self.guess = nn.Linear(units, int(groups.max()) + 1)

    def forward(self, hidden: Tensor, batch: Tensor) -> Tensor:
        """Give the mean cross-entropy over the utterances of the batch whose group is known, in nats."""
        groups = self.groups[batch]
        known = groups >= 0
        if not known.any():
            return hidden.new_zeros(())
        return cross_entropy(self.guess(Reversal.apply(hidden[known], self.strength)), groups[known])


class Reversal(torch.autograd.Function):
    """Pass on what comes, and turn the gradient round on its way back."""

    @staticmethod
    def forward(ctx, hidden: Tensor, strength: float) -> Tensor:
        """Give ``hidden`` as it is."""
        ctx.strength = strength
        return hidden.view_as(hidden)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        """Give the gradient times ``-strength``."""
        return -ctx.strength * gradient, None


def cell_weights(truth: Sequence[str], groups: Sequence[str]) -> np.ndarray:
    """Weigh utterances so that every cell of emotion and group counts the same.

    Where a group lacks an emotion, the others share that emotion's weight, so that emotions go on counting the same.

    Args:
        truth: each utterance's emotion.
        groups: each utterance's group.

    Returns:
        float64 (utterances,), 1 on average.
    """
    table = pd.DataFrame({"emotion": truth, "group": groups})
    in_cell = table.groupby(["emotion", "group"])["group"].transform("size")
    cells = table.groupby("emotion")["group"].transform("nunique")
    return (len(table) / (table["emotion"].nunique() * cells * in_cell)).to_numpy()


def empty_cells(truth: Sequence[str], groups: Sequence[str]) -> list[str]:
    """Name the cells of group and emotion without utterances, such as ``male bored``, sorted."""
    counts = pd.crosstab(np.asarray(groups), np.asarray(truth))
    return [f"{group} {emotion}" for group, row in counts.iterrows() for emotion, count in row.items() if not count]


def group_codes(groups: Sequence[str], what: str, may_be_unknown: bool) -> np.ndarray:
    """Number the groups of the training utterances.

    Args:
        groups: each one's group, ``""`` where unknown.
        what: parameter, attribute and place, for the message.
        may_be_unknown: whether utterances of unknown group can be left out.

    Returns:
        int64 (utterances,): 0 1 2 ... in the order of the alphabet, -1 where unknown.

    Raises:
        InputError: there are not two groups to tell apart, or some are unknown that may not be.
    """
    groups = np.asarray(groups, dtype=object)
    names = sorted(set(groups) - {""})
    unknown = int((groups == "").sum())
    if len(names) < 2:
        found = f"only {names[0]}" if names else "it unknown for everyone"
        raise InputError(f"{what}: expected at least two groups in training, found {found}; choose another or none")
    if unknown and not may_be_unknown:
        raise InputError(
            f"{what}: expected it for every training utterance, found it unknown for {unknown} of {len(groups)}; "
            "choose another or none"
        )
    return pd.Index(names).get_indexer(groups).astype(np.int64)


def _mean(each: Tensor, weights: Tensor) -> Tensor:
    return (weights * each).sum() / weights.sum()


def make_objective(
    params: TrainParams,
    labels: Sequence[str],
    hard: Hard,
    people: pd.DataFrame | None,
    place: str,
) -> Objective:
    """Compose what training minimises.

    Args:
        params: which parts.
        labels: the emotions.
        hard: the cross-entropy to the labels, which is all there is by default.
        people: the training utterances' rows of the manifest, for parts that need votes or groups.
        place: protocol and fold, for messages.

    Returns:
        The objective; an adversary's first weights are drawn from torch's global generator.

    Raises:
        InputError: votes or groups are wanted that are not there.
    """

    def groups(attribute: str, parameter: str, may_be_unknown: bool) -> Tensor:
        what = f"{place}: train.{parameter} {attribute}"
        return torch.from_numpy(group_codes(people[attribute], what, may_be_unknown))

    emotions, weighing, robust, adversary = hard, params.group_weights, params.robust, None
    if params.labels != "hard" or weighing != "none" or robust.attribute != "none":
        truth = np.asarray(labels, dtype=object)[hard.truth]
        targets = {
            "hard": lambda: soft_labels.one_hot(truth, labels),
            "smoothed": lambda: soft_labels.smoothed(truth, labels, params.smoothing),
            "soft": lambda: soft_labels.from_votes(people, labels),
        }[params.labels]()
        targets = torch.as_tensor(targets, dtype=torch.float64)
        if weighing != "none":
            cells = cell_weights(truth, groups(weighing, "group_weights", may_be_unknown=False))
            weights = torch.tensor(cells, dtype=torch.float64)
        else:
            weights = torch.ones(len(truth), dtype=torch.float64) if hard.weights is None else hard.weights[hard.truth]
        emotions = Weighted(targets, weights)
        if robust.attribute != "none":
            codes = groups(robust.attribute, "robust.attribute", may_be_unknown=False)
            emotions = WorstGroup(targets, weights, codes, robust.step)
    if params.adversary.attribute != "none":
        codes = groups(params.adversary.attribute, "adversary.attribute", may_be_unknown=True)
        adversary = Adversary(params.hidden[-1], codes, params.adversary.strength).double()
    return Objective(emotions, adversary)
