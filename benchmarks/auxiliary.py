"""Test each corpus with and without utterances of the others in training, and tell what they are worth."""

import argparse
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ser import manifest
from ser.benchmarks import auxiliary, tasks, vectors
from ser.benchmarks.auxiliary import Corpus, LendingParams
from ser.benchmarks.grid import GridParams
from ser.benchmarks.tasks import Task
from ser.files import params, tables
from ser.files.failures import one_line
from ser.files.whole import whole_file
from ser.learning.recipe import TrainParams
from ser.machine import cores


def main() -> None:
    """Read the corpora's vectors; write the table of differences, a page and metrics."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, required=True)
    parser.add_argument("--manifests", type=Path, nargs="+", required=True, help="of each task, in the same order")
    parser.add_argument("--features", type=Path, nargs="+", required=True, help="of one encoder, likewise")
    for name in ("table", "page", "metrics"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument(
        "--workers", type=int, default=cores.workers(), help="processes (default: $SER_WORKERS, or one a core)"
    )
    options = parser.parse_args()
    with one_line("auxiliary"):
        settings = params.read(options.params, "auxiliary", LendingParams)
        known = params.read(options.params, "tasks", dict[str, Task])
        folding = params.read(options.params, "grid", GridParams)
        network = params.read(options.params, "mlp", TrainParams)
        corpora = {}
        for name, path, folder in zip(settings.tasks, options.manifests, options.features, strict=True):
            task = tasks.named("tasks", known, name)
            people, encoded = vectors.read(folder.parent, manifest.read(path), [folder.name], task.emotions)
            corpora[name] = Corpus(task, people, encoded[folder.name])
        wanted = list(auxiliary.jobs(corpora, settings, folding.folds, folding.validation_share))
        progress = partial(tqdm, desc="auxiliary", unit="fit", disable=None)
        lines = auxiliary.scored(
            auxiliary.run(corpora, wanted, network, options.workers, progress), corpora, settings.intervals
        )
        lines = lines.sort_values("task", key=lambda names: names.map(settings.tasks.index), kind="stable")
        tables.write(lines, options.table)
        with whole_file(options.page) as temporary:
            temporary.write_text(auxiliary.page(lines, options.features[0].name, corpora, settings), encoding="utf-8")
        tables.write_metrics(auxiliary.nested(lines), options.metrics)
        print(f"auxiliary: mean difference over {len(corpora)} corpora: {auxiliary.summary(lines)}; see {options.page}")


if __name__ == "__main__":
    main()
