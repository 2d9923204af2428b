"""How much audio a CUDA device encodes in a second, and how near that comes to its fastest product of matrices."""

import argparse
import statistics
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from benchmarks.speed.encoder import macs
from ser.pase import checkpoint
from ser.pase.encoder import SAMPLING_RATE_HZ
from ser.pase.frozen import Frozen

SIZE = 8192  # of the matrices whose product is the ceiling
# The first is the pipeline's. TF32 rounds what enters a product to 10 bits of mantissa, bfloat16 to 7.
PRECISIONS = ("float32", "tf32", "bfloat16")


def milliseconds(call: Callable[[], Tensor], rounds: int) -> float:
    """Give the median time of a call on the device, after three that warm it up."""
    times = []
    for place in range(3 + rounds):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        call()
        end.record()
        torch.cuda.synchronize()
        if place >= 3:
            times.append(begin.elapsed_time(end))
    return statistics.median(times)


def precision(name: str) -> AbstractContextManager:
    """Switch the device's products to a precision out of ``PRECISIONS``; bfloat16 inside the context alone."""
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = name != "float32"
    return torch.autocast("cuda", torch.bfloat16) if name == "bfloat16" else nullcontext()


def main() -> None:
    """Measure each precision and shape; print hours of audio per second, the share of the ceiling, and the error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=Path("models/pase_plus.safetensors"))
    parser.add_argument(
        "--shapes", nargs="+", default=["1x3", "16x3", "128x3", "1x60", "16x60"], metavar="BATCHxSECONDS"
    )
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        parser.error("expected a CUDA device, found none")
    encoder = checkpoint.load(options.weights).requires_grad_(False)
    geometry, expected = encoder.geometry, {}
    frozen = Frozen(encoder)
    device = Frozen(encoder).to("cuda")
    rows = []
    with torch.inference_mode():
        for name in PRECISIONS:
            kind = torch.bfloat16 if name == "bfloat16" else torch.float32
            left, right = (torch.randn(SIZE, SIZE, device="cuda", dtype=kind) for _ in range(2))
            with precision(name):
                ceiling = 2 * SIZE**3 / milliseconds(lambda a=left, b=right: a @ b, options.rounds) / 1e9  # TFLOP/s
            for shape in options.shapes:
                batch, seconds = (float(number) for number in shape.split("x"))
                samples = round(seconds * SAMPLING_RATE_HZ)
                signal = 0.1 * torch.randn(int(batch), 1, samples, generator=torch.Generator().manual_seed(0))
                if shape not in expected:
                    expected[shape] = frozen(signal[:1])
                there = signal.cuda()
                with precision(name):
                    time_ms = milliseconds(lambda given=there: device(given), options.rounds)
                    error = (device(there)[:1].float().cpu() - expected[shape]).abs().max().item()
                speed = 2 * batch * sum(macs(geometry, samples).values()) / time_ms / 1e9
                hours = batch * seconds / 3600 / (time_ms / 1000)
                rows.append((name, shape, time_ms, hours, speed, ceiling, speed / ceiling, error))
    print(torch.cuda.get_device_name(), "torch", torch.__version__)
    columns = ["precision", "audio", "ms", "hours a second", "TFLOP/s", "ceiling", "of the ceiling", "largest error"]
    print(
        pd.DataFrame(rows, columns=columns).to_markdown(
            index=False, floatfmt=("", "", ".2f", ".2f", ".1f", ".0f", ".3f", ".0e")
        )
    )


if __name__ == "__main__":
    main()
