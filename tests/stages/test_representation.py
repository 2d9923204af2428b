import dataclasses
import json
import runpy
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml

from ser import audio, manifest
from ser.encoders import extraction
from ser.encoders.recipe import Recipe as FeatureRecipe
from ser.files import tables
from ser.learning import classifier
from ser.learning.recipe import Recipe
from ser.representation import projection, sample
from ser.representation.spaces import RepresentationParams
from ser.splits import protocols, table
from ser.splits.protocols import SplitParams
from tests import builders

STAGE = Path(__file__).resolve().parents[2] / "stages" / "representation.py"
SPEAKERS, TAKES = 8, 8
SETTINGS = {"folds": 4, "cost": 0.01, "permutations": 3, "perplexity": 10.0, "neighbours": 10, "utterances": 10_000}
PARAMS = {
    "age_bands": [30],
    "intervals": builders.INTERVALS,
    "representation": SETTINGS,
}
SPLIT = SplitParams(**builders.SPLIT)
EXTRACTOR = '{"encoder": "numbers"}'
MFCC = FeatureRecipe("mfcc")
OUTPUTS = (
    *("representation.json", "probes.csv", "silhouettes.csv", "points.csv"),
    *("representation.png", "projection.png"),
)


class Classifier:
    """Stands in for a trained classifier: its last layer is what went in, without the numbers that hold the speaker."""

    extractor = EXTRACTOR

    def __init__(self):
        self.recipe = Recipe(
            [], SimpleNamespace(layers=[10]), self.extractor, "kfold", 0, table.digest(table.read(Path("split.csv")))
        )

    def hidden(self, vectors, speakers):
        return vectors[:, :10]


def record(folder):
    """Eight speakers, half women, half under 30, each with a pitch of their own, in audio files."""
    rng, rows = np.random.default_rng(0), []
    for index in range(SPEAKERS * TAKES):
        speaker, take = divmod(index, TAKES)
        time = np.arange(6400) / 16_000
        signal = np.sin(2 * np.pi * (120 + 40 * speaker) * time) * 0.3 + 0.01 * rng.normal(size=len(time))
        path = folder / "raw" / "c" / f"{index:02d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, signal, 16_000)
        row = dict.fromkeys(manifest.COLUMNS, "") | {"id": f"c/{index:02d}", "path": f"c/{path.name}", "corpus": "c"}
        row |= {
            "speaker": f"c/{speaker}",
            "gender": ("female", "male")[speaker % 2],
            "age": 25.0 + 10 * (speaker % 4 < 2),
        }
        row |= {"emotion": ("angry", "sad")[take % 2], "text": f"sentence {take // 2}", "seconds": 0.4}
        row |= {"sampling_rate": 16_000, "sha256": audio.digest(*audio.decode(path))}
        rows.append(row)
    return pd.DataFrame(rows)


@pytest.fixture
def people(tmp_path):
    return record(tmp_path)


def enter(monkeypatch, folder):
    """Work in a folder, with a classifier that stands in, and without UMAP, which takes long to compile itself."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(classifier, "load", lambda path: Classifier())
    monkeypatch.setattr(projection, "by_umap", lambda vectors, neighbours, seed: vectors[:, :2])


def lay_out(people, protocol="kfold"):
    """Make all that the stage reads."""
    tables.write(people, Path("manifest.csv"))
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(len(people), 20)).astype(np.float32)
    vectors[:, 0] += np.where(people["emotion"] == "angry", 2, -2)
    vectors[:, 10:] += 2 * rng.normal(size=(SPEAKERS, 10))[people.index // TAKES]
    builders.save_vectors(people, vectors, EXTRACTOR, Path("features/c.npz"))
    extraction.compute(people, Path("raw"), Path("mfcc"), MFCC)
    split = protocols.make(people, ["angry", "sad"], dataclasses.replace(SPLIT, protocol=protocol))
    tables.write(split, Path("split.csv"))
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS))


@pytest.fixture
def project(tmp_path, monkeypatch, people):
    """Give a function that makes all that the stage reads, of these people or of changed ones, and works there."""
    enter(monkeypatch, tmp_path)
    return lambda people=people, protocol="kfold": lay_out(people, protocol)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """What one run over the project as it is left: its folder, its metrics, what it printed."""
    folder = tmp_path_factory.mktemp("measured")
    with pytest.MonkeyPatch.context() as monkeypatch, redirect_stdout(StringIO()) as out:
        enter(monkeypatch, folder)
        lay_out(record(folder))
        report = run(monkeypatch)
    return folder, report, out.getvalue()


def run(monkeypatch):
    flags = (
        "--params params.yaml --manifest manifest.csv --features features --baseline mfcc --split split.csv "
        "--models models --metrics representation.json --probes probes.csv --silhouettes silhouettes.csv "
        "--points points.csv --picture representation.png --projection-picture projection.png"
    )
    monkeypatch.setattr(sys, "argv", [str(STAGE), *flags.split()])
    runpy.run_path(str(STAGE), run_name="__main__")
    return json.loads(Path("representation.json").read_text())


def test_the_stage_measures_what_is_there(measured):
    _, report, out = measured
    probe = report["probe"]
    for space in ("features", "features_by_speaker", "mfcc", "mfcc_by_speaker"):
        assert set(probe[space]) == {"emotion", "speaker", "gender", "age"}
    assert probe["features"]["emotion"]["low"] > 0.6
    assert probe["features"]["speaker"]["low"] > 0.8
    assert probe["features_by_speaker"]["speaker"]["high"] < 1 / SPEAKERS
    assert probe["mfcc"]["speaker"]["low"] > 0.8  # by the pitch
    assert probe["mfcc"]["emotion"]["balanced_accuracy"] == pytest.approx(0.5, abs=0.2)
    assert probe["features_minus_mfcc"]["emotion"]["low"] > 0
    assert probe["hidden_held_out_minus_features_held_out"]["speaker"]["high"] < 0
    assert report["silhouette"]["features"]["speaker"]["silhouette"] > 0
    assert out.startswith("representation: a linear probe reads off numbers emotion ")
    assert out.count("\n") == 1
    assert out.endswith("; see probes.csv\n")


def test_of_a_large_corpus_some_utterances_are_drawn_and_it_says_so(project, monkeypatch, capsys):
    monkeypatch.setattr(sample, "EACH", 2)
    monkeypatch.setattr(RepresentationParams, "__post_init__", lambda params: None)  # so few it would refuse
    project()
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS | {"representation": SETTINGS | {"utterances": 48}}))
    run(monkeypatch)
    rows = tables.read(Path("probes.csv"), ("space", "attribute", "utterances")).set_index(["space", "attribute"])
    assert rows.loc[("features", "speaker"), "utterances"] == 48
    assert len(pd.read_csv("points.csv")) == 2 * 48
    assert " (48 utterances, drawn out of 64); see probes.csv" in capsys.readouterr().out


def test_the_points_are_those_of_all_utterances_by_both_methods(measured, people):
    points = pd.read_csv(measured[0] / "points.csv")
    assert list(points.columns) == ["id", "method", "x", "y"]
    assert list(points["id"]) == [*people["id"], *people["id"]]


@pytest.mark.slow
def test_the_same_files_give_the_same_bytes(measured, project, monkeypatch):
    project()
    run(monkeypatch)
    assert [Path(name).read_bytes() for name in OUTPUTS] == [(measured[0] / name).read_bytes() for name in OUTPUTS]


@pytest.mark.slow
@pytest.mark.parametrize(("attribute", "nobody"), [("gender", ""), ("age", np.nan)])
def test_what_is_unknown_for_everybody_is_said_and_left_out(project, monkeypatch, capsys, people, attribute, nobody):
    project(people.assign(**{attribute: nobody}))
    assert attribute not in run(monkeypatch)["probe"]["features"]
    assert f"{attribute} not probed (no utterance of known {attribute} and speaker" in capsys.readouterr().out
    rows = pd.read_csv("probes.csv")
    assert rows.loc[rows["attribute"] == attribute, "remark"].str.contains("no utterance of known").all()


def test_without_speakers_nothing_is_probed_and_the_maps_are_drawn(project, monkeypatch, capsys, people):
    project(people.assign(speaker=""), protocol="random")
    assert run(monkeypatch) == {"probe": {}, "silhouette": {}}
    assert "speaker not probed (no utterance of known speaker" in capsys.readouterr().out
    assert len(pd.read_csv("points.csv")) == 2 * len(people)
    assert Path("projection.png").stat().st_size > 1000


@pytest.mark.slow
def test_one_speaker_of_a_gender_is_refused_by_name(project, monkeypatch, capsys, people):
    project(people.assign(gender=np.where(people["speaker"] == "c/3", "male", "female")))
    assert "gender" not in run(monkeypatch)["probe"]["features"]
    assert "gender not probed (gender male has the single speaker c/3, who cannot train" in capsys.readouterr().out


def failure(monkeypatch):
    """Run the stage, which must fail with one line and write no result."""
    with pytest.raises(SystemExit) as caught:
        run(monkeypatch)
    assert not [name for name in OUTPUTS[1:] if Path(name).exists()]
    message = str(caught.value.code)
    assert message.startswith("representation: ")
    assert "\n" not in message
    return message


def test_settings_out_of_range_are_refused(project, monkeypatch):
    project()
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS | {"representation": SETTINGS | {"cost": 0.0}}))
    assert "params.yaml: representation: cost: expected 1e-09 to 1000000000.0" in failure(monkeypatch)


def test_classifiers_of_other_features_are_refused(project, monkeypatch):
    project()
    monkeypatch.setattr(Classifier, "extractor", "{}")
    assert "kfold-00.safetensors: expected a classifier trained on features of" in failure(monkeypatch)


def test_a_split_that_leaks_is_refused(project, monkeypatch):
    project()
    builders.leak(Path("split.csv"))
    assert "leaks" in builders.failure("representation", lambda: run(monkeypatch), OUTPUTS)
