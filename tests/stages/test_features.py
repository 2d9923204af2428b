import runpy
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from ser import audio, features, manifest
from ser.encoders import extraction
from ser.files import tables
from ser.files.failures import InputError

STAGE = Path(__file__).resolve().parents[2] / "stages" / "features.py"
BLOCK = (
    "features:\n  encoder: mfcc\n  statistics: [mean]\n  weights: weights.safetensors\n  seed: 0\n  layers: [output]\n"
    "  frames: all\n  level: null\n  numerics: portable\n"
)


@pytest.fixture
def project(tmp_path):
    """A folder with params.yaml, manifest.csv and raw/ with three utterances."""
    (tmp_path / "raw").mkdir()
    rows = []
    for seed, name in enumerate("abc"):
        path = tmp_path / "raw" / f"{name}.wav"
        soundfile.write(path, np.random.default_rng(seed).normal(0, 0.1, 4000), 16_000)
        rows.append({"id": f"noise/{name}", "path": path.name, "corpus": "noise"})
        rows[-1] |= {"emotion": "sad", "seconds": 0.25, "sampling_rate": 16_000}
        rows[-1]["sha256"] = audio.digest(*audio.decode(path))
    tables.write(pd.DataFrame(rows).reindex(columns=manifest.COLUMNS), tmp_path / "manifest.csv")
    (tmp_path / "params.yaml").write_text(BLOCK)
    return tmp_path


@pytest.fixture
def run(project, monkeypatch, capsys):
    """Run the stage in the project's folder; returns what it printed."""
    paths = {"params": "params.yaml", "raw": "raw", "manifest": "manifest.csv", "features": "features"}
    paths["baseline"] = "mfcc"
    flags = [word for flag, path in paths.items() for word in (f"--{flag}", path)]

    def run() -> str:
        monkeypatch.chdir(project)
        monkeypatch.setattr(sys, "argv", [str(STAGE), *flags])
        runpy.run_path(str(STAGE), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_the_stage_encodes_what_is_new_and_says_so_in_one_line(project, run):
    new = "3 utterances encoded with {} ({} numbers), 0 reused"
    old = "0 utterances encoded with {} ({} numbers), 3 reused"
    (project / "params.yaml").write_text(BLOCK.replace("mfcc", "egemaps"))
    assert run() == f"features: {new.format('egemaps', 88)}; {new.format('mfcc', 120)}\n"
    (project / "params.yaml").write_text(BLOCK)
    assert run() == f"features: {new.format('mfcc', 60)}; {new.format('mfcc', 60)}\n"
    assert run() == f"features: {old.format('mfcc', 60)}; {old.format('mfcc', 60)}\n"

    utterances = manifest.read(project / "manifest.csv")
    assert features.read(project / "features", utterances).vectors.shape == (3, 60)


def test_says_which_keys_are_left_to_their_defaults(project, run, capsys):
    text = (project / "params.yaml").read_text()
    assert "  frames: all\n" in text
    (project / "params.yaml").write_text(text.replace("  frames: all\n", ""))
    (project / "manifest.csv").unlink()  # so that the stage ends here
    with pytest.raises(SystemExit):
        run()
    said = capsys.readouterr().err
    assert said.startswith(
        "features: warning: params.yaml: features: expected the key 'frames', found none; without it"
    )


def test_what_encoding_has_to_say_goes_to_the_error_stream(run, monkeypatch, capsys):
    """Such as that a scheduler has no worker yet: else the stage would wait in silence."""

    def compute(*given, say):
        say("waiting")
        raise InputError("enough")

    monkeypatch.setattr(extraction, "compute", compute)
    with pytest.raises(SystemExit):
        run()
    assert capsys.readouterr().err == "features: waiting\n"


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (
            BLOCK.replace("mfcc", "mffc"),
            "params.yaml: features: encoder: expected one of pase_plus, .*, found 'mffc'; did you mean 'mfcc'[?]",
        ),
        (BLOCK.replace("mfcc", "pase_plus"), "pase_plus needs its weights: .*"),
        (BLOCK.replace("[mean]", "mean"), "params.yaml: features.statistics: expected a list, found 'mean'"),
    ],
    ids=["misspelt", "weights", "ill-typed"],
)
def test_a_mistake_in_params_is_one_line_and_leaves_no_output(project, run, block, message):
    (project / "params.yaml").write_text(block)

    with pytest.raises(SystemExit, match=f"^features: {message}$"):
        run()

    assert not (project / "features").exists()


def test_damaged_and_left_over_files_are_mentioned(project, run):
    run()
    (project / "features/old.npz").write_bytes(b"")
    (project / "features/noise.npz").write_bytes(b"damaged")

    assert run() == (
        "features: 3 utterances encoded with mfcc (60 numbers), 0 reused; noise.npz was damaged and is new; "
        "old.npz removed; 0 utterances encoded with mfcc (60 numbers), 3 reused\n"
    )
