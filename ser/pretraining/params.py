"""How to pretrain: the numbers of a run, checked."""

import math
from dataclasses import dataclass, field

from ser.files.params import SEEDS, check_ranges
from ser.pase.encoder import PASE_PLUS, SAMPLING_RATE_HZ, Geometry
from ser.pretraining.distortions import Distortions
from ser.pretraining.teacher import TeacherParams


@dataclass(frozen=True)
class PretrainParams:
    """How to pretrain.

    Attributes:
        steps: optimiser steps.
        chunks: chunks of speech a step, over all processes.
        chunk_seconds: length of a chunk.
        speeds: how fast the chunks to train on are played, in equal parts: copies at 0.9 or 1.1 are like other voices.
        frames: frames of each chunk that the regressions and LIM see.
        hidden: hidden units of each worker.
        waveform_maps: channels of the three layers of the waveform decoder.
        learning_rate: its peak.
        edge_learning_rate: its peak for the edges of SincNet's filters, which are in Hz: about how far an edge moves a
            step. At a learning rate for weights they stay where they are.
        warmup_steps: steps of linear rise to it.
        decay_power: power of the polynomial decay to zero.
        weight_decay: AdamW's, on the weights of convolutions and linear layers.
        clip: largest norm of the gradient.
        precision: ``float32``, or ``bfloat16`` for mixed precision, fast where the processor has it.
        validate_every: steps between validations.
        validation_chunks: chunks of the held-out speakers, in batches as large as a process trains on, the last of what
            is left.
        snapshot_every: steps between snapshots of the encoder.
        frozen: layers of the encoder, SincNet first, that stay as they are.
        teacher: what of the teacher to predict, if there is one.
        weights: how much more than its hours a corpus counts when a chunk is drawn.
        worker_weights: how much a worker's loss counts beside the others'; 1 where it is not named, and 0 leaves the
            worker out.
        distortions: of the input.
        maps: channels of the encoder's layers; PASE+ unless made smaller for a trial.
        channels: numbers per frame.
        qrnn_units: units of the QRNN.
        seed: of everything.
    """

    steps: int
    chunks: int = 16
    chunk_seconds: float = 2.0
    speeds: tuple[float, ...] = (1.0,)
    frames: int = 64
    hidden: int = 256
    waveform_maps: tuple[int, ...] = (128, 64, 32)
    learning_rate: float = 1e-3
    edge_learning_rate: float = 1.0
    warmup_steps: int = 100
    decay_power: float = 1.0
    weight_decay: float = 0.01
    clip: float = 1.0
    precision: str = "bfloat16"
    validate_every: int = 250
    validation_chunks: int = 64
    snapshot_every: int = 500
    frozen: int = 0
    teacher: TeacherParams = field(default_factory=TeacherParams)
    weights: dict[str, float] = field(default_factory=dict)
    worker_weights: dict[str, float] = field(default_factory=dict)
    distortions: Distortions = field(default_factory=Distortions)
    maps: tuple[int, ...] = PASE_PLUS.maps
    channels: int = PASE_PLUS.channels
    qrnn_units: int = PASE_PLUS.qrnn_units
    seed: int = 0

    def __post_init__(self) -> None:
        counts = ("steps", "hidden", "validate_every", "snapshot_every")
        check_ranges(
            self,
            **dict.fromkeys((*counts, "channels", "qrnn_units"), (1, math.inf)),
            **dict.fromkeys(("learning_rate", "edge_learning_rate", "weight_decay"), (0, math.inf)),
            **dict.fromkeys(("warmup_steps", "decay_power"), (0, math.inf)),
            chunk_seconds=(0.1, 30.0),
            frames=(1, math.inf),
            validation_chunks=(2, math.inf),  # for LIM and GIM need another chunk
            frozen=(0, len(PASE_PLUS.maps)),
            seed=SEEDS,
        )
        if self.clip <= 0:
            raise ValueError(f"clip: expected a number above 0, found {self.clip}")
        if not self.speeds or any(not 0.5 <= speed <= 2 or round(speed, 2) != speed for speed in self.speeds):
            raise ValueError(f"speeds: expected numbers from 0.5 to 2 in hundredths, found {list(self.speeds)}")
        for name in ("waveform_maps", "maps"):
            if min(getattr(self, name), default=1) < 1:
                raise ValueError(f"{name}: expected numbers of 1 or more, found {list(getattr(self, name))}")
        for name in ("weights", "worker_weights"):
            for key, value in getattr(self, name).items():
                if value < 0:
                    raise ValueError(f"{name}.{key}: expected 0 or more, found {value}")
        if self.chunks < 2:
            raise ValueError(f"chunks: expected at least 2, for LIM and GIM need another chunk, found {self.chunks}")
        if self.precision not in ("float32", "bfloat16"):
            raise ValueError(f"precision: expected float32 or bfloat16, found {self.precision}")
        if len(self.waveform_maps) != 3:
            raise ValueError(f"waveform_maps: expected three numbers, found {list(self.waveform_maps)}")
        if len(self.maps) != len(PASE_PLUS.maps):
            raise ValueError(f"maps: expected {len(PASE_PLUS.maps)} numbers, found {list(self.maps)}")

    @property
    def geometry(self) -> Geometry:
        """The encoder's sizes."""
        return Geometry(maps=self.maps, channels=self.channels, qrnn_units=self.qrnn_units)

    @property
    def chunk_samples(self) -> int:
        """Samples of a chunk: whole frames of the encoder."""
        return round(self.chunk_seconds * SAMPLING_RATE_HZ / PASE_PLUS.hop) * PASE_PLUS.hop


def learning_rate(params: PretrainParams, step: int, peak: float) -> float:
    """Linear warm-up times polynomial decay to zero at the last step: the peak is not quite reached.

    Args:
        params: warm-up, power, steps.
        step: steps taken before this one.
        peak: of the learning rate.

    Returns:
        The learning rate of the next step.
    """
    rise = min(1.0, (step + 1) / max(params.warmup_steps, 1))
    return peak * rise * (1 - step / params.steps) ** params.decay_power
