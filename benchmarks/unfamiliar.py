"""How much of each corpus, and of recorded noises, is unfamiliar to a model of another, as `ser predict` says it."""

import argparse
from pathlib import Path

from ser.machine import numerics

numerics.fix()

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from ser import audio, features, manifest  # noqa: E402
from ser.confidence import familiarity  # noqa: E402
from ser.confidence.familiarity import FamiliarityParams  # noqa: E402
from ser.encoders import catalogue  # noqa: E402
from ser.encoders.recipe import Recipe  # noqa: E402
from ser.files import params  # noqa: E402

FOLDER = Path("benchmarks/data")  # of what `dvc repro benchmarks/dvc.yaml` encodes
RECIPE = Recipe("pase_plus", frames="active")


def main() -> None:
    """Describe each corpus, measure all others and the noises by it, and print the shares as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpora", nargs="+", default=["emodb", "ravdess", "nemo", "ased"])
    parser.add_argument("--weights", type=Path, default=Path("models/pase_plus.safetensors"))
    parser.add_argument("--noise", type=Path, default=Path("../shared/corpora/noise"), help="a folder of each kind")
    parser.add_argument("--recordings", type=int, default=10, help="of each kind (default: %(default)s)")
    options = parser.parse_args()
    settings = params.read(Path("params.yaml"), "familiarity", FamiliarityParams)
    rows = {name: manifest.read(FOLDER / f"{name}.csv") for name in options.corpora}
    heard = {
        name: features.read(FOLDER / "features" / name / "pase_plus", rows[name]).vectors for name in options.corpora
    }
    extractor = catalogue.build(RECIPE, options.weights)
    recordings = [
        path
        for folder in sorted(options.noise.glob("*/"))
        for path in sorted(folder.iterdir())[: options.recordings]
        if np.abs(audio.load(path)).max() > 0
    ]
    noises = np.stack([extractor.vector(audio.load(path)) for path in recordings])
    table = {}
    for name in options.corpora:
        people, emotions = (rows[name][column].to_numpy() for column in ("speaker", "emotion"))
        known = familiarity.fit(heard[name], emotions, people, settings)
        others = {other: vectors for other, vectors in heard.items() if other != name} | {"noises": noises}
        table[name] = {other: (known.distances(vectors) > 1).mean() for other, vectors in others.items()}
    print(pd.DataFrame(table).T.reindex(columns=[*heard, "noises"]).to_markdown(floatfmt=".3f", missingval=""))
    print(f"\n{len(noises)} recordings of noise; rows: what the model learned from; columns: what it hears")


if __name__ == "__main__":
    main()
