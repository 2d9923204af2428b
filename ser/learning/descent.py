"""Train a network on one fold, epoch by epoch, and keep the best one."""

import copy
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from ser.files.failures import InputError
from ser.learning.objective import Objective
from ser.learning.recipe import TrainParams

# How many times faster than the network its adversary learns. At the same pace the network stays a step ahead: it turns
# what it should hide into what the adversary does not look for yet, where a fresh probe finds it just as well.
ADVERSARY_PACE = 10


def descend(
    network: nn.Module,
    params: TrainParams,
    training: Tensor,
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
        training: vectors of the training part and of its copies, (utterances and copies, inputs).
        x: vectors of the parts ``train`` and ``validation``, (utterances, inputs), which are measured.
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
    count = len(training)
    if count < 2:
        raise InputError(f"{place}: expected at least 2 training utterances, for batch norm, found {count}; add some")
    curve, best, kept = [], None, None
    for epoch in range(1, params.epochs + 1):
        network.train()
        # Batches of equal size, give or take one: a last batch of a single row could not be batch-normalised.
        for batch in torch.randperm(count).tensor_split(max(1, count // params.batch_size)):
            optimiser.zero_grad()
            hidden = network.last_hidden(training[batch])
            minimised(hidden, network.output(hidden), batch).backward()
            optimiser.step()
        logits = {part: logits_of(network, x[part]) for part in x}
        losses, recalls = zip(*(measure(logits[part], y[part], class_weights) for part in x), strict=True)
        if not np.isfinite(losses).all():
            steps = "train.robust.step or " if params.robust.attribute != "none" else ""
            raise InputError(f"{place}: the loss is not finite in epoch {epoch}; lower {steps}train.learning_rate")
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
def logits_of(network: nn.Module, x: Tensor) -> Tensor:
    """Give the logits, (utterances, labels), of vectors, (utterances, inputs), without dropout."""
    network.eval()
    return network(x)


def measure(logits: Tensor, y: Tensor, class_weights: Tensor | None) -> tuple[float, float]:
    """Give the loss in nats and the unweighted average recall over the emotions that occur."""
    loss = nn.functional.cross_entropy(logits, y, class_weights)
    # Not scikit-learn's recall_score: of an epoch of a small corpus its checks would take a quarter of the time.
    counts = y.bincount()
    hits = y[logits.argmax(dim=1) == y].bincount(minlength=len(counts))
    recalls = hits[counts > 0].double() / counts[counts > 0]
    return loss.item(), recalls.mean().item()
