"""Variants of the pipeline, compared by their predictions."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.metrics import accuracy_score, f1_score, recall_score

from ser.benchmarks import variants
from ser.files import tables
from ser.files.failures import InputError
from ser.scores.intervals import IntervalParams
from tests import builders

ROOT = Path(__file__).resolve().parents[2]
EMOTIONS = ["angry", "happy", "sad"]
INTERVALS = {"resamples": 500, "confidence": 0.95, "seed": 0, "minimum_speakers": 3}
PARAMS = IntervalParams(**INTERVALS)


def guesses(rows, right, seed, protocol="kfold"):
    """Predictions of which a share is right, by speaker more or less."""
    generator = np.random.default_rng(seed)
    truth = pd.Categorical(rows["emotion"], EMOTIONS).codes
    hit = generator.random(len(rows)) < right
    said = np.where(hit, truth, (truth + generator.integers(1, 3, len(rows))) % 3)
    return builders.predictions(rows, np.eye(3)[said], EMOTIONS, protocol)


@pytest.fixture
def utterances():
    return builders.manifest(12, 12, EMOTIONS)


def row(table, figure, protocol="kfold"):
    (found,) = table[(table["figure"] == figure) & (table["protocol"] == protocol)].to_dict("records")
    return found


def test_scores_are_scikit_learns_and_the_difference_is_second_minus_first(utterances):
    first, second = guesses(utterances, 0.5, 0), guesses(utterances, 0.8, 1)
    table = variants.table(first, second, utterances, EMOTIONS, PARAMS)
    for figure, score in (
        ("uar", lambda part: recall_score(part["truth"], part["prediction"], average="macro")),
        ("accuracy", lambda part: accuracy_score(part["truth"], part["prediction"])),
        ("macro_f1", lambda part: f1_score(part["truth"], part["prediction"], average="macro")),
    ):
        found = row(table, figure)
        assert found["first"] == pytest.approx(score(first))
        assert found["second"] == pytest.approx(score(second))
        assert found["difference"] == pytest.approx(score(second) - score(first))
    assert (row(table, "uar")["utterances"], row(table, "uar")["speakers"]) == (144, 12)
    assert row(table, "uar")["difference_low"] > 0


def test_the_interval_is_paired_so_that_the_same_predictions_differ_by_nothing(utterances):
    first = guesses(utterances, 0.6, 0)
    found = row(variants.table(first, first.sample(frac=1, random_state=0), utterances, EMOTIONS, PARAMS), "uar")
    assert found["first_low"] < found["first"] < found["first_high"]
    assert (found["difference"], found["difference_low"], found["difference_high"]) == (0, 0, 0)


def test_each_protocol_of_both_has_its_rows(utterances):
    both = [pd.concat([guesses(utterances, 0.5, 0), guesses(utterances, 0.7, 1, "random")]) for _ in range(2)]
    alone = guesses(utterances, 0.5, 3)
    assert set(variants.table(*both, utterances, EMOTIONS, PARAMS)["protocol"]) == {"kfold", "random"}
    assert set(variants.table(alone, both[1], utterances, EMOTIONS, PARAMS)["protocol"]) == {"kfold"}


def test_too_few_speakers_have_no_interval():
    few = builders.manifest(2, 12, EMOTIONS)
    table = variants.table(guesses(few, 0.5, 0), guesses(few, 0.8, 1), few, EMOTIONS, PARAMS)
    assert "difference_low" not in table
    assert "(no interval)" in variants.worded(table, ["one", "other"])


def test_variants_that_test_other_utterances_are_refused(utterances):
    first = guesses(utterances, 0.5, 0)
    with pytest.raises(InputError, match=r"^kfold: .* found 4 in the first variant alone and 0 in the second alone"):
        variants.table(first, first[4:], utterances, EMOTIONS, PARAMS)


def test_variants_without_a_protocol_in_common_are_refused(utterances):
    with pytest.raises(InputError, match=r"^expected a protocol that both variants have, found kfold and loso$"):
        variants.table(guesses(utterances, 0.5, 0), guesses(utterances, 0.5, 0, "loso"), utterances, EMOTIONS, PARAMS)


@pytest.mark.slow
def test_the_command_reads_a_commit_and_the_workspace(tmp_path, utterances):
    def call(*command):
        return subprocess.run([str(part) for part in command], cwd=tmp_path, capture_output=True, text=True)

    def compare(*names):
        return call(sys.executable, ROOT / "benchmarks/variants.py", *names)

    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"emotions": EMOTIONS, "intervals": INTERVALS}))
    (tmp_path / "data").mkdir()
    tables.write(utterances, tmp_path / "data/manifest.csv")
    tables.write(guesses(utterances, 0.5, 0), tmp_path / "data/predictions.csv")
    for command in (
        ["git", "init", "--quiet"],
        [sys.executable, "-m", "dvc", "init", "--quiet"],
        [sys.executable, "-m", "dvc", "add", "--quiet", "data/manifest.csv", "data/predictions.csv"],
        ["git", "add", "--all"],
        ["git", "-c", "user.name=n", "-c", "user.email=e", "commit", "--quiet", "--message", "One"],
    ):
        assert call(*command).returncode == 0
    (tmp_path / "data/predictions.csv").unlink()
    tables.write(guesses(utterances, 0.9, 1), tmp_path / "data/predictions.csv")

    ended = compare("HEAD")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[0].split("|")[-2].strip() == "workspace minus HEAD"
    assert "| kfold      | uar      |" in ended.stdout
    refused = compare("nowhere")
    assert refused.returncode == 1
    assert refused.stderr.startswith("variants: nowhere: expected a commit or an experiment")


def test_protocols_of_one_variant_alone_are_named(utterances):
    folds, random = guesses(utterances, 0.5, 0), guesses(utterances, 0.5, 0, "random")
    speakers = guesses(utterances, 0.5, 0, "loso")
    one, other = (pd.concat([part, random], ignore_index=True) for part in (folds, speakers))
    assert variants.apart(one, other) == "not compared, as one of them alone has it: kfold, loso"
    assert variants.apart(one, one) == ""
