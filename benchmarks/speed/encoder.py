"""What the encoder's layers cost beside the fastest product of matrices, and the encoder beside other forms of it."""

import argparse
import copy
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from benchmarks.speed import forms
from ser.pase import checkpoint
from ser.pase.encoder import SAMPLING_RATE_HZ, Geometry
from ser.pase.frozen import Frozen

SIZE = 1536  # of the matrices whose product is the ceiling
PARTS = ("sinc", "convolutions", "qrnn", "rest")  # rest: output, skip connections, averaging, normalisation


def macs(geometry: Geometry, samples: int) -> dict[str, int]:
    """Count the multiply-adds of each of ``PARTS`` for a signal, without what is done element by element."""
    frames, maps, kernels = geometry.frames(samples), geometry.maps, geometry.kernels
    layers = [
        count * out * taps * below
        for count, out, taps, below in zip(frames, maps, kernels, (1, *maps[:-1]), strict=True)
    ]
    skips = frames[-1] * geometry.channels * sum(maps[:-1])
    return {
        "sinc": layers[0],
        "convolutions": sum(layers[1:]),
        "qrnn": frames[-1] * 3 * geometry.qrnn_units * 2 * maps[-1],
        "rest": frames[-1] * geometry.channels * geometry.qrnn_units + skips,
    }


def watch(encoder: Frozen) -> dict[str, float]:
    """Let an encoder note, at each call, how long each part but the rest took; gives where."""
    took, begun = {}, {}
    sinc, *convolutions = encoder.blocks.values()
    for part, modules in (("sinc", [sinc]), ("convolutions", convolutions), ("qrnn", [encoder.rnn])):
        for module in modules:
            module.register_forward_pre_hook(lambda module, _: begun.update({module: time.perf_counter()}))
            module.register_forward_hook(
                lambda module, *_, part=part: took.update(
                    {part: took.get(part, 0) + time.perf_counter() - begun[module]}
                )
            )
    return took


def timed(call: Callable, *arguments) -> float:
    """Give the seconds that a call takes."""
    begun = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - begun


def measure(encoder: Frozen, others: Mapping[str, Callable], signal: Tensor, rounds: int) -> pd.DataFrame:
    """Time the ceiling, the encoder with its parts, and the other forms in turns: seconds, one row a round."""
    matrix = np.random.default_rng(0).random((SIZE, SIZE), np.float32)
    watched = copy.deepcopy(encoder)
    took, rows = watch(watched), []
    expected = encoder(signal)
    for call in (watched, *others.values()):  # the first time, in which memory is taken and code compiled
        torch.testing.assert_close(torch.as_tensor(call(signal)), expected, atol=1e-4, rtol=0)
    for _ in range(rounds):
        product = timed(np.matmul, matrix, matrix)
        took.clear()
        whole = timed(watched, signal)
        parts = took | {"rest": whole - sum(took.values())}
        beside = {name: timed(form, signal) for name, form in others.items()}
        rows.append({"product": product, "whole": whole} | parts | beside)
    return pd.DataFrame(rows)


def main() -> None:
    """Measure each length, and print what parts and forms take as two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=Path("models/pase_plus.safetensors"))
    parser.add_argument("--seconds", type=float, nargs="+", default=[1, 3, 10, 60])
    parser.add_argument("--batch", type=int, default=8, help="also a batch of so many signals of 3 s; 0: none")
    parser.add_argument("--rounds", type=int, default=10)
    words = "other forms; to compile takes minutes (default: all)"
    parser.add_argument("--forms", nargs="*", choices=forms.NAMES, default=forms.NAMES, help=words)
    options = parser.parse_args()
    torch.set_num_threads(1)
    encoder = checkpoint.load(options.weights).requires_grad_(False)
    shapes = [(1, seconds) for seconds in options.seconds] + [(options.batch, 3.0)] * bool(options.batch)
    parts, beside = [], []
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        found, missing = forms.others(encoder, options.forms, Path(folder))
        frozen = Frozen(encoder)
        for batch, seconds in shapes:
            name = f"{seconds:g} s" if batch == 1 else f"{batch} x {seconds:g} s"
            samples = round(seconds * SAMPLING_RATE_HZ)
            signal = 0.1 * torch.randn(batch, 1, samples, generator=torch.Generator().manual_seed(0))
            times = measure(frozen, found, signal, options.rounds)
            ceiling = 2 * SIZE**3 / times["product"].median() / 1e9
            counted = {part: batch * count for part, count in macs(encoder.geometry, samples).items()}
            for part, count in (counted | {"whole": sum(counted.values())}).items():
                speed = 2 * count / times[part].median() / 1e9
                ratio = statistics.median(2 * count / times[part] / (2 * SIZE**3 / times["product"]))
                parts.append((name, part, times[part].median(), count / 1e9, speed, ceiling, ratio))
            for form in ("whole", *found):
                ratio = (times[form] / times["whole"]).median()
                beside.append(("as shipped" if form == "whole" else form, name, times[form].median(), ratio))
    columns = ["audio", "part", "seconds", "GMAC", "GFLOP/s", "ceiling (GFLOP/s)", "of the ceiling"]
    print(
        pd.DataFrame(parts, columns=columns).to_markdown(
            index=False, floatfmt=("", "", ".4f", ".3f", ".1f", ".1f", ".2f")
        )
    )
    columns = ["form", "audio", "seconds", "of the encoder as shipped"]
    print("\n" + pd.DataFrame(beside, columns=columns).to_markdown(index=False, floatfmt=("", "", ".4f", ".2f")))
    if missing:
        print(f"\n{missing}")


if __name__ == "__main__":
    main()
