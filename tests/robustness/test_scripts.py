"""The scripts of robustness/, run by DVC's one command over a small bundled corpus, and what they refuse."""

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from ser.benchmarks.encoding import Corpus, Variant
from ser.benchmarks.tasks import Task
from ser.files import params
from ser.robustness import conditions, encoding
from ser.robustness.comparison import Marks
from ser.robustness.conditions import Choice
from ser.robustness.testing import Augment, Classifier

ROOT = Path(__file__).resolve().parents[2]
EMOTIONS = ["angry", "happy", "neutral", "sad"]
REDUCED = {
    "corpora": {"synthetic": {"folder": "data/raw/synthetic", "emotions": EMOTIONS, "encoders": ["mfcc"]}},
    "noise": "nowhere",
    "encoders": {"mfcc": {"encoder": "mfcc", "frames": "active"}},
    "again": {"mfcc_lda": "mfcc"},
    "classifiers": {"mfcc": "pipeline", "mfcc_lda": "lda"},
    "conditions": {
        "pink": {"levels": [0]},
        "telephone": {"levels": [3400]},
        "rain": {"distortion": "recording", "recordings": "rain", "levels": [10]},
    },
    "pase_plus_trained_on": ["telephone"],
    "augment": {"encoders": ["mfcc"], "conditions": ["pink_0"]},
    "whisper": "nowhere",
    "tasks": {"synthetic": {"corpus": "synthetic", "emotions": EMOTIONS, "protocol": "kfold"}},
}


def run(folder: Path, *command: str) -> str:
    """Run a command of a project that must succeed."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(folder / "site"),
    }
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, f"{' '.join(command)}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the stage group with few conditions, after its one command; the bundled corpus has eight speakers."""
    folder = tmp_path_factory.mktemp("robustness")
    for name in ("ser", "robustness", "stages"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "data"))
    for name in ("requirements.txt", "models/pase_plus.safetensors"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    main = yaml.safe_load((ROOT / "params.yaml").read_text())
    main["synthesize"] |= {"speakers": 8, "utterances_per_emotion": 2}
    main["split"] |= {"folds": 2, "protocol": "predefined", "test_parts": ["test1"]}  # which tasks overrule
    main["train"] |= {"epochs": 2, "hidden": [8], "networks": 1}
    main["intervals"]["resamples"] = 200
    (folder / "params.yaml").write_text(yaml.safe_dump(main))
    own = yaml.safe_load((ROOT / "robustness/params.yaml").read_text()) | REDUCED
    (folder / "robustness/params.yaml").write_text(yaml.safe_dump(own))
    run(folder, "python", "-m", "stages.synthesize", "--params", "params.yaml", "--corpus", "data/raw/synthetic")
    run(folder, "dvc", "init", "--no-scm", "--quiet")
    run(folder, "dvc", "repro", "robustness/dvc.yaml:compare@synthetic")
    return folder


@pytest.mark.slow
def test_one_command_measures_every_condition_that_can_be_measured(project):
    table = pd.read_csv(project / "plots/robustness_synthetic.csv")
    measured = table[table["uar"].notna()]
    names = ["clean", "pink_0", "telephone_3400", "mean", "mean_new_to_pase_plus"]
    listed = measured.groupby(["encoder", "training"])["condition"].agg(list).to_dict()
    augmented = {("mfcc", "augmented"): [*names, "mean_unseen_others"]}
    assert listed == augmented | {("mfcc", "clean"): names, ("mfcc_lda", "clean"): names}
    assert measured["uar"].between(0, 1).all()
    assert table.loc[table["uar"].isna(), ["condition", "note"]].to_numpy().tolist() == [
        ["rain_10", "no recordings in nowhere/rain"]
    ]
    metrics = json.loads((project / "metrics/robustness_synthetic.json").read_text())
    assert set(metrics["mfcc"]["clean"]) == set(names)
    assert (project / "plots/robustness_synthetic.png").stat().st_size > 1000
    predicted = pd.read_csv(project / "robustness/data/predictions/synthetic.csv")
    counted = predicted.groupby(["encoder", "training", "condition"])["id"].agg(["size", "nunique"])
    assert (counted == 64).all(axis=None)


@pytest.mark.slow
def test_the_page_is_written_of_the_tables(project):
    flags = (
        "--params robustness/params.yaml --pipeline params.yaml --tables plots/robustness_synthetic.csv "
        "--pictures plots/robustness_synthetic.png --template ser/report/report.html.j2 --page p.md --report p.html"
    )
    said = run(project, "python", "-m", "robustness.page", *flags.split())
    assert said.startswith("page: synthetic: on clean speech mfcc has a UAR of ")
    text = (project / "p.md").read_text()
    assert "Not measured: rain_10 (no recordings in nowhere/rain)." in text
    assert "| pink* " in text
    assert "What do distorted copies in training win back on synthetic?" in (project / "p.html").read_text()


@pytest.mark.slow
def test_a_second_run_has_nothing_to_do(project):
    assert "Data and pipelines are up to date" in run(project, "dvc", "repro", "robustness/dvc.yaml:compare@synthetic")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conditions": {"punk": {"levels": [1]}}}, "conditions.punk: expected a distortion out of "),
        ({"conditions": {"pink": {"levels": [100]}}}, "conditions.pink.levels: expected signal-to-noise ratio in dB"),
        ({"conditions": {"pink": {"level": 1}}}, "unknown key 'level'; did you mean 'levels'?"),
        ({"corpora": {"other": {"folder": "data/raw/other", "emotions": EMOTIONS}}}, "corpora: expected 'synthetic'"),
        ({}, "synthetic"),  # there is no such folder
    ],
)
def test_encode_refuses_in_one_line(tmp_path, monkeypatch, change, message):
    monkeypatch.chdir(tmp_path)
    own = yaml.safe_load((ROOT / "robustness/params.yaml").read_text()) | REDUCED | change
    Path("own.yaml").write_text(yaml.safe_dump(own))
    flags = (
        f"--params own.yaml --pipeline {ROOT / 'params.yaml'} --corpus data/raw/synthetic --weights none "
        "--whisper none --manifest m.csv --conditions c.csv --encoders e.csv --features f"
    )
    script = ROOT / "robustness/encode.py"
    monkeypatch.setattr(sys, "argv", [str(script), *flags.split()])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(script), run_name="__main__")
    said = str(caught.value.code)
    assert said.startswith("encode: ")
    assert message in said
    assert "\n" not in said
    assert not list(tmp_path.glob("*.csv"))


def test_the_groups_own_params_are_what_the_scripts_read():
    file = ROOT / "robustness/params.yaml"
    corpora = params.read(file, "corpora", dict[str, Corpus])
    encoders = params.read(file, "encoders", dict[str, Variant])
    classifiers = params.read(file, "classifiers", dict[str, Classifier])
    tasks = params.read(file, "tasks", dict[str, Task])
    params.read(file, "marks", Marks)
    block = params.read(file, "conditions", dict[str, Choice])
    augment = params.read(file, "augment", Augment)
    augment.check(classifiers, encoding.table(dict.fromkeys(conditions.listed(block, ""), "")))
    assert set(augment.conditions) <= {condition.name for condition in conditions.listed(block, "")}
    again = params.read(file, "again", dict[str, str])
    assert set(classifiers) == {*encoders, *again}
    assert set(again.values()) <= set(encoders)
    for name, corpus in corpora.items():
        assert Path(corpus.folder).name == name
    for task in tasks.values():
        assert set(task.emotions) <= set(corpora[task.corpus].emotions)
    definition = yaml.safe_load((ROOT / "robustness/dvc.yaml").read_text())
    page = definition["stages"]["page"]["deps"]
    for name in tasks:
        assert {f"plots/robustness_{name}.csv", f"plots/robustness_{name}.png"} <= set(page)
