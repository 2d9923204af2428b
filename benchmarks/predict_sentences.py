"""Train every encoder's classifier with and without the test sentences, and predict the test utterances."""

import argparse
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ser import manifest
from ser.benchmarks import grid, sentence_folds, tasks, vectors
from ser.benchmarks.grid import GridParams
from ser.benchmarks.sentence_task import SentenceParams
from ser.benchmarks.tasks import Task
from ser.files import params, tables
from ser.files.failures import one_line
from ser.learning.recipe import TrainParams
from ser.machine import cores


def main() -> None:
    """Read the corpus' vectors; write the predictions on known and unseen sentences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True, help="its name in the params")
    for name in ("params", "manifest", "encoders", "features", "predictions"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument(
        "--workers", type=int, default=cores.workers(), help="processes (default: $SER_WORKERS, or one a core)"
    )
    options = parser.parse_args()
    with one_line("predict_sentences"):
        task = tasks.named("tasks", params.read(options.params, "tasks", dict[str, Task]), options.task)
        settings = params.read(options.params, "sentences", SentenceParams)
        sizes = params.read(options.params, "grid", GridParams)
        mlp = params.read(options.params, "mlp", TrainParams)
        encoders = vectors.available(vectors.read_encoders(options.encoders), settings.encoders)
        corpus = manifest.read(options.manifest)
        utterances, encoded = vectors.read(options.features, corpus, encoders, task.emotions)
        folds = sentence_folds.folds(utterances, task, settings, sizes)
        narrow = sentence_folds.narrowed(sizes, settings)
        progress = partial(tqdm, desc=options.task, disable=None)
        table = grid.predict(folds, encoded, utterances, task.emotions, narrow, mlp, options.workers, progress)
        tables.write(table, options.predictions)
        print(f"predict_sentences: {options.task}: {len(table)} predictions by {len(encoders)} encoders")


if __name__ == "__main__":
    main()
