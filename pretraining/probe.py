"""Score the encoder, its snapshots, the untrained encoder and the baselines on corpora that none of them has seen."""

from ser.machine import numerics

numerics.fix()  # before NumPy and PyTorch load

import argparse
import tempfile
from functools import partial
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from ser import audio, features
from ser.corpora import intake
from ser.corpora.intake import ManifestParams
from ser.encoders import extraction
from ser.encoders.recipe import Recipe
from ser.files import params, tables
from ser.files.failures import InputError, one_line
from ser.machine import cores
from ser.pase import checkpoint
from ser.plots import drawing, probe_curve
from ser.pretraining import probe, prosody_probe
from ser.pretraining.probe import ProbeParams
from ser.scores import words

SHIPPED = "pase_plus"  # the distilled encoder, called what the benchmark calls it
SELF_SUPERVISED, UNTRAINED, SNAPSHOT = "pase_plus_self_supervised", "pase_plus_untrained", "snapshot"


def main() -> None:
    """Read every corpus, score every encoder on its tasks, write tables, curve and metrics."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, required=True)
    parser.add_argument("--corpora", type=Path, nargs="+", required=True, help="folders named as the corpora are")
    parser.add_argument("--encoder", type=Path, required=True, help="the encoder of stage pretrain (.safetensors)")
    parser.add_argument("--distilled", type=Path, required=True, help="the encoder after distillation (.safetensors)")
    parser.add_argument("--snapshots", type=Path, required=True, help="folder of encoders by steps taken")
    parser.add_argument("--losses", type=Path, required=True, help="table that says the hours seen at a step")
    parser.add_argument("--table", type=Path, required=True, help="UAR by task and extractor (.csv)")
    parser.add_argument("--curve", type=Path, required=True, help="UAR by task and hours of audio seen (.csv)")
    parser.add_argument("--prosody", type=Path, required=True, help="what frames know of pitch and the like (.csv)")
    parser.add_argument("--picture", type=Path, required=True, help="the curve (.png)")
    parser.add_argument("--metrics", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=cores.workers(), help="processes that encode")
    arguments = parser.parse_args()
    with one_line("probe"):
        settings = params.read(arguments.params, "probe", ProbeParams)
        compared = systems(arguments, settings)
        folders = {folder.name: folder for folder in arguments.corpora}
        scores, prosody = [], []
        for corpus in settings.corpora:
            if corpus not in folders:
                raise InputError(f"--corpora: expected a folder named '{corpus}', found {', '.join(sorted(folders))}")
            utterances = read_corpus(folders[corpus], settings.emotions_of(corpus))
            scores += score(compared, corpus, utterances, folders[corpus].parent, settings, arguments.workers)
            prosody += ask_frames(compared, corpus, utterances, folders[corpus].parent, settings)
        scores.sort(key=lambda row: list(settings.tasks).index(row["task"]))
        table, frames = pd.DataFrame(scores), pd.DataFrame(prosody)
        final, curve = table[table["extractor"] != SNAPSHOT], table[table["hours"].notna()]
        tables.write(final.drop(columns="hours"), arguments.table)
        tables.write(curve.drop(columns="extractor"), arguments.curve)
        tables.write(frames, arguments.prosody)
        drawing.save(probe_curve.draw(curve), arguments.picture)
        without_snapshots = frames[frames["extractor"] != SNAPSHOT]
        tables.write_metrics(
            nested(final, "task")
            | {f"prosody_{corpus}": figures for corpus, figures in nested(without_snapshots, "corpus").items()},
            arguments.metrics,
        )
        best = ", ".join(
            f"{row.task} {words.number(row.uar)}" for row in final.itertuples() if row.extractor == SHIPPED
        )
        print(f"probe: UAR of {SHIPPED}: {best}; see {arguments.table}")


def systems(
    arguments: argparse.Namespace, settings: ProbeParams
) -> list[tuple[str, float | None, Recipe, Path | None]]:
    """List what to compare: name, hours of audio seen in pretraining, recipe, weights.

    Hours ascend; they are None but for the run of stage pretrain.
    """
    recipe = partial(Recipe, statistics=settings.statistics)
    losses = tables.read(arguments.losses, ["step", "hours"])
    seen = probe.by_hours(sorted(arguments.snapshots.glob("*.safetensors")), losses)
    last = losses["hours"].iloc[-1]
    return [
        (UNTRAINED, 0.0, recipe(UNTRAINED), None),
        # The last snapshot is the encoder itself.
        *((SNAPSHOT, hours, recipe(SHIPPED), path) for hours, path in seen.items() if hours < last),
        (SELF_SUPERVISED, last, recipe(SHIPPED), arguments.encoder),
        # Of other speech and another task: no point of the curve.
        (SHIPPED, None, recipe(SHIPPED), arguments.distilled),
        *((name, None, recipe(name), None) for name in settings.baselines),
    ]


def score(
    compared: list[tuple], corpus: str, utterances: pd.DataFrame, raw: Path, settings: ProbeParams, workers: int
) -> list[dict]:
    """Encode a corpus by every system, and score the vectors on each of its tasks: a row per task and system."""
    rows = []
    for name, hours, recipe, weights in tqdm(compared, desc=f"{corpus}: emotions"):
        with tempfile.TemporaryDirectory() as folder:
            extraction.compute(utterances, raw, Path(folder, corpus), recipe, weights, workers=workers)
            vectors = features.read(Path(folder, corpus), utterances).vectors
        for task, choice in settings.tasks_of(corpus).items():
            chosen = utterances["emotion"].isin(choice.emotions).to_numpy()
            figures = probe.score(vectors[chosen], utterances[chosen], settings)
            rows.append({"task": task, "extractor": name, "hours": hours, **figures})
    return rows


def ask_frames(
    compared: list[tuple], corpus: str, utterances: pd.DataFrame, raw: Path, settings: ProbeParams
) -> list[dict]:
    """Ask the frames of every PASE+ encoder for the prosody of a sample of the utterances: a row per encoder."""
    asked = prosody_probe.sample(utterances, settings.prosody)
    signals = [audio.load(raw / path) for path in asked["path"]]
    measured = prosody_probe.measures(signals)
    rows = []
    encoders = [system for system in compared if system[0] in (SELF_SUPERVISED, SHIPPED, UNTRAINED, SNAPSHOT)]
    for name, hours, recipe, weights in tqdm(encoders, desc=f"{corpus}: prosody"):
        encoder = checkpoint.load(weights) if weights else checkpoint.untrained(seed=recipe.seed)
        encoded = prosody_probe.frames(encoder.eval(), signals)
        figures = prosody_probe.explained(encoded, measured, asked["speaker"].tolist())
        rows.append({"corpus": corpus, "extractor": name, "hours": hours, **figures})
    return rows


def read_corpus(folder: Path, emotions: list[str]) -> pd.DataFrame:
    """Take in a corpus, all or nothing."""
    accept = ManifestParams(
        {}, min_seconds=0.1, max_seconds=60.0, max_rejected_share=0.0, speaker_pattern={}, allow_incomplete=[]
    )
    table = intake.build(folder.parent, [folder.name], emotions, accept).manifest
    return table


def nested(table: pd.DataFrame, first: str) -> dict:
    """Give a table's figures by its first key, then by extractor."""
    return {
        key: rows.set_index("extractor").drop(columns=[first, "hours"]).to_dict("index")
        for key, rows in table.groupby(first)
    }


if __name__ == "__main__":
    main()
