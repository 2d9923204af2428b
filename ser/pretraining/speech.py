"""What a run hears: chunks of speech, drawn by seed, step and process alone, and the statistics of their targets."""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torchaudio
from torch import Tensor

from ser.files.failures import InputError
from ser.pretraining.distortions import Distortions
from ser.pretraining.params import PretrainParams
from ser.pretraining.store import Store
from ser.pretraining.targets import Targets

STATISTICS_CHUNKS = 512
TRAIN, VALIDATION, INITIAL = 0, 1, 2  # streams of random numbers


@dataclass(frozen=True)
class Speech:
    """What is drawn from: speech to train on and to validate on, noises and rooms where there are any."""

    train: Store
    validation: Store
    noises: Store | None = None
    rooms: list[np.ndarray] | None = None

    def to(self, device: str) -> "Speech":
        """Give the same speech and noises on a device."""
        noises = self.noises and self.noises.to(device)
        return Speech(self.train.to(device), self.validation.to(device), noises, self.rooms)

    def digest(self) -> str:
        """Hash it all, of long samples blocks at regular places: see ``Store.digest``."""
        made = hashlib.sha256()
        for store in (self.train, self.validation, self.noises):
            made.update((store.digest() if store else "none").encode())
        for room in self.rooms or ():
            made.update(f"{len(room)} ".encode() + room.tobytes())
        return made.hexdigest()

    def check(self, distortions: Distortions) -> None:
        """Refuse a distortion whose sounds are not there.

        Raises:
            InputError: noise or reverberation has a probability above 0 and nothing to draw from.
        """
        for name, there in (("noise", self.noises), ("reverberation", self.rooms)):
            if getattr(distortions, name) > 0 and not there:
                raise InputError(
                    f"pretrain.distortions.{name}: expected sounds to draw from, found none prepared; give "
                    f"prepare a folder or set the probability to 0"
                )


def draw_chunks(params: PretrainParams, store: Store, count: int, *place: int) -> Tensor:
    """Draw chunks; those to train on in equal parts at each of the speeds.

    Args:
        params: seed, length of a chunk, speeds.
        store: what to draw from.
        count: how many.
        place: stream, step and process: the same give the same chunks.

    Returns:
        (count, samples).
    """
    generator = np.random.default_rng([params.seed, *place])
    parts = [
        at_speed(store.chunks(part, math.ceil(params.chunk_samples * speed), generator), speed)
        for speed, part in chunks_by_speed(params, count, place[0])
        if part
    ]
    return torch.cat([part[:, : params.chunk_samples] for part in parts])


def chunks_by_speed(params: PretrainParams, count: int, stream: int) -> list[tuple[float, int]]:
    """Say how many chunks of a batch stand at each speed, in their order; those to validate on are as recorded."""
    speeds = (1.0,) if stream == VALIDATION else params.speeds
    return [(speed, len(part)) for speed, part in zip(speeds, np.array_split(range(count), len(speeds)), strict=True)]


def negatives(counts: list[int], draw: torch.Generator) -> Tensor:
    """Draw for each chunk of a batch the one that its negatives are of: another, played at its speed.

    Args:
        counts: chunks at each speed, 2 or more.
        draw: draws which.

    Returns:
        (batch,) places in the batch.
    """
    parts = []
    for count in counts:
        shift = int(torch.randint(1, count, (), generator=draw))
        parts.append((torch.arange(count) + shift) % count + sum(len(part) for part in parts))
    return torch.cat(parts)


def at_speed(signal: Tensor, speed: float) -> Tensor:
    """Play signals faster or slower, pitch and formants with them: another voice.

    Source: Ko et al., "Audio augmentation for speech recognition", Interspeech 2015.

    Args:
        signal: (batch, samples).
        speed: 1 as it is; whole hundredths.

    Returns:
        (batch, samples / speed, rounded up).
    """
    return torchaudio.functional.resample(signal, round(100 * speed), 100)


def first_chunks(params: PretrainParams, store: Store, count: int) -> Iterator[Tensor]:
    """Draw chunks to measure statistics on, the same every time, 16 at a time."""
    for place in range(math.ceil(count / 16)):
        yield draw_chunks(params, store, 16, INITIAL, place, 0)


class Normalisation:
    """Mean and standard deviation of each target's dimensions, and of the waveform, over training speech.

    Args:
        params: what decides the chunks.
        store: training speech.
        targets: computes the targets, on the store's device.

    Attributes:
        names: of the targets, and ``waveform``.
    """

    @torch.no_grad()
    def __init__(self, params: PretrainParams, store: Store, targets: Targets) -> None:
        sums: dict[str, list[Tensor]] = {}
        rounds = math.ceil(STATISTICS_CHUNKS / 16)
        for clean in first_chunks(params, store, STATISTICS_CHUNKS):
            for name, value in {**targets(clean), "waveform": clean[:, None]}.items():
                moments = torch.stack([value.mean((0, 2)), value.square().mean((0, 2))]).double() / rounds
                sums[name] = sums[name] + moments if name in sums else moments
        self._moments = {
            name: (mean.float(), (square - mean.square()).clamp(min=1e-8).sqrt().float())
            for name, (mean, square) in sums.items()
        }
        self.names = list(self._moments)

    @property
    def dimensions(self) -> dict[str, int]:
        """Numbers a frame of each target, without the waveform."""
        return {name: len(mean) for name, (mean, _) in self._moments.items() if name != "waveform"}

    def apply(self, name: str, value: Tensor) -> Tensor:
        """Normalise a target, (batch, dimensions, frames)."""
        mean, deviation = self._moments[name]
        return (value - mean[:, None]) / deviation[:, None]
