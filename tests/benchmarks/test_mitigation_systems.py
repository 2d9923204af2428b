import dataclasses

import numpy as np
import pytest

from ser.benchmarks import mitigation
from ser.benchmarks.mitigation import Changes, MitigationParams
from ser.features import Features
from ser.files.failures import InputError
from ser.learning import fitting
from ser.learning.recipe import AdversaryParams, Recipe, RobustParams
from ser.scores.intervals import IntervalParams
from tests import builders

EMOTIONS = ["sad", "angry"]
TRAIN = builders.train_params(batch_size=16, epochs=3, patience=3, seed=5)
INTERVALS = IntervalParams(resamples=200, confidence=0.9, seed=0, minimum_speakers=2)


def params(**systems):
    return MitigationParams("made", systems, cost=1.0, folds=3, intervals=INTERVALS)


@pytest.fixture
def people():
    """Six speakers of twelve utterances, women and men in turn."""
    return builders.manifest(6, 12, ["angry", "sad"])


@pytest.fixture
def features(people):
    vectors = np.random.default_rng(0).normal(size=(72, 6)).astype(np.float32)
    vectors[:, 0] += 2 * (people["emotion"] == "sad")
    vectors[:, 1] += 4 * (people["gender"] == "male")
    vectors[:, 2:] += 3 * np.random.default_rng(1).normal(size=(6, 4))[np.arange(72) // 12]
    names = people["id"].to_numpy(str)
    return Features(names, names, vectors, np.array(list("abcdef")), "made")


def folds(people, seeds=(0, 1)):
    """Three folds a seed: two speakers test, two others validate."""
    found = []
    for seed in seeds:
        for number in range(3):
            who = people["speaker"].str[-1].astype(int) // 2
            parts = np.where(who == number, "test", np.where(who == (number + 1 + seed) % 3, "validation", "train"))
            found.append((seed, number, "kfold", parts))
    return found


def test_changes_touch_only_what_they_name():
    assert Changes().applied(TRAIN) == TRAIN
    changed = Changes(labels="smoothed", robust=RobustParams("gender", 0.2)).applied(TRAIN)
    assert changed == dataclasses.replace(TRAIN, labels="smoothed", robust=RobustParams("gender", 0.2))


def test_trains_every_system_on_the_same_folds_and_predicts_each_test_utterance_once_a_seed(people, features):
    systems = {"smoothed": Changes(labels="smoothed"), "adversary": Changes(adversary=AdversaryParams("speaker", 0.1))}
    rows, notes = mitigation.run(folds(people), features, people, EMOTIONS, TRAIN, params(**systems), 1)
    assert notes == {}
    counts = rows.groupby(["system", "seed"])["id"].agg(["size", "nunique"])
    assert counts.index.tolist() == [
        (name, seed) for name in ("adversary", "baseline", "smoothed") for seed in range(2)
    ]
    assert (counts == 72).all(axis=None)


def test_changes_that_do_not_go_with_the_network_are_refused_by_name(people, features):
    systems = params(wrong=Changes(smoothing=2.0))
    with pytest.raises(InputError, match=r"^mitigation\.systems\.wrong: smoothing: expected a share between 0 and 1"):
        mitigation.run(folds(people), features, people, EMOTIONS, TRAIN, systems, 1)


def test_the_baseline_is_the_classifier_of_that_fold_and_seed(people, features):
    rows, _ = mitigation.run(folds(people), features, people, EMOTIONS, TRAIN, params(), 1)
    for seed, number, protocol, parts in folds(people)[3:5]:
        recipe = Recipe(EMOTIONS, dataclasses.replace(TRAIN, seed=seed), "made", protocol, number)
        arrays = people["emotion"].to_numpy(), parts, people["speaker"].to_numpy()
        model, _ = fitting.fit(recipe, features.vectors, *arrays)
        expected = np.array(EMOTIONS)[model.probabilities(features.vectors)[parts == "test"].argmax(axis=1)]
        found = rows.query("seed == @seed").set_index("id")["prediction"].loc[people["id"][parts == "test"]]
        assert found.tolist() == expected.tolist()


def test_probes_find_gender_and_speaker_where_they_show(people, features):
    tested = folds(people)[0][3] == "test"
    genders, speakers = people["gender"].to_numpy(), people["speaker"].to_numpy()
    noise = np.random.default_rng(3).normal(size=(72, 6))
    noise[:, 1] += 6 * (genders == "male")
    assert (mitigation.guess_gender(noise, genders, tested, cost=1.0) == genders[tested]).mean() > 0.9
    found = mitigation.guess_speaker(features.vectors, speakers, tested, params())
    assert (found == speakers[tested]).mean() > 0.9


def test_probes_find_nothing_in_noise(people):
    noise = np.random.default_rng(3).normal(size=(72, 6))
    tested = folds(people)[0][3] == "test"
    genders, speakers = people["gender"].to_numpy(), people["speaker"].to_numpy()
    assert 0.2 < (mitigation.guess_gender(noise, genders, tested, cost=1.0) == genders[tested]).mean() < 0.8
    assert (mitigation.guess_speaker(noise, speakers, tested, params()) == speakers[tested]).mean() < 0.45


def test_the_probe_for_gender_never_hears_the_test_speakers(people, features):
    tested = folds(people)[0][3] == "test"
    genders = people["gender"].to_numpy()
    expected = mitigation.guess_gender(features.vectors, genders, tested, cost=1.0)
    swapped = np.where(tested, np.where(genders == "male", "female", "male"), genders)
    np.testing.assert_array_equal(mitigation.guess_gender(features.vectors, swapped, tested, cost=1.0), expected)


def test_the_probe_for_speakers_never_learns_the_utterance_that_it_names(people):
    """Vectors that are all different: whoever has learnt them by heart would name everybody."""
    speakers = people["speaker"].to_numpy()
    found = mitigation.guess_speaker(100.0 * np.eye(72), speakers, np.full(72, True), params())
    assert (found == speakers).mean() < 0.4


def test_probes_that_cannot_be_had_guess_nothing(people, features):
    tested, nobody = folds(people)[0][3] == "test", np.full(72, "", dtype=object)
    assert (mitigation.guess_gender(features.vectors, nobody, tested, cost=1.0) == "").all()
    speakers = people["speaker"].to_numpy().copy()
    speakers[0] = "c/9"
    assert (mitigation.guess_speaker(features.vectors, speakers, tested, params()) == "").all()


def test_a_system_that_the_corpus_does_not_allow_is_noted(people, features):
    systems = {"soft": Changes(labels="soft"), "weights": Changes(group_weights="language")}
    rows, notes = mitigation.run(
        folds(people), features, people.assign(language="de"), EMOTIONS, TRAIN, params(**systems), 1
    )
    assert set(rows["system"]) == {"baseline"}
    assert notes["soft"] == "no votes, or none but for the label: soft labels would be hard ones"
    assert "train.group_weights language: expected at least two groups in training, found only de" in notes["weights"]


def test_a_baseline_that_cannot_be_trained_is_an_error(people, features):
    with pytest.raises(InputError, match="not finite"):
        mitigation.run(
            folds(people), features, people, EMOTIONS, dataclasses.replace(TRAIN, learning_rate=1e200), params(), 1
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"systems": {"baseline": Changes()}}, "systems"), ({"cost": 0.0}, "cost"), ({"folds": 1}, "folds")],
)
def test_params_out_of_range_are_refused(changes, message):
    with pytest.raises(ValueError, match=f"^{message}: expected"):
        dataclasses.replace(params(), **changes)
