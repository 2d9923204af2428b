import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from ser.bundle import reading
from ser.confidence import familiarity
from ser.encoders import catalogue
from ser.encoders.recipe import Recipe
from ser.features import Features, save
from ser.files import tables
from ser.learning import fitting
from ser.splits import protocols
from ser.splits.protocols import SplitParams
from tests import builders
from tests.bundle.test_card import METRICS

STAGE = Path(__file__).resolve().parents[2] / "stages" / "bundle.py"
EMOTIONS = ["sad", "angry"]
FLAGS = (
    "--params params.yaml --manifest manifest.csv --features features --augmented augmented --auxiliary auxiliary "
    "--weights none --split split.csv --manifest-metrics manifest.json --evaluate-metrics evaluate.json "
    "--bias-metrics bias.json --familiarity-metrics familiarity.json --familiarity familiarity.safetensors "
    "--bundle out/bundle"
)


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """Work in a folder with all that the stage reads."""
    monkeypatch.chdir(tmp_path)
    rows = builders.manifest(6, 8, ["angry", "sad"])
    tables.write(rows, Path("manifest.csv"))
    tables.write(protocols.make(rows, EMOTIONS, SplitParams(**builders.SPLIT)), Path("split.csv"))
    extractor = catalogue.build(Recipe("mfcc"))
    vectors = np.random.default_rng(0).normal(size=(48, len(extractor.names))).astype(np.float32)
    vectors[:, 0] += np.where(rows["emotion"] == "angry", 3, -3)
    ids, sha256 = (rows[column].to_numpy(str) for column in ("id", "sha256"))
    save(Features(ids, sha256, vectors, np.array(extractor.names), extractor.fingerprint), Path("features/c.npz"))
    builders.save_copies(Path("augmented"), rows, {}, extractor.fingerprint)
    builders.save_auxiliary(Path("auxiliary"), rows.iloc[:0])
    familiarity.save(builders.familiarity(len(extractor.names)), Path("familiarity.safetensors"))
    blocks = {"emotions": EMOTIONS, "train": builders.TRAIN | {"networks": 2}, "intervals": builders.INTERVALS}
    blocks["split"] = {"sentences": "any"}
    Path("params.yaml").write_text(yaml.safe_dump(blocks))
    for name, metrics in METRICS.items():
        Path(f"{name}.json").write_text(json.dumps(metrics))


@pytest.fixture
def run(monkeypatch):
    def run(*more: str):
        monkeypatch.setattr(sys, "argv", [str(STAGE), *FLAGS.split(), *more])
        runpy.run_path(str(STAGE), run_name="__main__")

    return run


def test_writes_a_bundle_that_can_be_loaded_and_says_what_it_was_made_of(run, capsys):
    run()

    bundle = reading.load(Path("out/bundle"))
    assert bundle.predictor.labels == EMOTIONS
    assert bundle.description["data"]["corpora"] == METRICS["manifest"]["corpora"]
    assert bundle.description["scores"]["speaker_independent"] == METRICS["evaluate"]["speaker_independent"]
    assert "This classifier has no scores of its own" in bundle.card
    assert capsys.readouterr().out == "bundle: 48 utterances, 2 networks; see out/bundle/card.md\n"


def test_the_card_counts_the_networks_that_were_trained_not_those_that_were_asked_for(run, capsys):
    blocks = yaml.safe_load(Path("params.yaml").read_text())
    blocks["train"]["networks"] = 20  # of six speakers there are not so many choices of who validates
    Path("params.yaml").write_text(yaml.safe_dump(blocks))
    run()

    bundle = reading.load(Path("out/bundle"))
    (trained,) = bundle.predictor.classifiers
    assert 1 < len(trained.networks) < 20
    assert f"then the mean of {len(trained.networks)} networks." in bundle.card
    assert f"{len(trained.networks)} networks;" in capsys.readouterr().out


def test_the_same_inputs_give_the_same_bytes(run):
    run()
    first = {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}
    run()
    assert first == {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}


def test_it_says_which_distorted_copies_it_was_trained_on(run):
    run()
    plain = reading.load(Path("out/bundle"))
    rows, extractor = builders.manifest(6, 8, ["angry", "sad"]), catalogue.build(Recipe("mfcc"))
    noise = np.random.default_rng(1).normal(size=(48, len(extractor.names)))
    builders.save_copies(Path("augmented"), rows, {"pink_10": noise}, extractor.fingerprint)
    run()

    taught = reading.load(Path("out/bundle"))
    assert "augmented" not in plain.description["data"]
    assert taught.description["data"]["augmented"] == ["pink_10"]
    assert "pink_10" in taught.card
    asked = np.random.default_rng(2).normal(size=(4, len(extractor.names))).astype(np.float32)
    assert (taught.predictor.probabilities(asked) != plain.predictor.probabilities(asked)).any()


def test_it_says_which_other_corpora_it_was_trained_on(run, monkeypatch):
    blocks = yaml.safe_load(Path("params.yaml").read_text())
    blocks["train"]["start"] = "lda"
    Path("params.yaml").write_text(yaml.safe_dump(blocks))
    monkeypatch.setattr(fitting, "SHARES", (0.5,))
    run()
    plain = reading.load(Path("out/bundle"))
    rows, extractor = builders.manifest(3, 8, ["angry", "sad"]), catalogue.build(Recipe("mfcc"))
    rows = rows.assign(id="d/" + rows["id"], corpus="d", sha256=[f"{number:064x}" for number in range(100, 124)])
    vectors = np.random.default_rng(1).normal(size=(24, len(extractor.names)))
    builders.save_auxiliary(Path("auxiliary"), rows, vectors, extractor.fingerprint)
    run()

    taught = reading.load(Path("out/bundle"))
    assert "auxiliary" not in plain.description["data"]
    assert taught.description["data"]["auxiliary"] == {"d": 24}
    assert "0.5 for each one of the above, as its validation speakers chose: of d (24 utterances)." in taught.card
    asked = np.random.default_rng(2).normal(size=(4, len(extractor.names))).astype(np.float32)
    assert (taught.predictor.probabilities(asked) != plain.predictor.probabilities(asked)).any()


@pytest.mark.parametrize(("name", "content"), [("bias.json", "{"), ("evaluate.json", None)])
def test_metrics_that_cannot_be_read_are_one_line_and_leave_the_old_bundle(run, name, content):
    run()
    before = Path("out/bundle/bundle.json").read_bytes()
    Path(name).unlink() if content is None else Path(name).write_text(content)

    with pytest.raises(SystemExit, match=f"^bundle: {name}: "):
        run()

    assert Path("out/bundle/bundle.json").read_bytes() == before


def test_a_split_that_leaks_makes_no_bundle(run):
    builders.leak(Path("split.csv"))
    with pytest.raises(SystemExit, match=r"^bundle: split: kfold, fold 0: the speaker '.*' leaks"):
        run()
    assert not Path("out/bundle").exists()
