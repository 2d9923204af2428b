import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from ser import audio, features
from ser.encoders import catalogue
from ser.encoders.recipe import Recipe
from ser.files import tables
from ser.files.failures import InputError
from ser.robustness import lines, vectors
from tests import builders
from tests.robustness.conftest import syllables

STAGE = Path(__file__).resolve().parents[2] / "stages" / "augment.py"
FLAGS = "--params params.yaml --raw raw --manifest manifest.csv --noise noise --augmented augmented --workers 1"
TWO = {"pink": {"levels": [10]}, "telephone": {"levels": [3400]}}
MFCC = catalogue.build(Recipe("mfcc", ["mean"]))


def write_params(conditions, **others):
    block = {"conditions": conditions, "seed": 0} | others
    recipe = {"encoder": "mfcc", "statistics": ["mean"], "weights": "none"}
    Path("params.yaml").write_text(yaml.safe_dump({"features": recipe, "augment": block}))


def files():
    return {path.as_posix(): path.read_bytes() for path in Path("augmented").rglob("*") if path.is_file()}


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """Work in a folder with two corpora, of four and of two utterances; gives their manifest."""
    monkeypatch.chdir(tmp_path)
    rows = builders.manifest(3, 2, ["angry", "sad"])
    names = [f"{corpus}/{number}" for number, corpus in enumerate(["c", "c", "c", "c", "b", "b"])]
    rows = rows.assign(id=names, path=[f"{name}.wav" for name in names], corpus=[name[0] for name in names])
    for number, path in enumerate(rows["path"]):
        Path("raw", path).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(Path("raw", path), syllables(0.4, 100.0 + 20 * number), 16_000, subtype="FLOAT")
        rows.loc[number, "sha256"] = audio.digest(*audio.decode(Path("raw", path)))
    rows = rows.sort_values("id", ignore_index=True)
    tables.write(rows, Path("manifest.csv"))
    write_params(TWO)
    return rows


@pytest.fixture
def run(monkeypatch, capsys):
    """Give a function that runs the stage in this process, and gives what it printed."""

    def run() -> str:
        monkeypatch.setattr(sys, "argv", [str(STAGE), *FLAGS.split()])
        runpy.run_path(str(STAGE), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_every_utterance_has_a_copy_under_each_condition_in_the_manifests_order(run, project):
    assert run() == "augment: 12 copies encoded under pink_10, telephone_3400, 0 reused\n"
    copies = vectors.read_copies(Path("augmented"), project, MFCC.fingerprint)
    assert copies.conditions["condition"].tolist() == ["pink_10", "telephone_3400"]
    assert [each.shape for each in copies.vectors] == [(6, 60)] * 2
    signals = [audio.load(Path("raw", path)) for path in project["path"]]
    expected = [MFCC.vector(lines.telephone(signal, 3400, np.random.default_rng(0))) for signal in signals]
    np.testing.assert_allclose(copies.vectors[1], expected, rtol=1e-5, atol=1e-4)
    shuffled = project.iloc[[3, 0, 5, 1, 4, 2]].reset_index(drop=True)
    again = vectors.read_copies(Path("augmented"), shuffled, MFCC.fingerprint)
    np.testing.assert_array_equal(again.vectors[1], copies.vectors[1][[3, 0, 5, 1, 4, 2]])


def test_copies_by_other_numerics_are_taken_and_by_other_statistics_named(run, project):
    run()
    made = json.loads(MFCC.fingerprint)
    copies = vectors.read_copies(Path("augmented"), project, json.dumps(made | {"numerics": "cuda"}))
    assert len(copies.vectors) == 2
    with pytest.raises(InputError, match=r"found another encoder's: they differ in statistics; run the stage augment"):
        vectors.read_copies(Path("augmented"), project, json.dumps(made | {"statistics": ["std"]}))


def test_without_conditions_there_is_a_table_of_none(run, project):
    run()
    write_params({})
    assert run().startswith(
        "augment: no conditions, so no copies; b/pink_10.npz removed; b/telephone_3400.npz removed;"
    )
    assert set(files()) == {"augmented/conditions.csv"}
    assert vectors.read_copies(Path("augmented"), project, MFCC.fingerprint).vectors == []


def test_what_is_there_is_reused_and_the_bytes_are_those_of_a_run_from_nothing(run, project):
    run()
    whole = files()
    assert run() == "augment: 0 copies encoded under pink_10, telephone_3400, 12 reused\n"
    assert files() == whole
    tables.write(project[project["id"] != "c/2"], Path("manifest.csv"))
    assert "0 copies encoded" in run()
    fewer = files()
    for path in Path("augmented").rglob("*.npz"):
        path.unlink()
    run()
    assert files() == fewer != whole


def test_what_was_encoded_before_ctrl_c_is_kept(run, project, monkeypatch):
    loads, load = [], audio.load

    def interrupted(path, **options):
        loads.append(path)
        if len(loads) == 8:
            raise KeyboardInterrupt
        return load(path, **options)

    monkeypatch.setattr(audio, "load", interrupted)
    with pytest.raises(SystemExit) as caught:
        run()
    assert caught.value.code == 130
    with pytest.raises(InputError, match=r"conditions\.csv: no such file"):
        vectors.read_copies(Path("augmented"), project, MFCC.fingerprint)
    monkeypatch.setattr(audio, "load", load)
    assert run() == "augment: 5 copies encoded under pink_10, telephone_3400, 7 reused\n"


def test_a_damaged_file_is_made_anew_and_named(run):
    run()
    whole = files()
    Path("augmented/c/pink_10.npz").write_bytes(b"damaged")
    assert "; c/pink_10.npz was damaged and is new\n" in run()
    assert files() == whole


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"pikn": {"levels": [10]}}, "conditions.pikn: expected a distortion out of .*; did you mean 'pink'?"),
        ({"pink": {"levels": [99]}}, "conditions.pink.levels: expected .*, -20 to 60 for pink, found 99"),
        ({"pink": {"level": [10]}}, "params.yaml: augment.conditions.pink: unknown key 'level'; did you mean 'levels'"),
        ({"../pink": {"levels": [10], "distortion": "pink"}}, "conditions: expected names of letters, .* '../pink'"),
        (
            {"rain": {"levels": [10], "distortion": "recording", "recordings": "rain"}},
            "augment.conditions.rain: expected copies under rain_10, found no recordings in noise/rain; put them there",
        ),
        ({"babble": {"levels": [10]}}, "conditions.babble: expected no voices of other speakers"),
        ({"pink": {"levels": [10], "leave_out": ["c"]}}, "conditions.pink.leave_out: expected none"),
    ],
    ids=["misspelt", "level", "key", "path", "noise", "voices", "leave_out"],
)
def test_what_cannot_be_had_is_one_line_and_leaves_everything_as_it_was(run, conditions, message):
    run()
    before = files()
    write_params(TWO | conditions)
    with pytest.raises(SystemExit, match=rf"^augment: {message}") as caught:
        run()
    assert "\n" not in str(caught.value)
    assert files() == before


def test_recorded_noise_is_mixed_in_where_it_is_there(run):
    Path("noise/rain").mkdir(parents=True)
    rain = np.random.default_rng(0).uniform(-0.5, 0.5, 8000)
    soundfile.write("noise/rain/one.wav", rain, 16_000, subtype="FLOAT")
    write_params({"rain": {"levels": [10], "distortion": "recording", "recordings": "rain"}})
    assert run().startswith("augment: 6 copies encoded under rain_10")
    assert features.load(Path("augmented/c/rain_10.npz")).ids.tolist() == ["c/0", "c/1", "c/2", "c/3"]
