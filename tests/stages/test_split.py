import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from ser.files import tables
from ser.splits import protocols, table
from tests import builders

STAGE = Path(__file__).resolve().parents[2] / "stages" / "split.py"
EMOTIONS = ["angry", "happy", "sad"]
OUTPUTS = ("split.csv", "split.json")


def people():
    """Six speakers who speak three emotions three times each."""
    return builders.manifest(6, 9, EMOTIONS)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Give a function that runs the stage in an empty folder on a manifest and a changed params block."""
    monkeypatch.chdir(tmp_path)

    def run(utterances, emotions=EMOTIONS, **changes):
        Path("params.yaml").write_text(yaml.safe_dump({"emotions": emotions, "split": builders.SPLIT | changes}))
        tables.write(utterances, Path("manifest.csv"))
        flags = "--params params.yaml --manifest manifest.csv --split split.csv --metrics split.json"
        monkeypatch.setattr(sys, "argv", [str(STAGE), *flags.split()])
        runpy.run_path(str(STAGE), run_name="__main__")

    return run


def test_writes_a_split_that_passes_the_gate_and_its_metrics(run, capsys):
    run(people())
    split = table.read(Path("split.csv"))
    table.check(split, people())
    assert set(split["protocol"]) == {"kfold", "random"}
    metrics = json.loads(Path("split.json").read_text())
    assert metrics["speaker_oracle_uar"] == metrics["chance_uar"] == pytest.approx(1 / 3, abs=1e-4)
    assert metrics["speaker_independent"]["test"]["speakers_mean"] == 2
    captured = capsys.readouterr()
    assert captured.out == (
        "split: kfold, 3 folds, 54 utterances, 6 speakers; the speaker oracle has a UAR of 0.333 (0.483 with labels "
        "shuffled); see split.json\n"
    )
    assert captured.err == ""


def test_gives_the_same_bytes_again(run):
    run(people())
    first = [Path(name).read_bytes() for name in OUTPUTS]
    run(people().sample(frac=1, random_state=0))
    assert [Path(name).read_bytes() for name in OUTPUTS] == first


def test_warns_in_one_line_where_emotions_are_tied_to_speakers(run, capsys):
    utterances = people()
    own = utterances["speaker"].str[-1].astype(int) % 3
    utterances["emotion"] = np.where(np.arange(54) % 9 < 8, np.array(EMOTIONS)[own], utterances["emotion"])
    run(utterances)
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "split: warning: emotions are tied to speakers" in captured.err
    assert json.loads(Path("split.json").read_text())["speaker_oracle_uar"] > 0.9
    assert Path("split.csv").exists()


def test_warns_in_one_line_where_emotions_are_tied_to_corpora(run, capsys):
    utterances = people().drop(columns="corpus").assign(corpus=lambda rows: rows["speaker"].str[-1].astype(int) % 2)
    utterances["corpus"] = utterances["corpus"].map({0: "c", 1: "d"})
    run(utterances)
    assert capsys.readouterr().err == ""
    odd = utterances["corpus"] == "d"  # has one emotion; the others share the two that are left
    utterances["emotion"] = np.where(odd, EMOTIONS[0], np.resize(EMOTIONS[1:], len(odd)))
    run(utterances)
    assert "emotions are tied to corpora: the best guess by the corpus alone, without audio, has a UAR of 0.667" in (
        capsys.readouterr().err
    )


def test_warns_of_a_corpus_that_is_tied_beside_one_that_is_not(run, capsys):
    rows = builders.manifest(24, 9, EMOTIONS)
    number = rows["speaker"].str.removeprefix("c/").astype(int)
    odd = number >= 18  # each of whom has an emotion of their own
    emotion = np.where(odd, np.array(EMOTIONS)[number % len(EMOTIONS)], rows["emotion"])
    run(rows.assign(corpus=np.where(odd, "d", "c"), emotion=emotion))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("split: warning: d: emotions are tied to speakers: the best guess by the speaker alone")


@pytest.mark.parametrize("apart", [False, True])
def test_warns_in_one_line_where_emotions_are_tied_to_sentences(run, capsys, apart):
    utterances = people()
    take = utterances.groupby(["speaker", "emotion"]).cumcount() % 3
    run(utterances.assign(text=utterances["emotion"] + take.astype(str)), **{"sentences": "disjoint"} if apart else {})
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "tied to sentences: the best guess by the sentence alone, without audio, has a UAR of 1.000" in captured.err
    assert ("split.sentences: disjoint keeps them apart" in captured.err) == (not apart)


def test_needs_no_speakers_for_a_random_split(run, capsys):
    run(people().assign(speaker="", gender="", age=np.nan), protocol="random")
    assert "random, 3 folds, 54 utterances; not all speakers are known, so no speaker oracle" in capsys.readouterr().out


def test_says_that_unknown_speakers_train_where_the_corpus_says_so(run, capsys):
    utterances = people()
    of = {"c/0": "test", "c/1": "test", "c/2": "dev", "c/3": "train", "c/4": "train", "c/5": "train"}
    utterances["details"] = [json.dumps({"split": of[speaker]}) for speaker in utterances["speaker"]]
    utterances["speaker"] = utterances["speaker"].where(utterances["speaker"] != "c/5", "")
    run(utterances, protocol="predefined")
    captured = capsys.readouterr()
    assert captured.err == (
        "split: warning: 9 utterances of unknown speakers are in training; whether a test speaker is heard in "
        "them cannot be checked\n"
    )
    assert "predefined, 1 fold, 54 utterances; not all speakers are known, so no speaker oracle" in captured.out


def test_keeps_sentences_apart_and_counts_what_is_left_out(run):
    sentences = [f"Sentence {number // 3 % 3}." for number in range(54)]
    run(people().assign(text=sentences), sentences="disjoint", sentence_groups=3)
    table.check(table.read(Path("split.csv")), people().assign(text=sentences), True)
    counted = json.loads(Path("split.json").read_text())["speaker_independent"]
    # By hand: 2 of 6 speakers say 1 of 3 sentences in 3 emotions, so 2 x 2 x 3 + 4 x 1 x 3 are left out.
    assert (counted["folds"], counted["test"]["utterances_mean"], counted["left_out"]["utterances_mean"]) == (9, 6, 24)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sentences": "disjoint"}, "expected the sentence of every utterance, found neither text nor number of 54 of"),
        (
            {"sentences": "disjoint", "protocol": "loso", "utterances": people().assign(text="One.")},
            "the single sentence",
        ),
        ({"sentences": "disjoint", "protocol": "holdout"}, "expected the protocol kfold or loso, found holdout"),
        ({"protocol": "loso", "utterances": people().assign(speaker="")}, "no speaker, such as 'c/00'; name them in"),
        ({"folds": 7}, "7 folds for 6 speakers"),
        ({"protocol": "sessions"}, "expected sessions"),
        ({"protocol": "predefined"}, "expected the corpus' own parts, .* found none for 'c/00' and 53 others"),
        ({"utterances": people().query("emotion != 'sad' or speaker == 'c/3'")}, "'sad' has the single speaker 'c/3'"),
        ({"utterances": people().query("speaker < 'c/2'")}, "at least 3 speakers"),
        ({"emotions": [*EMOTIONS, "bored"]}, "found none of bored"),
        ({"protocol": "kfolds"}, "did you mean 'kfold'"),
        ({"folds": "five"}, r"split\.folds: expected int, found 'five'"),
        ({"test_share": 0.7}, "test_share: expected a share"),
        ({"shares": 1}, "unknown key 'shares'"),
    ],
)
def test_refuses_in_one_line_and_writes_nothing(run, change, message):
    with pytest.raises(SystemExit, match=message) as caught:
        run(change.pop("utterances", people()), **change)
    assert str(caught.value).startswith("split: ")
    assert "\n" not in str(caught.value)
    assert not [name for name in OUTPUTS if Path(name).exists()]


def test_a_split_that_leaks_is_not_written(run, monkeypatch):
    make = protocols.make
    monkeypatch.setattr(protocols, "make", lambda *arguments: builders.leaking(make(*arguments)))
    with pytest.raises(SystemExit, match=r"^split: split: kfold, fold 0: the speaker '.*' leaks"):
        run(people())
    assert not [name for name in OUTPUTS if Path(name).exists()]
