import json
import os
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from ser import manifest

STAGE = Path(__file__).resolve().parents[2] / "stages" / "manifest.py"
PARAMS = {
    "corpora": ["mine"],
    "emotions": ["angry", "sad"],
    "manifest": {
        "merge": {},
        "min_seconds": 0.2,
        "max_seconds": 60.0,
        "max_rejected_share": 0.3,
        "speaker_pattern": {"mine": r"(?P<speaker>\d\d)_"},
        "allow_incomplete": [],
    },
}
OUTPUTS = ("manifest.csv", "rejected.csv", "shared.csv", "manifest.json")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with params.yaml and a corpus of four recordings by two speakers, as the working directory."""
    rng = np.random.default_rng(0)
    for name in ("angry/01_a.wav", "angry/02_a.wav", "sad/01_b.wav", "sad/02_b.wav"):
        path = tmp_path / "raw" / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, rng.uniform(-0.5, 0.5, 8000), 16000)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(monkeypatch, *extra):
    flags = "--params params.yaml --raw raw --manifest manifest.csv --rejected rejected.csv --shared shared.csv"
    flags += " --metrics manifest.json"
    monkeypatch.setattr(sys, "argv", [str(STAGE), *flags.split(), *extra])
    runpy.run_path(str(STAGE), run_name="__main__")


def test_the_stage_writes_the_tables_and_the_counts_and_says_so_in_one_line(project, monkeypatch, capsys):
    (project / "raw" / "mine" / "sad" / "03_c.wav").touch()
    run(monkeypatch)
    table = manifest.read(project / "manifest.csv")
    assert list(table["id"]) == ["mine/angry/01_a", "mine/angry/02_a", "mine/sad/01_b", "mine/sad/02_b"]
    assert set(table["speaker"]) == {"mine/01", "mine/02"}
    assert (project / "rejected.csv").read_text() == (
        "path,corpus,reason,detail\nmine/sad/03_c.wav,mine,empty,a file of zero bytes\n"
    )
    assert json.loads((project / "manifest.json").read_text())["corpora"]["mine"]["utterances"] == 4
    assert capsys.readouterr().out == (
        "manifest: 4 utterances of 2 speakers, 0.0 h, from mine; rejected 1 (1 empty), see rejected.csv\n"
    )


def test_a_second_run_gives_the_same_bytes_whatever_the_workers(project, monkeypatch):
    run(monkeypatch, "--workers", "0")  # as one
    first = [(project / name).read_bytes() for name in OUTPUTS]
    run(monkeypatch, "--workers", "3")
    assert [(project / name).read_bytes() for name in OUTPUTS] == first


def test_without_rejects_the_table_of_rejects_is_a_header(project, monkeypatch):
    run(monkeypatch)
    assert (project / "rejected.csv").read_text() == "path,corpus,reason,detail\n"


def test_recordings_that_share_audio_are_listed_and_counted_and_stay(project, monkeypatch, capsys):
    generator = np.random.default_rng(1)
    source = 0.2 * generator.standard_normal(4 * 16_000) * np.repeat(generator.uniform(0.3, 1, 20), 3200)
    soundfile.write(project / "raw/mine/angry/01_c.wav", source[:40_000], 16_000)
    soundfile.write(project / "raw/mine/sad/02_c.wav", source[10_000:], 16_000)
    run(monkeypatch)
    one, other, *alike = (project / "shared.csv").read_text().splitlines()[1].split(",")
    assert [one, other, *alike[:2]] == ["mine/angry/01_c", "mine/sad/02_c", "different", "different"]
    metrics = json.loads((project / "manifest.json").read_text())
    assert metrics["shared_audio"] == {"pairs": 1, "of_two_speakers": 1, "of_two_emotions": 1}
    assert metrics["utterances"] == 6
    assert capsys.readouterr().out.startswith(
        "manifest: at least 1 pair of recordings of two speakers with shared audio, 1 with two labels: mine/angry/01_c "
        "and mine/sad/02_c; if these are one person, give them one name"
    )


def empty_corpus(project):
    for path in (project / "raw" / "mine").rglob("*.wav"):
        path.unlink()


def change(key, value):
    def act(project):
        params = yaml.safe_load((project / "params.yaml").read_text())
        params["manifest" if key in PARAMS["manifest"] else key] = (
            params["manifest"] | {key: value} if key in PARAMS["manifest"] else value
        )
        (project / "params.yaml").write_text(yaml.safe_dump(params))

    return act


def unknown_folder(project):
    (project / "raw" / "mine" / "sad").rename(project / "raw" / "mine" / "saad")


def flawed_files(project):
    (project / "raw" / "mine" / "sad" / "01_b.wav").write_bytes(b"RIFF")
    (project / "raw" / "mine" / "sad" / "02_b.wav").write_bytes(b"")


def test_too_many_flawed_files_stop_with_the_list_of_them_written(project, monkeypatch):
    flawed_files(project)
    with pytest.raises(SystemExit, match=r"mine: 2 of 4 files are rejected \(1 unreadable, 1 empty\).* all\)"):
        run(monkeypatch)
    assert (project / "rejected.csv").read_text().count("\nmine/sad/0") == 2
    assert {path.name for path in project.iterdir()} == {"rejected.csv", "params.yaml", "raw"}


def metadata(content):
    return lambda project: (project / "raw" / "mine" / "metadata.csv").write_text(content)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (change("corpora", ["absent"]), "raw/absent: no such folder"),
        (change("corpora", "mine"), "params.yaml: corpora: expected a list, found 'mine'"),
        (change("emotions", ["angry", "sadd"]), "did you mean 'sad'"),
        (change("min_seconds", "short"), "params.yaml: manifest.min_seconds: expected float"),
        (change("max_rejected_share", 7), "params.yaml: manifest: expected 0 <= max_rejected_share <= 1"),
        (empty_corpus, "raw/mine: expected audio files in a folder per emotion"),
        (unknown_folder, "raw/mine/saad: no known emotion"),
        (metadata("recording\nx\n"), "missing: path"),
        (metadata("path\nsad/99.wav\n"), "row 2: no audio file 'sad/99.wav'"),
        (metadata("path\nsad/01_b.wav\nsad/01_b.wav\n"), "row 3: 'sad/01_b.wav' stands here a second time"),
    ],
)
def test_bad_input_ends_with_one_line_and_leaves_the_old_outputs_whole(project, monkeypatch, act, message):
    run(monkeypatch)
    before = {name: (project / name).read_bytes() for name in OUTPUTS}
    act(project)
    with pytest.raises(SystemExit) as stop:
        run(monkeypatch)
    assert stop.value.code.startswith("manifest: ")
    assert message in stop.value.code
    assert "\n" not in stop.value.code
    assert {name: (project / name).read_bytes() for name in OUTPUTS} == before
    assert {path.name for path in project.iterdir()} == {*OUTPUTS, "params.yaml", "raw"}


def test_an_interrupted_run_leaves_nothing_and_the_next_one_is_right(project, monkeypatch):
    def interrupted(path, watch):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ser.audio.decode", interrupted)
        with pytest.raises(SystemExit, match="manifest: interrupted"):
            run(monkeypatch)
    assert {path.name for path in project.iterdir()} == {"params.yaml", "raw"}
    run(monkeypatch)
    assert len(manifest.read(project / "manifest.csv")) == 4


@pytest.mark.corpus
def test_emo_db_comes_in_whole(project, monkeypatch, corpora, capsys):
    shutil.copytree(corpora("emodb"), project / "raw" / "emodb", copy_function=os.symlink)
    change("corpora", ["emodb"])(project)
    change("emotions", ["angry", "bored", "disgusted", "fearful", "happy", "neutral", "sad"])(project)
    run(monkeypatch)
    report = json.loads((project / "manifest.json").read_text())
    assert (report["utterances"], report["speakers"], sum(report["rejected"].values())) == (535, 10, 0)
    assert report["hours"] == pytest.approx(24.8 / 60, abs=0.002)
    assert "535 utterances of 10 speakers, 0.4 h, from emodb; rejected 0" in capsys.readouterr().out
