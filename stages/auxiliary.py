"""Read and encode other corpora, to train on beside the chosen ones."""

import argparse
from functools import partial
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from ser import auxiliary, manifest
from ser.auxiliary import AuxiliaryParams
from ser.corpora import accounts, intake
from ser.encoders import extraction
from ser.encoders.extraction import FeatureParams
from ser.files import params, tables
from ser.files.failures import one_line
from ser.machine import cores


def main() -> None:
    """Read arguments and params, encode what is new; write a manifest, and one file of vectors a corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, required=True)
    parser.add_argument("--raw", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--weights", type=Path, help="of the trained encoder, where the params choose it")
    parser.add_argument("--auxiliary", type=Path, required=True, help="folder to bring up to date")
    parser.add_argument(
        "--workers", type=int, default=cores.workers(), help="processes (default: $SER_WORKERS, or one a core)"
    )
    parser.add_argument("--numerics", default="portable", help="of the params; stages/__init__.py acts on it")
    options = parser.parse_args()
    with one_line("auxiliary"):
        chosen = params.read(options.params, "auxiliary", AuxiliaryParams)
        recipe = params.read(options.params, "features", FeatureParams)
        emotions = params.read(options.params, "emotions", list[str])
        settings = params.read(options.params, "manifest", intake.ManifestParams)
        chosen.check(params.read(options.params, "corpora", list[str]))
        said = ["no corpora"]
        utterances = pd.DataFrame(columns=list(manifest.COLUMNS))
        if chosen.corpora:
            taken = intake.build(
                options.raw,
                chosen.corpora,
                emotions,
                settings,
                options.workers,
                watch=lambda files, total: tqdm(files, total=total, desc="auxiliary", unit="file", disable=None),
                say=lambda remark: print(f"auxiliary: {remark}"),
                complete=False,
            )
            utterances, bar = taken.manifest, partial(tqdm, desc="auxiliary", unit="utterance", disable=None)
            done = extraction.compute(
                utterances, options.raw, options.auxiliary, recipe, options.weights, "cpu", options.workers, bar
            )
            said = [accounts.closing_line(utterances, taken.rejected), f"{done.encoded} encoded, {done.reused} reused"]
        else:
            for path in options.auxiliary.glob("*.npz"):
                path.unlink()
        tables.write(utterances, options.auxiliary / auxiliary.TABLE)
        print(f"auxiliary: {'; '.join(said)}")


if __name__ == "__main__":
    main()
