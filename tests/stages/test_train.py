import runpy
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from ser import features
from ser.features import Features
from ser.files import tables
from ser.learning import cartography, classifier, fitting, training
from ser.learning.choices import Auxiliary
from ser.splits import protocols
from ser.splits import table as splits_table
from ser.splits.protocols import SplitParams
from tests import builders

STAGE = Path(__file__).resolve().parents[2] / "stages" / "train.py"
EMOTIONS = ["sad", "angry"]  # not in the order of the alphabet
EXTRACTOR = '{"extractor": "made"}'
SPLIT = SplitParams(**builders.SPLIT)
TRAIN = asdict(builders.train_params(hidden=[8, 4], dropout=0.1, epochs=6, patience=6))
FLAGS = (
    "--params params.yaml --manifest manifest.csv --features features --augmented augmented --auxiliary auxiliary "
    "--split split.csv --models models/classifier --dynamics dynamics.csv --curves curves.csv --picture curves.png"
)


def people():
    """Six speakers of eight utterances."""
    return builders.manifest(6, 8, ["angry", "sad"])


def read_fold(protocol, fold):
    """What a fold's training is given: recipe, vectors, truth, parts, speakers."""
    rows, split = people(), splits_table.read(Path("split.csv"))
    with np.load("features/c.npz") as features:
        vectors = features["vectors"]
    part = split.query("protocol == @protocol and fold == @fold").set_index("id")["part"]
    recipe = classifier.load(Path("models/classifier") / classifier.file_name(protocol, fold)).recipe
    truth, speakers = rows["emotion"].to_numpy(), rows["speaker"].to_numpy()
    return recipe, vectors, truth, part.loc[rows["id"]].to_numpy(), speakers


def write_params(emotions=EMOTIONS, **changes):
    Path("params.yaml").write_text(yaml.safe_dump({"emotions": emotions, "train": TRAIN | changes}))


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """Work in a folder with all that the stage reads; the vectors tell the emotions apart."""
    monkeypatch.chdir(tmp_path)
    rows = people()
    tables.write(rows, Path("manifest.csv"))
    tables.write(protocols.make(rows, EMOTIONS, SPLIT), Path("split.csv"))
    vectors = np.random.default_rng(0).normal(size=(48, 5)).astype(np.float32)
    vectors[:, 0] += np.where(rows["emotion"] == "angry", 3, -3)
    ids, sha256 = (rows[column].to_numpy(str) for column in ("id", "sha256"))
    features.save(Features(ids, sha256, vectors, np.array(list("abcde")), EXTRACTOR), Path("features/c.npz"))
    builders.save_copies(Path("augmented"), rows, {}, EXTRACTOR)
    builders.save_auxiliary(Path("auxiliary"), rows.iloc[:0])
    write_params()


@pytest.fixture
def run(monkeypatch):
    """Give a function that runs the stage in this process."""

    def run(*more: str):
        monkeypatch.setattr(sys, "argv", [str(STAGE), *FLAGS.split(), "--workers", "1", *more])
        runpy.run_path(str(STAGE), run_name="__main__")

    return run


def outputs():
    return {
        str(path): path.read_bytes()
        for path in [*Path("models").rglob("*"), *Path().glob("curves*"), *Path().glob("dynamics*")]
        if path.is_file()
    }


def test_trains_a_classifier_for_every_fold_of_every_protocol(run, capsys):
    run()
    names = {path.name for path in Path("models/classifier").iterdir()}
    assert names == {f"{protocol}-{fold:02d}.safetensors" for protocol in ("kfold", "random") for fold in range(3)}
    recipe = classifier.load(Path("models/classifier/random-02.safetensors")).recipe
    assert (recipe.protocol, recipe.fold, recipe.labels, recipe.extractor) == ("random", 2, EMOTIONS, EXTRACTOR)
    curves = pd.read_csv("curves.csv")
    kept = curves.sort_values("validation_loss").drop_duplicates(["protocol", "fold"]).groupby("protocol")
    mean = kept["validation_uar"].mean()
    assert capsys.readouterr().out == (
        f"train: 6 classifiers; mean validation UAR {mean['kfold']:.3f} kfold (folds: 3), "
        f"{mean['random']:.3f} random (folds: 3); see curves.png\n"
    )


def test_each_classifier_is_the_one_that_its_fold_gives(run):
    run()
    recipe, vectors, *data = read_fold("kfold", 1)
    stored = classifier.load(Path("models/classifier/kfold-01.safetensors"))
    expected, _ = fitting.fit(recipe, vectors, *data)
    np.testing.assert_array_equal(stored.probabilities(vectors), expected.probabilities(vectors))


def test_copies_of_training_speakers_are_trained_on_and_those_of_others_are_not(run, capsys):
    """In every fold and protocol: the copies of a fold's test and validation part are beyond all reason here."""
    write_params(epochs=2)
    rng = np.random.default_rng(1)
    copies = {"pink_10": rng.normal(size=(48, 5)), "pink_0": rng.normal(size=(48, 5))}
    builders.save_copies(Path("augmented"), people(), copies, EXTRACTOR)
    run()
    assert capsys.readouterr().out.endswith("; trained on copies under pink_10, pink_0; see curves.png\n")
    for protocol in ("kfold", "random"):
        recipe, vectors, truth, parts, speakers = read_fold(protocol, 1)
        absurd = [np.where(parts == "train", each.T, 1e6).T.astype(np.float32) for each in copies.values()]
        stored = classifier.load(Path("models/classifier") / classifier.file_name(protocol, 1))
        expected, _ = fitting.fit(recipe, vectors, truth, parts, speakers, copies=absurd)
        plain, _ = fitting.fit(recipe, vectors, truth, parts, speakers)
        np.testing.assert_array_equal(stored.probabilities(vectors), expected.probabilities(vectors))
        assert np.abs(stored.probabilities(vectors) - plain.probabilities(vectors)).max() > 1e-3
    assert set(pd.read_csv("dynamics.csv")["id"]) <= set(people()["id"])


def other_corpus():
    """Utterances of a corpus ``d``, whose vectors tell the emotions apart as the own ones do; and these vectors."""
    rows = builders.manifest(3, 8, ["angry", "sad"])
    rows = rows.assign(
        id="d/" + rows["id"], corpus="d", speaker="d/" + rows["speaker"], sha256=[f"{n:064x}" for n in range(100, 124)]
    )
    vectors = np.random.default_rng(3).normal(size=(24, 5)).astype(np.float32)
    vectors[:, 0] += np.where(rows["emotion"] == "angry", 9, -9)
    return rows, vectors


def test_auxiliary_corpora_train_in_every_fold_and_are_in_no_part(run, capsys, monkeypatch):
    rows, vectors = other_corpus()
    builders.save_auxiliary(Path("auxiliary"), rows, vectors, EXTRACTOR)
    write_params(start="lda")
    monkeypatch.setattr(fitting, "SHARES", (0.5,))
    run()
    said = "; lent by auxiliary corpora for each own utterance: 0.5 (folds: 3); see curves.png\n"
    assert capsys.readouterr().out.endswith(said)
    for protocol in ("kfold", "random"):
        recipe, own, *data = read_fold(protocol, 1)
        stored = classifier.load(Path("models/classifier") / classifier.file_name(protocol, 1))
        expected, _ = fitting.fit(recipe, own, *data, auxiliary=Auxiliary(rows, vectors))
        plain, _ = fitting.fit(recipe, own, *data)
        np.testing.assert_array_equal(stored.probabilities(own), expected.probabilities(own))
        assert np.abs(stored.probabilities(own) - plain.probabilities(own)).max() > 1e-6
    assert set(pd.read_csv("dynamics.csv")["id"]) <= set(people()["id"])


@pytest.mark.parametrize(
    ("change", "extractor", "message"),
    [
        ({"corpus": "c"}, EXTRACTOR, "auxiliary.corpora: 'c' is among `corpora`, too, where its speakers test"),
        (
            {"sha256": people()["sha256"].iloc[0]},
            EXTRACTOR,
            "found 24 utterances that are, such as 'd/c/[^']+', which is 'c/",
        ),
        ({}, '{"extractor": "other"}', "another encoder's: they differ in extractor; run the stage auxiliary again"),
    ],
    ids=["corpus", "audio", "encoder"],
)
def test_auxiliary_corpora_that_test_or_are_encoded_otherwise_are_refused(run, change, extractor, message):
    rows, vectors = other_corpus()
    builders.save_auxiliary(Path("auxiliary"), rows.assign(**change), vectors, extractor)
    with pytest.raises(SystemExit, match=rf"^train: .*{message}"):
        run()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "c/pink_10.npz").unlink(), "expected the feature files c/pink_10.npz, found none"),
        (lambda folder: (folder / "c/pink_10.npz").rename(folder / "c/car_0.npz"), "found c/car_0.npz"),
        (lambda folder: (folder / "c/pink_10.npz").write_bytes(b""), "damaged, or not a feature file"),
        (lambda folder: (folder / "conditions.csv").unlink(), "conditions.csv: no such file"),
    ],
    ids=["missing", "left over", "damaged", "no table"],
)
def test_copies_that_are_not_as_the_stage_augment_left_them_are_one_line(run, spoil, message):
    builders.save_copies(Path("augmented"), people(), {"pink_10": np.zeros((48, 5))}, EXTRACTOR)
    spoil(Path("augmented"))
    with pytest.raises(SystemExit, match=rf"^train: augmented.*{message}.*run the stage ") as caught:
        run()
    assert "\n" not in str(caught.value)
    assert "stage features" not in str(caught.value)
    assert outputs() == {}


@pytest.mark.parametrize(
    ("rows", "extractor", "message"),
    [
        (people().iloc[1:], EXTRACTOR, "expected the vectors of all utterances, found 1 missing"),
        (people().assign(sha256="0" * 64), EXTRACTOR, "found 47 missing"),  # the first one's is that
        (people(), '{"extractor": "other"}', "found another encoder's: they differ in .*extractor"),
    ],
    ids=["unfinished", "other audio", "other encoder"],
)
def test_copies_of_other_utterances_or_encoders_are_one_line(run, rows, extractor, message):
    builders.save_copies(Path("augmented"), rows, {"pink_10": np.zeros((len(rows), 5))}, extractor)
    expected = rf"^train: augmented/c/pink_10.npz: .*{message}; run the stage augment again$"
    with pytest.raises(SystemExit, match=expected):
        run()
    assert outputs() == {}


def test_writes_a_row_of_the_learning_curves_for_every_epoch_and_a_picture(run):
    run()
    curves = tables.read(Path("curves.csv"), fitting.CURVE)
    assert tuple(curves.columns) == fitting.CURVE
    assert (curves.groupby(["protocol", "fold"])["epoch"].max() == 6).all()
    assert curves.equals(curves.sort_values(["protocol", "fold", "epoch"], ignore_index=True))
    assert Path("curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("protocol", ["kfold", "random"])
def test_writes_how_training_went_for_each_utterance(run, protocol):
    """Of the speaker-independent folds; of the random ones only where they stand alone."""
    if protocol == "random":
        split = splits_table.read(Path("split.csv"))
        tables.write(split[split["protocol"] == "random"], Path("split.csv"))
    run()
    table = tables.read(Path("dynamics.csv"), cartography.COLUMNS, text=("id",))
    assert tuple(table.columns) == cartography.COLUMNS
    probability = {}
    for fold in range(3):
        recipe, vectors, truth, parts, speakers = read_fold(protocol, fold)
        trained, seen = parts == "train", []
        fitting.fit(recipe, vectors, truth, parts, speakers, record=seen.append)
        for row, name in enumerate(people()["id"][trained]):
            label = EMOTIONS.index(truth[trained][row])
            probability[name] = probability.get(name, []) + [epoch[row, label] for epoch in seen]
    probability = dict(sorted(probability.items()))
    assert table["id"].tolist() == list(probability)
    np.testing.assert_allclose(table["confidence"], [np.mean(each) for each in probability.values()], rtol=1e-6)
    np.testing.assert_allclose(table["variability"], [np.std(each) for each in probability.values()], rtol=1e-6)
    right = [np.mean(np.array(each) > 0.5) for each in probability.values()]  # of two emotions
    np.testing.assert_allclose(table["correctness"], right, rtol=1e-6)
    assert table["epochs"].tolist() == [len(each) for each in probability.values()]
    assert (table["epochs"] == 6 * table["folds"]).all()


def test_says_that_an_adversary_takes_the_start_away(run, capsys):
    write_params(start="lda", adversary={"attribute": "speaker"})
    run()
    message = "train: warning: train.adversary.attribute speaker: the scores of train.start lda would show what"
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_trains_several_networks_for_a_fold_where_asked(run):
    tables.write(protocols.make(people(), EMOTIONS, SplitParams("loso", 3, 0.3, 0.3, 0)), Path("split.csv"))
    write_params(start="lda", networks=3)
    run()
    assert len(classifier.load(Path("models/classifier/loso-01.safetensors")).networks) == 3
    curves = pd.read_csv("curves.csv")
    assert not curves.duplicated(["protocol", "fold", "epoch"]).any()


def test_says_in_how_many_folds_too_few_others_can_validate_for_the_networks_asked_for(run, capsys):
    tables.write(protocols.make(people(), EMOTIONS, SplitParams("holdout", 3, 0.5, 0.3, 0)), Path("split.csv"))
    write_params(networks=4, epochs=1)
    run()
    counts = [len(classifier.load(path).networks) for path in sorted(Path("models/classifier").iterdir())]
    assert counts == [3, 3]  # one of three speakers validates, so each of the two others can do so instead
    expected = "train: warning: train.networks: expected 4, found 3 in 2 of 2 folds, as too few other speakers, "
    assert capsys.readouterr().err.startswith(expected)


@pytest.mark.parametrize("changes", [{"networks": 3}, {"networks": 4, "classifier": "lda"}], ids=["enough", "linear"])
def test_says_nothing_where_there_are_as_many_networks_as_asked_for_or_no_others(run, capsys, changes):
    tables.write(protocols.make(people(), EMOTIONS, SplitParams("holdout", 3, 0.5, 0.3, 0)), Path("split.csv"))
    write_params(epochs=1, **changes)
    run()
    assert "warning" not in capsys.readouterr().err


def test_the_numbers_of_networks_that_are_too_low_are_a_range():
    params = builders.train_params(networks=4)
    (line,) = training.fewer_networks(params, [4, 1, 3, 4, 2])
    assert line.startswith("train.networks: expected 4, found 1 to 3 in 3 of 5 folds, as ")
    assert training.fewer_networks(params, [4, 4]) == []


@pytest.mark.parametrize("kind", ["lda", "svm"])
def test_trains_a_linear_classifier_where_asked(run, kind):
    write_params(classifier=kind)
    run()
    curves, dynamics = pd.read_csv("curves.csv"), pd.read_csv("dynamics.csv")
    assert curves["epoch"].tolist() == [1] * 6
    assert (dynamics["epochs"] == dynamics["folds"]).all()
    recipe, vectors, truth, parts, _ = read_fold("kfold", 1)
    assert recipe.params.classifier == kind
    stored = classifier.load(Path("models/classifier/kfold-01.safetensors"))
    right = np.asarray(EMOTIONS)[stored.probabilities(vectors).argmax(axis=1)] == truth
    assert right[parts == "test"].mean() > 0.9


def test_a_classifier_says_which_split_it_was_trained_on(run):
    run()
    recipe, *_ = read_fold("kfold", 1)
    assert recipe.split == splits_table.digest(splits_table.read(Path("split.csv")))


def test_says_which_keys_are_left_to_their_defaults(run, capsys):
    own = {key: value for key, value in TRAIN.items() if key != "networks"}
    Path("params.yaml").write_text(yaml.safe_dump({"emotions": EMOTIONS, "train": own}))
    run()
    assert capsys.readouterr().err == (
        "train: warning: params.yaml: train: expected the key 'networks', found none; without it 1 is taken, which may "
        "be another value than this version's params.yaml has: write it down\n"
    )


def test_takes_votes_and_groups_from_the_manifest(run, capsys):
    tables.write(people().assign(votes='{"angry": 3, "sad": 1}'), Path("manifest.csv"))
    write_params(labels="soft", adversary={"attribute": "speaker", "strength": 0.2}, robust={"attribute": "gender"})
    run()
    settings = classifier.load(Path("models/classifier/random-02.safetensors")).recipe.params
    assert (settings.labels, settings.adversary.attribute, settings.robust.attribute) == ("soft", "speaker", "gender")
    assert "warning" not in capsys.readouterr().err


def test_warns_where_soft_labels_are_hard_ones(run, capsys):
    rows = people()
    tables.write(rows.assign(votes='{"other": 1, "' + rows["emotion"] + '": 3}'), Path("manifest.csv"))
    write_params(labels="soft")
    run()
    assert "train: warning: train.labels soft: the votes of c are for the label or for none" in capsys.readouterr().err


def test_warns_where_a_group_lacks_an_emotion(run, capsys):
    rows = people()
    sad_men = (rows["gender"] == "male") & (rows["emotion"] == "sad")
    tables.write(rows.assign(emotion=np.where(sad_men, "angry", rows["emotion"])), Path("manifest.csv"))
    write_params(group_weights="gender")
    run()
    assert "train: warning: train.group_weights gender: no utterances of male sad; " in capsys.readouterr().err


@pytest.mark.slow
def test_gives_the_same_bytes_with_any_number_of_workers(run):
    run()
    alone = outputs()
    command = [sys.executable, str(STAGE), *FLAGS.split(), "--workers", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert outputs() == alone
    assert done.stdout.startswith("train: 6 classifiers; ")


def test_leaves_no_classifier_of_an_earlier_split(run):
    run()
    tables.write(protocols.make(people(), EMOTIONS, SplitParams("holdout", 3, 0.3, 0.3, 0)), Path("split.csv"))
    run()
    names = sorted(path.name for path in Path("models/classifier").iterdir())
    assert names == ["holdout-00.safetensors", "random-00.safetensors"]


def test_trains_nothing_on_a_leaking_split(run):
    split = splits_table.read(Path("split.csv"))
    split.loc[split.query("part == 'test'").index[0], "part"] = "train"
    tables.write(split, Path("split.csv"))
    with pytest.raises(SystemExit, match=r"^train: split: kfold, fold 0: the speaker '.*' leaks"):
        run()
    assert outputs() == {}


def test_an_error_leaves_the_old_classifiers_as_they_were(run):
    run()
    before = outputs()
    write_params(learning_rate=1e30)
    with pytest.raises(SystemExit, match=r"^train: .*not finite in epoch \d; lower train\.learning_rate$"):
        run()
    assert outputs() == before


def test_warns_where_normalisation_by_speaker_takes_the_emotion_away(run, capsys):
    rows = people()
    rows["emotion"] = np.where(np.arange(48) // 8 % 2, "sad", "angry")
    rows.loc[[0, 8, 16, 24, 32, 40], "emotion"] = ["sad", "angry"] * 3
    tables.write(rows, Path("manifest.csv"))
    run()
    assert "warning" not in capsys.readouterr().err
    write_params(normalisation="speaker", adversary={"attribute": "speaker"})
    run()
    found = capsys.readouterr().err
    assert "train: warning: emotions are tied to speakers, so train.normalisation speaker takes away" in found
    assert "train: warning: emotions are tied to speakers, so train.adversary.attribute speaker takes away" in found


def test_warns_where_normalisation_by_speaker_leaves_zeros_and_ones(run, capsys):
    rows = people()
    rows.loc[:2, "speaker"] = ["c/6", "c/6", "c/7"]
    tables.write(rows, Path("manifest.csv"))
    tables.write(protocols.make(rows, EMOTIONS, SPLIT), Path("split.csv"))
    write_params(epochs=1)
    run()
    assert "warning" not in capsys.readouterr().err
    write_params(epochs=1, normalisation="speaker")
    run()
    expected = "expected several utterances of every speaker, found one or two by 2 of 8 speakers, whose vectors become"
    assert f"train: warning: train.normalisation speaker: {expected} zeros, or plus" in capsys.readouterr().err


@pytest.mark.parametrize("each", [1, 2, 3])
def test_one_or_two_utterances_of_a_speaker_become_zeros_or_plus_and_minus_one(each):
    rows = builders.manifest(6, each, EMOTIONS)
    vectors = np.random.default_rng(0).normal(size=(len(rows), 5))
    params = builders.train_params(normalisation="speaker")
    normalised = np.abs(classifier.maybe_by_speaker(vectors, rows["speaker"].to_numpy(), params))
    lost = np.allclose(normalised, 0) or np.allclose(normalised, 1)
    assert lost == any("found one or two by 6 of 6" in line for line in training.warnings(params, rows, EMOTIONS))
    assert lost == (each < 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"normalisation": "speakers"}, r"train\.normalisation: expected one of .*did you mean 'speaker'"),
        ({"learning_rate": "1e-3"}, r"train\.learning_rate: expected float, .*1\.0e-3"),
        ({"dropout": 1.5}, "dropout: expected 0 or more and below 1"),
        ({"optimiser": "SGD"}, "unknown key 'optimiser'"),
        ({"emotions": ["sad", "angry", "bored"]}, "make `emotions` agree with the manifest"),
        ({"labels": "soft"}, r"expected votes for .* found none with \d+ of 'c', .*; choose train\.labels smoothed"),
        ({"classifier": "svm", "labels": "soft"}, r"train: classifier: expected mlp with labels soft, found svm; only"),
        ({"classifier": "tree"}, r"train\.classifier: expected one of mlp, lda, svm"),
        ({"labels": "votes"}, r"train\.labels: expected one of hard, soft, smoothed"),
        ({"group_weights": "age"}, r"train\.group_weights: expected one of none, gender, speaker, corpus, language"),
        (
            {"adversary": {"attribute": "corpus"}},
            r"train\.adversary\.attribute corpus: .* found only c; choose another",
        ),
        ({"robust": {"attribute": "gender", "step": 0}}, r"train\.robust: step: expected a number above 0"),
        ({"robust": {"attribute": "gender"}, "group_weights": "gender"}, "both weigh groups, choose one"),
    ],
)
def test_refuses_wrong_params_in_one_line_and_writes_nothing(run, changes, message):
    write_params(**changes)
    with pytest.raises(SystemExit, match=message) as caught:
        run()
    assert "\n" not in str(caught.value)
    assert outputs() == {}


def test_refuses_features_that_are_not_of_the_manifest(run):
    tables.write(people().assign(sha256=[f"{index + 48:064x}" for index in range(48)]), Path("manifest.csv"))
    with pytest.raises(SystemExit, match=r"^train: features: expected the 48 utterances of the manifest"):
        run()
    assert outputs() == {}
