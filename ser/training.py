"""The training of a network: its parameters, what it minimises, and the loop."""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import recall_score
from torch import Tensor, nn

from ser import objective, soft_labels
from ser.failures import InputError
from ser.objective import Adversary, AdversaryParams, Attribute, Hard, Objective, RobustParams, Weighted, WorstGroup
from ser.params import SEEDS, check_ranges

# How many times faster than the network its adversary learns. At the same pace the network stays a step ahead: it turns
# what it should hide into what the adversary does not look for yet, where a fresh probe finds it just as well.
ADVERSARY_PACE = 10


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
        labels: what is taught: ``hard``, the label; ``soft``, the shares of the votes; ``smoothed``, the label with
            some weight for every emotion.
        smoothing: that weight, with ``smoothed``.
        group_weights: the attribute whose cells with the emotions count the same.
        adversary: what shall not show in the last hidden layer.
        robust: the attribute whose worst group counts.
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
    labels: Literal["hard", "soft", "smoothed"] = "hard"
    smoothing: float = 0.1
    group_weights: Attribute = "none"
    adversary: AdversaryParams = field(default_factory=AdversaryParams)
    robust: RobustParams = field(default_factory=RobustParams)

    def __post_init__(self):
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError(f"hidden: expected at least one layer of 1 or more units, found {self.hidden}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout: expected 0 or more and below 1, found {self.dropout}")
        if self.learning_rate <= 0:
            raise ValueError(f"learning_rate: expected a number above 0, found {self.learning_rate}")
        check_ranges(
            self,
            batch_size=(2, math.inf),  # for batch norm
            weight_decay=(0, math.inf),
            epochs=(1, math.inf),
            patience=(1, math.inf),
            seed=SEEDS,
        )
        if not 0 < self.smoothing < 1:
            raise ValueError(f"smoothing: expected a share between 0 and 1, such as 0.1, found {self.smoothing}")
        if self.group_weights != "none" and not self.class_weights:
            raise ValueError(
                f"group_weights: expected none without class_weights, found {self.group_weights}; cells that count the "
                "same make emotions count the same"
            )
        if self.group_weights != "none" and self.robust.attribute != "none":
            raise ValueError(
                f"group_weights: expected none beside robust, found {self.group_weights}; both weigh groups, choose one"
            )


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
        return torch.from_numpy(objective.group_codes(people[attribute], what, may_be_unknown))

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
            cells = objective.cell_weights(truth, groups(weighing, "group_weights", may_be_unknown=False))
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
    learning = [{"params": list(network.parameters())}]
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
    return loss.item(), recall_score(y, logits.argmax(dim=1), labels=y.unique(), average="macro")
