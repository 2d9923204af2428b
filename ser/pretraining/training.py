"""The pretraining loop: distorted chunks through the encoder, workers' losses back; resumable at any step.

Every step draws from generators that the seed, the step and the process alone determine, so that a run that was killed
and resumed sees the same chunks, distortions and frames as one that was not.
"""

import io
import time
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ser.files.failures import InputError
from ser.files.whole import whole_file
from ser.pase.encoder import SAMPLING_RATE_HZ, PasePlus
from ser.pretraining.distortions import distort
from ser.pretraining.params import PretrainParams, learning_rate
from ser.pretraining.speech import TRAIN, VALIDATION, Normalisation, Speech, draw_chunks, first_chunks
from ser.pretraining.targets import Targets
from ser.pretraining.teacher import TAUGHT, Lesson, Teacher
from ser.pretraining.workers import Workers
from ser.whisper.encoder import WhisperEncoder

LESSON_CHUNKS = 128  # for the teacher's, which take longer; the error of a mean state is a hundredth of its variance


class Pretrainer(nn.Module):
    """Encoder and workers as one module, so that one forward pass gives every loss."""

    def __init__(self, params: PretrainParams, dimensions: dict[str, int], taught: int) -> None:
        super().__init__()
        self.frames = params.frames
        self.encoder = PasePlus(params.geometry)
        self.frozen = self.encoder.blocks[: params.frozen].requires_grad_(False)
        idle = [name for name, weight in params.worker_weights.items() if weight == 0]
        self.workers = Workers(params.channels, dimensions, params.hidden, params.waveform_maps, taught, idle)

    def train(self, mode: bool = True) -> "Pretrainer":
        """Go to training mode, but for what is frozen: its norms keep their averages."""
        super().train(mode)
        self.frozen.eval()
        return self

    def forward(
        self,
        distorted: Tensor,
        targets: dict[str, Tensor],
        waveform: Tensor,
        draw: torch.Generator,
        lesson: Lesson | None,
    ) -> dict[str, Tensor]:
        """Encode the distorted signals and run the workers: name to loss."""
        return self.workers(self.encoder(distorted[:, None]), targets, waveform, draw, self.frames, lesson)


class Training:
    """The state of a run: networks, optimiser, step, log.

    Args:
        params: how to train.
        speech: what to train on.
        device: ``cpu`` or ``cuda``.
        rank: number of this process.
        processes: how many take part.
        start: the encoder to begin from, if not from random weights.
        teacher: the teacher's network, if there is one.

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
        fewest = max(2, len(params.speeds))
        if params.chunks % processes or params.chunks // processes < fewest:
            raise InputError(
                f"pretrain.chunks: expected {fewest} or more for each of {processes} processes, found {params.chunks}"
            )
        speech.check(params.distortions)
        self.params, self.device, self.rank, self.processes = params, device, rank, processes
        self.speech = speech = speech.to(device)
        self.step = 0
        self._started = (time.monotonic(), 0)  # when this process began, and at which step
        self.log: list[dict] = []
        self._recent: list[Tensor] = []
        self.targets = Targets().to(device)
        self.normalisation = Normalisation(params, speech.train, self.targets)
        self.teacher = None
        if teacher is not None:
            lessons = first_chunks(params, speech.train, LESSON_CHUNKS)
            self.teacher = Teacher(teacher.to(device), params.teacher, lessons)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(params.seed)
            taught = self.teacher.dimensions if self.teacher else 0
            self.pretrainer = Pretrainer(params, self.normalisation.dimensions, taught).to(device)
        if start is not None:
            self.encoder.load_state_dict(start.state_dict())
        self.worker_weights = self._worker_weights().to(device)
        self.module = DistributedDataParallel(self.pretrainer) if processes > 1 else self.pretrainer
        # Biases, norms and PReLU slopes do not decay, nor do the edges of the SincNet filters: they are frequencies.
        decays = {
            name: parameter.ndim > 1 and "_hz_" not in name for name, parameter in self.pretrainer.named_parameters()
        }
        groups = [
            {
                "params": [
                    parameter for name, parameter in self.pretrainer.named_parameters() if decays[name] is wanted
                ],
                "weight_decay": params.weight_decay if wanted else 0.0,
            }
            for wanted in (True, False)
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=params.learning_rate)

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
            group["lr"] = learning_rate(self.params, self.step)
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
        rounds = max(1, self.params.validation_chunks // size)
        held_out = []
        for place in range(rounds):  # the same chunks, distortions and frames every time
            clean = draw_chunks(self.params, self.speech.validation, size, VALIDATION, place, 0)
            held_out.append(torch.stack(list(self._losses(self.pretrainer, clean, VALIDATION, place, 0).values())))
        validated = torch.stack(held_out).mean(0)
        if not (trained.isfinite().all() and validated.isfinite().all()):
            raise InputError(f"a loss is not finite at step {self.step}; lower pretrain.learning_rate")
        row = {"step": self.step, "hours": self.hours, "learning_rate": learning_rate(self.params, self.step - 1)}
        for part, values in (("train", trained), ("validation", validated)):
            row[f"{part}_mean"] = values.mean().item()
            row |= {f"{part}_{name}": value for name, value in zip(self.names, values.tolist(), strict=True)}
        self.log.append(row)

    def _worker_weights(self) -> Tensor:
        """Each worker's weight, in the order of the losses, one on average."""
        known = [*self.normalisation.names, "lim", "gim", *(TAUGHT if self.teacher else ())]
        unknown = sorted(set(self.params.worker_weights) - set(known))
        if unknown:
            raise InputError(f"pretrain.worker_weights: expected names out of {', '.join(known)}, found {unknown[0]}")
        weights = torch.tensor([self.params.worker_weights.get(name, 1.0) for name in self.names])
        return weights / weights.mean()

    def _losses(self, module: nn.Module, clean: Tensor, stream: int, step: int, rank: int) -> dict[str, Tensor]:
        generator = np.random.default_rng([self.params.seed, stream, step, rank, 1])
        draw = torch.Generator().manual_seed(int(generator.integers(2**62)))
        distorted = distort(clean, self.params.distortions, generator, self.speech.noises, self.speech.rooms)
        targets = {name: self.normalisation.apply(name, value) for name, value in self.targets(clean).items()}
        waveform = self.normalisation.apply("waveform", clean[:, None])[:, 0]
        lesson = self.teacher(clean) if self.teacher else None
        with self._precision():
            return module(distorted, targets, waveform, draw, lesson)

    def _precision(self) -> AbstractContextManager:
        if self.params.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device, dtype=torch.bfloat16)

    def save(self, path: Path) -> None:
        """Save the state to resume from, whole or not at all: the old checkpoint survives a full disk."""
        state = {
            "params": asdict(self.params),
            "processes": self.processes,
            "taught": self.teacher is not None,
            "step": self.step,
            "log": self.log,
            "recent": self._recent,
            "networks": self.pretrainer.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        content = io.BytesIO()  # torch calls a full disk an error in the file's format
        torch.save(state, content)
        with whole_file(path) as temporary:
            temporary.write_bytes(content.getbuffer())

    def resume(self, path: Path) -> None:
        """Take up the state that ``save`` wrote.

        Raises:
            InputError: the checkpoint is damaged, or was made with other params or another number of processes.
        """
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
        except (RuntimeError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: the checkpoint is damaged; delete it to start again") from error
        mine = {**asdict(self.params), "processes": self.processes, "taught": self.teacher is not None}
        theirs = {**state["params"], "processes": state["processes"], "taught": state.get("taught", False)}
        changed = sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))
        if changed:
            raise InputError(
                f"{path}: the checkpoint was made with another {', '.join(changed)}; set the params back to resume it, "
                f"or delete it to start again"
            )
        self.pretrainer.load_state_dict(state["networks"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.log, self._recent = state["step"], state["log"], list(state["recent"])
