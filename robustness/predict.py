"""Train on clean speech of each fold, and predict its test utterances under every condition."""

import argparse
import dataclasses
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ser import manifest
from ser.benchmarks import tasks
from ser.benchmarks.tasks import Task
from ser.confidence.familiarity import FamiliarityParams
from ser.files import params, tables
from ser.files.failures import one_line
from ser.learning.recipe import TrainParams
from ser.machine import cores
from ser.robustness import testing, vectors
from ser.robustness.testing import Augment, Classifier
from ser.splits.protocols import SplitParams


def main() -> None:
    """Read the corpus' vectors; write the predictions under all conditions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True, help="its name in the params")
    for name in ("params", "pipeline", "manifest", "conditions", "encoders", "features", "predictions"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument(
        "--workers", type=int, default=cores.workers(), help="processes (default: $SER_WORKERS, or one a core)"
    )
    options = parser.parse_args()
    with one_line("predict"):
        task = tasks.named("tasks", params.read(options.params, "tasks", dict[str, Task]), options.task)
        classifiers = params.read(options.params, "classifiers", dict[str, Classifier])
        augment = params.read(options.params, "augment", Augment)
        augment.check(classifiers, vectors.read_conditions(options.conditions))
        alarms = params.read(options.pipeline, "familiarity", FamiliarityParams)
        train = params.read(options.pipeline, "train", TrainParams)
        split = params.read(options.pipeline, "split", SplitParams)
        utterances, found = vectors.read(
            options.features,
            manifest.read(options.manifest),
            vectors.measured(options.conditions),
            vectors.available(options.encoders, classifiers),
            task.emotions,
        )
        found = vectors.again(found, params.read(options.params, "again", dict[str, str]), list(classifiers))
        # Of the main pipeline's split all but what belongs to its own protocol.
        split = dataclasses.replace(split, protocol=task.protocol, sentences="any", test_parts=[])
        folds = testing.folds(utterances, task.emotions, split)
        train = {name: testing.changed(train, classifiers[name]) for name in found}
        bar = partial(tqdm, desc=options.task, unit="fold", disable=None)
        table = testing.predict(folds, found, utterances, task.emotions, train, alarms, augment, options.workers, bar)
        tables.write(table, options.predictions)
        print(f"predict: {options.task}: {len(table)} predictions of {len(folds)} folds; {options.predictions}")


if __name__ == "__main__":
    main()
