import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from ser.benchmarks import mitigation_table
from ser.files import tables
from tests import builders

STAGE = Path(__file__).resolve().parents[2] / "benchmarks" / "mitigation.py"
FLAGS = (
    "--task made --params params.yaml --manifest made.csv --features features --table table.csv --page page.md "
    "--picture picture.png --metrics metrics.json --workers 1"
)
PARAMS = {
    "tasks": {"made": {"corpus": "c", "emotions": ["angry", "sad"], "protocol": "kfold"}},
    "grid": {
        "classifiers": {"svm_tuned": {"normalisations": ["train"], "leave_out": [], "costs": [1.0]}},
        "contrast": [],
        "seeds": [0, 1],
        "folds": 4,
        "validation_share": 0.3,
        "inner_folds": 2,
    },
    "mlp": {
        "hidden": [8],
        "dropout": 0.1,
        "learning_rate": 0.01,
        "weight_decay": 0.01,
        "batch_size": 8,
        "epochs": 3,
        "patience": 3,
        "normalisation": "train",
        "class_weights": True,
        "seed": 0,
    },
    "mitigation": {
        "encoder": "made",
        "systems": {
            "soft_labels": {"labels": "soft"},
            "smoothed_labels": {"labels": "smoothed"},
            "speaker_normalisation": {"normalisation": "speaker"},
            "gender_weights": {"group_weights": "gender"},
            "adversary_speaker": {"adversary": {"attribute": "speaker", "strength": 0.3}},
            "robust_gender": {"robust": {"attribute": "gender", "step": 0.1}},
        },
        "cost": 1.0,
        "folds": 3,
        "intervals": {"resamples": 200, "confidence": 0.95, "seed": 0, "minimum_speakers": 3},
    },
}


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """Eight speakers of eight utterances, and their vectors."""
    monkeypatch.chdir(tmp_path)
    rows = builders.manifest(8, 8, ["angry", "sad"])
    tables.write(rows, Path("made.csv"))
    vectors = np.random.default_rng(0).normal(size=(64, 5))
    vectors[:, 0] += 3.0 * (rows["emotion"] == "sad")
    builders.save_vectors(rows, vectors, "made", Path("features/made/c.npz"))
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS, sort_keys=False))


def run(monkeypatch):
    monkeypatch.setattr(sys, "argv", [str(STAGE), *FLAGS.split()])
    runpy.run_path(str(STAGE), run_name="__main__")


def outputs():
    return {path.name: path.read_bytes() for path in Path().glob("*.*") if path.name not in ("params.yaml", "made.csv")}


@pytest.mark.slow
def test_writes_a_table_a_page_a_picture_and_metrics_the_same_each_time(monkeypatch, capsys):
    run(monkeypatch)
    table = tables.read(Path("table.csv"), mitigation_table.COLUMNS, text=("note",))
    assert table["system"].tolist() == ["baseline", *PARAMS["mitigation"]["systems"]]
    done = table[table["system"] != "soft_labels"]
    assert done[list(mitigation_table.MEASURES)].notna().all(axis=None)
    assert (done["seeds"] == 2).all()
    assert (done["uar"] > 0.7).all()
    assert "Not run: soft_labels: no votes" in Path("page.md").read_text()
    assert Path("picture.png").read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out.startswith("mitigation: made: baseline uar ")
    first = outputs()
    assert len(first) == 4
    run(monkeypatch)
    assert outputs() == first


def test_refuses_a_system_that_makes_no_sense_in_one_line(monkeypatch):
    broken = yaml.safe_load(Path("params.yaml").read_text())
    broken["mitigation"]["systems"]["robust_gender"]["robust"]["step"] = -1.0
    Path("params.yaml").write_text(yaml.safe_dump(broken))
    with pytest.raises(SystemExit, match=r"mitigation.*robust: step: expected a number above 0") as caught:
        run(monkeypatch)
    assert "\n" not in str(caught.value)
    assert outputs() == {}
