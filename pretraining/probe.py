"""Score the encoder, its snapshots, the untrained encoder and the baselines on corpora that none of them has seen."""

import argparse
import os
import re
import tempfile
from functools import partial
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from ser import extraction, features, intake, params, plots, reports, tables
from ser.encoders import Recipe
from ser.failures import one_line
from ser.intake import ManifestParams
from ser.pretraining import probe
from ser.pretraining.probe import ProbeParams

OURS, UNTRAINED = "pase_plus", "pase_plus_untrained"


def main() -> None:
    """Read every task's corpus, score every extractor on it, write table, curve and metrics."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, required=True, help="the trained encoder (.safetensors)")
    parser.add_argument("--snapshots", type=Path, required=True, help="folder of encoders by steps taken")
    parser.add_argument("--losses", type=Path, required=True, help="table that says the hours seen at a step")
    parser.add_argument("--table", type=Path, required=True, help="UAR by task and extractor (.csv)")
    parser.add_argument("--curve", type=Path, required=True, help="UAR by task and hours of audio seen (.csv)")
    parser.add_argument("--picture", type=Path, required=True, help="the curve (.png)")
    parser.add_argument("--metrics", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes that encode")
    arguments = parser.parse_args()
    with one_line("probe"):
        settings = params.read(arguments.params, "probe", ProbeParams)
        recipe = partial(Recipe, statistics=settings.statistics)
        steps = tables.read(arguments.losses, ["step", "hours"])
        hours_of = dict(zip(steps["step"], steps["hours"], strict=True))
        snapshots = {int(re.sub(r"\D", "", path.stem)): path for path in sorted(arguments.snapshots.glob("*.safetensors"))}
        extractors = {"pase_plus": recipe(OURS, weights=arguments.encoder)}
        extractors |= {name: recipe(name) for name in [UNTRAINED, *settings.baselines]}
        by_hours = {0.0: recipe(UNTRAINED)}
        by_hours |= {hours_of[step]: recipe(OURS, weights=path) for step, path in snapshots.items() if step in hours_of}
        rows, points = [], []
        for name, task in settings.tasks.items():
            manifest = read_task(task)
            score = partial(score_extractor, manifest, Path(task.raw), settings, arguments.workers)
            for extractor, made in tqdm(extractors.items(), desc=name):
                rows.append({"task": name, "extractor": extractor, **score(made)})
            for hours, made in tqdm(by_hours.items(), desc=f"{name}, by hours"):
                points.append({"task": name, "hours": hours, **score(made)})
        table, curve = pd.DataFrame(rows), pd.DataFrame(points)
        tables.write(table, arguments.table)
        tables.write(curve, arguments.curve)
        plots.save(plots.probe_curve(curve), arguments.picture)
        by_task = {task: part.set_index("extractor").drop(columns="task") for task, part in table.groupby("task")}
        reports.write({task: part.to_dict("index") for task, part in by_task.items()}, arguments.metrics)
        best = ", ".join(f"{row.task} {row.uar:.3f}" for row in table.itertuples() if row.extractor == OURS)
        print(f"probe: UAR of {OURS}: {best}; see {arguments.table}")


def read_task(task: probe.Task) -> pd.DataFrame:
    """Take in the corpus of a task, all or nothing."""
    accept = ManifestParams({}, min_seconds=0.1, max_seconds=60.0, max_rejected_share=0.0, speaker_pattern={}, allow_incomplete=[])
    table, _ = intake.build(Path(task.raw), [task.corpus], task.emotions, accept)
    return table


def score_extractor(manifest: pd.DataFrame, raw: Path, settings: ProbeParams, workers: int, recipe: Recipe) -> dict:
    """Encode the corpus of a task and score the vectors."""
    with tempfile.TemporaryDirectory() as folder:
        extraction.compute(manifest, raw, Path(folder), recipe, workers)
        vectors = features.read(Path(folder), manifest).vectors
    return probe.score(vectors, manifest, settings)


if __name__ == "__main__":
    main()
