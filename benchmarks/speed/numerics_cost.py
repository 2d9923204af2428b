"""What fixed numerics cost: encoding with them and without, in turns, one thread each, on this machine."""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pandas as pd

from ser.machine import numerics

ROOT = Path(__file__).resolve().parents[2]
SECONDS = (1, 3, 10)
ENCODE = """
import sys, time
if sys.argv[1] == "portable":
    from ser.machine import numerics
    numerics.fix()
import torch
from pathlib import Path
from ser.pase import checkpoint
from ser.pase.frozen import Frozen
torch.set_num_threads(1)
encoder = Frozen(checkpoint.load(Path("models/pase_plus.safetensors")))
for seconds in map(int, sys.argv[2].split()):
    signal = 0.1 * torch.randn(1, 1, 16_000 * seconds, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        encoder(signal)
        times = []
        for _ in range(10):
            begun = time.perf_counter()
            encoder(signal)
            times.append(time.perf_counter() - begun)
    print(min(times))
"""


def measure(kind: str) -> list[float]:
    """Time the encoder in a process of its own: the best of ten for each length, in seconds."""
    known = numerics.THREADS | numerics.KERNELS
    environment = {key: value for key, value in os.environ.items() if key not in known} | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", ENCODE, kind, " ".join(map(str, SECONDS))]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return [float(line) for line in ended.stdout.split()]


def main() -> None:
    """Measure in pairs, and print the medians and their ratio as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    pairs = [(measure("fast"), measure("portable")) for _ in range(parser.parse_args().pairs)]
    rows = []
    for index, seconds in enumerate(SECONDS):
        free, fixed = ([pair[side][index] for pair in pairs] for side in (0, 1))
        ratio = statistics.median(after / before for before, after in zip(free, fixed, strict=True))
        rows.append((f"{seconds} s", statistics.median(free), statistics.median(fixed), ratio))
    table = pd.DataFrame(rows, columns=["audio", "free (s)", "fixed (s)", "fixed / free, median of pairs"])
    print(table.to_markdown(index=False, floatfmt=("", ".3f", ".3f", ".2f")))


if __name__ == "__main__":
    main()
