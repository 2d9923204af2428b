"""Score the encoder, its snapshots, the untrained encoder and the baselines on corpora that none of them has seen."""

import argparse
import os
import tempfile
from functools import partial
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from ser import extraction, features, intake, params, reports, tables
from ser.encoders import Recipe
from ser.failures import one_line
from ser.intake import ManifestParams
from ser.plots import drawing, probe_curve
from ser.pretraining import probe
from ser.pretraining.probe import ProbeParams

OURS, UNTRAINED, SNAPSHOT = "pase_plus", "pase_plus_untrained", "snapshot"


def main() -> None:
    """Read every task's corpus, score every extractor on it, write table, curve and metrics."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, required=True)
    parser.add_argument("--corpora", type=Path, nargs="+", required=True, help="folders named as the corpora are")
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
        losses = tables.read(arguments.losses, ["step", "hours"])
        snapshots = probe.by_hours(sorted(arguments.snapshots.glob("*.safetensors")), losses)
        systems = [(OURS, None, recipe(OURS, weights=arguments.encoder)), (UNTRAINED, 0.0, recipe(UNTRAINED))]
        systems += [(name, None, recipe(name)) for name in settings.baselines]
        systems += [(SNAPSHOT, hours, recipe(OURS, weights=path)) for hours, path in snapshots.items()]
        corpora = {folder.name: folder for folder in arguments.corpora}
        rows = []
        with tempfile.TemporaryDirectory() as vectors:
            for task, choice in settings.tasks.items():
                corpus = corpora[choice.corpus]
                manifest = read_task(corpus, choice.emotions)
                for number, (name, hours, made) in enumerate(tqdm(systems, desc=task)):
                    folder = Path(vectors, str(number), choice.corpus)  # a corpus of two tasks is encoded once
                    extraction.compute(manifest, corpus.parent, folder, made, arguments.workers)
                    scores = probe.score(features.read(folder, manifest).vectors, manifest, settings)
                    rows.append({"task": task, "extractor": name, "hours": hours, **scores})
        scored = pd.DataFrame(rows)
        table = scored[scored["extractor"] != SNAPSHOT].drop(columns="hours")
        curve = scored[scored["hours"].notna()].drop(columns="extractor")
        tables.write(table, arguments.table)
        tables.write(curve, arguments.curve)
        drawing.save(probe_curve.draw(curve), arguments.picture)
        by_task = {task: part.set_index("extractor").drop(columns="task") for task, part in table.groupby("task")}
        reports.write({task: part.to_dict("index") for task, part in by_task.items()}, arguments.metrics)
        best = ", ".join(f"{row.task} {row.uar:.3f}" for row in table.itertuples() if row.extractor == OURS)
        print(f"probe: UAR of {OURS}: {best}; see {arguments.table}")


def read_task(corpus: Path, emotions: list[str]) -> pd.DataFrame:
    """Take in a corpus, all or nothing."""
    accept = ManifestParams(
        {}, min_seconds=0.1, max_seconds=60.0, max_rejected_share=0.0, speaker_pattern={}, allow_incomplete=[]
    )
    table, _ = intake.build(corpus.parent, [corpus.name], emotions, accept)
    return table


if __name__ == "__main__":
    main()
