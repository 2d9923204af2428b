import dataclasses
import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from sklearn.metrics import accuracy_score, log_loss, recall_score

from ser import features, manifest, predictions
from ser.files import tables
from ser.learning import classifier, fitting
from ser.learning.recipe import Recipe
from ser.splits import protocols
from ser.splits import table as splits_table
from ser.splits.protocols import SplitParams
from tests import builders

STAGE = Path(__file__).resolve().parents[2] / "stages" / "evaluate.py"
EMOTIONS = ["sad", "angry"]  # not in the order of the alphabet
OUTPUTS = ("predictions.csv", "evaluate.json", "confusion.csv", "classes.csv", "folds.csv", "risk.csv", "confusion.png")
TRAIN = builders.train_params(
    hidden=[4], learning_rate=0.05, weight_decay=0.0, batch_size=16, epochs=8, patience=8, class_weights=False
)
SPLIT = SplitParams(**builders.SPLIT)
EXTRACTOR = '{"name": "numbers"}'
PARAMS = {"emotions": EMOTIONS, "intervals": builders.INTERVALS, "train": builders.TRAIN | {"abstain_below": 0.8}}


def make_project(folder, train=TRAIN, split=SPLIT, speaker="c/{}", labels=EMOTIONS):
    """Make all that the stage reads: six speakers, eight utterances each, vectors that tell emotions half apart."""
    generator = np.random.default_rng(0)
    speakers = [speaker.format(index // 8) for index in range(48)]
    genders = ["female", "male"] * 24
    rows = builders.manifest(6, 8, ["angry", "sad", "sad", "angry"], speaker=speakers, gender=genders)
    tables.write(rows, folder / "manifest.csv")
    vectors = generator.normal(size=(48, 5)).astype(np.float32)
    vectors[:, 0] += np.where(rows["emotion"] == "angry", 1, -1)
    builders.save_vectors(rows, vectors, EXTRACTOR, folder / "features" / "c.npz")
    table = protocols.make(rows, EMOTIONS, split)
    tables.write(table, folder / "split.csv")
    for (protocol, fold), part in table.groupby(["protocol", "fold"]):
        parts = part.set_index("id")["part"].loc[rows["id"]].to_numpy()
        recipe = Recipe(labels, train, EXTRACTOR, protocol, int(fold), splits_table.digest(table))
        people = rows["speaker"].to_numpy()
        model, _ = fitting.fit(recipe, vectors, rows["emotion"].to_numpy(), parts, people)
        classifier.save(model, folder / "models" / classifier.file_name(protocol, fold))
    (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Give a function that makes a project and works in it."""
    monkeypatch.chdir(tmp_path)
    return lambda **changes: make_project(tmp_path, **changes)


def run(monkeypatch):
    flags = (
        "--params params.yaml --manifest manifest.csv --features features --split split.csv --models models "
        "--predictions predictions.csv --metrics evaluate.json --confusion confusion.csv --classes classes.csv "
        "--folds folds.csv --risk risk.csv --picture confusion.png"
    )
    monkeypatch.setattr(sys, "argv", [str(STAGE), *flags.split()])
    runpy.run_path(str(STAGE), run_name="__main__")


def test_each_utterance_is_predicted_by_the_classifier_that_did_not_train_on_it(project, monkeypatch):
    project()
    run(monkeypatch)
    table = predictions.read(Path("predictions.csv"), EMOTIONS)
    assert list(table.columns) == ["id", "protocol", "fold", "truth", "prediction", "p_sad", "p_angry", "temperature"]
    pd.testing.assert_frame_equal(table, table.sort_values(["protocol", "fold", "id"], ignore_index=True))
    split = splits_table.read(Path("split.csv"))
    vectors = features.read(Path("features"), manifest.read(Path("manifest.csv")))
    for protocol in ("kfold", "random"):
        assert sorted(table.loc[table["protocol"] == protocol, "id"]) == list(vectors.ids)
    for row in table.itertuples():
        parts = split[(split["protocol"] == row.protocol) & (split["fold"] == row.fold)]
        assert parts.set_index("id")["part"][row.id] == "test"
        model = classifier.load(Path("models") / classifier.file_name(row.protocol, row.fold))
        ((sad, angry),) = model.probabilities(vectors.vectors[vectors.ids == row.id])
        assert (row.p_sad, row.p_angry) == pytest.approx((sad, angry), abs=1e-7)
        assert row.prediction == ("sad" if sad > angry else "angry")


def test_the_metrics_and_tables_are_those_of_the_predictions(project, monkeypatch):
    project()
    run(monkeypatch)
    table = predictions.read(Path("predictions.csv"), EMOTIONS)
    kfold = table[table["protocol"] == "kfold"]
    report = json.loads(Path("evaluate.json").read_text())
    sides = {"speaker_independent", "random", "drop_from_random", "chance_uar"}
    assert set(report) == {*sides, "calibration", "abstention"}
    expected = recall_score(kfold["truth"], kfold["prediction"], average="macro")
    assert report["speaker_independent"]["uar"] == pytest.approx(expected, abs=1e-4)
    assert report["speaker_independent"]["speakers"] == 6
    confusion = pd.read_csv("confusion.csv")
    assert confusion.to_dict("list") == kfold[["truth", "prediction"]].to_dict("list")
    assert len(pd.read_csv("classes.csv")) == 4
    assert len(pd.read_csv("folds.csv")) == 6


def test_confidence_is_measured_on_the_speaker_independent_predictions_before_and_after_the_temperature(
    project, monkeypatch
):
    project()
    path = Path("models/kfold-00.safetensors")
    model = classifier.load(path)
    model.temperature = 0.25
    classifier.save(model, path)
    run(monkeypatch)
    table = predictions.read(Path("predictions.csv"), EMOTIONS).query("protocol == 'kfold'")
    assert table.groupby("fold")["temperature"].first().tolist() == [0.25, 1, 1]
    after = table[["p_sad", "p_angry"]].to_numpy()
    before = after ** table[["temperature"]].to_numpy()
    before /= before.sum(axis=1, keepdims=True)
    report = json.loads(Path("evaluate.json").read_text())
    for side, probabilities in (("before", before), ("after", after)):
        loss = log_loss(table["truth"], probabilities[:, ::-1], labels=["angry", "sad"])
        assert report["calibration"][side]["nll"] == pytest.approx(loss, abs=1e-4)
    assert report["calibration"]["temperature"] == {"mean": 0.75, "lowest": 0.25, "highest": 1}
    answered = after.max(axis=1) >= 0.8
    assert 0 < answered.mean() < 1
    assert report["abstention"]["below"] == 0.8
    assert report["abstention"]["coverage"] == pytest.approx(answered.mean(), abs=1e-4)
    expected = accuracy_score(table["truth"][answered], table["prediction"][answered])
    assert report["abstention"]["accuracy"] == pytest.approx(expected, abs=1e-4)
    curve = pd.read_csv("risk.csv")
    assert curve["coverage"].iloc[-1] == 1
    assert curve["risk"].iloc[-1] == pytest.approx(1 - accuracy_score(table["truth"], table["prediction"]))


def test_one_line_says_the_main_figures(project, monkeypatch, capsys):
    project()
    run(monkeypatch)
    report = json.loads(Path("evaluate.json").read_text())
    independent, other = report["speaker_independent"], report["random"]
    assert capsys.readouterr().out == (
        f"evaluate: UAR {independent['uar']:.3f} [{independent['uar_low']:.3f}, {independent['uar_high']:.3f}] "
        f"speaker-independent (kfold), {other['uar']:.3f} random; see evaluate.json\n"
    )


@pytest.mark.slow
def test_the_same_inputs_give_the_same_bytes(project, monkeypatch):
    project()
    run(monkeypatch)
    first = [Path(name).read_bytes() for name in OUTPUTS]
    run(monkeypatch)
    assert [Path(name).read_bytes() for name in OUTPUTS] == first


def test_normalisation_by_speaker_sees_all_utterances_of_the_speaker(project, monkeypatch):
    project(train=dataclasses.replace(TRAIN, normalisation="speaker"))
    run(monkeypatch)
    rows = manifest.read(Path("manifest.csv"))
    vectors = features.read(Path("features"), rows).vectors.astype(float)
    for speaker in set(rows["speaker"]):
        mine = (rows["speaker"] == speaker).to_numpy()
        vectors[mine] = (vectors[mine] - vectors[mine].mean(axis=0)) / vectors[mine].std(axis=0)
    table = predictions.read(Path("predictions.csv"), EMOTIONS).query("protocol == 'random' and fold == 1")
    model = classifier.load(Path("models") / "random-01.safetensors")
    with torch.no_grad():
        logits = model.networks[0].layers(torch.tensor(vectors[rows["id"].isin(table["id"])]))
    np.testing.assert_allclose(table[["p_sad", "p_angry"]], logits.softmax(dim=1), atol=1e-6)


def test_random_alone_says_that_there_is_no_speaker_independent_figure(project, monkeypatch, capsys):
    project(split=dataclasses.replace(SPLIT, protocol="random"))
    run(monkeypatch)
    assert set(json.loads(Path("evaluate.json").read_text())) == {"random", "chance_uar", "calibration", "abstention"}
    assert "random; no speaker-independent figure: split.protocol is random; see" in capsys.readouterr().out
    assert len(pd.read_csv("confusion.csv")) == 48


def test_unknown_speakers_say_why_there_is_no_interval(project, monkeypatch, capsys):
    project(split=dataclasses.replace(SPLIT, protocol="random"), speaker="")
    run(monkeypatch)
    report = json.loads(Path("evaluate.json").read_text())
    assert "uar_low" not in report["random"]
    assert f"UAR {report['random']['uar']:.3f} random, no interval (speakers unknown); no speaker-independent" in (
        capsys.readouterr().out
    )
    assert pd.read_csv("folds.csv")["speakers"].isna().all()


def test_too_few_test_speakers_say_why_there_is_no_interval(project, monkeypatch, capsys):
    project(split=dataclasses.replace(SPLIT, protocol="holdout"))
    run(monkeypatch)
    out = capsys.readouterr().out
    assert "speaker-independent (holdout), no interval (test speakers: 2, minimum_speakers: 3)" in out


def failure(monkeypatch):
    return builders.failure("evaluate", lambda: run(monkeypatch), OUTPUTS)


def test_a_missing_classifier_is_refused(project, monkeypatch):
    project()
    (Path("models") / "kfold-01.safetensors").unlink()
    assert "models/kfold-01.safetensors: no such file" in failure(monkeypatch)


def test_a_classifier_of_other_features_is_refused(project, monkeypatch):
    project()
    known = features.load(Path("features/c.npz"))
    features.save(dataclasses.replace(known, extractor='{"name": "other"}'), Path("features/c.npz"))
    assert failure(monkeypatch) == (
        'evaluate: models/kfold-00.safetensors: expected a classifier trained on features of {"name": "other"}, '
        'found {"name": "numbers"}; run the train stage again'
    )


def test_a_classifier_of_other_emotions_is_refused(project, monkeypatch):
    project(labels=["angry", "sad"])
    assert "expected a classifier trained on the emotions sad, angry, found angry, sad" in failure(monkeypatch)


@pytest.mark.slow
def test_a_classifier_of_another_split_is_refused(project, monkeypatch):
    project()
    rows = manifest.read(Path("manifest.csv"))
    trained, other = (protocols.make(rows, EMOTIONS, dataclasses.replace(SPLIT, seed=seed)) for seed in (0, 1))
    tables.write(other, Path("split.csv"))
    assert failure(monkeypatch) == (
        "evaluate: models/kfold-00.safetensors: expected a classifier trained on the split "
        f"{splits_table.digest(other)}, found {splits_table.digest(trained)}; run the train stage again"
    )


def test_a_linear_classifier_predicts_as_well(project, monkeypatch):
    project(train=dataclasses.replace(TRAIN, classifier="lda"))
    run(monkeypatch)
    table = predictions.read(Path("predictions.csv"), EMOTIONS)
    assert recall_score(table["truth"], table["prediction"], average="macro") > 0.7


@pytest.mark.slow
def test_a_classifier_of_another_fold_or_protocol_is_refused(project, monkeypatch):
    project()
    whole = Path("models/kfold-01.safetensors").read_bytes()
    for other in ("kfold-02", "random-01"):
        Path("models/kfold-01.safetensors").write_bytes(Path(f"models/{other}.safetensors").read_bytes())
        assert failure(monkeypatch) == (
            "evaluate: models/kfold-01.safetensors: expected the classifier of its name, found that of "
            f"{other}.safetensors; run the train stage again"
        )
    Path("models/kfold-01.safetensors").write_bytes(whole)
    run(monkeypatch)


def test_a_split_without_a_fold_is_refused(project, monkeypatch):
    project()
    split = splits_table.read(Path("split.csv"))
    tables.write(split[(split["protocol"] != "kfold") | (split["fold"] != 2)], Path("split.csv"))
    message = failure(monkeypatch)
    assert message.startswith(
        "evaluate: split: kfold: expected every utterance in the test part of a fold, found 16 in"
    )
    assert message.endswith("; run the split stage again")


def test_a_vector_that_is_not_finite_is_refused(project, monkeypatch):
    project()
    known = features.load(Path("features/c.npz"))
    known.vectors[3, 1] = np.nan
    features.save(known, Path("features/c.npz"))
    assert "features/c.npz: expected finite numbers, found others in 1 vectors, the first is that of 'c/03'" in (
        failure(monkeypatch)
    )


def test_a_split_that_leaks_is_refused(project, monkeypatch):
    project()
    rows = manifest.read(Path("manifest.csv"))
    tables.write(rows.assign(speaker="c/0"), Path("manifest.csv"))
    assert "the speaker 'c/0' leaks" in failure(monkeypatch)


def test_a_misspelt_parameter_is_refused(project, monkeypatch):
    project()
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS | {"intervals": builders.INTERVALS | {"resample": 3}}))
    assert "params.yaml: intervals: unknown key 'resample'; did you mean 'resamples'?" in failure(monkeypatch)
