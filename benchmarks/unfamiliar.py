"""How much of each corpus, and of recorded noises, is unfamiliar to a model of another, as `ser predict` says it."""

import argparse
from pathlib import Path

from ser.machine import numerics

numerics.fix()

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from ser import audio, features, manifest  # noqa: E402
from ser.confidence import familiarity  # noqa: E402
from ser.confidence.familiarity import Familiarity, FamiliarityParams  # noqa: E402
from ser.encoders import catalogue  # noqa: E402
from ser.encoders.extractor import Extractor  # noqa: E402
from ser.encoders.recipe import Recipe  # noqa: E402
from ser.files import params  # noqa: E402
from ser.files.failures import one_line  # noqa: E402
from ser.robustness import draws  # noqa: E402
from ser.robustness.conditions import Condition  # noqa: E402

FOLDER = Path("benchmarks/data")  # of what `dvc repro benchmarks/dvc.yaml` encodes
RECIPE = Recipe("pase_plus", frames="active")
CONDITIONS = [*(Condition("pink", "pink", level) for level in (20, 10, 0)), Condition("telephone", "telephone", 3400)]


def main() -> None:
    """Describe each corpus, measure others, noises and distorted speech by it, and print what is unfamiliar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpora", nargs="+", default=["emodb", "ravdess", "nemo", "ased"])
    # As the benchmark has it, which encoded what is in FOLDER.
    parser.add_argument("--weights", type=Path, default=Path("models/pase_plus.safetensors"))
    parser.add_argument("--noise", type=Path, default=Path("../shared/corpora/noise"), help="a folder of each kind")
    parser.add_argument("--recordings", type=int, default=10, help="of each kind (default: %(default)s)")
    parser.add_argument("--distorted", default="emodb", help="the corpus to distort (default: %(default)s)")
    parser.add_argument("--raw", type=Path, default=Path("../shared/corpora"), help="the folder of that corpus")
    parser.add_argument("--utterances", type=int, default=20, help="of each of its speakers (default: %(default)s)")
    with one_line("unfamiliar"):
        measure(parser.parse_args())


def measure(options: argparse.Namespace) -> None:
    """Measure what the flags ask for, and print both tables."""
    settings = params.read(Path("params.yaml"), "familiarity", FamiliarityParams)
    rows = {name: manifest.read(FOLDER / f"{name}.csv") for name in options.corpora}
    heard = {name: features.read(FOLDER / "features" / name / "pase_plus", rows[name]).vectors for name in rows}
    extractor = catalogue.build(RECIPE, options.weights)
    noises = np.stack([extractor.vector(sound) for sound in recordings(options.noise, options.recordings)])
    table = {}
    for name in options.corpora:
        others = {other: vectors for other, vectors in heard.items() if other != name} | {"noises": noises}
        known = described(rows[name], heard[name], settings)
        table[name] = {other: (known.distances(vectors) > 1).mean() for other, vectors in others.items()}
    shown = pd.DataFrame(table).T.reindex(columns=[*heard, "noises"])
    print(f"Rows: what the model learned from; columns: what it hears ({len(noises)} noises)\n")
    print(shown.to_markdown(floatfmt=".3f", missingval=""))
    name = options.distorted
    shares = distorted(rows[name], heard[name], options.raw, options.utterances, extractor, settings)
    print(f"\n{name}, distorted, of speakers unknown to the description:\n")
    print(pd.Series(shares, name="unfamiliar").to_frame().to_markdown(floatfmt=".3f"))


def recordings(folder: Path, each: int) -> list[np.ndarray]:
    """Read the first recordings of each kind that are not silent."""
    paths = [path for kind in sorted(folder.glob("*/")) for path in sorted(kind.iterdir())[:each]]
    return [sound for sound in map(audio.load, paths) if sound.any()]


def described(rows: pd.DataFrame, vectors: np.ndarray, settings: FamiliarityParams) -> Familiarity:
    """Describe the speech of a corpus, or of a part of it."""
    return familiarity.fit(vectors, rows["emotion"].to_numpy(), rows["speaker"].to_numpy(), settings)


def distorted(
    rows: pd.DataFrame, vectors: np.ndarray, raw: Path, each: int, extractor: Extractor, settings: FamiliarityParams
) -> dict[str, float]:
    """Distort utterances of each speaker, and give the share that is unfamiliar to the speech of all others."""
    found = {"as recorded": []} | {condition.name: [] for condition in CONDITIONS}
    for speaker in sorted(set(rows["speaker"])):
        own = (rows["speaker"] == speaker).to_numpy()
        known = described(rows[~own], vectors[~own], settings)
        chosen = rows[own].sample(min(each, own.sum()), random_state=0)
        for row in chosen.itertuples():
            signal = audio.load(raw / row.path)
            found["as recorded"].append(extractor.vector(signal))
            for condition in CONDITIONS:
                made = condition.of.apply(signal, condition.level, draws.generator(0, condition.kind, row.id))
                found[condition.name].append(extractor.vector(made))
        for made in found.values():
            made[-len(chosen) :] = (known.distances(np.stack(made[-len(chosen) :])) > 1).tolist()
    return {name: float(np.mean(made)) for name, made in found.items()}


if __name__ == "__main__":
    main()
