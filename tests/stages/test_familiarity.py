import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from ser import features
from ser.confidence import familiarity, noises
from ser.confidence.familiarity import FamiliarityParams
from ser.encoders import catalogue
from ser.encoders.recipe import Recipe
from ser.files import tables
from ser.splits import protocols
from ser.splits.protocols import SplitParams
from tests import builders

STAGE = Path(__file__).resolve().parents[2] / "stages" / "familiarity.py"
EMOTIONS = ["angry", "sad"]
OUTPUTS = ("familiarity.safetensors", "familiarity.json", "familiarity.csv", "familiarity.png")
PARAMS = {"emotions": EMOTIONS, "intervals": builders.INTERVALS, "familiarity": {"false_alarms": 0.1}}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Work in a folder with all that the stage reads, of six speakers."""
    monkeypatch.chdir(tmp_path)
    write(builders.manifest(6, 10, EMOTIONS), tmp_path)
    return tmp_path


def write(rows, folder):
    """Write what the stage reads of a corpus: vectors like those of one noise, predictions that are always right."""
    extractor = catalogue.build(Recipe("mfcc"))
    tables.write(rows, folder / "manifest.csv")
    heard = np.stack([extractor.vector(signal) for signal in noises.sounds("pink noise", 8)])
    scatter = np.random.default_rng(0).normal(size=(len(rows), len(extractor.names)))
    vectors = (heard.mean(axis=0) + heard.std(axis=0) * scatter).astype(np.float32)
    builders.save_vectors(rows, vectors, extractor.fingerprint, folder / "features" / "c.npz")
    builders.save_copies(folder / "augmented", rows, {}, extractor.fingerprint)
    tables.write(protocols.make(rows, EMOTIONS, SplitParams(**builders.SPLIT)), folder / "split.csv")
    right = (rows["emotion"].to_numpy()[:, np.newaxis] == np.array(EMOTIONS)).astype(float)
    tables.write(builders.predictions(rows, right, EMOTIONS), folder / "predictions.csv")
    (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS))


def run(monkeypatch):
    flags = (
        "--params params.yaml --manifest manifest.csv --features features --augmented augmented --weights none "
        "--split split.csv --predictions predictions.csv --familiarity familiarity.safetensors "
        "--metrics familiarity.json --distances familiarity.csv --picture familiarity.png"
    )
    monkeypatch.setattr(sys, "argv", [str(STAGE), *flags.split()])
    runpy.run_path(str(STAGE), run_name="__main__")


def test_describes_all_speech_and_counts_what_is_unlike_it(project, monkeypatch, capsys):
    run(monkeypatch)
    report = json.loads((project / "familiarity.json").read_text())
    assert 0 <= report["false_alarms"] < 0.4
    assert report["uar_familiar"] == 1
    assert list(report["detected"]) == sorted(noises.KINDS)
    assert report["detected"]["tones"] == 1
    found, made = familiarity.load(project / "familiarity.safetensors"), features.load(project / "features" / "c.npz")
    rows = pd.read_csv(project / "manifest.csv")
    wanted = familiarity.fit(
        made.vectors, rows["emotion"].to_numpy(), rows["speaker"].to_numpy(), familiarity.FamiliarityParams(0.1)
    )
    assert found.limit == wanted.limit
    assert capsys.readouterr().out.startswith("familiarity: flagged as unfamiliar: speech of other speakers ")


def test_what_was_trained_on_distorted_is_described_as_well(project, monkeypatch):
    extractor, rows = catalogue.build(Recipe("mfcc")), pd.read_csv(project / "manifest.csv")
    made = features.load(project / "features" / "c.npz").vectors
    copies = (made + 10 * made.std(axis=0)).astype(np.float32)
    builders.save_copies(project / "augmented", rows, {"pink_10": copies}, extractor.fingerprint)
    run(monkeypatch)
    found = familiarity.load(project / "familiarity.safetensors")
    assert (found.distances(copies) > 1).mean() < 0.2


def test_gives_the_same_bytes_again(project, monkeypatch):
    run(monkeypatch)
    first = [(project / name).read_bytes() for name in OUTPUTS]
    run(monkeypatch)
    assert [(project / name).read_bytes() for name in OUTPUTS] == first


def test_an_impossible_share_is_one_line(project, monkeypatch):
    (project / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"familiarity": {"false_alarms": 2.0}}))
    line = builders.failure("familiarity", lambda: run(monkeypatch), OUTPUTS)
    assert "false_alarms" in line


def test_speakers_of_one_utterance_are_one_line(project, monkeypatch):
    write(builders.manifest(6, 1, EMOTIONS), project)
    line = builders.failure("familiarity", lambda: run(monkeypatch), OUTPUTS)
    assert "found 2 of 4 from which no distance can be measured; add recordings" in line


def test_a_split_that_leaks_is_refused(project, monkeypatch):
    builders.leak(Path("split.csv"))
    assert "leaks" in builders.failure("familiarity", lambda: run(monkeypatch), OUTPUTS)


def test_predictions_of_the_random_contrast_change_nothing(project, monkeypatch):
    run(monkeypatch)
    before, own = Path("familiarity.json").read_text(), pd.read_csv("predictions.csv")
    wrong = own["truth"].map({"angry": "sad", "sad": "angry"})
    contrast = own.assign(protocol="random", prediction=wrong, p_angry=own["p_sad"], p_sad=own["p_angry"])
    tables.write(pd.concat([own, contrast]), Path("predictions.csv"))
    run(monkeypatch)
    assert Path("familiarity.json").read_text() == before


def test_parts_that_are_left_out_describe_nothing(project, monkeypatch):
    rows = builders.manifest(6, 10, EMOTIONS)
    own = dict(zip(sorted(set(rows["speaker"])), ["train", "train", "train", "dev", "test1", "test2"], strict=True))
    rows["details"] = [json.dumps({"split": own[speaker]}) for speaker in rows["speaker"]]
    write(rows, project)
    params = SplitParams(**builders.SPLIT | {"protocol": "predefined"}, test_parts=["test1"])
    tables.write(protocols.make(rows, EMOTIONS, params), Path("split.csv"))
    tested = rows[rows["speaker"] == "c/4"]
    right = (tested["emotion"].to_numpy()[:, np.newaxis] == np.array(EMOTIONS)).astype(float)
    tables.write(builders.predictions(tested, right, EMOTIONS, "predefined"), Path("predictions.csv"))
    run(monkeypatch)
    made, kept = features.load(Path("features/c.npz")), (rows["speaker"] != "c/5").to_numpy()
    described = made.vectors[kept], rows["emotion"].to_numpy()[kept], rows["speaker"].to_numpy()[kept]
    wanted = familiarity.fit(*described, FamiliarityParams(0.1))
    assert familiarity.load(Path("familiarity.safetensors")).limit == wanted.limit
