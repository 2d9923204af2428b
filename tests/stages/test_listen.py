import runpy
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml

STAGE = Path(__file__).resolve().parents[2] / "stages" / "listen.py"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with params, a ranking of three utterances and the audio of two, as the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("raw/c").mkdir(parents=True)
    for number in (1, 2):
        noise = np.random.default_rng(number).normal(0, 0.1, 16_000)
        soundfile.write(f"raw/c/{number}.wav", noise, 16_000)
    paths = ["c/1.wav", "c/2.wav", "gone/3.wav"]
    pd.DataFrame({"rank": [1, 2, 3], "path": paths, "label": "sad"}).to_csv("ranking.csv", index=False)
    Path("params.yaml").write_text(yaml.safe_dump({"listen": {"utterances": 3, "seconds": 0.5}}))
    return tmp_path


def run(monkeypatch, **changed):
    flags = {"params": "params.yaml", "raw": "raw", "ranking": "ranking.csv", "clips": "data/clips"} | changed
    line = [part for name, value in flags.items() for part in (f"--{name}", value)]
    monkeypatch.setattr(sys, "argv", [str(STAGE), *line])
    runpy.run_path(str(STAGE), run_name="__main__")
    return {path.name: path.read_bytes() for path in Path(flags["clips"]).iterdir()}


def test_the_stage_writes_sounds_and_spectrograms_and_says_what_is_missing(project, monkeypatch, capsys):
    written = run(monkeypatch)
    assert sorted(written) == ["1.flac", "1.png", "2.flac", "2.png", "clips.csv"]
    assert written["1.png"].startswith(b"\x89PNG")
    assert soundfile.info("data/clips/1.flac").frames == 8_000
    assert capsys.readouterr().out == ("listen: 2 clips, 1.0 s, in data/clips; 1 without audio, which is not in raw\n")


def test_clips_of_before_are_gone(project, monkeypatch):
    run(monkeypatch)
    Path("params.yaml").write_text(yaml.safe_dump({"listen": {"utterances": 0, "seconds": 0.5}}))
    assert list(run(monkeypatch)) == ["clips.csv"]


def test_the_same_audio_gives_the_same_bytes(project, monkeypatch):
    assert run(monkeypatch) == run(monkeypatch, clips="again")


def test_a_wrong_ranking_is_one_line(project, monkeypatch):
    pd.DataFrame({"rank": [0], "path": ["c/1.wav"]}).to_csv("ranking.csv", index=False)
    with pytest.raises(SystemExit, match=r"^listen: ranking\.csv: column rank, row 2: expected a whole number of 1"):
        run(monkeypatch)
