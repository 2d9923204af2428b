"""The scripts of fusion/dvc.yaml, one after another, on a small made-up corpus."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from ser.files import tables
from tests import builders
from tests.fusion.planting import EMOTIONS, made

ROOT = Path(__file__).resolve().parents[2]
FUSION = {
    "kind": ["late"],
    "classifier": "lda",
    "words_classifier": "svm",
    "folds": 2,
    "sentence_groups": 2,
    "validation_share": 0.4,
    "seed": 0,
    "weights": [0.0, 0.5, 1.0],
    "permutations": 1,
    "intervals": builders.INTERVALS,
}
TASK = {"corpus": "c", "emotions": EMOTIONS, "protocol": "kfold", "words": "identity"}
FLAGS = {
    "words": "--task made --params params.yaml --manifest c.csv --vectors words/made.npz",
    "fuse": "--task made --params params.yaml --manifest c.csv --features voice --words words/made.npz "
    "--table made.csv --picture made.png --metrics made.json",
    "page": "--params params.yaml --tables made.csv --pictures made.png "
    f"--template {ROOT / 'ser/report/report.html.j2'} --page fusion.md --report fusion.html",
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Give a function that runs a script in a folder with a corpus of tied sentences."""
    monkeypatch.chdir(tmp_path)
    people, voice, _ = made("tied", 0, speakers=8, takes=4)
    tables.write(people, Path("c.csv"))
    builders.save_vectors(people, voice, "made up", Path("voice/pase_plus/c.npz"))

    def run(script, people=None, **task):
        Path("params.yaml").write_text(
            yaml.safe_dump({"tasks": {"made": TASK | task}, "sentence_model": "nowhere", "fusion": FUSION})
        )
        if people is not None:
            tables.write(people, Path("c.csv"))
        monkeypatch.setattr(sys, "argv", [script, *FLAGS[script].split()])
        runpy.run_path(str(ROOT / "fusion" / f"{script}.py"), run_name="__main__")

    return run


def test_a_leak_is_refused_in_table_metrics_and_page(run, capsys):
    for script in FLAGS:
        run(script)
    assert "fuse: made: words help: refused: emotion is tied to the sentence" in capsys.readouterr().out
    metrics = json.loads(Path("made.json").read_text())
    assert metrics["claim"] == {"words_help": 0, "refused": 1, "words_at_chance": 0}
    assert metrics["speakers"]["words"]["uar"] == 1
    assert metrics["sentences"]["words"]["uar"] == pytest.approx(0.25, abs=0.1)
    table = pd.read_csv("made.csv")
    for row in table[table["system"] != "words help"].itertuples():
        assert metrics[row.folds][row.system]["uar"] == pytest.approx(row.uar, abs=1e-4)
    assert "refused: emotion is tied to the sentence" in Path("fusion.md").read_text()
    assert "Refused: emotion is tied to the sentence" in Path("fusion.html").read_text()
    assert Path("made.png").read_bytes().startswith(b"\x89PNG")


def test_gives_the_same_bytes_again(run):
    contents = []
    for _ in range(2):
        for script in ("words", "fuse"):
            run(script)
        contents.append([Path(name).read_bytes() for name in ("words/made.npz", "made.csv", "made.png", "made.json")])
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    ("script", "texts", "task", "message"),
    [
        ("words", [""], {}, "neither text nor number of 128 of 128, such as 'c/000'"),
        ("words", ["Hello."], {}, "expected at least two different sentences, found 'hello.' alone"),
        ("words", ["Hello.", "Hello."], {"words": "model"}, "expected at least two different sentences"),
        ("words", ["One.", "Two."], {"words": "model"}, "sentence_model nowhere: expected the folder"),
        ("words", [*["One."] * 127, ""], {"words": "model"}, "found none of 1 of 128, such as 'c/127'"),
        ("words", ["One.", "Two."], {"language": "de"}, "language: expected utterances in 'de', found those in en"),
        ("words", ["One.", "Two."], {"corpus": 3}, "corpus: expected str, found 3"),
        ("fuse", ["Hello."], {}, "single sentence 'hello.'"),
    ],
)
def test_ends_in_one_line_where_words_do_not_do(run, script, texts, task, message):
    people = made("tied", 0, speakers=8, takes=4)[0]
    if script == "fuse":
        run("words")
    people["text"] = np.resize(np.array(texts, dtype=object), len(people))
    with pytest.raises(SystemExit) as caught:
        run(script, people, **task)
    assert str(caught.value).startswith(f"{script}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
