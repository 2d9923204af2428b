"""How much audio pretraining hears an hour, and what a step spends its time on."""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from ser.files import params
from ser.pase.encoder import SAMPLING_RATE_HZ
from ser.pretraining.params import PretrainParams
from ser.pretraining.speech import Speech
from ser.pretraining.store import FULL_SCALE, Store
from ser.pretraining.training import Training

# Of a step, in their order; clipping the gradients is counted with the encoder's backward pass.
PARTS = (
    "chunks and distortions",
    "targets",
    "encoder, forward",
    "workers, forward",
    "workers, backward",
    "encoder, backward",
    "optimiser",
)


def made_up(generator: np.random.Generator, signals: int, seconds: float) -> Store:
    """Make noise to learn from: what a step costs does not hang on what is heard."""
    length = round(seconds * SAMPLING_RATE_HZ)
    samples = (0.1 * FULL_SCALE * generator.standard_normal(signals * length)).astype(np.int16)
    return Store(samples, np.arange(signals) * length, np.full(signals, length))


def watch(training: Training) -> list[float]:
    """Let a run note, at each step, when each of ``PARTS`` but the optimiser has ended; gives where."""
    ended: list[float] = []

    def note(*_) -> None:
        ended.append(time.perf_counter())

    def note_twice(_module: nn.Module, inputs: tuple) -> None:
        """Note that all frames are there and, on the way back, the first gradient of some: of those encoded last."""
        note()
        encoded = [each for each in inputs if isinstance(each, Tensor) and each.requires_grad]
        encoded[-1].register_hook(note)

    training.targets.register_forward_pre_hook(note)
    training.pretrainer.register_forward_pre_hook(note)
    training.pretrainer.workers.register_forward_pre_hook(note_twice)
    training.pretrainer.workers.register_forward_hook(note)
    training.optimizer.register_step_pre_hook(note)
    return ended


def steps(training: Training) -> Iterator[dict[str, float]]:
    """Train, and give of each step but the last, which validates, the seconds of each of ``PARTS``."""
    ended = watch(training)
    run = training.run()
    while training.step < training.params.steps - 1:
        ended.clear()
        begun = time.perf_counter()
        next(run)
        moments = [begun, *ended, time.perf_counter()]
        assert len(moments) == len(PARTS) + 1, "each part ends once in a step"
        yield dict(zip(PARTS, np.diff(moments), strict=True))


def main() -> None:
    """Train for some steps with the committed recipe; print the medians of the parts, and hours of audio an hour."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, default=Path("pretraining/params.yaml"))
    parser.add_argument("--precision", choices=("float32", "bfloat16"), help="if not that of the params")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    recipe = params.read(options.params, "pretrain", PretrainParams)
    warm_up = 2  # in which memory is taken
    recipe = replace(
        recipe,
        precision=options.precision or recipe.precision,
        steps=options.steps + warm_up + 1,
        validate_every=options.steps + warm_up + 1,
        validation_chunks=recipe.chunks,
    )
    generator = np.random.default_rng(0)
    rooms = [np.exp(-np.arange(4800) / 800) * generator.standard_normal(4800) for _ in range(4)]
    speech = Speech(
        made_up(generator, 40, 15),
        made_up(generator, 4, 15),
        made_up(generator, 10, 5),
        [room.astype(np.float32) for room in rooms],
    )
    times = pd.DataFrame(steps(Training(recipe, speech)))[warm_up:]
    heard = recipe.chunks * recipe.chunk_samples / SAMPLING_RATE_HZ
    whole = times.sum(axis=1).median()
    rows = [(part, seconds, seconds / whole) for part, seconds in times.median().items()]
    rows.append((f"a step of {heard:g} s of audio", whole, 1.0))
    print(f"{recipe.precision}, {options.threads} threads: {heard / whole:.1f} h of audio an hour\n")
    print(
        pd.DataFrame(rows, columns=["part", "seconds", "of a step"]).to_markdown(
            index=False, floatfmt=("", ".3f", ".2f")
        )
    )


if __name__ == "__main__":
    main()
