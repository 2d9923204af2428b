"""How the stages that read no audio grow with the corpus: generated utterances, short vectors, linear classifiers."""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.speed import running
from ser import features, manifest
from ser.features import Features
from ser.files import tables
from ser.robustness import vectors as copies

STAGES = ("split", "train", "evaluate", "bias", "ambiguity", "representation")
EMOTIONS = ("angry", "happy", "sad", "neutral")
EACH, NUMBERS = 100, 16  # utterances of a speaker; numbers of a vector
# Writes and reads a manifest of as many rows as said; prints the seconds of both, and the file's megabytes.
TABLE = """
import sys, time
from pathlib import Path
from benchmarks.speed import scale
from ser import manifest
from ser.files import tables
rows, path = scale.utterances(int(sys.argv[1])), Path(sys.argv[2])
begun = time.perf_counter()
tables.write(rows, path)
written = time.perf_counter()
assert len(manifest.read(path)) == len(rows)
print(written - begun, time.perf_counter() - written, path.stat().st_size / 1e6)
"""


def utterances(count: int) -> pd.DataFrame:
    """Generate a manifest: ``EACH`` utterances a speaker, women and men of 20 to 69 years, the emotions in turn."""
    index, generator = np.arange(count), np.random.default_rng(0)
    number = index // EACH
    names = [f"made/{place:09d}" for place in index]
    return pd.DataFrame(
        {
            "id": names,
            "path": [f"{name}.wav" for name in names],
            "corpus": "made",
            "speaker": [f"made/{speaker:06d}" for speaker in number],
            "gender": np.where(number % 2, "male", "female"),
            "age": 20.0 + number % 50,
            "language": "en",
            "emotion": np.resize(EMOTIONS, count),
            "votes": [
                json.dumps({emotion: 10 - others, "other": others})
                for emotion, others in zip(
                    np.resize(EMOTIONS, count), np.resize(range(1, 9), count).tolist(), strict=True
                )
            ],
            "text": [f"sentence {sentence}" for sentence in index % 50],
            "seconds": generator.uniform(1, 6, count).round(3),
            "sampling_rate": 16_000,
            "sha256": [f"{place:064x}" for place in index],
            "details": [json.dumps({"take": int(take)}) for take in index % 3],
        }
    )[list(manifest.COLUMNS)]


def generate(folder: Path, count: int) -> dict[str, Path]:
    """Write params, manifest and vectors, by which the emotions can be told in part; gives the flags of the stages."""
    folder.mkdir()
    rows, generator = utterances(count), np.random.default_rng(1)
    vectors = (
        generator.normal(0, 1, (count, NUMBERS)) + np.eye(len(EMOTIONS), NUMBERS)[np.arange(count) % len(EMOTIONS)]
    )
    made = Features(
        *(rows[column].to_numpy(str) for column in ("id", "sha256")),
        vectors.astype(np.float32),
        np.array([f"number_{number}" for number in range(NUMBERS)]),
        json.dumps({"encoder": "made"}),
    )
    blocks = {"split": {"protocol": "kfold"}, "train": {"classifier": "lda", "networks": 1}}
    params = running.write_params(folder / "params.yaml", emotions=list(EMOTIONS), corpora=["made"], **blocks)
    tables.write(rows, folder / "manifest.csv")
    (folder / "features").mkdir()
    features.save(made, folder / "features" / "made.npz")
    (folder / "augmented").mkdir()
    tables.write(pd.DataFrame(columns=list(copies.SCHEMA.columns)), folder / "augmented" / "conditions.csv")
    return {"params": params, "manifest": folder / "manifest.csv"}


def stages(folder: Path, given: dict[str, Path]) -> dict[str, running.Cost]:
    """Run the stages on what ``generate`` wrote, one after another."""

    def files(*names: str, suffix: str) -> dict[str, Path]:
        return {name: folder / f"{name}{suffix}" for name in names}

    made, split = {"features": folder / "features"}, {"split": folder / "split.csv"}
    lent = {"augmented": folder / "augmented"}  # no copies
    models, predictions = {"models": folder / "models"}, {"predictions": folder / "predictions.csv"}
    drawn, metrics = files("picture", suffix=".png"), files("metrics", suffix=".json")
    tables_of = {
        "train": files("dynamics", "curves", suffix=".csv"),
        "evaluate": files("confusion", "classes", "folds", "risk", suffix=".csv"),
        "bias": files("groups", "gaps", "audit", "refused", suffix=".csv") | files("audit_picture", suffix=".png"),
        "ambiguity": files("ranking", "bands", "scores", suffix=".csv"),
        "representation": files("probes", "silhouettes", "points", suffix=".csv")
        | files("projection_picture", suffix=".png"),
    }
    flags = {
        "split": split | metrics,
        "train": made | lent | split | models | tables_of["train"] | drawn | {"workers": 1},
        "evaluate": made | split | models | predictions | metrics | tables_of["evaluate"] | drawn,
        "bias": predictions | metrics | tables_of["bias"] | drawn,
        "ambiguity": made | predictions | files("dynamics", suffix=".csv") | metrics | tables_of["ambiguity"] | drawn,
        "representation": made
        | {"baseline": folder / "features"}
        | split
        | models
        | metrics
        | drawn
        | tables_of["representation"],
    }
    return {name: running.stage(name, **given, **flags[name]) for name in STAGES}


def main() -> None:
    """Run the stages at each size in turns; print medians and how they grow, and what a large table takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utterances", type=int, nargs="+", default=[10_000, 20_000, 100_000])
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the table (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    runs = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = {count: generate(folder / f"{count}", count) for count in options.utterances}
        for _ in range(options.rounds):
            runs += [(stage, "start", running.python("-m", f"stages.{stage}", "--help")) for stage in STAGES]
            for count in options.utterances:
                costs = stages(folder / f"{count}", given[count])
                runs += [(stage, f"{count:,}", cost) for stage, cost in costs.items()]
        table = running.python("-c", TABLE, options.rows, folder / "table.csv")
    spread = pd.DataFrame([(stage, size, cost.seconds, cost.peak_gb) for stage, size, cost in runs])
    times, memory = (spread.pivot_table(values, 0, 1, "median", sort=False) for values in (2, 3))
    sizes = [f"{count:,}" for count in options.utterances]
    shown = times[["start", *sizes]].add_suffix(" (s)").rename(columns={"start (s)": "start-up (s)"})
    if len(sizes) > 1:
        first, second = sizes[:2]
        shown[f"{second} / {first}"] = times[second] / times[first]
        worked = times[sizes].sub(times["start"], axis=0)
        shown["without start-up"] = worked[second] / worked[first]
    shown[f"peak at {sizes[-1]} (GB)"] = memory[sizes[-1]]
    print(shown.rename_axis("stage").reset_index().to_markdown(index=False, floatfmt=".2f"))
    wrote, read, size = map(float, table.said.split())
    took = f"written in {wrote:.1f} s, read and checked in {read:.1f} s, peak {table.peak_gb:.2f} GB"
    print(f"\nA manifest of {options.rows:,} rows, {size:.0f} MB: {took}.")


if __name__ == "__main__":
    main()
