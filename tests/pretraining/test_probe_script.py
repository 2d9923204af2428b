"""The probe's script, run on a small bundled corpus with encoders that nobody trained."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from ser.pase import checkpoint
from ser.pretraining.prosody_probe import MEASURES

ROOT = Path(__file__).resolve().parents[2]
EMOTIONS = ["angry", "happy", "neutral", "sad"]
SETTINGS = {
    "corpora": {"synthetic": "synthetic"},
    "tasks": {
        "two": {"corpus": "synthetic", "emotions": ["angry", "sad"]},
        "four": {"corpus": "synthetic", "emotions": EMOTIONS},
    },
    "baselines": ["mfcc"],
    "statistics": ["mean", "std"],
    "cost": 0.01,
    "prosody": {"utterances": 6, "seed": 0},
    "intervals": {"resamples": 200, "confidence": 0.95, "seed": 0, "minimum_speakers": 2},
}
OUTPUTS = {
    "table": "table.csv",
    "curve": "curve.csv",
    "prosody": "prosody.csv",
    "picture": "curve.png",
    "metrics": "metrics.json",
}


def module(folder: Path, name: str, *arguments: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", name, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


def probe(folder: Path, corpus: str = "synthetic") -> subprocess.CompletedProcess:
    outputs = [word for name, path in OUTPUTS.items() for word in (f"--{name}", path)]
    inputs = ["--params", "params.yaml", "--corpora", corpus, "--snapshots", "snapshots", "--losses", "losses.csv"]
    return module(
        folder,
        "pretraining.probe",
        *inputs,
        "--encoder",
        "encoder.safetensors",
        "--distilled",
        "distilled.safetensors",
        *outputs,
    )


@pytest.fixture(scope="module")
def probed(tmp_path_factory) -> Path:
    """The folder after a run: 16 utterances of four speakers, and snapshots at steps 1, 2 and, the encoder's own, 4."""
    folder = tmp_path_factory.mktemp("probe")
    main = yaml.safe_load((ROOT / "params.yaml").read_text())
    main["synthesize"] |= {"speakers": 4, "utterances_per_emotion": 1}
    (folder / "params.yaml").write_text(yaml.safe_dump(main | {"probe": SETTINGS}, sort_keys=False))
    made = module(folder, "stages.synthesize", "--params", "params.yaml", "--corpus", "synthetic")
    assert made.returncode == 0, made.stderr
    for step in (1, 2, 4):
        checkpoint.save(checkpoint.untrained(seed=step), folder / f"snapshots/{step:07d}.safetensors")
    checkpoint.save(checkpoint.untrained(seed=4), folder / "encoder.safetensors")
    checkpoint.save(checkpoint.untrained(seed=5), folder / "distilled.safetensors")
    pd.DataFrame({"step": [2, 4], "hours": [0.5, 1.0]}).to_csv(folder / "losses.csv", index=False)
    ended = probe(folder)
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.mark.slow
def test_every_extractor_is_scored_on_every_task(probed):
    table = pd.read_csv(probed / "table.csv")
    extractors = ["pase_plus_untrained", "pase_plus_self_supervised", "pase_plus", "mfcc"]
    assert list(zip(table["task"], table["extractor"], strict=True)) == [
        (task, extractor) for task in ("two", "four") for extractor in extractors
    ]
    assert table["uar"].between(0, 1).all()
    assert (table.groupby("task")["uar"].max() > [0.25, 0.5]).all()  # chance


@pytest.mark.slow
def test_the_curve_runs_from_the_untrained_encoder_to_the_last_snapshot_which_is_the_encoder(probed):
    curve, table = pd.read_csv(probed / "curve.csv"), pd.read_csv(probed / "table.csv")
    assert list(zip(curve["task"], curve["hours"], strict=True)) == [
        (task, hours) for task in ("two", "four") for hours in (0.0, 0.25, 0.5, 1.0)
    ]
    for hours, extractor in ((0.0, "pase_plus_untrained"), (1.0, "pase_plus_self_supervised")):
        found = curve.loc[curve["hours"] == hours, "uar"]
        np.testing.assert_array_equal(found, table.loc[table["extractor"] == extractor, "uar"])
    assert (probed / "curve.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_frames_of_every_encoder_are_asked_for_prosody_and_those_of_no_baseline(probed):
    prosody = pd.read_csv(probed / "prosody.csv")
    assert list(prosody["extractor"]) == [
        "pase_plus_untrained",
        "snapshot",
        "snapshot",
        "pase_plus_self_supervised",
        "pase_plus",
    ]
    assert list(prosody["hours"].dropna()) == [0.0, 0.25, 0.5, 1.0]
    assert (prosody[list(MEASURES)] < 1).all(axis=None)


@pytest.mark.slow
def test_metrics_are_the_tables_figures_without_the_snapshots(probed):
    metrics = json.loads((probed / "metrics.json").read_text())
    assert set(metrics) == {"two", "four", "prosody_synthetic"}
    for row in pd.read_csv(probed / "table.csv").itertuples():
        assert metrics[row.task][row.extractor]["uar"] == pytest.approx(row.uar, abs=1e-4)
    assert set(metrics["prosody_synthetic"]) == {"pase_plus", "pase_plus_self_supervised", "pase_plus_untrained"}


@pytest.mark.slow
def test_a_corpus_that_was_not_given_is_named(probed, tmp_path):
    ended = probe(probed, corpus=str(tmp_path))
    assert ended.returncode == 1
    assert f"expected a folder named 'synthetic', found {tmp_path.name}" in ended.stderr
    assert "Traceback" not in ended.stderr
