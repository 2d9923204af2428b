"""Say what every condition costs in one task: a table, a picture, metrics."""

import argparse
from pathlib import Path

from ser import manifest
from ser.benchmarks import tasks
from ser.benchmarks.tasks import Task
from ser.files import params, tables
from ser.files.failures import one_line
from ser.learning.recipe import TrainParams
from ser.plots import drawing, robustness
from ser.robustness import comparison, testing, vectors
from ser.robustness.comparison import Marks
from ser.robustness.testing import Augment
from ser.scores.intervals import IntervalParams


def main() -> None:
    """Read the predictions under all conditions; write what these cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True, help="its name in the params")
    for name in (
        "params",
        "pipeline",
        "manifest",
        "conditions",
        "encoders",
        "predictions",
        "table",
        "picture",
        "metrics",
    ):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    with one_line("compare"):
        task = tasks.named("tasks", params.read(options.params, "tasks", dict[str, Task]), options.task)
        marks = params.read(options.params, "marks", Marks)
        seen = params.read(options.params, "augment", Augment).conditions
        met = params.read(options.params, "pase_plus_trained_on", list[str])
        below = params.read(options.pipeline, "train", TrainParams).abstain_below
        intervals = params.read(options.pipeline, "intervals", IntervalParams)
        corpus = manifest.read(options.manifest)
        people = corpus[corpus["emotion"].isin(task.emotions)]
        said = testing.read(options.predictions, task.emotions)
        conditions = vectors.read_conditions(options.conditions)
        tasks.taken("pase_plus_trained_on", met, sorted(set(conditions["kind"])))
        scored = comparison.table(said, conditions, people, task.emotions, below, marks, intervals, seen, met)
        scored = comparison.with_absent(scored, conditions, vectors.read_encoders(options.encoders))
        tables.write(scored, options.table)
        title = f"{options.task}: {task.protocol}, {len(task.emotions)} emotions"
        drawing.save(robustness.draw(scored, 1 / len(task.emotions), title), options.picture)
        tables.write_metrics(comparison.nested(scored), options.metrics)
        print(f"compare: {options.task}: {comparison.summary(scored)}; see {options.table}")


if __name__ == "__main__":
    main()
