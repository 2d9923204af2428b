import runpy
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml

from ser import auxiliary
from ser.encoders import catalogue
from ser.encoders.recipe import Recipe
from tests import builders
from tests.robustness.conftest import syllables

STAGE = Path(__file__).resolve().parents[2] / "stages" / "auxiliary.py"
FLAGS = "--params params.yaml --raw raw --auxiliary auxiliary --workers 1"
MFCC = catalogue.build(Recipe("mfcc", ["mean"]))
MANIFEST = {"merge": {}, "min_seconds": 0.2, "max_seconds": 9.0, "max_rejected_share": 0.5, "speaker_pattern": {}}


def write_params(*corpora):
    recipe = {"encoder": "mfcc", "statistics": ["mean"], "weights": "none"}
    blocks = {"corpora": ["mine"], "emotions": ["angry", "sad", "happy"], "auxiliary": {"corpora": list(corpora)}}
    blocks |= {"features": recipe, "manifest": MANIFEST | {"allow_incomplete": []}}
    Path("params.yaml").write_text(yaml.safe_dump(blocks))


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """Work in a folder with the corpora ``a`` and ``b``, neither of which has all emotions."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(["a/angry/1", "a/sad/2", "a/bored/3", "b/happy/1", "b/angry/2"]):
        path = Path("raw", f"{name}.wav")
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, syllables(0.4, 100.0 + 20 * number), 16_000, subtype="FLOAT")
    write_params("a", "b")


@pytest.fixture
def run(monkeypatch, capsys):
    """Give a function that runs the stage in this process, and gives the last line that it printed."""

    def run() -> str:
        monkeypatch.setattr(sys, "argv", [str(STAGE), *FLAGS.split()])
        runpy.run_path(str(STAGE), run_name="__main__")
        return capsys.readouterr().out.splitlines()[-1]

    return run


def files():
    return sorted(path.name for path in Path("auxiliary").iterdir())


def read():
    return auxiliary.read(Path("auxiliary"), builders.manifest(3, 2, ["angry", "sad"]), MFCC.fingerprint)


def test_every_utterance_of_a_wanted_emotion_has_a_vector(run):
    assert run() == (
        "auxiliary: 4 utterances of unknown speakers, 0.0 h, from a, b; rejected 1 (1 unmapped); 4 encoded, 0 reused"
    )
    found = read()
    assert found.utterances["id"].tolist() == ["a/angry/1", "a/sad/2", "b/angry/2", "b/happy/1"]
    assert found.vectors.shape == (4, 60)
    assert np.isfinite(found.vectors).all()


def test_what_is_there_is_reused_and_what_is_no_longer_wanted_removed(run):
    run()
    write_params("b")
    assert run().endswith("; 0 encoded, 2 reused")
    assert files() == ["b.npz", "manifest.csv"]


def test_without_corpora_there_is_a_table_of_none(run):
    run()
    write_params()
    assert run() == "auxiliary: no corpora"
    assert files() == ["manifest.csv"]
    assert pd.read_csv("auxiliary/manifest.csv").empty
    assert read().described() == {}


@pytest.mark.parametrize(
    ("corpora", "message"),
    [
        (["mine"], "auxiliary.corpora: 'mine' is among `corpora`, too, where its speakers test; take it out of one"),
        (["a", "a"], "auxiliary.corpora: expected each once, found a, a"),
        (["c"], "raw/c: no such folder; put the corpus there"),
    ],
)
def test_corpora_that_cannot_be_lent_are_one_line(run, corpora, message):
    write_params(*corpora)
    with pytest.raises(SystemExit) as caught:
        run()
    assert str(caught.value.code).startswith(f"auxiliary: {message}")
