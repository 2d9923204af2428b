"""Train the ways to serve groups of people more evenly on the same folds, and tell what each costs and gains."""

import argparse
from functools import partial
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from ser import manifest
from ser.benchmarks import grid, mitigation, mitigation_table, tasks, vectors
from ser.benchmarks.grid import GridParams
from ser.benchmarks.mitigation import MitigationParams
from ser.benchmarks.tasks import Task
from ser.files import params, tables
from ser.files.failures import one_line
from ser.files.whole import whole_file
from ser.learning.recipe import TrainParams
from ser.machine import cores
from ser.plots import drawing
from ser.plots import mitigation as picture


def main() -> None:
    """Read a task's vectors; write the table of systems, a page, a picture and metrics."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True, help="its name in the params")
    for name in ("params", "manifest", "features", "table", "page", "picture", "metrics"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument(
        "--workers", type=int, default=cores.workers(), help="processes (default: $SER_WORKERS, or one a core)"
    )
    options = parser.parse_args()
    with one_line("mitigation"):
        task = tasks.named("tasks", params.read(options.params, "tasks", dict[str, Task]), options.task)
        folding = params.read(options.params, "grid", GridParams)
        network = params.read(options.params, "mlp", TrainParams)
        settings = params.read(options.params, "mitigation", MitigationParams)
        corpus = manifest.read(options.manifest)
        people, encoded = vectors.read(options.features, corpus, [settings.encoder], task.emotions)
        folds = [
            (fold.seed, fold.number, fold.protocol, fold.parts)
            for fold in grid.folds(people, task, folding)
            if fold.protocol == task.protocol
        ]
        progress = partial(tqdm, desc=f"mitigation {options.task}", unit="system", disable=None)
        found, notes = mitigation.run(
            folds, encoded[settings.encoder], people, task.emotions, network, settings, options.workers, progress
        )
        scored = mitigation_table.table(found, notes, people, task.emotions, settings)
        tables.write(scored, options.table)
        text = mitigation_table.page(scored, asked(task, people, settings), settings)
        with whole_file(options.page) as temporary:
            temporary.write_text(text, encoding="utf-8")
        title = f"{options.task}: {task.protocol}, {len(task.emotions)} emotions, {settings.encoder}"
        drawing.save(picture.draw(scored, people["speaker"].nunique(), title), options.picture)
        tables.write_metrics(mitigation_table.nested(scored), options.metrics)
        print(f"mitigation: {options.task}: {mitigation_table.summary(scored)}; see {options.page}")


def asked(task: Task, people: pd.DataFrame, settings: MitigationParams) -> str:
    """Say in a sentence what was compared on what."""
    genders = people.drop_duplicates("speaker")["gender"].value_counts()
    known = ", ".join(f"{gender or 'gender unknown'}: {count}" for gender, count in sorted(genders.items()))
    return (
        f"Corpus `{task.corpus}`, vectors of `{settings.encoder}`, {len(people)} utterances of "
        f"{people['speaker'].nunique()} speakers ({known}), emotions {', '.join(task.emotions)}; protocol "
        f"{task.protocol}, the same folds and seeds for every system."
    )


if __name__ == "__main__":
    main()
