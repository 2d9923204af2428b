"""Encode every utterance of the manifest as one vector, and once more as the baseline's."""

import argparse
import os
import sys
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ser import manifest
from ser.encoders import catalogue, extraction
from ser.encoders.extraction import FeatureParams
from ser.files import params
from ser.files.failures import one_line
from ser.machine import cores


def main() -> None:
    """Read arguments and params, encode what is new, write one file a corpus and encoder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, required=True)
    parser.add_argument("--raw", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="of the trained encoder, where the params choose it")
    parser.add_argument("--features", type=Path, required=True, help="folder to bring up to date")
    parser.add_argument("--baseline", type=Path, required=True, help="the same, of the MFCC to compare with")
    parser.add_argument(
        "--workers",
        type=int,
        default=cores.workers(),
        help="processes on the CPU (default: $SER_WORKERS, or one a core)",
    )
    parser.add_argument(
        "--scheduler",
        default=os.environ.get("SER_SCHEDULER"),
        help="address of a Dask scheduler whose workers encode (default: what SER_SCHEDULER holds, if anything)",
    )
    parser.add_argument("--device", default="cpu", help="where the encoder runs (default: %(default)s)")
    parser.add_argument("--numerics", default="portable", help="of the params; stages/__init__.py acts on it")
    options = parser.parse_args()
    with one_line("features"):
        chosen = params.read(options.params, "features", FeatureParams)
        for line in params.untold(options.params, "features", FeatureParams):
            print(f"features: warning: {line}", file=sys.stderr)
        utterances = manifest.read(options.manifest)
        said = []
        for recipe, folder in ((chosen, options.features), (catalogue.baseline(chosen), options.baseline)):
            bar = partial(tqdm, desc=f"features: {recipe.encoder}", unit="utterance", disable=None)
            done = extraction.compute(
                utterances,
                options.raw,
                folder,
                recipe,
                options.weights,
                options.device,
                options.workers,
                bar,
                options.scheduler,
                say=lambda remark: print(f"features: {remark}", file=sys.stderr),
            )
            made = f"{done.encoded} utterances encoded with {done.encoder} ({done.numbers} numbers)"
            said.append(f"{made}, {done.reused} reused")
            said += [f"{name} was damaged and is new" for name in done.damaged]
            said += [f"{name} removed" for name in done.removed]
        print(f"features: {'; '.join(said)}")


if __name__ == "__main__":
    main()
