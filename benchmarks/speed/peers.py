"""Seconds for an hour of audio: this project's features and pipeline, and what others offer for the same.

Features alone are made by one worker each; pipelines take as many as they do by themselves. nkululeko wants other
versions of what this project pins, so it has an environment of its own: ``python -m venv peer``,
``peer/bin/pip install nkululeko torch``, then ``--nkululeko peer/bin/python``.
"""

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from benchmarks.speed import running
from ser import manifest

# openSMILE's own interface, as its README shows it, on a list of files.
OPENSMILE = """
import sys
from pathlib import Path
import opensmile
smile = opensmile.Smile(
    feature_set=opensmile.FeatureSet[sys.argv[1]],
    feature_level=opensmile.FeatureLevel.Functionals,
    num_workers=1,
)
files = Path(sys.argv[2]).read_text().splitlines()
assert len(smile.process_files(files)) == len(files)
"""
# nkululeko's own experiment with eGeMAPS, which it takes from openSMILE, and a support vector machine on top.
NKULULEKO = """\
[EXP]
root = {folder}
name = measured
[DATA]
databases = ['corpus']
corpus = {table}
corpus.type = csv
corpus.absolute_path = True
corpus.split_strategy = speaker_split
target = emotion
[FEATS]
type = ['os']
set = eGeMAPSv02
[MODEL]
type = svm
"""


def stage(folder: Path, weights: Path, encoder: str) -> float:
    """Run the stage ``features`` with an encoder into a new folder; gives its seconds."""
    with tempfile.TemporaryDirectory(dir=folder) as made:
        params = running.write_params(Path(made) / "params.yaml", features={"encoder": encoder})
        return running.features(folder, params, folder / "manifest.csv", weights)


def pipeline(folder: Path, weights: Path, encoder: str, classifier: str) -> float:
    """Run the stages from ``manifest`` to ``evaluate`` on one split of the speakers, from nothing; gives their seconds.

    The contrast, a random split, is trained and scored beside it, as always.
    """
    with tempfile.TemporaryDirectory(dir=folder) as name:
        made = Path(name)
        corpora = [path.name for path in (folder / "raw").iterdir()]
        params = running.write_params(
            made / "params.yaml",
            corpora=corpora,
            emotions=sorted(manifest.read(folder / "manifest.csv")["emotion"].unique()),
            features={"encoder": encoder},
            split={"protocol": "holdout"},
            train={"classifier": classifier},
        )
        raw, table, split, models = folder / "raw", made / "manifest.csv", made / "split.csv", made / "models"
        vectors, copies, metrics = made / "features", made / "augmented", made / "metrics.json"
        said = {"params": params, "manifest": table}
        encoded = {"raw": raw, "weights": weights}
        drawn = {name: made / f"{name}.csv" for name in ("confusion", "classes", "folds", "risk")}
        costs = [running.read_corpora(params, raw, made)]
        shutil.copy(folder / "manifest.csv", table)  # it may have fewer utterances
        costs += [
            running.stage("features", **said, **encoded, features=vectors, baseline=made / "mfcc"),
            running.stage("split", **said, split=split, metrics=metrics),
            running.stage("augment", **said, **encoded, augmented=copies),
            running.stage(
                "train",
                **said,
                features=vectors,
                augmented=copies,
                split=split,
                models=models,
                dynamics=made / "dynamics.csv",
                curves=made / "curves.csv",
                picture=made / "curves.png",
            ),
            running.stage(
                "evaluate",
                **said,
                features=vectors,
                split=split,
                models=models,
                predictions=made / "predictions.csv",
                metrics=metrics,
                **drawn,
                picture=made / "confusion.png",
            ),
        ]
        return sum(cost.seconds for cost in costs)


def opensmile(folder: Path, feature_set: str) -> float:
    """Let openSMILE measure the files of the manifest; gives its seconds."""
    files = [folder / "raw" / path for path in manifest.read(folder / "manifest.csv")["path"]]
    (folder / "files.txt").write_text("\n".join(map(str, files)))
    return running.python("-c", OPENSMILE, feature_set, folder / "files.txt", environment=running.free()).seconds


def nkululeko(folder: Path, interpreter: Path) -> float:
    """Run nkululeko's experiment on the files of the manifest in a folder without its cache; gives its seconds."""
    rows = manifest.read(folder / "manifest.csv")
    with tempfile.TemporaryDirectory(dir=folder) as made:
        table, settings = Path(made) / "corpus.csv", Path(made) / "experiment.ini"
        told = rows.assign(file=[folder / "raw" / path for path in rows["path"]])
        told[["file", "speaker", "gender", "emotion"]].to_csv(table, index=False)
        settings.write_text(NKULULEKO.format(folder=made, table=table))
        command = ("-m", "nkululeko.nkululeko", "--config", settings)
        return running.python(*command, cwd=Path(made), environment=running.free(), interpreter=interpreter).seconds


def main() -> None:
    """Measure all in turns, and print medians as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    running.add_corpus(parser)
    parser.add_argument("--weights", type=Path, default=Path("models/pase_plus.safetensors"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--nkululeko", type=Path, metavar="PYTHON", help="of an environment that has it")
    options = parser.parse_args()
    weights = options.weights.resolve()
    ways: dict[str, Callable[[Path], float]] = {
        "stage `features`: PASE+, and MFCC as baseline": lambda folder: stage(folder, weights, "pase_plus"),
        "stage `features`: eGeMAPS, and MFCC as baseline": lambda folder: stage(folder, weights, "egemaps"),
        "openSMILE, eGeMAPSv02": lambda folder: opensmile(folder, "eGeMAPSv02"),
        "openSMILE, ComParE_2016": lambda folder: opensmile(folder, "ComParE_2016"),
        "pipeline: PASE+, the default network": lambda folder: pipeline(folder, weights, "pase_plus", "mlp"),
        "pipeline: eGeMAPS, a support vector machine": lambda folder: pipeline(folder, weights, "egemaps", "svm"),
    }
    peer = options.nkululeko
    if peer is not None:
        if not peer.is_file():
            parser.error(f"--nkululeko: expected a Python interpreter, found no file {peer}; give its path")
        # Not resolved: a link to an interpreter is what tells Python its environment.
        ways["nkululeko: eGeMAPS, a support vector machine"] = lambda folder: nkululeko(folder, peer.absolute())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hours = manifest.read(running.prepare(options, folder))["seconds"].sum() / 3600
        rounds = [{way: run(folder) / hours for way, run in ways.items()} for _ in range(options.rounds)]
    shown = [(way, f"{seconds:.1f}") for way, seconds in pd.DataFrame(rounds).median().items()]
    shown += [("nkululeko", "--nkululeko says where")] if peer is None else []
    print(pd.DataFrame(shown, columns=["", "seconds an hour of audio"]).to_markdown(index=False, disable_numparse=True))


if __name__ == "__main__":
    main()
