import json
import re
import subprocess
import sys

import pandas as pd
import pytest
import yaml

from ser.benchmarks import real_corpora
from ser.benchmarks.real_corpora import RealCorpus
from ser.files.failures import InputError
from ser.plots import real_corpora as picture

# A pipeline of one stage, which writes what it was asked and heard as metrics.
STAGE = """
import json, pathlib, yaml
params = yaml.safe_load(open("params.yaml"))
heard = sorted(str(path) for path in pathlib.Path("data/raw").rglob("*.wav"))
pathlib.Path("metrics").mkdir(exist_ok=True)
for name in KEPT:
    pathlib.Path(f"metrics/{name}.json").write_text(json.dumps({"params": params, "heard": heard}))
"""
METRICS = {
    "manifest": {"utterances": 1200, "speakers": 6, "hours": 1.26, "emotions": {"angry": 600, "sad": 600}},
    "evaluate": {
        "chance_uar": 0.5,
        "speaker_independent": {"uar": 0.7, "uar_low": 0.6, "uar_high": 0.8, "recall": {"angry": 0.6, "sad": 0.8}},
        "random": {"uar": 0.9, "uar_low": 0.85, "uar_high": 0.95},
        "drop_from_random": {"uar": 0.2, "uar_low": 0.1, "uar_high": 0.3},
    },
    "bias": {"gender": {"gap": {"female_minus_male": {"uar": -0.1, "uar_low": -0.2, "uar_high": 0.05}}}},
    "representation": {
        "probe": {
            "features": {"speaker": {"balanced_accuracy": 0.4}},
            "features_minus_mfcc": {"emotion": {"balanced_accuracy": 0.05, "low": -0.01, "high": 0.11}},
        }
    },
    "familiarity": {"false_alarms": 0.06, "false_alarms_low": 0.02, "false_alarms_high": 0.11},
    "ambiguity": {},
    "split": {},
}
NO_RECALLS = pd.DataFrame(index=["one"])


@pytest.fixture
def metrics(tmp_path):
    """Write the metrics of a corpus."""

    def write(name, **changed):
        (tmp_path / name).mkdir()
        for file, values in {**METRICS, **changed}.items():
            (tmp_path / name / f"{file}.json").write_text(json.dumps(values))
        return tmp_path

    return write


@pytest.fixture
def project(tmp_path):
    """A git repository with a pipeline, and a corpus beside it."""
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "corpora/mine").mkdir(parents=True)
    (tmp_path / "corpora/mine/a.wav").write_bytes(b"RIFF")
    stage = STAGE.replace("KEPT", repr(real_corpora.KEPT))
    (root / "stage.py").write_text(stage)
    (root / "params.yaml").write_text(
        yaml.safe_dump({"corpora": ["x"], "emotions": ["sad"], "split": {"protocol": "kfold"}})
    )
    (root / "dvc.yaml").write_text(
        yaml.safe_dump(
            {"stages": {"all": {"cmd": f"{sys.executable} stage.py", "params": ["corpora", "emotions", "split"]}}}
        )
    )
    for command in (
        "git init -q",
        f"{sys.executable} -m dvc init -q",
        "git add -A",
        "git -c user.name=a -c user.email=a@a commit -qm one",
    ):
        subprocess.run(command.split(), cwd=root, check=True)
    return root


def test_the_pipeline_runs_on_the_corpus_with_its_params_and_leaves_the_project_as_it_is(project, tmp_path):
    corpus = RealCorpus("../corpora/mine", ["angry", "sad"], "loso")
    real_corpora.run(project, corpus, tmp_path / "checkout", project / "metrics/mine")

    found = json.loads((project / "metrics/mine/evaluate.json").read_text())
    assert found["params"] == {"corpora": ["mine"], "emotions": ["angry", "sad"], "split": {"protocol": "loso"}}
    assert found["heard"] == ["data/raw/mine/a.wav"]
    assert not (project / "data").exists()
    assert yaml.safe_load((project / "params.yaml").read_text())["corpora"] == ["x"]

    (tmp_path / "corpora/mine/b.wav").write_bytes(b"RIFF")
    real_corpora.run(
        project, RealCorpus("../corpora/mine", ["sad"], "kfold"), tmp_path / "checkout", project / "metrics/mine"
    )
    found = json.loads((project / "metrics/mine/evaluate.json").read_text())
    assert found["params"]["emotions"] == ["sad"]
    assert found["heard"] == ["data/raw/mine/a.wav", "data/raw/mine/b.wav"]


def test_a_stage_that_fails_is_one_line_and_keeps_the_metrics_there_were(project, tmp_path):
    (project / "stage.py").write_text("raise SystemExit(1)")
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@a", "commit", "-qam", "two"], cwd=project, check=True
    )
    (project / "metrics/mine").mkdir(parents=True)
    (project / "metrics/mine/evaluate.json").write_text("{}")

    with pytest.raises(InputError, match="dvc repro` to succeed, found exit code"):
        real_corpora.run(
            project, RealCorpus("../corpora/mine", ["sad"], "kfold"), tmp_path / "c", project / "metrics/mine"
        )
    assert (project / "metrics/mine/evaluate.json").read_text() == "{}"


def test_the_table_has_a_row_a_corpus_and_says_what_was_not_measured(metrics):
    metrics("one")
    folder = metrics("two", bias={})
    rows = real_corpora.table(folder, ["one", "two"])

    assert list(rows["corpus"]) == ["one", "two"]
    planted = {"uar": 0.7, "random_high": 0.95, "added_low": 0.1, "gender_gap": -0.1, "emotions": 2}
    assert rows.loc[0, list(planted)].to_dict() == planted
    assert pd.isna(rows.loc[1, "gender_gap"])
    page = re.sub(" +", " ", real_corpora.page(rows, NO_RECALLS))
    assert "| 0.700 [0.600, 0.800] | 0.900 [0.850, 0.950] | +0.200 [+0.100, +0.300] | -0.100 [-0.200, +0.050] |" in page
    assert "| not measured" in page
    assert "0.400 (no interval)" in page
    assert "| 0.060 [0.020, 0.110] |" in page


def test_the_gender_gaps_of_all_corpora_are_one_family_of_tests(metrics):
    for name, p in (("one", 0.02), ("two", 0.5)):
        metrics(name, bias={"gender": {"gap": {"female_minus_male": {"uar": 0.1, "p": p}}}})
    rows = real_corpora.table(metrics("three", bias={}), ["one", "two", "three"])
    assert rows["gender_p_holm"].tolist()[:2] == [0.04, 0.5]
    assert pd.isna(rows.loc[2, "gender_p_holm"])
    assert "| 0.020; 0.040 |" in re.sub(" +", " ", real_corpora.page(rows, NO_RECALLS))


def test_the_picture_shows_each_corpus_with_its_interval(metrics):
    rows = real_corpora.table(metrics("one"), ["one"])
    (axes,) = picture.draw(rows).axes
    (line,) = [collection for collection in axes.collections if len(collection.get_segments())]
    assert line.get_segments()[0][:, 0].tolist() == pytest.approx([0.6, 0.8])
    assert axes.get_yticklabels()[0].get_text().startswith("one")


def test_the_emotion_whose_recall_differs_most_is_named(metrics):
    recall = {"angry": 0.1, "sad": -0.3, "happy": 0.2}
    tests = {"recall_p": {"sad": 0.02, "happy": 0.1}, "recall_p_holm": {"sad": 0.14}}
    metrics("one", bias={"gender": {"gap": {"female_minus_male": {"uar": 0.0, "recall": recall} | tests}}})
    rows = real_corpora.table(metrics("two", bias={}), ["one", "two"])
    assert rows["gender_recall"].tolist() == ["sad -0.300; 0.020; 0.140", ""]
    assert "| sad -0.300; 0.020; 0.140 |" in re.sub(" +", " ", real_corpora.page(rows, NO_RECALLS))


def test_recalls_stand_by_emotion_those_of_most_corpora_first(metrics):
    scores = METRICS["evaluate"] | {"speaker_independent": {"uar": 0.5, "recall": {"bored": 0.25, "sad": 0.75}}}
    metrics("one")
    folder = metrics("two", evaluate=scores)
    found = real_corpora.recalls(folder, ["one", "two"])
    assert list(found.columns) == ["sad", "angry", "bored"]
    assert found.loc["two"].fillna(-1).tolist() == [0.75, -1, 0.25]
    page = re.sub(" +", " ", real_corpora.page(real_corpora.table(folder, ["one", "two"]), found))
    assert "| one | 0.800 | 0.600 | |\n| two | 0.750 | | 0.250 |" in page
