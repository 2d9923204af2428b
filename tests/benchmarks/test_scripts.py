"""The benchmark's scripts, run by DVC's one command on a reduced grid over a small bundled corpus."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from sklearn.metrics import recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ser import features
from ser.benchmarks.comparison import CompareParams
from ser.benchmarks.encoding import Corpus, Variant
from ser.benchmarks.grid import GridParams
from ser.benchmarks.tasks import CrossCorpus, Task
from ser.corpora.intake import ManifestParams
from ser.files import params
from ser.learning.recipe import TrainParams

ROOT = Path(__file__).resolve().parents[2]
EMOTIONS = ["angry", "happy", "neutral", "sad"]
FOLDERS = {name: {"folder": f"data/raw/{name}", "emotions": EMOTIONS} for name in ("synthetic", "emodb_like")}
# Laid over the benchmark's own params.
REDUCED = {
    "corpora": FOLDERS,
    "encoders": {"mfcc": {"encoder": "mfcc"}, "hubert_base": {"encoder": "hubert_base"}},
    "tasks": {name: {"corpus": name, "emotions": EMOTIONS, "protocol": "kfold"} for name in FOLDERS},
    "cross_corpus": {"corpora": list(FOLDERS), "emotions": EMOTIONS},
}
CLASSIFIERS = {
    "svm_tuned": {"normalisations": ["train"], "leave_out": [], "costs": [1.0]},
    "mlp": {"normalisations": ["train"], "leave_out": []},
}
GRID = {
    "classifiers": CLASSIFIERS,
    "contrast": ["train"],
    "seeds": [0, 1],
    "folds": 2,
    "inner_folds": 2,
}
COMPARE = {"reference": "mfcc", "yardstick": {"encoder": "mfcc", "classifier": "svm_tuned", "normalisation": "train"}}


def run(folder: Path, *command: str) -> str:
    """Run a command of a project that must succeed, on a machine without network and without downloaded weights."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(folder / "site"),
        "TORCH_HOME": str(folder / "torch"),
        "https_proxy": "http://127.0.0.1:9",
        "no_proxy": "",
    }
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, f"{' '.join(command)}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the benchmark with a reduced grid, after its one command; the bundled corpus has eight speakers."""
    folder = tmp_path_factory.mktemp("benchmark")
    for name in ("ser", "benchmarks", "stages"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "data"))
    for name in ("requirements.txt", "params.yaml", "models/pase_plus.safetensors"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    main = yaml.safe_load((folder / "params.yaml").read_text())
    main["synthesize"] |= {"speakers": 8, "utterances_per_emotion": 2}
    (folder / "params.yaml").write_text(yaml.safe_dump(main))
    run(folder, "python", "-m", "stages.synthesize", "--params", "params.yaml", "--corpus", "data/raw/synthetic")
    shutil.copytree(folder / "data/raw/synthetic", folder / "data/raw/emodb_like")
    own = yaml.safe_load((folder / "benchmarks/params.yaml").read_text()) | REDUCED
    own["grid"] |= GRID
    own["mlp"] |= {"epochs": 2, "hidden": [8]}
    own["compare"] |= COMPARE
    own["compare"]["intervals"]["resamples"] = 200
    own["auxiliary"] |= {
        "tasks": list(FOLDERS),
        "classifiers": ["lda"],
        "speakers": [6],
        "seeds": [0],
    }
    (folder / "benchmarks/params.yaml").write_text(yaml.safe_dump(own))
    run(folder, "dvc", "init", "--no-scm", "--quiet")
    run(folder, "dvc", "repro", "benchmarks/dvc.yaml:compare@synthetic")
    return folder


@pytest.mark.slow
def test_one_command_makes_table_page_picture_and_metrics(project):
    table = pd.read_csv(project / "plots/benchmark_synthetic.csv")
    systems = table[table["normalisation"].notna()]
    assert systems.groupby(["encoder", "classifier", "protocol"]).size().to_dict() == {
        ("mfcc", classifier, protocol): 1 for classifier in ("svm_tuned", "mlp") for protocol in ("kfold", "random")
    }
    assert set(systems["seeds"]) == {2}
    assert systems["uar"].between(0, 1).all()
    metrics = json.loads((project / "metrics/benchmark_synthetic.json").read_text())
    svm = systems[(systems["classifier"] == "svm_tuned") & (systems["protocol"] == "kfold")].iloc[0]
    assert metrics["mfcc"]["svm_tuned"]["train"]["uar"] == pytest.approx(svm["uar"], abs=1e-4)
    assert metrics["mfcc"]["svm_tuned"]["train"]["uar"] > 0.4  # chance is 0.25
    assert f"{svm['uar']:.3f} [{svm['uar_low']:.3f}, {svm['uar_high']:.3f}]" in page(project, "synthetic")
    assert (project / "plots/benchmark_synthetic.png").stat().st_size > 1000


def page(project, name):
    return (project / f"docs/benchmark_{name}.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_without_a_network_the_run_goes_on_and_says_whose_weights_are_missing(project):
    table = pd.read_csv(project / "plots/benchmark_synthetic.csv").set_index("encoder")
    assert table.at["hubert_base", "note"] == "weights not available"
    assert "Not compared: hubert_base: weights not available." in page(project, "synthetic")


@pytest.mark.slow
def test_predictions_hold_every_utterance_once_for_each_system_protocol_and_seed(project):
    table = pd.read_csv(project / "benchmarks/data/predictions/synthetic.csv")
    counts = table.groupby(["encoder", "classifier", "normalisation", "protocol", "seed"])["id"].agg(
        ["size", "nunique"]
    )
    assert len(counts) == 2 * 2 * 2
    assert (counts == 64).all(axis=None)


@pytest.mark.slow
def test_corpora_are_crossed_each_way(project):
    folder = project / "benchmarks"
    said = run_on_both(project, "cross_corpus", "manifests", "encoders", "features", picture="p.png")
    assert "cross_corpus: best with normalisation train: synthetic to emodb_like: mfcc + " in said
    table = pd.read_csv(project / "t.csv")
    systems = table[table["normalisation"].notna()]
    assert systems.groupby(["corpora", "classifier"])["seeds"].first().to_dict() == {
        (pair, classifier): seeds
        for pair in ("synthetic to emodb_like", "emodb_like to synthetic")
        for classifier, seeds in (("svm_tuned", 1), ("mlp", 2))
    }
    # The other corpus is a copy of the one trained on.
    known = features.load(folder / "data/features/synthetic/mfcc/synthetic.npz").vectors.astype(float)
    truth = pd.read_csv(folder / "data/synthetic.csv")["emotion"]
    machine = make_pipeline(StandardScaler(), SVC(kernel="linear", class_weight="balanced", C=1 / known.shape[1]))
    uar = recall_score(truth, machine.fit(known, truth).predict(known), average="macro")
    assert systems.loc[systems["classifier"] == "svm_tuned", "uar"].tolist() == pytest.approx([uar, uar])
    assert set(json.loads((project / "m.json").read_text())) == {"synthetic_to_emodb_like", "emodb_like_to_synthetic"}


@pytest.mark.slow
def test_a_copy_of_the_tested_corpus_lends_what_tells_its_emotions(project):
    said = run_on_both(project, "auxiliary", "manifests", "features/mfcc")
    assert "auxiliary: mean difference over 2 corpora: lda, 6 speakers: +" in said
    table = pd.read_csv(project / "t.csv")
    assert table[["task", "speakers", "classifier", "draws"]].to_numpy().tolist() == [
        [name, 6, "lda", 1] for name in FOLDERS
    ]
    assert (table["difference"] > 0).all()
    metrics = json.loads((project / "m.json").read_text())
    assert {name: of["6"]["lda"]["difference"] for name, of in metrics.items()} == pytest.approx(
        dict(zip(table["task"], table["difference"], strict=True)), abs=1e-4
    )


def run_on_both(project: Path, script: str, *inputs: str, **outputs: str) -> str:
    """Run a script of the benchmark on both corpora; it leaves t.csv, p.md and m.json."""
    run(project, "dvc", "repro", "benchmarks/dvc.yaml:encode@emodb_like")
    ends = {"manifests": "{}.csv", "encoders": "{}_encoders.csv", "features": "features/{}"}
    paths = {}
    for flag, _, below in (each.partition("/") for each in inputs):
        paths[flag] = [str(Path("benchmarks/data", ends[flag].format(name), below)) for name in FOLDERS]
    paths |= {flag: [name] for flag, name in {"table": "t.csv", "page": "p.md", "metrics": "m.json", **outputs}.items()}
    flags = [word for flag, values in paths.items() for word in (f"--{flag}", *values)]
    command = ["python", "-m", f"benchmarks.{script}", "--params", "benchmarks/params.yaml"]
    return run(project, *command, *flags, "--workers", "1")


def test_the_benchmarks_own_params_are_what_the_scripts_read():
    file = ROOT / "benchmarks" / "params.yaml"
    corpora = params.read(file, "corpora", dict[str, Corpus])
    encoders = params.read(file, "encoders", dict[str, Variant])
    tasks = params.read(file, "tasks", dict[str, Task])
    grid = params.read(file, "grid", GridParams)
    cross = params.read(file, "cross_corpus", CrossCorpus)
    compare = params.read(file, "compare", CompareParams)
    params.read(file, "manifest", ManifestParams)
    params.read(file, "mlp", TrainParams)
    for name, corpus in corpora.items():
        assert Path(corpus.folder).name == name
    for task in tasks.values():
        assert set(task.emotions) <= set(corpora[task.corpus].emotions)
    for name in cross.corpora:
        assert set(cross.emotions) <= set(corpora[name].emotions)
    assert {compare.reference, compare.yardstick.encoder} <= set(encoders)
    assert set(grid.classifiers[compare.yardstick.classifier].normalisations) >= {compare.yardstick.normalisation}
    assert {name for choice in grid.classifiers.values() for name in choice.leave_out} <= set(encoders)
    assert len(grid.seeds) >= 3
