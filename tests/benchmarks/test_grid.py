import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import recall_score

from ser.benchmarks import comparison, grid, linear, tasks
from ser.benchmarks.comparison import CompareParams, System
from ser.benchmarks.grid import Choice, GridParams
from ser.benchmarks.tasks import Task
from ser.features import Features
from ser.files.failures import InputError
from ser.learning import fitting
from ser.learning.recipe import Recipe, TrainParams
from ser.scores.intervals import IntervalParams
from ser.splits import protocols

EMOTIONS = ["angry", "happy", "sad"]
LOSO = Task("c", EMOTIONS, "loso")
BOTH = ["train", "speaker"]
COSTS = [0.1, 1.0]
PARAMS = GridParams(
    {
        "svm_tuned": Choice(BOTH, [], COSTS),
        "logistic_tuned": Choice(["train"], ["plain"], COSTS),
        "mlp": Choice(["train"], ["other"]),
    },
    contrast=["train"],
    seeds=[0, 1],
    folds=3,
    validation_share=0.25,
    inner_folds=2,
)
MLP = TrainParams([8], 0.2, 0.01, 0.01, 16, 8, 4, "train", True, 0)


class Speakers:
    """A world of speakers: each has a voice, far from the others', and a favourite emotion; emotions show weakly."""

    def __init__(self, seed, voice=2.0, emotion=0.4, favour=0.6):
        self.generator = np.random.default_rng(seed)
        self.voice, self.favour = voice, favour
        self.means = {word: self.generator.normal(0, emotion, 48) for word in EMOTIONS}

    def speak(self, speakers, utterances, corpus="c"):
        """Utterances of new speakers, as a manifest and vectors."""
        rows, vectors = [], []
        for speaker in range(speakers):
            offset, favourite = self.generator.normal(0, self.voice, 48), EMOTIONS[speaker % 3]
            for number in range(utterances):
                emotion = favourite if self.generator.random() < self.favour else self.generator.choice(EMOTIONS)
                name = f"{corpus}/{speaker:02d}_{number:02d}"
                rows.append((name, corpus, f"{corpus}/{speaker:02d}", "", emotion, name, ""))
                vectors.append(offset + self.means[emotion] + self.generator.normal(0, 1, 48))
        manifest = pd.DataFrame(rows, columns=["id", "corpus", "speaker", "gender", "emotion", "sha256", "details"])
        return manifest, features(np.array(vectors), manifest)


def features(vectors, manifest):
    ids, names = manifest["id"].to_numpy(str), np.array([str(number) for number in range(vectors.shape[1])])
    return Features(ids, ids, vectors.astype(np.float32), names, "{}")


@pytest.fixture(scope="module")
def spoken():
    return Speakers(0).speak(6, 8)


def predict(spoken, params=PARAMS, task=LOSO, names=("plain",), workers=1):
    manifest, vectors = spoken
    found = grid.folds(manifest, task, params)
    return grid.predict(found, dict.fromkeys(names, vectors), manifest, task.emotions, params, MLP, workers)


# Nothing twice, everything on the same folds


def test_folds_are_those_of_the_split_stage_for_every_seed(spoken):
    manifest, _ = spoken
    found = grid.folds(manifest, LOSO, PARAMS)
    assert [(fold.protocol, fold.seed, fold.number) for fold in found] == [
        (protocol, seed, number) for seed in (0, 1) for protocol in ("loso", "random") for number in range(6)
    ]
    expected = protocols.make(manifest, EMOTIONS, protocols.SplitParams("loso", 3, 0.25, 0.25, 1))
    for fold in found[12:]:
        rows = expected[(expected["protocol"] == fold.protocol) & (expected["fold"] == fold.number)]
        assert dict(zip(manifest["id"], fold.parts, strict=True)) == dict(zip(rows["id"], rows["part"], strict=True))


def test_only_one_speaker_out_repeats_itself_under_another_seed(spoken):
    found = grid.folds(spoken[0], LOSO, PARAMS)
    assert {fold.protocol for fold in found if fold.repeated} == {"loso"}
    assert all(fold.repeated == (fold.seed == 1) for fold in found if fold.protocol == "loso")


def test_a_seed_that_shares_some_folds_with_another_runs_all_of_its_own(spoken):
    manifest, params = spoken[0], dataclasses.replace(PARAMS, seeds=list(range(6)))
    kfold = [
        fold
        for fold in grid.folds(manifest, dataclasses.replace(LOSO, protocol="kfold"), params)
        if fold.protocol == "kfold"
    ]
    cuts = [frozenset((fold.parts == "test").tobytes() for fold in kfold if fold.seed == seed) for seed in range(6)]
    assert len(frozenset.union(*cuts)) < sum(len(cut) for cut in set(cuts))  # some folds are shared
    for fold in kfold:
        assert fold.repeated == (cuts[fold.seed] in cuts[: fold.seed])


@pytest.mark.slow
def test_each_system_runs_where_it_is_wanted_and_nowhere_else(spoken):
    table = predict(spoken, names=("plain", "other"))
    runs = table.groupby(["encoder", "classifier", "normalisation", "protocol"])["seed"].unique().map(sorted)
    assert runs.to_dict() == {
        ("plain", "svm_tuned", "train", "loso"): [0],
        ("plain", "svm_tuned", "train", "random"): [0, 1],
        ("plain", "svm_tuned", "speaker", "loso"): [0],
        ("plain", "mlp", "train", "loso"): [0, 1],
        ("plain", "mlp", "train", "random"): [0, 1],
        ("other", "svm_tuned", "train", "loso"): [0],
        ("other", "svm_tuned", "train", "random"): [0, 1],
        ("other", "svm_tuned", "speaker", "loso"): [0],
        ("other", "logistic_tuned", "train", "loso"): [0],
        ("other", "logistic_tuned", "train", "random"): [0, 1],
    }
    counts = table.groupby(["encoder", "classifier", "normalisation", "protocol", "seed"])["id"].agg(
        ["size", "nunique"]
    )
    assert (counts == len(spoken[0])).all(axis=None)  # every utterance once


def test_the_leakage_gate_sees_every_split(spoken):
    manifest = spoken[0].copy()
    manifest["sha256"] = "the same"
    with pytest.raises(InputError, match="leaks"):
        grid.folds(manifest, LOSO, PARAMS)


# The systems


@pytest.mark.parametrize("name", ["mlp", "lda", "svm"])
def test_the_main_pipelines_classifiers_are_its_own_with_the_seed_of_the_fold(spoken, name):
    manifest, vectors = spoken
    fold = next(fold for fold in grid.folds(manifest, LOSO, PARAMS) if (fold.seed, fold.number) == (1, 2))
    settings = dataclasses.replace(MLP, seed=1, normalisation="speaker", classifier=name)
    truth, speakers = manifest["emotion"].to_numpy(), manifest["speaker"].to_numpy()
    network, _ = fitting.fit(Recipe(EMOTIONS, settings, "{}", "loso", 2), vectors.vectors, truth, fold.parts, speakers)
    test = fold.parts == "test"
    expected = np.array(EMOTIONS)[network.probabilities(vectors.vectors[test], speakers[test]).argmax(axis=1)]
    found = grid.run(grid.Job("e", "speaker", fold, (name,)), vectors, manifest, EMOTIONS, PARAMS, MLP)
    assert found["prediction"].tolist() == expected.tolist()
    assert found["id"].tolist() == manifest.loc[test, "id"].tolist()


@pytest.mark.parametrize(("protocol", "grouped"), [("loso", True), ("random", False)])
def test_linear_classifiers_train_on_validation_speakers_too_and_choose_as_the_protocol_splits(
    spoken, monkeypatch, protocol, grouped
):
    manifest, vectors = spoken
    asked = {}

    def listen(machines, vectors, truth, groups, parts, folds, scale):
        asked.update(machines=machines, groups=groups, parts=parts, scale=scale, folds=folds, vectors=vectors)
        return dict.fromkeys(machines, truth[parts == "test"])

    monkeypatch.setattr(linear, "predict", listen)
    fold = next(fold for fold in grid.folds(manifest, LOSO, PARAMS) if fold.protocol == protocol)
    for normalisation in BOTH:
        grid.run(grid.Job("e", normalisation, fold, ("svm_tuned",)), vectors, manifest, EMOTIONS, PARAMS, MLP)
        assert (asked["groups"] is not None) == grouped
        assert asked["parts"] is fold.parts
        assert (asked["machines"], asked["folds"]) == ({"svm_tuned": COSTS}, 2)
        assert asked["scale"] == (normalisation == "train")
    own = asked["vectors"][(manifest["speaker"] == "c/03").to_numpy()]
    np.testing.assert_allclose(own.mean(axis=0), 0, atol=1e-6)


@pytest.mark.slow
def test_any_number_of_workers_gives_the_same_predictions(spoken):
    few = dataclasses.replace(
        PARAMS, classifiers={"mlp": Choice(["train"], []), "svm_tuned": Choice(["train"], [], COSTS)}, seeds=[0]
    )
    pd.testing.assert_frame_equal(predict(spoken, few, workers=1), predict(spoken, few, workers=2))


# The reason for all this


def compared(spoken):
    """The rows of logistic regression on a world's utterances: by speakers and at random."""
    params = dataclasses.replace(
        PARAMS, classifiers={"logistic_tuned": Choice(["train"], [], COSTS)}, seeds=[0, 1, 2], folds=4
    )
    compare = CompareParams("plain", System("plain", "logistic_tuned", "train"), IntervalParams(2000, 0.95, 0, 5))
    table = predict(spoken, params, Task("c", EMOTIONS, "kfold"))
    return comparison.table(table, spoken[0], EMOTIONS, compare)


@pytest.mark.slow
def test_random_overstates_on_speaker_coloured_data_and_ours_does_not():
    """Against the truth: what the same classifier scores on three hundred speakers whom it never heard."""
    world = Speakers(0)
    spoken = manifest, vectors = world.speak(30, 12)
    strangers, theirs = world.speak(300, 6, "strangers")
    everyone, both = pd.concat([manifest, strangers]), np.concatenate([vectors.vectors, theirs.vectors])
    labels, speakers = everyone["emotion"].to_numpy(), everyone["speaker"].to_numpy()
    parts = np.where(everyone["corpus"] == "strangers", "test", "train")
    costs = {"logistic_tuned": COSTS}
    heard = linear.predict(costs, both, labels, speakers, parts, PARAMS.inner_folds)["logistic_tuned"]
    truth = recall_score(strangers["emotion"], heard, average="macro")

    rows = compared(spoken)
    scored = rows.dropna(subset="protocol").set_index("protocol")
    assert rows.set_index("encoder").at["speaker oracle", "uar"] > 0.6  # the voice alone gives the emotion away
    assert scored.at["random", "uar"] > truth + 0.15
    assert scored.at["random", "uar_low"] > truth
    assert scored.at["kfold", "uar"] == pytest.approx(truth, abs=0.05)
    assert scored.at["kfold", "uar_low"] < truth < scored.at["kfold", "uar_high"]
    assert scored.at["kfold", "drop_low"] > 0  # and the benchmark says so


@pytest.mark.slow
def test_without_colour_random_overstates_nothing():
    rows = compared(Speakers(0, voice=0.0, favour=0.0).speak(30, 12)).set_index("protocol")
    assert rows.at["kfold", "drop_low"] < 0 < rows.at["kfold", "drop_high"]
    assert abs(rows.at["kfold", "drop"]) < 0.05


# Across corpora


def test_across_corpora_all_of_the_other_corpus_tests_and_speakers_of_the_own_one_validate():
    world = Speakers(1)
    home, away = world.speak(8, 12, "home")[0], world.speak(3, 12, "away")[0]
    manifest = pd.concat([home, away], ignore_index=True)
    found = grid.cross_folds(manifest, "home", EMOTIONS, PARAMS)
    assert [(fold.protocol, fold.seed, fold.repeated) for fold in found] == [
        ("cross_corpus", 0, False),
        ("cross_corpus", 1, True),
    ]
    for fold in found:
        speakers = manifest.groupby(fold.parts)["speaker"].unique().map(set)
        assert speakers["test"] == set(away["speaker"])
        assert len(speakers["validation"]) == 2  # a quarter
        assert not speakers["validation"] & speakers["train"]
        assert speakers["validation"] | speakers["train"] == set(home["speaker"])


def test_across_corpora_the_predictions_are_of_the_other_corpus():
    world = Speakers(1, voice=0.3)
    parts = [world.speak(8, 12, "home"), world.speak(6, 12, "away")]
    manifest = pd.concat([part[0] for part in parts], ignore_index=True)
    vectors = features(np.concatenate([part[1].vectors for part in parts]), manifest)
    found = grid.cross_folds(manifest, "home", EMOTIONS, PARAMS)
    table = grid.predict(found, {"plain": vectors}, manifest, EMOTIONS, PARAMS, MLP)
    assert table.groupby(["classifier", "normalisation"])["seed"].nunique().to_dict() == {
        ("mlp", "train"): 2,
        ("svm_tuned", "speaker"): 1,
        ("svm_tuned", "train"): 1,
    }
    away = manifest[manifest["corpus"] == "away"]
    assert set(table["id"]) == set(away["id"])
    svm = table[(table["classifier"] == "svm_tuned") & (table["normalisation"] == "train")]
    assert recall_score(away["emotion"], svm.set_index("id").loc[away["id"], "prediction"], average="macro") > 0.7


# Params


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"classifiers": {"tree": Choice(BOTH, [])}},
            "classifiers: expected some of svm_tuned, logistic_tuned, lda_tuned, mlp, lda, svm",
        ),
        ({"classifiers": {}}, "classifiers: expected some of"),
        ({"seeds": []}, "seeds: expected"),
        ({"seeds": [1, 1]}, "seeds: expected"),
        (
            {"classifiers": {"svm_tuned": Choice(BOTH, [], [1.0, 0.1])}},
            r"classifiers.svm_tuned.costs: expected ascending numbers from 1e-09 to 1000000000.0, found \[1.0, 0.1\]",
        ),
        (
            {"classifiers": {"lda_tuned": Choice(BOTH, [], [0.0, 0.1])}},
            "classifiers.lda_tuned.costs: expected ascending",
        ),
        ({"classifiers": {"svm_tuned": Choice(BOTH, [])}}, "svm_tuned.costs: expected ascending .*, found none"),
        ({"classifiers": {"lda": Choice(BOTH, [], [1.0])}}, "lda.costs: expected none, as inner folds choose nothing"),
        ({"seeds": [2**32]}, "seeds: expected at most 4294967295, found 4294967296"),
        ({"folds": 1}, "folds: expected 2 or more"),
        ({"validation_share": 0.6}, "validation_share: expected a share above 0 and at most 0.5"),
        ({"inner_folds": 1}, "inner_folds: expected 2 or more"),
    ],
)
def test_params_that_make_no_sense_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(PARAMS, **change)


def test_a_name_that_is_not_in_the_params_is_refused():
    assert tasks.named("tasks", {"a": LOSO}, "a") is LOSO
    with pytest.raises(InputError, match="tasks: expected 'b', found a; add it there"):
        tasks.named("tasks", {"a": LOSO}, "b")


def test_one_corpus_cannot_be_crossed():
    with pytest.raises(ValueError, match="expected at least two, each once, found c, c"):
        tasks.CrossCorpus(["c", "c"], EMOTIONS)


# What a task takes of it


def test_a_task_takes_what_it_names_and_all_of_what_it_does_not():
    assert grid.narrowed(PARAMS, LOSO) == PARAMS
    name = next(iter(PARAMS.classifiers))
    taken = grid.narrowed(PARAMS, Task("c", EMOTIONS, "loso", classifiers=[name], seeds=PARAMS.seeds[:1]))
    assert list(taken.classifiers) == [name]
    assert taken.seeds == PARAMS.seeds[:1]
    with pytest.raises(InputError, match=r"classifiers: expected some of .*, found oracle"):
        grid.narrowed(PARAMS, Task("c", EMOTIONS, "loso", classifiers=["oracle"]))
