"""Encode a distorted copy of every utterance under each condition, to train beside it."""

import argparse
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ser import manifest
from ser.encoders.extraction import FeatureParams
from ser.files import params, tables
from ser.files.failures import one_line
from ser.machine import cores
from ser.robustness import copies
from ser.robustness.copies import AugmentParams


def main() -> None:
    """Read arguments and params, encode what is new, write one file a corpus and condition, and a table of these."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, required=True)
    parser.add_argument("--raw", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="of the trained encoder, where the params choose it")
    parser.add_argument("--noise", type=Path, required=True, help="folder of recorded noises, a folder for each kind")
    parser.add_argument("--augmented", type=Path, required=True, help="folder to bring up to date")
    parser.add_argument(
        "--workers", type=int, default=cores.workers(), help="processes (default: $SER_WORKERS, or one a core)"
    )
    parser.add_argument("--numerics", default="portable", help="of the params; stages/__init__.py acts on it")
    options = parser.parse_args()
    with one_line("augment"):
        recipe = params.read(options.params, "features", FeatureParams)
        chosen = params.read(options.params, "augment", AugmentParams)
        done = copies.encode(
            manifest.read(options.manifest),
            options.raw,
            options.augmented,
            recipe,
            options.weights,
            options.noise,
            chosen,
            options.workers,
            partial(tqdm, unit="copy", disable=None),
        )
        tables.write(done.conditions, options.augmented / "conditions.csv")
        said = [f"{done.encoded} copies encoded under {', '.join(done.conditions['condition'])}, {done.reused} reused"]
        said = said if len(done.conditions) else ["no conditions, so no copies"]
        said += [f"{name} was damaged and is new" for name in done.damaged]
        said += [f"{name} removed" for name in done.removed]
        print(f"augment: {'; '.join(said)}")


if __name__ == "__main__":
    main()
