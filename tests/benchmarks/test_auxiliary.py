import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import recall_score

from ser.benchmarks import auxiliary
from ser.benchmarks.auxiliary import WHOLE, Corpus, LendingParams
from ser.benchmarks.tasks import Task
from ser.features import Features
from ser.files import params
from ser.learning.recipe import TrainParams
from ser.scores.intervals import IntervalParams

ROOT = Path(__file__).resolve().parents[2]
EMOTIONS = ["angry", "happy", "sad"]
INTERVALS = IntervalParams(resamples=200, confidence=0.9, seed=0, minimum_speakers=3)
NETWORK = TrainParams(
    hidden=[4],
    dropout=0.0,
    learning_rate=0.01,
    weight_decay=0.0,
    batch_size=16,
    epochs=2,
    patience=2,
    normalisation="train",
    class_weights=True,
    seed=0,
    start="lda",
    networks=2,
)


def lending(**changes):
    chosen = LendingParams(["here", "there"], ["lda"], [WHOLE, 4], [0, 1], INTERVALS)
    return dataclasses.replace(chosen, **changes)


def corpus(name, speakers, noise, emotions=EMOTIONS, protocol="loso", seed=0):
    """Speakers a to ..., six utterances of each emotion: the direction of an emotion is the same in every corpus."""
    random, rows = np.random.default_rng(seed), []
    for number in range(speakers):
        for emotion in [*EMOTIONS, "bored"]:
            for take in range(6 if emotion in emotions else 0):
                gender = "female" if number % 3 else "male"
                rows.append((f"{name}/{number}-{emotion}-{take}", name, f"{name}/{number}", gender, emotion, ""))
    people = pd.DataFrame(rows, columns=["id", "corpus", "speaker", "gender", "emotion", "session"])
    people["sha256"] = people["id"].map(lambda name: hashlib.sha256(name.encode()).hexdigest())
    directions = np.eye(4, 12)[pd.Index([*EMOTIONS, "bored"]).get_indexer(people["emotion"])]
    vectors = (directions + noise * random.standard_normal((len(people), 12))).astype(np.float32)
    names, blank = np.array([f"n{number}" for number in range(12)]), np.array([""] * len(people))
    features = Features(people["id"].to_numpy(), blank, vectors, names, "{}")
    return Corpus(Task(corpus=name, emotions=emotions, protocol=protocol), people, features)


@pytest.fixture(scope="module")
def corpora():
    return {"here": corpus("here", 6, 1.2), "there": corpus("there", 9, 0.4, [*EMOTIONS, "bored"], seed=1)}


def test_others_lend_what_has_an_emotion_of_the_task_and_the_own_corpus_nothing(corpora):
    again = dataclasses.replace(corpora["here"], task=Task(corpus="here", emotions=EMOTIONS[:2], protocol="loso"))
    found = auxiliary.lenders(corpora | {"again": again}, "here")
    people = corpora["there"].people
    wanted = people["emotion"] != "bored"
    assert found.utterances["id"].tolist() == people.loc[wanted, "id"].tolist()
    np.testing.assert_array_equal(found.vectors, corpora["there"].features.vectors[wanted])


def test_a_cut_has_whole_speakers_as_many_women_as_men_and_differs_by_seed(corpora):
    people = corpora["there"].people
    drawn = [people.iloc[auxiliary.cut(people, 6, seed)] for seed in range(8)]
    for part in drawn:
        assert part.drop_duplicates("speaker")["gender"].value_counts().to_dict() == {"female": 3, "male": 3}
        assert (part.groupby("speaker").size() == 24).all()
        assert part.index.is_monotonic_increasing
    assert len({frozenset(part["speaker"]) for part in drawn}) > 3
    assert len(auxiliary.cut(people, WHOLE, 0)) == len(people)


def test_jobs_test_every_utterance_of_a_draw_once_for_each_classifier_with_others_and_without(corpora):
    found = list(auxiliary.jobs(corpora, lending(classifiers=["mlp", "lda"]), folds=3, share=0.25))
    assert [len(job.rows) for job in found] == sorted((len(job.rows) for job in found), reverse=True)
    tests = pd.DataFrame(
        [
            (job.task, job.speakers, job.seed, job.classifier, job.lends, row)
            for job in found
            for row in job.rows[job.fold[2] == "test"]
        ],
        columns=["task", "speakers", "seed", "classifier", "lends", "row"],
    )
    counts = tests.groupby(["task", "speakers", "seed", "classifier", "lends"])["row"].agg(["size", "nunique"])
    assert (counts["size"] == counts["nunique"]).all()
    assert counts.groupby(["task", "speakers", "seed"])["size"].first().to_dict() == {
        ("here", 0, 0): 6 * 18,
        ("here", 4, 0): 4 * 18,
        ("here", 4, 1): 4 * 18,
        ("there", 0, 0): 9 * 24,
        ("there", 4, 0): 4 * 24,
        ("there", 4, 1): 4 * 24,
    }
    assert len(counts) == 6 * 2 * 2


def test_a_corpus_is_not_cut_to_as_many_speakers_as_it_has(corpora):
    found = {(job.task, job.speakers) for job in auxiliary.jobs(corpora, lending(speakers=[6]), 3, 0.25)}
    assert found == {("there", 6)}


@pytest.fixture(scope="module")
def predictions(corpora):
    wanted = list(auxiliary.jobs(corpora, lending(speakers=[4]), 3, 0.25))
    return auxiliary.run(corpora, wanted, NETWORK)


def test_a_noisy_corpus_gains_by_a_clear_one_of_the_same_directions(corpora, predictions):
    found = auxiliary.scored(predictions, corpora, INTERVALS).set_index("task").loc["here"]
    assert found["difference"] > 0.05
    assert 0 < found["share"] <= 1
    assert found["draws"] == 2
    assert (predictions.loc[~predictions["lends"], "share"] == 0).all()


def test_figures_are_those_of_scikit_learn_on_the_pooled_draws_and_intervals_are_paired(corpora, predictions):
    for line in auxiliary.scored(predictions, corpora, INTERVALS).to_dict("records"):
        people = corpora[line["task"]].people
        rows = predictions[predictions["task"] == line["task"]].merge(people[["id", "emotion"]], on="id")
        alone, lent = (
            recall_score(part["emotion"], part["prediction"], average="macro") for _, part in rows.groupby("lends")
        )
        assert (line["alone"], line["lent"]) == pytest.approx((alone, lent))
        assert line["difference"] == pytest.approx(lent - alone)
        assert line["difference_low"] <= line["difference"] <= line["difference_high"]


def test_whoever_is_the_same_with_others_differs_by_nothing_for_sure(corpora, predictions):
    alone = predictions[~predictions["lends"]]
    lines = auxiliary.scored(pd.concat([alone, alone.assign(lends=True)]), corpora, INTERVALS)
    assert (lines[["difference", "difference_low", "difference_high"]] == 0).all(axis=None)


def test_networks_train_too_and_workers_change_nothing(corpora):
    wanted = list(auxiliary.jobs(corpora, lending(speakers=[4], seeds=[0], classifiers=["mlp"]), 3, 0.25))[-2:]
    one, two = (auxiliary.run(corpora, wanted, NETWORK, workers) for workers in (1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert one["lends"].tolist() == [False] * 18 + [True] * 18


def test_page_and_metrics_tell_the_same(corpora, predictions):
    lines = auxiliary.scored(predictions, corpora, INTERVALS)
    page, metrics = auxiliary.page(lines, "made", corpora, lending()), auxiliary.nested(lines)
    here = metrics["here"]["4"]["lda"]
    assert f"{here['difference']:+.3f} [{here['difference_low']:+.3f}, {here['difference_high']:+.3f}]" in page
    assert set(here) == {*auxiliary.NUMBERS, "share"}
    assert "vectors of `made`" in page
    json.dumps(metrics, allow_nan=False)
    mean = lines["difference"].mean()
    assert f"by speakers: {mean:+.3f} with 4." in page
    assert auxiliary.summary(lines) == f"lda, 4 speakers: {mean:+.3f}"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tasks": ["here"]}, "tasks: expected at least two"),
        ({"tasks": ["here", "here"]}, "tasks: expected at least two, each once"),
        ({"seeds": []}, "seeds: expected different whole numbers"),
        ({"seeds": [1, 1]}, "seeds: expected different whole numbers"),
        ({"speakers": [3]}, "speakers: expected 0 for all, or 4 or more, found"),
        ({"speakers": []}, "speakers: expected 0 for all"),
    ],
)
def test_params_that_make_no_sense_are_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        lending(**changes)


def test_the_benchmarks_own_params_are_what_the_script_reads():
    file = ROOT / "benchmarks/params.yaml"
    settings = params.read(file, "auxiliary", LendingParams)
    tasks = params.read(file, "tasks", dict[str, Task])
    assert set(settings.tasks) <= set(tasks)
    assert len({tasks[name].corpus for name in settings.tasks}) == len(settings.tasks)
