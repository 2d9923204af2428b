"""Score and compare the systems of one task: a table, a page, a picture, metrics."""

import argparse
from pathlib import Path

from ser import manifest
from ser.benchmarks import comparison, page, tasks, vectors
from ser.benchmarks.comparison import CompareParams
from ser.benchmarks.tasks import Task
from ser.files import params, tables
from ser.files.failures import one_line
from ser.plots import benchmark, drawing


def main() -> None:
    """Read the predictions of all systems; write what they are worth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True, help="its name in the params")
    for name in ("params", "manifest", "encoders", "predictions", "table", "page", "picture", "metrics"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    with one_line("compare"):
        task = tasks.named("tasks", params.read(options.params, "tasks", dict[str, Task]), options.task)
        settings = params.read(options.params, "compare", CompareParams)
        corpus = manifest.read(options.manifest)
        utterances = corpus[corpus["emotion"].isin(task.emotions)]
        scored = comparison.table(tasks.read(options.predictions), utterances, task.emotions, settings)
        whole = comparison.with_absent(scored, vectors.read_encoders(options.encoders))
        tables.write(whole, options.table)
        asked = f"Corpus `{task.corpus}`, {tasks.described(task, utterances)}"
        page.save(f"Benchmark: {options.task}", asked, {"": whole}, settings, options.page)
        title = f"{options.task}: {task.protocol}, {len(task.emotions)} emotions"
        drawing.save(benchmark.draw({"": scored}, 1 / len(task.emotions), title), options.picture)
        tables.write_metrics(comparison.nested(scored), options.metrics)
        best = comparison.best(scored)
        print(f"compare: {options.task}: best with normalisation train: {best}; see {options.page}")


if __name__ == "__main__":
    main()
