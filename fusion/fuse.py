"""Train voice, words and both on the same folds, and tell whether words help."""

import argparse
from functools import partial
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from ser import manifest
from ser.benchmarks import tasks
from ser.benchmarks import vectors as voices
from ser.files import params, tables
from ser.files.failures import one_line
from ser.fusion import claim, folds, run, table
from ser.fusion.task import WORDS, FusionParams, FusionTask
from ser.plots import drawing
from ser.plots import fusion as picture
from ser.splits import sentences
from ser.text import vectors

ENCODER = "pase_plus"


def main() -> None:
    """Read the vectors of a task; write the table of systems with the verdict, a picture and metrics."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True, help="its name in the params")
    for name in ("params", "manifest", "features", "words", "table", "picture", "metrics"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    with one_line("fuse"):
        task = tasks.named("tasks", params.read(options.params, "tasks", dict[str, FusionTask]), options.task)
        settings = params.read(options.params, "fusion", FusionParams)
        corpus, encoded = voices.read(options.features, manifest.read(options.manifest), [ENCODER], task.emotions)
        asked = task.asks(corpus)
        people, voice = corpus[asked].reset_index(drop=True), encoded[ENCODER].vectors[asked]
        words = vectors.read(options.words, people).vectors
        said = sentences.named(people, "fusion")
        found = folds.make(people, task, settings)
        bar = partial(tqdm, disable=None)
        predictions, weights = run.predict(
            found, voice, words, people, task.emotions, settings, partial(bar, desc=options.task)
        )
        meant = run.meaning(found, words, said, people, settings, partial(bar, desc="exchanges"))
        scored, obstacle = table.table(predictions, weights, task.emotions, settings)
        known = claim.examine(people, said)
        figures = table.nested(scored.round(9))  # as the table is written, so that page and verdict round alike
        verdict = claim.verdict(figures, known, meant, obstacle, settings, task.words == "heard")
        last = pd.DataFrame([{"folds": "", "system": table.CLAIM, "note": verdict.words}])
        tables.write(pd.concat([scored, last], ignore_index=True), options.table)
        title = f"{options.task}: {task.protocol}, {len(task.emotions)} emotions"
        drawing.save(picture.draw(scored, known["chance_uar"], title, settings.intervals.confidence), options.picture)
        told = {"words_help": int(verdict.helps), "refused": int(verdict.refused)}
        told |= claim.at_chance(figures[folds.SPEAKERS][WORDS], known["chance_uar"])
        tables.write_metrics(figures | {"ties": known, "meaning": meant, "claim": told}, options.metrics)
        print(f"fuse: {options.task}: words help: {verdict.words}; see {options.metrics}")


if __name__ == "__main__":
    main()
