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
from ser.text import recognition, vectors, word_errors
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
    "permutations": 19,
    "intervals": builders.INTERVALS,
}
TASK = {"corpus": "c", "emotions": EMOTIONS, "protocol": "kfold", "words": "identity"}
HEARD = {"transcription": {"model": "whisper", "beams": 1}, "transcribed": {"c": {"folder": "raw/c", "language": None}}}
FLAGS = {
    "words": "--task made --params params.yaml --manifest c.csv --vectors words/made.npz",
    "transcribe": "--params params.yaml --corpus raw/c --manifest c.csv --model whisper --transcripts transcripts.csv "
    "--workers 1",
    "word_errors": "--params params.yaml --manifest c.csv --transcripts transcripts.csv --table errors.csv "
    "--metrics errors.json",
    "heard": "--task made --params params.yaml --manifest c.csv --transcripts transcripts.csv --vectors words/made.npz",
    "fuse": "--task made --params params.yaml --manifest c.csv --features voice --words words/made.npz "
    "--table made.csv --picture made.png --metrics made.json",
    "page": "--params params.yaml --tables made.csv --pictures made.png "
    f"--word-errors errors.csv --template {ROOT / 'ser/report/report.html.j2'} --page fusion.md --report fusion.html",
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
            yaml.safe_dump({"tasks": {"made": TASK | task}, "sentence_model": "nowhere", "fusion": FUSION} | HEARD)
        )
        if people is not None:
            tables.write(people, Path("c.csv"))
        monkeypatch.setattr(sys, "argv", [script, *FLAGS[script].split()])
        runpy.run_path(str(ROOT / "fusion" / f"{script}.py"), run_name="__main__")

    return run


@pytest.fixture
def recognised(monkeypatch):
    """In place of speech recognition and sentence model: hears the last figure of each name, in one file nothing."""

    def recognise(manifest, raw, folder, beams, language, kept, workers, progress):
        assert (raw, folder, beams, language) == (Path("raw"), Path("whisper"), 1, None)
        kept.write_text("all of it")
        text = "word " + manifest["id"].str[-1]
        return pd.DataFrame({"id": manifest["id"], "language": "en", "text": text.where(manifest.index > 0, "")})

    monkeypatch.setattr(recognition, "recognise", recognise)
    monkeypatch.setattr(vectors, "folder_of", lambda model: model)
    monkeypatch.setattr(vectors, "fingerprint", lambda folder: "made up")
    monkeypatch.setattr(vectors, "encode", lambda texts, folder: np.array([[int(text[-1])] for text in texts], "f4"))


def test_words_heard_go_from_audio_to_page(run, recognised, capsys):
    pytest.importorskip("jiwer", reason="pip install -r requirements-fusion.txt")
    for script in ("transcribe", "word_errors", "heard", "fuse", "page"):
        run(script, words="heard")
    printed = capsys.readouterr().out
    assert "transcribe: c: 128 utterances, heard as en; nothing heard in 1; transcripts.csv" in printed
    assert "word_errors: c: heard wrongly: " in printed
    assert "heard: made: 128 utterances, 1 numbers each, all 0 in the 1 in which nothing was heard" in printed
    assert not Path("transcripts.unfinished").exists()
    metrics = json.loads(Path("errors.json").read_text())
    assert metrics["nothing_heard"] == 1
    wrong = pd.read_csv("errors.csv")["wer"].iloc[0]
    assert f"Heard wrongly: {wrong:.3f} [" in Path("fusion.md").read_text()
    # Folds keep apart what is said, not what was heard: an emotion has four sentences here, whatever the transcripts.
    assert json.loads(Path("made.json").read_text())["ties"]["sentences"] == 16


@pytest.mark.parametrize(
    ("script", "words", "message"),
    [
        ("words", "heard", "words: expected model or identity, found heard; change it, or put the task among those of"),
        ("heard", "model", "words: expected heard, found model; change it, or put the task among those of"),
        ("transcribe", "heard", "transcription.model whisper: expected the folder of a Whisper model with model.bin"),
        ("word_errors", "heard", "transcripts.csv: no such file; run the stage that makes it"),
        ("heard", "heard", "transcripts.csv: no such file; run the stage that makes it"),
    ],
)
def test_ends_in_one_line_where_words_are_not_heard(run, script, words, message):
    with pytest.raises(SystemExit) as caught:
        run(script, words=words)
    assert str(caught.value).startswith(f"{script}: {message}")
    assert "\n" not in str(caught.value)


def test_dvc_makes_the_words_of_each_task_once_from_its_corpus():
    """DVC cannot choose among the tasks, so dvc.yaml lists them again."""
    stages = yaml.safe_load((ROOT / "fusion/dvc.yaml").read_text())["stages"]
    known = yaml.safe_load((ROOT / "fusion/params.yaml").read_text())
    for stage, kinds in (("words", ("model", "identity")), ("heard", ("heard",))):
        asked = {name: task["corpus"] for name, task in known["tasks"].items() if task["words"] in kinds}
        assert stages[stage]["foreach"] == asked
    folders = {name: known["corpora"][name]["folder"] for name in stages["heard"]["foreach"].values()}
    assert {name: transcribed["folder"] for name, transcribed in known["transcribed"].items()} == folders
    named = stages["page"]["cmd"].split("--tables")[1].split("--")[0].split()
    assert named == [f"plots/fusion_{name}.csv" for name in known["tasks"]]


def test_a_leak_is_refused_in_table_metrics_and_page(run, capsys):
    tables.write(pd.DataFrame([dict.fromkeys(word_errors.COLUMNS, "c")]), Path("errors.csv"))  # of no task here
    for script in ("words", "fuse", "page"):
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
