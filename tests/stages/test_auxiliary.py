import runpy
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml

from ser import auxiliary
from ser.corpora import intake
from ser.encoders import catalogue
from ser.encoders.recipe import Recipe
from ser.features import Features
from ser.files.failures import InputError
from tests import builders
from tests.robustness.conftest import syllables

STAGE = Path(__file__).resolve().parents[2] / "stages" / "auxiliary.py"
FLAGS = "--params params.yaml --raw raw --auxiliary auxiliary --workers 1"
MFCC = catalogue.build(Recipe("mfcc", ["mean"]))
MANIFEST = {"merge": {}, "min_seconds": 0.2, "max_seconds": 9.0, "max_rejected_share": 0.5, "allow_incomplete": []}


SPLIT = {"protocol": "kfold", "folds": 5, "test_share": 0.2, "validation_share": 0.2, "seed": 0}
WORDS = "path,text\nangry/1.wav,Where is it?\nsad/2.wav,It is not here.\n"


def write_params(*corpora, patterns=None, sentences="any"):
    recipe = {"encoder": "mfcc", "statistics": ["mean"], "weights": "none"}
    blocks = {"corpora": ["mine"], "emotions": ["angry", "sad", "happy"], "auxiliary": {"corpora": list(corpora)}}
    blocks |= {"features": recipe, "manifest": MANIFEST | {"speaker_pattern": patterns or {}}}
    blocks["split"] = SPLIT | {"sentences": sentences}
    Path("params.yaml").write_text(yaml.safe_dump(blocks))


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """Work in a folder with the corpora ``a`` and ``b``, neither of which has all emotions; ``mine`` is tested on."""
    monkeypatch.chdir(tmp_path)
    names = ["a/angry/1", "a/sad/2", "a/bored/3", "b/happy/1", "b/angry/2", "mine/angry/1", "mine/sad/2"]
    for number, name in enumerate(names):
        write(name, syllables(0.4, 100.0 + 20 * number))
    write_params("a", "b")


def write(name, samples):
    path = Path("raw", f"{name}.wav")
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, 16_000, subtype="FLOAT")


@pytest.fixture
def run(monkeypatch, capsys):
    """Give a function that runs the stage in this process, and gives what it printed, or only the last line of it."""

    def run(whole: bool = False) -> str:
        monkeypatch.setattr(sys, "argv", [str(STAGE), *FLAGS.split()])
        runpy.run_path(str(STAGE), run_name="__main__")
        printed = capsys.readouterr().out
        return printed if whole else printed.splitlines()[-1]

    return run


def files():
    return sorted(path.name for path in Path("auxiliary").iterdir())


def read():
    rows = builders.manifest(3, 2, ["angry", "sad"])
    return auxiliary.read(Path("auxiliary"), rows, made(rows, np.zeros((len(rows), 60)), MFCC.fingerprint))


def made(rows, vectors, extractor):
    ids, sha256 = (rows[column].to_numpy(str) for column in ("id", "sha256"))
    return Features(ids, sha256, vectors.astype(np.float32), np.arange(vectors.shape[1]).astype(str), extractor)


def test_every_utterance_of_a_wanted_emotion_has_a_vector(run):
    assert run() == (
        "auxiliary: 4 utterances of unknown speakers, 0.0 h, from a, b; rejected 1 (1 unmapped), see "
        "auxiliary/rejected.csv; 4 encoded, 0 reused"
    )
    found = read()
    assert found.utterances["id"].tolist() == ["a/angry/1", "a/sad/2", "b/angry/2", "b/happy/1"]
    assert found.vectors.shape == (4, 60)
    assert np.isfinite(found.vectors).all()


def test_what_params_say_of_the_chosen_corpora_is_no_slip_of_the_pen(run):
    write_params("a", "b", patterns={"mine": "(?P<speaker>.)"})
    assert "'mine'" not in run(whole=True)
    write_params("a", "b", patterns={"mien": "(?P<speaker>.)"})
    assert "auxiliary: manifest.speaker_pattern names 'mien', which is among neither" in run(whole=True)


def test_what_is_there_is_reused_and_what_is_no_longer_wanted_removed(run):
    run()
    write_params("b")
    Path("auxiliary/b.npz").write_bytes(b"half")
    assert run().endswith("; 2 encoded, 0 reused; b.npz was damaged and is new; a.npz removed")
    assert run().endswith("; 0 encoded, 2 reused")
    assert files() == ["b.npz", "manifest.csv", "rejected.csv"]


def test_what_is_rejected_is_listed(run):
    run()
    rejected = pd.read_csv("auxiliary/rejected.csv")
    assert list(rejected.columns) == list(intake.REJECTED_COLUMNS)
    assert rejected["path"].tolist() == ["a/bored/3.wav"]


def test_a_corpus_is_refused_that_has_a_recording_that_is_tested_on_or_a_part_of_one(run):
    generator = np.random.default_rng(0)
    long = (generator.uniform(0.05, 0.3, 20).repeat(3_200) * generator.standard_normal(64_000)).astype(np.float32)
    write("mine/sad/long", long.clip(-1, 1))
    for copy in (long.clip(-1, 1), 0.5 * long.clip(-1, 1)[9_000:]):
        write("b/angry/copy", copy)
        with pytest.raises(SystemExit) as caught:
            run()
        assert str(caught.value.code).endswith(
            "expected audio that is not in `corpora`, found at least one that shares some, such as 'b/angry/copy' with "
            "'mine/sad/long'; leave one of the two corpora out"
        )
    Path("raw/b/angry/copy.wav").unlink()
    run()


@pytest.mark.parametrize(("encoder", "refused"), [("pase_plus", True), ("mfcc", False)])
def test_vectors_that_are_nearly_those_of_tested_recordings_are_refused_of_the_encoder_that_was_measured(
    encoder, refused
):
    own, rows = builders.manifest(6, 8, ["angry", "sad"]), builders.manifest(5, 8, ["angry", "sad"])
    rows = rows.assign(id="d/" + rows["id"], corpus="d", sha256=[f"{number:064x}" for number in range(100, 140)])
    generator, extractor = np.random.default_rng(0), f'{{"encoder": "{encoder}"}}'
    tested, vectors = (7 + 3 * generator.normal(size=(len(each), 100)) for each in (own, rows))
    builders.save_auxiliary(Path("auxiliary"), rows, vectors, extractor)
    assert len(auxiliary.read(Path("auxiliary"), own, made(own, tested, extractor)).utterances) == 40
    vectors[3] = tested[5] + 0.1 * generator.normal(size=100)
    builders.save_auxiliary(Path("auxiliary"), rows, vectors, extractor)
    message = f"found 1 vectors .* that of '{rows['id'][3]}' and that of '{own['id'][5]}', as if it were the same"
    with pytest.raises(InputError, match=message) if refused else nullcontext():
        auxiliary.read(Path("auxiliary"), own, made(own, tested, extractor))


def test_what_is_too_short_to_be_found_as_a_copy_is_said(run):
    assert (
        "auxiliary: 4 of 4 recordings (2 of 2 in `corpora`) are too short or too even for parts of others, or with "
        "other vectors than PASE+'s for copies coded anew, to be noticed in them: that nobody who is tested is heard "
        "there, you must know\n"
    ) in run(whole=True)


def test_sentences_that_are_tested_on_are_left_out_where_the_split_keeps_them_apart(run):
    Path("raw/mine/metadata.csv").write_text(WORDS)
    Path("raw/a/metadata.csv").write_text(
        "path,text\nangry/1.wav,Over there.\nsad/2.wav,WHERE is it\nbored/3.wav,Oh.\n"
    )
    write_params("a")
    assert "left out, whose" not in run()
    assert len(read().utterances) == 2
    write_params("a", sentences="disjoint")
    assert run().endswith("; no utterances are happy; 1 left out, whose sentences are tested on; 0 encoded, 1 reused")
    assert read().utterances["id"].tolist() == ["a/angry/1"]


def test_without_new_sentences_or_with_unknown_ones_the_split_cannot_keep_them_apart(run):
    Path("raw/mine/metadata.csv").write_text(WORDS)
    write_params("a", sentences="disjoint")
    for numbers in ("", "path,sentence\nangry/1.wav,7\nsad/2.wav,8\nbored/3.wav,9\n"):  # which compare with no text
        Path("raw/a/metadata.csv").write_text(numbers or "path\nangry/1.wav\nsad/2.wav\nbored/3.wav\n")
        with pytest.raises(SystemExit, match=r"text of every utterance, as split.sentences is .* without in a; add a"):
            run()
    Path("raw/a/metadata.csv").write_text(WORDS + "bored/3.wav,Oh.\n")
    with pytest.raises(
        SystemExit, match=r"expected sentences that are not tested on, as split.sentences is disjoint, found none"
    ):
        run()


def test_without_corpora_there_is_a_table_of_none(run):
    run()
    write_params()
    assert run() == "auxiliary: no corpora; a.npz removed; b.npz removed"
    assert files() == ["manifest.csv"]
    assert pd.read_csv("auxiliary/manifest.csv").empty
    assert read().described() == {}


@pytest.mark.parametrize(
    ("corpora", "message"),
    [
        (["mine"], "auxiliary.corpora: 'mine' is among `corpora`, too, where its speakers test; take it out of one"),
        (["a", "a"], "auxiliary.corpora: expected each once, found a, a"),
        (["c"], "raw/c: no such folder; put the corpus there, or take 'c' out of `auxiliary.corpora`"),
        (["mime"], "raw/mime: no such folder; did you mean 'mine'?; put the corpus there"),
    ],
)
def test_corpora_that_cannot_be_lent_are_one_line(run, corpora, message):
    write_params(*corpora)
    with pytest.raises(SystemExit) as caught:
        run()
    assert str(caught.value.code).startswith(f"auxiliary: {message}")
