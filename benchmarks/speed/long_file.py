"""What a long recording takes: seconds of encoding for a second of audio, and memory, as ``ser predict`` encodes it."""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from benchmarks.speed import running

RATE = 16_000
# What ser predict does with a file before it classifies; numerics are not fixed there. Prints reading and encoding.
ENCODE = """
import sys, time
from pathlib import Path
import torch
torch.set_num_threads(1)
from ser import audio
from ser.encoders import catalogue
from ser.encoders.extraction import FeatureParams
from ser.files import params
extractor = catalogue.build(params.read(Path("params.yaml"), "features", FeatureParams), Path(sys.argv[2]))
begun = time.perf_counter()
signal = audio.load(Path(sys.argv[1]), allow_silence=False)
read = time.perf_counter()
extractor.vector(signal)
print(read - begun, time.perf_counter() - read)
"""


def write(path: Path, seconds: float) -> None:
    """Write noise that swells and fades like syllables, mono, 16 bits at 16 kHz, a second at a time."""
    generator, left = np.random.default_rng(0), round(seconds * RATE)
    swelling = np.sin(np.pi * 4 * np.arange(RATE) / RATE) ** 2
    with soundfile.SoundFile(path, "w", RATE, 1, "PCM_16") as file:
        while left > 0:
            block = (0.1 * generator.standard_normal(RATE) * swelling)[:left]
            file.write(block)
            left -= block.size


def main() -> None:
    """Encode each file in a process of its own, in turns, and print medians as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=Path("models/pase_plus.safetensors"))
    parser.add_argument("--minutes", type=float, default=60, help="of the longest file (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    lengths, runs = {"10 s": 10, "60 s": 60, f"{options.minutes:g} min": 60 * options.minutes}, []
    with tempfile.TemporaryDirectory() as folder:
        for length, seconds in lengths.items():
            write(Path(folder) / f"{length}.wav", seconds)
        for _ in range(options.rounds):
            for length, seconds in lengths.items():
                code = ("-c", ENCODE, Path(folder) / f"{length}.wav", options.weights)
                took = running.python(*code, environment=running.free())
                read, encoded = map(float, took.said.split())
                runs.append((length, seconds, read, encoded, encoded / seconds, took.peak_gb))
    columns = ["audio", "of audio", "reading (s)", "encoding (s)", "encoding / audio", "peak (GB)"]
    table = pd.DataFrame(runs, columns=columns).groupby(columns[:2], sort=False).median().reset_index()
    print(table.drop(columns="of audio").to_markdown(index=False, floatfmt=("", ".2f", ".2f", ".4f", ".2f")))


if __name__ == "__main__":
    main()
