"""Score the encoder, its snapshots, the untrained encoder and the baselines on corpora that none of them has seen."""

import argparse
import os
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from ser import audio, extraction, features, intake, params, reports, tables
from ser.encoders import Recipe
from ser.failures import one_line
from ser.intake import ManifestParams
from ser.pase import checkpoint
from ser.plots import drawing, probe_curve
from ser.pretraining import probe, prosody_probe
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
    parser.add_argument("--prosody", type=Path, required=True, help="what frames know of pitch and the like (.csv)")
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
        prosody = probe_prosody(corpora, systems, settings)
        tables.write(prosody, arguments.prosody)
        scored = pd.DataFrame(rows)
        table = scored[scored["extractor"] != SNAPSHOT].drop(columns="hours")
        curve = scored[scored["hours"].notna()].drop(columns="extractor")
        tables.write(table, arguments.table)
        tables.write(curve, arguments.curve)
        drawing.save(probe_curve.draw(curve), arguments.picture)
        by_task = {task: part.set_index("extractor").drop(columns="task") for task, part in table.groupby("task")}
        found = {task: part.to_dict("index") for task, part in by_task.items()}
        for corpus, part in prosody[prosody["extractor"] != SNAPSHOT].groupby("corpus"):
            known = part.set_index("extractor")[list(prosody_probe.MEASURES)]
            found[f"prosody_{corpus}"] = known.to_dict("index")
        reports.write(found, arguments.metrics)
        best = ", ".join(f"{row.task} {row.uar:.3f}" for row in table.itertuples() if row.extractor == OURS)
        print(f"probe: UAR of {OURS}: {best}; see {arguments.table}")


def probe_prosody(corpora: dict[str, Path], systems: list[tuple], settings: ProbeParams) -> pd.DataFrame:
    """Ask the frames of every PASE+ encoder for the prosody of a sample of each corpus' utterances."""
    rows = []
    for name, folder in corpora.items():
        emotions = sorted(
            {emotion for task in settings.tasks.values() for emotion in task.emotions if task.corpus == name}
        )
        manifest = read_task(folder, emotions)
        chosen = np.random.default_rng(0).permutation(len(manifest))[: settings.prosody_utterances]
        sample = manifest.iloc[np.sort(chosen)]
        signals = [audio.load(folder.parent / path) for path in sample["path"]]
        measured = prosody_probe.measures(signals)
        for extractor, hours, made in systems:
            if extractor in (OURS, SNAPSHOT, UNTRAINED):
                encoder = checkpoint.load(made.weights) if made.weights else checkpoint.untrained(seed=made.seed)
                encoded = prosody_probe.frames(encoder.eval(), signals)
                explained = prosody_probe.explained(encoded, measured, sample["speaker"].tolist())
                rows.append({"corpus": name, "extractor": extractor, "hours": hours, **explained})
    return pd.DataFrame(rows)


def read_task(corpus: Path, emotions: list[str]) -> pd.DataFrame:
    """Take in a corpus, all or nothing."""
    accept = ManifestParams(
        {}, min_seconds=0.1, max_seconds=60.0, max_rejected_share=0.0, speaker_pattern={}, allow_incomplete=[]
    )
    table, _ = intake.build(corpus.parent, [corpus.name], emotions, accept)
    return table


if __name__ == "__main__":
    main()
