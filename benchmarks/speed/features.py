"""What the stage ``features`` takes beside its encoder's own time, and for twice the audio."""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from benchmarks.speed import running
from ser import audio, manifest
from ser.files import tables

# The encoders of the stage on signals in memory: what it cannot do without.
ENCODE = """
import sys, time
from pathlib import Path
import stages
import torch
from ser import audio, manifest
from ser.encoders import catalogue
from ser.encoders.extraction import FeatureParams
from ser.files import params
torch.set_num_threads(1)
folder, weights = Path(sys.argv[1]), Path(sys.argv[2])
chosen = params.read(folder / "params.yaml", "features", FeatureParams)
signals = [audio.load(folder / "raw" / path) for path in manifest.read(folder / "manifest.csv")["path"]]
for recipe in (chosen, catalogue.baseline(chosen)):
    encoder = catalogue.build(recipe, weights).encoder
    encoder.frames(signals[0])
    begun = time.perf_counter()
    for signal in signals:
        encoder.frames(signal)
    print(time.perf_counter() - begun)
"""


def double(folder: Path) -> Path:
    """Add a copy of the corpus whose samples differ a little, as a corpus of its own.

    Returns:
        The manifest of both.
    """
    utterances = manifest.read(folder / "manifest.csv")
    generator, rows = np.random.default_rng(0), utterances.copy()
    for row in utterances.itertuples():
        samples, rate = audio.decode(folder / "raw" / row.path)
        changed = np.clip(samples + generator.choice([-(2**-15), 2**-15], samples.shape), -1, 1)
        place = (folder / "raw" / f"again_{row.path}").with_suffix(".wav")
        place.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(place, changed.T, rate, "PCM_16")
        rows.loc[row.Index, ["path", "sha256"]] = [
            place.relative_to(folder / "raw").as_posix(),
            audio.digest(*audio.decode(place)),
        ]
    rows["id"], rows["corpus"] = "again_" + rows["id"], "again_" + rows["corpus"]
    both = folder / "both.csv"
    tables.write(pd.concat([rows, utterances]).sort_values("id"), both)
    return both


def stage(folder: Path, table: Path, weights: Path) -> float:
    """Run the stage with one worker into a new folder; gives its seconds."""
    return running.features(folder, folder / "params.yaml", table, weights)


def main() -> None:
    """Measure in turns, and print medians and ratios as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    running.add_corpus(parser)
    parser.add_argument("--weights", type=Path, default=Path("models/pase_plus.safetensors"))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    weights, rounds = options.weights.resolve(), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        once = running.prepare(options, folder)
        both = double(folder)
        seconds = manifest.read(once)["seconds"].sum()
        for _ in range(options.rounds):
            own, baseline = map(float, running.python("-c", ENCODE, folder, weights).said.split())
            rounds.append((own, baseline, stage(folder, once, weights), stage(folder, both, weights)))
    times = pd.DataFrame(rounds, columns=["own", "baseline", "once", "twice"])
    middle = times.median()
    rows = [
        (f"encoder, {seconds:.0f} s of audio in memory", middle["own"], 1.0),
        ("encoder of the baseline (MFCC), the same", middle["baseline"], (times["baseline"] / times["own"]).median()),
        ("stage, both encoders", middle["once"], (times["once"] / times["own"]).median()),
        ("stage, twice the audio", middle["twice"], (times["twice"] / times["own"]).median()),
    ]
    print(
        pd.DataFrame(rows, columns=["", "seconds", "of the encoder"]).to_markdown(
            index=False, floatfmt=("", ".1f", ".2f")
        )
    )
    print(f"\nTwice the audio takes {(times['twice'] / times['once']).median():.2f} times as long.")


if __name__ == "__main__":
    main()
