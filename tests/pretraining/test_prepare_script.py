"""The stage prepare, run in this process on sounds that take no time to decode."""

import sys

import numpy as np
import pytest
import soundfile
import yaml

from pretraining import prepare
from ser.pretraining import store


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Speech of two speakers, a noise, no room; and the command line."""
    settings = {"speech": "speech", "index": "index.csv", "noise": "noise", "impulse_responses": "rooms"}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"prepare": settings}))
    for name in ("speech/a.wav", "speech/b.wav", "noise/rain.wav", "rooms/.gitkeep"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
        if name.endswith(".wav"):
            soundfile.write(tmp_path / name, np.full(1600, 0.1), 16_000)
    (tmp_path / "speech/index.csv").write_text("path,speaker\na.wav,a\nb.wav,b\n")
    monkeypatch.setattr(store.processes, "map_in_order", lambda function, items, **_: (function(x) for x in items))
    monkeypatch.chdir(tmp_path)
    inputs = ["--params", "params.yaml", "--speech", "speech", "--noise", "noise", "--impulse-responses", "rooms"]
    monkeypatch.setattr(sys, "argv", ["prepare", *inputs, "--store", "store"])
    return tmp_path


def test_noises_of_an_earlier_run_do_not_stay_when_their_folder_is_empty(folder):
    prepare.main()
    names = {path.name for path in (folder / "store").iterdir()}
    assert names == {"speech.i16", "speech.csv", "noise.i16", "noise.csv"}
    (folder / "noise/rain.wav").unlink()
    prepare.main()
    assert {path.name for path in (folder / "store").iterdir()} == {"speech.i16", "speech.csv"}


def test_one_speaker_in_all_is_refused_before_anything_is_decoded(folder):
    (folder / "speech/index.csv").write_text("path,speaker\na.wav,a\nb.wav,a\n")
    with pytest.raises(SystemExit, match=r"prepare: prepare\.index: expected a corpus of two speakers or more"):
        prepare.main()
    assert not (folder / "store").exists()
