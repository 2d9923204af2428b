"""What an answer for half a second more of audio costs: with what a stream keeps, and encoding its window anew."""

import argparse
import statistics
import time
from pathlib import Path

from ser.machine import numerics

numerics.fix()

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from ser.encoders import catalogue  # noqa: E402
from ser.encoders.recipe import Recipe  # noqa: E402
from ser.streaming import Stream  # noqa: E402

RATE, WINDOWS_S = 16_000, (1, 3, 10)
STEP = RATE // 2


def main() -> None:
    """Answer for the same windows both ways in turns, on one thread, and print medians and their ratio as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=Path("models/pase_plus.safetensors"))
    parser.add_argument("--answers", type=int, default=40, help="for each window (default: %(default)s)")
    options = parser.parse_args()
    extractor = catalogue.build(Recipe("pase_plus", frames="active"), options.weights)
    rows = []
    for seconds in WINDOWS_S:
        window, stream = seconds * RATE, Stream(extractor)
        signal = np.random.default_rng(0).normal(0, 0.1, window + options.answers * STEP).astype(np.float32)
        stream.vector(signal[:window], 0)
        pairs = []
        for start in range(STEP, signal.size - window + 1, STEP):
            heard = signal[start : start + window]
            begun = time.perf_counter()
            stream.vector(heard, start)
            between = time.perf_counter()
            extractor.vector(heard)
            pairs.append((between - begun, time.perf_counter() - between))
        kept, anew = (statistics.median(times) for times in zip(*pairs, strict=True))
        ratio = statistics.median(one / other for one, other in pairs)
        rows.append((f"{seconds} s", kept, anew, ratio, kept / 0.5))
    columns = ["window", "frames kept (s)", "window anew (s)", "kept / anew, median of pairs", "kept / audio"]
    print(pd.DataFrame(rows, columns=columns).to_markdown(index=False, floatfmt=("", ".3f", ".3f", ".2f", ".3f")))


if __name__ == "__main__":
    main()
