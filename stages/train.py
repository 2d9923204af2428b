"""Train a classifier for every fold of every protocol of the split."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ser import auxiliary, features, manifest
from ser.files import params, tables
from ser.files.failures import one_line
from ser.files.whole import whole_folder
from ser.learning import training
from ser.learning.recipe import TrainParams
from ser.machine import cores
from ser.plots import drawing, learning_curves
from ser.robustness import vectors
from ser.splits import table


def main(arguments: Sequence[str] | None = None) -> None:
    """Read split and features; write the classifiers, how their training went, and a picture of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    inputs = ("params", "manifest", "features", "augmented", "auxiliary", "split")
    for name in (*inputs, "models", "dynamics", "curves", "picture"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument(
        "--workers", type=int, default=cores.workers(), help="processes (default: $SER_WORKERS, or one a core)"
    )
    options = parser.parse_args(arguments)
    with one_line("train"):
        emotions = params.read(options.params, "emotions", list[str])
        settings = params.read(options.params, "train", TrainParams)
        utterances = manifest.read(options.manifest)
        split = table.read(options.split)
        table.check(split, utterances)
        own = features.read(options.features, utterances)
        copies = vectors.read_copies(options.augmented, utterances, own.extractor)
        lent = auxiliary.read(options.auxiliary, utterances, own)
        untold = params.untold(options.params, "train", TrainParams)
        for warning in (*untold, *training.warnings(settings, utterances, emotions)):
            print(f"train: warning: {warning}", file=sys.stderr)
        with whole_folder(options.models) as folder:
            bar = partial(tqdm, desc="train", unit="fold", disable=None)
            done = training.train(
                split, utterances, own, emotions, settings, folder, options.workers, bar, copies.vectors, lent
            )
        for warning in training.fewer_networks(settings, done.networks):
            print(f"train: warning: {warning}", file=sys.stderr)
        tables.write(done.dynamics, options.dynamics)
        tables.write(done.curves, options.curves)
        drawing.save(learning_curves.draw(done.curves), options.picture)
        told = f"; trained on copies under {', '.join(copies.conditions['condition'])}" if copies.vectors else ""
        told += f"; {training.lending(done.shares)}" if len(lent.utterances) else ""
        print(f"train: {training.summary(done.curves)}{told}; see {options.picture}")


if __name__ == "__main__":
    main()
