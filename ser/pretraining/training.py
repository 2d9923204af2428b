"""The pretraining loop: distorted chunks through the encoder, workers' losses back; resumable at any step.

Every step draws from generators that the seed, the step and the process alone determine, so that a run that was killed
and resumed sees the same chunks, distortions and frames as one that was not.
"""

import hashlib
import io
import pickle
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ser.encoders import fingerprint
from ser.files.failures import InputError
from ser.files.whole import whole_file
from ser.pase.encoder import SAMPLING_RATE_HZ, PasePlus
from ser.pretraining.distortions import distort
from ser.pretraining.params import PretrainParams, learning_rate
from ser.pretraining.speech import (
    TRAIN,
    VALIDATION,
    Normalisation,
    Speech,
    chunks_by_speed,
    draw_chunks,
    first_chunks,
    negatives,
)
from ser.pretraining.targets import HOP, Targets
from ser.pretraining.teacher import DISTILLATION_LOSSES, Teacher, TeacherTargets
from ser.pretraining.workers import Workers
from ser.whisper.encoder import STATE_HOP, WhisperEncoder

# For the teacher's statistics, which take longer; the error of a mean state is a hundredth of its variance.
TEACHER_CHUNKS = 128
# What the readers raise for bytes that are no checkpoint; each stumbles over whatever it meets first.
DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, pickle.UnpicklingError, EOFError)
DAMAGED = (*DAMAGED, RuntimeError, ValueError, LookupError, TypeError, AttributeError)
STATE = {"params", "processes", "inputs", "step", "log", "recent", "networks", "optimizer"}  # what a checkpoint holds


class Pretrainer(nn.Module):
    """Encoder and workers as one module, so that one forward pass gives every loss."""

    def __init__(self, params: PretrainParams, dimensions: dict[str, int], teacher_numbers: int) -> None:
        super().__init__()
        self.frames = params.frames
        self.encoder = PasePlus(params.geometry)
        self.frozen = self.encoder.blocks[: params.frozen].requires_grad_(False)
        idle = [name for name, weight in params.worker_weights.items() if weight == 0]
        self.workers = Workers(params.channels, dimensions, params.hidden, params.waveform_maps, teacher_numbers, idle)

    def train(self, mode: bool = True) -> "Pretrainer":
        """Go to training mode, but for what is frozen: its norms keep their averages."""
        super().train(mode)
        self.frozen.eval()
        return self

    def forward(
        self,
        distorted: Tensor,
        clean: Tensor,
        targets: dict[str, Tensor],
        waveform: Tensor,
        draw: torch.Generator,
        negative: Tensor,
        teacher_targets: TeacherTargets | None,
    ) -> dict[str, Tensor]:
        """Encode the distorted signals, and the clean ones' second halves, and run the workers: name to loss."""
        frames, halves = self.encoder(distorted[:, None]), None
        if self.workers.discriminate:
            middle = clean.shape[1] // HOP // 2 * HOP
            halves = self.encoder(clean[:, None, middle:])
        return self.workers(frames, targets, waveform, draw, self.frames, halves, negative, teacher_targets)


class Training:
    """The state of a run: networks, optimiser, step, log.

    Args:
        params: how to train.
        speech: what to train on.
        device: ``cpu`` or ``cuda``.
        rank: number of this process.
        processes: how many take part.
        start: the encoder to begin from, if not from random weights.
        teacher: the teacher's network, if there is one; it does not run where both its losses have the weight 0.

    Raises:
        InputError: the params do not suit the number of processes, the speech, the encoder's workers or the teacher.

    Attributes:
        step: steps taken.
        log: a row per validation: step, hours of audio seen, learning rate, losses.
    """

    def __init__(
        self,
        params: PretrainParams,
        speech: Speech,
        device: str = "cpu",
        rank: int = 0,
        processes: int = 1,
        start: PasePlus | None = None,
        teacher: WhisperEncoder | None = None,
    ) -> None:
        fewest = 2 * len(params.speeds)  # each chunk has another of its speed
        if params.chunks % processes or params.chunks // processes < fewest:
            raise InputError(
                f"pretrain.chunks: expected {fewest} or more for each of {processes} processes, found {params.chunks}"
            )
        if teacher is not None and params.chunk_samples % STATE_HOP:
            raise InputError(
                f"pretrain.chunk_seconds: expected a multiple of {STATE_HOP / SAMPLING_RATE_HZ} s with a teacher, "
                f"found {params.chunk_seconds}"
            )
        speech.check(params.distortions)
        self.params, self.device, self.rank, self.processes = params, device, rank, processes
        self._inputs = {
            "speech": speech.digest(),
            "initial encoder": digest(start) if start is not None else "",
            "teacher's weights": digest(teacher) if teacher is not None else "",
            "code": fingerprint.modules([__name__], fingerprint.ROOT),  # what the tasks, losses and networks do
            "version of torch": str(torch.__version__),  # its own class would not load
        }
        self.speech = speech = speech.to(device)
        self.step = 0
        self._started = (time.monotonic(), 0)  # when this process began, and at which step
        self.log: list[dict] = []
        self._recent: list[Tensor] = []  # this process' losses since the last row of the log, a step each
        self._checkpoint: Path | None = None  # the file, once there is one
        self.targets = Targets().to(device)
        self.normalisation = Normalisation(params, speech.train, self.targets)
        self.teacher = None
        self._known = [*self.normalisation.names, "lim", "gim", *(DISTILLATION_LOSSES if teacher is not None else ())]
        if teacher is not None and any(params.worker_weights.get(name, 1.0) for name in DISTILLATION_LOSSES):
            chunks = first_chunks(params, speech.train, TEACHER_CHUNKS)
            self.teacher = Teacher(teacher.to(device), params.teacher, chunks)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(params.seed)
            teacher_numbers = self.teacher.dimensions if self.teacher else 0
            self.pretrainer = Pretrainer(params, self.normalisation.dimensions, teacher_numbers).to(device)
        if start is not None:
            self.encoder.load_state_dict(start.state_dict())
        self.worker_weights = self._worker_weights().to(device)
        self.module = DistributedDataParallel(self.pretrainer) if processes > 1 else self.pretrainer
        self.optimizer = torch.optim.AdamW(parameter_groups(self.pretrainer, params))

    @property
    def encoder(self) -> PasePlus:
        """The encoder as trained so far."""
        return self.pretrainer.encoder

    @property
    def names(self) -> list[str]:
        """The workers' names, in the order of their losses."""
        return self.pretrainer.workers.names

    @property
    def hours(self) -> float:
        """Hours of audio seen."""
        return self.step * self.params.chunks * self.params.chunk_samples / SAMPLING_RATE_HZ / 3600

    @property
    def hours_per_hour(self) -> float:
        """Hours of audio seen per hour, since this process began to train."""
        began, step = self._started
        return self.hours * (1 - step / max(self.step, 1)) / max((time.monotonic() - began) / 3600, 1e-9)

    def run(self) -> Iterator[int]:
        """Train to the last step, yielding the number of steps taken after each.

        Raises:
            InputError: the GPU's memory does not suffice, or a loss is not finite.
        """
        self._started = (time.monotonic(), self.step)
        try:
            while self.step < self.params.steps:
                self._take_step()
                if self.step % self.params.validate_every == 0 or self.step == self.params.steps:
                    self._validate()
                yield self.step
        except torch.OutOfMemoryError as error:
            raise InputError("the GPU's memory does not suffice: lower pretrain.chunks, or pretrain.frames") from error

    def _take_step(self) -> None:
        share = self.params.chunks // self.processes
        clean = draw_chunks(self.params, self.speech.train, share, TRAIN, self.step, self.rank)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.params, self.step, group["peak"])
        self.module.train()
        losses = self._losses(self.module, clean, TRAIN, self.step, self.rank)
        values = torch.stack(list(losses.values()))
        (values * self.worker_weights).mean().backward()
        nn.utils.clip_grad_norm_(self.pretrainer.parameters(), self.params.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self._recent.append(values.detach())
        self.step += 1

    @torch.no_grad()
    def _validate(self) -> None:
        """Add a row to the log: mean losses since the last one, and those of the held-out speakers, distorted too."""
        trained = torch.stack(self._recent).mean(0)
        self._recent = []
        if self.processes > 1:
            distributed.all_reduce(trained)
            trained /= self.processes
        self.pretrainer.eval()
        size = min(self.params.chunks // self.processes, self.params.validation_chunks)
        counts = batches(self.params.validation_chunks, size)
        held_out = []
        for place, count in enumerate(counts):  # the same chunks, distortions and frames every time
            clean = draw_chunks(self.params, self.speech.validation, count, VALIDATION, place, 0)
            losses = torch.stack(list(self._losses(self.pretrainer, clean, VALIDATION, place, 0).values()))
            held_out.append(losses * (count * len(counts) / sum(counts)))
        validated = torch.stack(held_out).mean(0)
        if not (trained.isfinite().all() and validated.isfinite().all()):
            raise self._diverged("a loss")
        rate = learning_rate(self.params, self.step - 1, self.params.learning_rate)
        row = {"step": self.step, "hours": self.hours, "learning_rate": rate}
        for part, values in (("train", trained), ("validation", validated)):
            row[f"{part}_mean"] = values.mean().item()
            row |= {f"{part}_{name}": value for name, value in zip(self.names, values.tolist(), strict=True)}
        self.log.append(row)

    def check(self) -> None:
        """Refuse to go on, or to write anything, with numbers that no further step can mend.

        Raises:
            InputError: a loss since the last validation, or a weight, is not finite.
        """
        if not all(losses.isfinite().all() for losses in self._recent):
            raise self._diverged("a loss")
        for name, tensor in self.pretrainer.state_dict().items():
            if not tensor.isfinite().all():
                raise self._diverged(name)

    def _diverged(self, found: str) -> InputError:
        stale = f" and delete {self._checkpoint}, which other params cannot resume" if self._checkpoint else ""
        return InputError(
            f"expected finite losses and weights, found {found} not finite at step {self.step}; lower "
            f"pretrain.learning_rate{stale}"
        )

    def _worker_weights(self) -> Tensor:
        """Each worker's weight, in the order of the losses, one on average."""
        known = ", ".join(self._known)
        unknown = sorted(set(self.params.worker_weights) - set(self._known))
        if unknown:
            raise InputError(f"pretrain.worker_weights: expected names out of {known}, found {unknown[0]}")
        if not self.names:
            raise InputError(f"pretrain.worker_weights: expected a number above 0 for one out of {known}, found none")
        weights = torch.tensor([self.params.worker_weights.get(name, 1.0) for name in self.names])
        return weights / weights.mean()

    def _losses(self, module: nn.Module, clean: Tensor, stream: int, step: int, rank: int) -> dict[str, Tensor]:
        generator = np.random.default_rng([self.params.seed, stream, step, rank, 1])
        draw = torch.Generator().manual_seed(int(generator.integers(2**62)))
        distorted = distort(clean, self.params.distortions, generator, self.speech.noises, self.speech.rooms)
        targets = {name: self.normalisation.apply(name, value) for name, value in self.targets(clean).items()}
        waveform = self.normalisation.apply("waveform", clean[:, None])[:, 0]
        negative = negatives([count for _, count in chunks_by_speed(self.params, len(clean), stream)], draw)
        teacher_targets = self.teacher(clean) if self.teacher else None
        with self._precision():
            return module(distorted, clean, targets, waveform, draw, negative, teacher_targets)

    def _precision(self) -> AbstractContextManager:
        if self.params.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device, dtype=torch.bfloat16)

    def save(self, path: Path) -> None:
        """Save the state to resume from, whole or not at all: the old checkpoint survives a full disk.

        Every process has to call it, for each has losses of its own; the first one writes.

        Raises:
            InputError: a recent loss or a weight is not finite; the old checkpoint stays.
        """
        recent = self._gathered()
        self.check()
        self._checkpoint = path
        if self.rank > 0:
            return
        state = {
            "params": asdict(self.params),
            "processes": self.processes,
            "inputs": self._inputs,
            "step": self.step,
            "log": self.log,
            "recent": recent,
            "networks": self.pretrainer.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        content = io.BytesIO()  # torch calls a full disk an error in the file's format
        torch.save(state, content)
        with whole_file(path) as temporary:
            temporary.write_bytes(content.getbuffer())

    def _gathered(self) -> Tensor:
        """Collect the recent losses of all processes: (processes, steps, losses)."""
        own = torch.stack(self._recent) if self._recent else self.worker_weights.new_empty(0, len(self.names))
        if self.processes == 1:
            return own[None]
        everyones = [torch.empty_like(own) for _ in range(self.processes)]
        distributed.all_gather(everyones, own)
        return torch.stack(everyones)

    def resume(self, path: Path) -> None:
        """Take up the state that ``save`` wrote.

        Raises:
            InputError: the checkpoint is damaged, or was made with other params, on other speech, from another encoder,
                with another teacher, other code, another torch or another number of processes.
        """
        state = read_checkpoint(path)
        mine = {**asdict(self.params), "processes": self.processes}
        theirs = {**state["params"], "processes": state["processes"]}
        changed = [name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name)]
        changed += [name for name, made in self._inputs.items() if state["inputs"].get(name) != made]
        if changed:
            raise InputError(
                f"{path}: the checkpoint was made with another {', '.join(sorted(changed))}; set the params back to "
                f"resume it, and give the same files and code, or delete it to start again"
            )
        self.pretrainer.load_state_dict(state["networks"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.log, self._checkpoint = state["step"], state["log"], path
        self._recent = list(state["recent"][self.rank].to(self.device))


def parameter_groups(pretrainer: Pretrainer, params: PretrainParams) -> list[dict]:
    """Sort what is trained: weights decay; biases, norms and PReLU slopes do not; the filters' edges move in Hz.

    Each group has the peak of its learning rate.
    """
    weights, others, edges = [], [], []
    for name, parameter in pretrainer.named_parameters():
        (edges if "_hz_" in name else weights if parameter.ndim > 1 else others).append(parameter)
    rate = params.learning_rate
    return [
        {"params": weights, "peak": rate, "weight_decay": params.weight_decay},
        {"params": others, "peak": rate, "weight_decay": 0.0},
        {"params": edges, "peak": params.edge_learning_rate, "weight_decay": 0.0},
    ]


def read_checkpoint(path: Path) -> dict:
    """Read what ``Training.save`` wrote.

    Raises:
        InputError: it is damaged, or something else.
    """
    try:
        with zipfile.ZipFile(path) as archive:  # PyTorch does not look whether the numbers are those that were written
            if damaged := archive.testzip():
                raise zipfile.BadZipFile(damaged)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except DAMAGED as error:
        raise InputError(f"{path}: the checkpoint is damaged; delete it to start again") from error
    if not isinstance(state, dict) or state.keys() != STATE:
        raise InputError(
            f"{path}: expected a checkpoint of this version of the stage pretrain, found something else; delete it to "
            f"start again"
        )
    return state


def digest(network: nn.Module) -> str:
    """Hash the weights themselves, so that it does not matter how they were stored."""
    made = hashlib.sha256()
    for key, tensor in sorted(network.state_dict().items()):
        made.update(key.encode() + tensor.cpu().numpy().tobytes())
    return made.hexdigest()


def batches(count: int, size: int) -> list[int]:
    """Cut a number of chunks, 2 or more, into batches of a size, 2 or more, the last smaller; none is of 1 chunk."""
    counts = [size] * (count // size)
    rest = count % size
    if rest > 1 or not counts:
        counts.append(rest)
    elif rest:
        counts[-1] += 1
    return counts
