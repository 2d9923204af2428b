"""A frozen teacher: the states of Whisper's encoder on the clean signal, for PASE+ to predict on the distorted one.

Two tasks. By each frame: the teacher's states, by a linear layer. By the utterance: mean and deviation of the states
over the active part of a chunk and of its halves, from mean and deviation of the frames, again by a linear layer; that
is what a classifier of utterances reads. A state holds a code of its position, which no convolution can know: the mean
state at each position is subtracted. Some numbers of a state are a hundred times as large as others: each is divided by
its own deviation, and what then lies far out is clipped.

Source of the first task: Chang et al., "DistilHuBERT", 2022, arXiv 2110.01900.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ser.files.failures import InputError
from ser.whisper.encoder import STATE_HOP, WhisperEncoder

ACTIVE_DB = 30.0  # below the loudest state of a chunk; as ser.encoders.pooling has it
FEWEST = 10  # active states, 0.2 s, that a part of a chunk needs to be pooled
LEAST_VARIANCE = 1e-6
DISTILLATION_LOSSES = ("teacher", "teacher_pooled")


@dataclass(frozen=True)
class TeacherParams:
    """What of the teacher to predict.

    Attributes:
        layers: out of ``WhisperEncoder.layers``.
        clip: the largest number of a state, in deviations.
    """

    layers: tuple[str, ...] = ("block2", "block3", "block4")
    clip: float = 5.0

    def __post_init__(self) -> None:
        if not self.layers:
            raise ValueError("layers: expected at least one, found none")
        name, times = Counter(self.layers).most_common(1)[0]
        if times > 1:
            raise ValueError(f"layers: expected each once, found {name} {times} times")
        if self.clip <= 0:
            raise ValueError(f"clip: expected a number above 0, found {self.clip}")


@dataclass(frozen=True)
class TeacherTargets:
    """What the teacher says of a batch of chunks.

    Attributes:
        states: (batch, dimensions, states), normalised.
        active: (batch, states), 1 where the clean signal is active, else 0.
        pooled: (batch, parts, 2 dimensions), what ``pool`` makes of them, normalised.
        counted: (batch, parts), whether a part has active states enough.
    """

    states: Tensor
    active: Tensor
    pooled: Tensor
    counted: Tensor


class Teacher:
    """The frozen network and the statistics of its states.

    Args:
        network: Whisper's encoder.
        params: what of it to predict.
        chunks: batches of clean chunks (batch, samples), to measure statistics on; all of one length.

    Raises:
        InputError: a layer is not the network's.

    Attributes:
        dimensions: numbers of a state, over all layers.
    """

    @torch.no_grad()
    def __init__(self, network: WhisperEncoder, params: TeacherParams, chunks: Iterable[Tensor]) -> None:
        unknown = sorted(set(params.layers) - set(network.layers))
        if unknown:
            raise InputError(
                f"pretrain.teacher.layers: expected names out of {', '.join(network.layers)}, found {unknown[0]}"
            )
        self._network, self._params = network, params
        self.dimensions = sum(network.layers[name] for name in params.layers)
        read = [(self._read(chunk), activity(chunk)) for chunk in chunks]
        self._mean, variance = moments(states for states, _ in read)  # (dimensions, states)
        self._deviation = deviation(variance.mean(1, keepdim=True))
        pools = (pool(self._normalised(states), active)[counted(active)] for states, active in read)
        self._pooled_mean, variance = moments(pools)  # (2 dimensions,)
        self._pooled_deviation = deviation(variance)

    @torch.no_grad()
    def __call__(self, clean: Tensor) -> TeacherTargets:
        """Give the targets of chunks (batch, samples), as long as those that the statistics were measured on."""
        states, active = self._normalised(self._read(clean)), activity(clean)
        pooled = (pool(states, active) - self._pooled_mean) / self._pooled_deviation
        return TeacherTargets(states, active, pooled.clamp(-self._params.clip, self._params.clip), counted(active))

    def _normalised(self, states: Tensor) -> Tensor:
        return ((states - self._mean) / self._deviation).clamp(-self._params.clip, self._params.clip)

    def _read(self, clean: Tensor) -> Tensor:
        """(batch, samples) -> (batch, dimensions, states), as the network gives them."""
        states = torch.cat(list(self._network(clean, self._params.layers).values()), dim=1)
        return states[..., : clean.shape[1] // STATE_HOP].float()


class Distillation(nn.Module):
    """The worker: predict the teacher's states by frames, and by the utterance.

    Args:
        channels: numbers per encoder frame.
        dimensions: numbers of the teacher's state.
        idle: of ``DISTILLATION_LOSSES``, what to leave out.
    """

    def __init__(self, channels: int, dimensions: int, idle: Collection[str] = ()) -> None:
        super().__init__()
        self.names = [name for name in DISTILLATION_LOSSES if name not in idle]
        if "teacher" in self.names:
            self.states = nn.Conv1d(channels, dimensions, 1)
        if "teacher_pooled" in self.names:
            self.pooled = nn.Linear(2 * channels, 2 * dimensions)
        for layer in self.children():  # an encoder that knows something begins without noise from random heads
            nn.init.zeros_(layer.weight)

    def forward(self, frames: Tensor, targets: TeacherTargets) -> dict[str, Tensor]:
        """Mean squared errors.

        Args:
            frames: (batch, channels, frames), the encoder's, two to a state. State s is centred at sample 320 s,
                frame t near 160 (t + 1); so the frames 2 s - 1 and 2 s are those of state s.
            targets: of the same chunks.

        Returns:
            ``teacher``, over active states, and ``teacher_pooled``, over the parts that count: each a scalar, and there
            unless it is idle.
        """
        losses = {}
        frames = torch.cat([frames[..., :1], frames[..., :-1]], dim=2)
        if "teacher" in self.names:
            predicted = self.states(functional.avg_pool1d(frames, 2)).float()
            errors = (predicted - targets.states).square().mean(1)  # (batch, states)
            losses["teacher"] = (errors * targets.active).sum() / targets.active.sum().clamp(min=1)
        if "teacher_pooled" in self.names:
            pooled = self.pooled(pool(frames.float(), targets.active.repeat_interleave(2, 1))).float()
            errors = (pooled - targets.pooled).square().mean(2)  # (batch, parts)
            losses["teacher_pooled"] = (errors * targets.counted).sum() / targets.counted.sum().clamp(min=1)
        return losses


def activity(clean: Tensor) -> Tensor:
    """Find the active states: (batch, samples) -> (batch, samples // 320), 1 or 0."""
    power = functional.avg_pool1d(clean.square()[:, None], STATE_HOP)[:, 0]
    return (power > power.amax(1, keepdim=True) * 10 ** (-ACTIVE_DB / 10)).float()


def counted(active: Tensor) -> Tensor:
    """Say which parts have active states enough: (batch, states) -> (batch, 3) of bool."""
    return torch.stack([part.sum(1) >= FEWEST for part in _parts(active)], dim=1)


def pool(frames: Tensor, active: Tensor) -> Tensor:
    """Pool the active frames of a chunk, of its first and of its second half.

    Args:
        frames: (batch, channels, frames).
        active: (batch, frames), 1 or 0.

    Returns:
        (batch, 3, 2 channels): means, then deviations.
    """
    pooled = []
    for part, weights in zip(_parts(frames), _parts(active[:, None]), strict=True):
        total = weights.sum(2).clamp(min=1)  # (batch, 1)
        mean = (part * weights).sum(2) / total  # (batch, channels)
        variance = ((part - mean[..., None]).square() * weights).sum(2) / total
        pooled.append(torch.cat([mean, deviation(variance)], dim=1))
    return torch.stack(pooled, dim=1)


def _parts(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    half = values.shape[-1] // 2
    return values, values[..., :half], values[..., half:]


def moments(batches: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """Compute mean and variance over all batches' rows: each (rows, ...) -> twice (...)."""
    rows, total, squares = 0, 0.0, 0.0
    for batch in batches:
        rows += len(batch)
        total, squares = total + batch.double().sum(0), squares + batch.double().square().sum(0)
    mean = total / max(rows, 1)
    return mean.float(), (squares / max(rows, 1) - mean.square()).clamp(min=0).float()


def deviation(variance: Tensor) -> Tensor:
    """Take the root, of a least variance at least: the root of 0 has no gradient."""
    return variance.clamp(min=LEAST_VARIANCE).sqrt()
