import dataclasses
import json
import random
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_score, recall_score

from ser.files import tables
from ser.scores import metrics
from ser.scores.intervals import Bootstrap, IntervalParams

EMOTIONS = ["angry", "happy", "sad", "neutral"]
PARAMS = IntervalParams(resamples=1000, confidence=0.95, seed=0, minimum_speakers=5)
SCORES = ("accuracy", "uar", "macro_precision", "macro_f1")


def simulate(speakers=8, each=5, spread=0.15, seed=0, skill=0.6, protocol="kfold", folds=2):
    """Speakers who differ in how well they are understood; each speaks each emotion equally often."""
    generator = np.random.default_rng(seed)
    understood = np.clip(generator.normal(skill, spread, size=speakers), 0, 1)
    truth = np.tile(np.repeat(EMOTIONS, each), speakers)
    who = np.repeat(np.arange(speakers), each * len(EMOTIONS))
    others = generator.choice(EMOTIONS, size=len(truth))
    right = generator.random(len(truth)) < understood[who]
    return pd.DataFrame(
        {
            "id": [f"c/{index:04d}" for index in range(len(truth))],
            "protocol": protocol,
            "fold": who % folds,
            "truth": truth,
            "prediction": np.where(right, truth, others),
            "speaker": [f"c/{speaker:02d}" for speaker in who],
        }
    )


HAND = np.array(  # rows: truth angry, happy, sad; sad does not occur, and is predicted once
    [
        [3, 0, 1],
        [2, 2, 0],
        [0, 0, 0],
    ]
)


def test_scores_of_a_case_worked_by_hand():
    found = metrics.scores(HAND)
    assert found["accuracy"] == pytest.approx(5 / 8)
    assert found["uar"] == pytest.approx((3 / 4 + 2 / 4) / 2)
    assert found["macro_precision"] == pytest.approx((3 / 5 + 2 / 2) / 2)
    assert found["macro_f1"] == pytest.approx((6 / 9 + 4 / 6) / 2)


def test_emotions_of_a_case_worked_by_hand():
    found = metrics.by_emotion(HAND)
    np.testing.assert_allclose(found["recall"], [3 / 4, 2 / 4, np.nan])
    np.testing.assert_allclose(found["precision"], [3 / 5, 1, 0])
    np.testing.assert_allclose(found["f1"], [6 / 9, 4 / 6, np.nan])
    np.testing.assert_array_equal(found["support"], [4, 4, 0])


def test_an_emotion_that_is_never_predicted_has_precision_0_and_one_that_never_occurs_has_none():
    confusion = np.array([[4, 0, 0], [1, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(metrics.by_emotion(confusion)["precision"], [0.8, 0, np.nan])
    assert metrics.scores(confusion)["macro_precision"] == pytest.approx(0.4)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("occurring", [4, 3, 2])
def test_scores_equal_those_of_scikit_learn(seed, occurring):
    generator = np.random.default_rng(seed)
    truth = generator.choice(EMOTIONS[:occurring], size=30)
    prediction = generator.choice(EMOTIONS, size=30, p=[0.5, 0.3, 0.2, 0])
    (confusion,) = metrics.confusions(truth, prediction, ["all"] * 30, ["all"], EMOTIONS)
    options = {"labels": sorted(set(truth)), "average": "macro", "zero_division": 0}
    expected = {
        "accuracy": accuracy_score(truth, prediction),
        "uar": recall_score(truth, prediction, **options),
        "macro_precision": precision_score(truth, prediction, **options),
        "macro_f1": f1_score(truth, prediction, **options),
    }
    assert {name: float(value) for name, value in metrics.scores(confusion).items()} == pytest.approx(expected)


def test_each_speakers_confusion_equals_that_of_scikit_learn():
    table = simulate()
    names = sorted(set(table["speaker"]), reverse=True)
    stack = metrics.confusions(table["truth"], table["prediction"], table["speaker"], names, EMOTIONS)
    for name, confusion in zip(names, stack, strict=True):
        part = table[table["speaker"] == name]
        np.testing.assert_array_equal(confusion, confusion_matrix(part["truth"], part["prediction"], labels=EMOTIONS))


def test_an_emotion_outside_the_label_set_is_a_bug_of_ours():
    with pytest.raises(AssertionError, match="not in the list"):
        metrics.confusions(["bored"], ["sad"], ["x"], ["x"], EMOTIONS)


def test_many_confusions_at_once_give_what_each_gives_alone():
    stack = np.random.default_rng(0).integers(0, 3, size=(5, 4, 4))
    stack[2] = 0
    stack[3, 1] = 0
    together = metrics.scores(stack)
    for index, confusion in enumerate(stack):
        alone = metrics.scores(confusion)
        for name in SCORES:
            np.testing.assert_equal(together[name][index], alone[name])
    assert np.isnan(together["uar"][2])


def test_a_replicate_is_the_score_of_the_utterances_of_the_speakers_drawn():
    table = simulate(speakers=6)
    speakers = sorted(set(table["speaker"]))
    stack = metrics.confusions(table["truth"], table["prediction"], table["speaker"], speakers, EMOTIONS)
    weights = Bootstrap([0] * 6, PARAMS).weights[:50]
    replicates = metrics.scores(metrics.resampled(stack, weights))["uar"]
    for weight, replicate in zip(weights.astype(int), replicates, strict=True):
        drawn = pd.concat([table[table["speaker"] == speakers[i]] for i in np.repeat(range(6), weight)])
        assert replicate == pytest.approx(recall_score(drawn["truth"], drawn["prediction"], average="macro"))


def test_the_interval_equals_that_of_a_slow_independent_bootstrap():
    table = simulate(speakers=9, each=4, seed=3)
    params = dataclasses.replace(PARAMS, resamples=20_000, confidence=0.8)  # the tails of 0.95 would take more patience
    found = metrics.summary(table, EMOTIONS, params)
    rows = list(table.reset_index().groupby("speaker").indices.values())
    truth, prediction = table["truth"].to_numpy(), table["prediction"].to_numpy()
    dice = random.Random(5)
    replicates = []
    for _ in range(800):
        drawn = np.concatenate(dice.choices(rows, k=8))
        replicates.append(recall_score(truth[drawn], prediction[drawn], average="macro"))
    tail = stats.norm.cdf(-stats.t.ppf(0.9, 8))
    low, high = np.quantile(replicates, [tail, 1 - tail])
    assert (found["uar_low"], found["uar_high"]) == pytest.approx((low, high), abs=0.012)


def test_resampling_speakers_covers_the_truth_and_resampling_utterances_does_not():
    """Whoever resamples utterances believes to know much more than they do."""
    truth = 0.5 + 0.5 / 4  # understood, or a guess among four that is right by chance
    params = dataclasses.replace(PARAMS, resamples=300)
    covered = {"speaker": 0, "id": 0}
    corpora = 120
    for seed in range(corpora):
        table = simulate(speakers=10, each=8, spread=0.2, skill=0.5, seed=seed)
        for unit in covered:
            names = table[unit].unique()
            stack = metrics.confusions(table["truth"], table["prediction"], table[unit], names, EMOTIONS)
            bootstrap = Bootstrap.of(names, params)
            replicates = metrics.scores(metrics.resampled(stack, bootstrap.weights))["uar"]
            low, high = bootstrap.bounds(replicates)
            covered[unit] += low <= truth <= high
    assert 0.9 <= covered["speaker"] / corpora <= 0.99
    assert covered["id"] / corpora <= 0.75


def test_intervals_of_all_scores_hold_their_figures():
    values = metrics.summary(simulate(), EMOTIONS, PARAMS)
    for name in SCORES:
        assert 0 <= values[f"{name}_low"] < values[name] < values[f"{name}_high"] <= 1


def test_more_confidence_is_a_wider_interval_and_another_seed_another_one():
    usual = metrics.summary(simulate(), EMOTIONS, PARAMS)
    surer = metrics.summary(simulate(), EMOTIONS, dataclasses.replace(PARAMS, confidence=0.99))
    other = metrics.summary(simulate(), EMOTIONS, dataclasses.replace(PARAMS, seed=1))
    assert surer["uar_low"] < usual["uar_low"] < usual["uar_high"] < surer["uar_high"]
    assert other["macro_f1_low"] != usual["macro_f1_low"]
    assert metrics.summary(simulate(), EMOTIONS, PARAMS) == usual


def test_the_summary_of_two_folds_worked_by_hand():
    table = pd.DataFrame(
        {
            "protocol": "kfold",
            "fold": [0, 0, 0, 1, 1],
            "truth": ["angry", "angry", "sad", "angry", "sad"],
            "prediction": ["angry", "sad", "sad", "angry", "angry"],
            "speaker": ["a", "a", "b", "c", "c"],
        }
    )
    values = metrics.summary(table, EMOTIONS, PARAMS)
    assert values["recall"] == pytest.approx({"angry": 2 / 3, "sad": 1 / 2})
    assert values["uar"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    # folds: (1/2 + 1) / 2 = 3/4 and (1 + 0) / 2 = 1/2
    assert values["folds"] == pytest.approx({"uar_mean": 5 / 8, "uar_std": np.sqrt(2 * (1 / 8) ** 2)})
    assert (values["utterances"], values["speakers"]) == (5, 3)


def test_a_single_fold_has_no_deviation():
    assert set(metrics.summary(simulate(folds=1), EMOTIONS, PARAMS)["folds"]) == {"uar_mean"}
    lacking = simulate()
    lacking = lacking[(lacking["fold"] > 0) | (lacking["truth"] != EMOTIONS[0])]
    assert "folds" not in metrics.summary(lacking, EMOTIONS, PARAMS)


@pytest.mark.parametrize("speakers", [1, 4])
def test_too_few_speakers_have_figures_and_no_interval(speakers):
    values = metrics.summary(simulate(speakers=speakers), EMOTIONS, PARAMS)
    assert not [name for name in values if name.endswith(("_low", "_high"))]
    assert values["speakers"] == speakers


@pytest.mark.parametrize(("having", "expected"), [(4, {"accuracy"}), (5, set(SCORES))])
def test_means_over_emotions_have_no_interval_where_few_speakers_have_one_of_them(having, expected):
    table = simulate(speakers=28)
    table = table[(table["truth"] != "sad") | table["speaker"].isin(sorted(set(table["speaker"]))[:having])]
    values = metrics.summary(table, EMOTIONS, PARAMS)
    assert {name for name in SCORES if f"{name}_low" in values} == expected
    drop = metrics.drop(pd.concat([table, table.assign(protocol="random")]), "kfold", EMOTIONS, PARAMS)
    assert {name for name in SCORES if f"{name}_low" in drop} == expected
    said = metrics.line({"speaker_independent": values}, "kfold", PARAMS.obstacle(set(table["speaker"])))
    assert ("no interval (an emotion of too few speakers)" in said) == (having < 5)


@pytest.mark.parametrize("unknown", [1, 100])
def test_unknown_speakers_have_figures_and_neither_interval_nor_count(unknown):
    table = simulate()
    table.loc[: unknown - 1, "speaker"] = ""
    values = metrics.summary(table, EMOTIONS, PARAMS)
    assert not [name for name in values if name.endswith(("_low", "_high"))]
    assert "speakers" not in values
    assert values["uar"] == metrics.summary(simulate(), EMOTIONS, PARAMS)["uar"]


def both(**changes):
    return pd.concat([simulate(**changes), simulate(protocol="random", **changes | {"skill": 0.75})])


def test_the_drop_is_the_difference_of_the_two_figures():
    report = metrics.report(both(), EMOTIONS, PARAMS)
    for name in SCORES:
        expected = report["random"][name] - report["speaker_independent"][name]
        assert report["drop_from_random"][name] == pytest.approx(expected)
        assert report["drop_from_random"][f"{name}_low"] < expected < report["drop_from_random"][f"{name}_high"]


def test_the_same_speakers_on_both_sides_make_the_drop_better_known_than_its_terms():
    # The same seed gives each speaker the same luck under both protocols.
    report = metrics.report(both(spread=0.25, speakers=12, each=12), EMOTIONS, PARAMS)
    width = {name: part["uar_high"] - part["uar_low"] for name, part in report.items() if name != "chance_uar"}
    assert width["drop_from_random"] < 0.7 * min(width["random"], width["speaker_independent"])


def test_equal_predictions_have_a_drop_of_exactly_nothing():
    table = pd.concat([simulate(), simulate(protocol="random")])
    assert set(metrics.report(table, EMOTIONS, PARAMS)["drop_from_random"].values()) == {0.0}


def test_the_interval_of_the_drop_equals_that_of_a_slow_independent_bootstrap():
    table = both(speakers=9, each=3, seed=2)
    found = metrics.drop(table, "kfold", EMOTIONS, dataclasses.replace(PARAMS, resamples=20_000))
    speakers = sorted(set(table["speaker"]))
    right = table.assign(right=table["truth"] == table["prediction"]).groupby(["protocol", "speaker"])["right"].mean()
    dice = random.Random(1)
    replicates = []
    for _ in range(4000):
        drawn = dice.choices(speakers, k=8)  # all speak equally often, so that accuracies average
        replicates.append(np.mean([right["random", speaker] - right["kfold", speaker] for speaker in drawn]))
    tail = stats.norm.cdf(-stats.t.ppf(0.975, 8))
    expected = np.quantile(replicates, [tail, 1 - tail])
    assert (found["accuracy_low"], found["accuracy_high"]) == pytest.approx(tuple(expected), abs=0.015)


def test_a_holdout_tests_other_speakers_than_random_and_still_has_a_drop_with_an_interval():
    table = both(speakers=16)
    chosen = sorted(set(table["speaker"]))[:5]
    table = table[(table["protocol"] == "random") | table["speaker"].isin(chosen)].replace("kfold", "holdout")
    drop = metrics.report(table, EMOTIONS, PARAMS)["drop_from_random"]
    assert -1 < drop["uar_low"] < drop["uar"] < drop["uar_high"] < 1


def test_the_drop_of_a_holdout_draws_apart_those_whom_both_protocols_test_and_the_others():
    table = both(speakers=16, each=3)
    names = sorted(set(table["speaker"]))
    chosen, others = names[:6], names[6:]
    table = table[(table["protocol"] == "random") | table["speaker"].isin(chosen)].replace("kfold", "holdout")
    found = metrics.drop(table, "holdout", EMOTIONS, dataclasses.replace(PARAMS, resamples=20_000))
    right = table.assign(right=table["truth"] == table["prediction"]).groupby(["protocol", "speaker"])["right"].mean()
    dice = random.Random(1)
    replicates = []
    for _ in range(4000):
        tested, alone = dice.choices(chosen, k=5), dice.choices(others, k=9)  # all speak equally often
        replicates.append(right["random"][tested + alone].mean() - right["holdout"][tested].mean())
    tail = stats.norm.cdf(-stats.t.ppf(0.975, 5))  # of the smaller of the two
    expected = np.quantile(replicates, [tail, 1 - tail])
    assert (found["accuracy_low"], found["accuracy_high"]) == pytest.approx(tuple(expected), abs=0.015)


def test_a_drop_has_no_interval_where_few_speakers_have_an_emotion_under_the_protocol_alone():
    table = both(speakers=16)
    names = sorted(set(table["speaker"]))
    holdout = table[(table["protocol"] == "kfold") & table["speaker"].isin(names[:6])].replace("kfold", "holdout")
    rare = holdout[(holdout["truth"] != "sad") | (holdout["speaker"] == names[0])]
    drop = metrics.drop(pd.concat([table[table["protocol"] == "random"], rare]), "holdout", EMOTIONS, PARAMS)
    assert {name for name in SCORES if f"{name}_low" in drop} == {"accuracy"}


def test_what_two_stacks_need_is_what_each_of_them_needs():
    one, other = np.zeros((2, 3, 2, 2), dtype=int)
    one[0, 0, 1] = one[1, 1, 1] = 1  # the first speaker and emotion, the second and the second
    other[2, 0, 0] = 1
    needs = metrics.needs(one, other)
    assert needs["accuracy"].tolist() == [[True, True, False], [False, False, True]]
    assert sorted(needs["uar"].tolist()) == sorted([[True, False, False], [False, True, False], [False, False, True]])


def test_a_holdout_of_too_few_speakers_has_a_drop_without_interval():
    table = both(speakers=16)
    chosen = sorted(set(table["speaker"]))[:3]
    table = table[(table["protocol"] == "random") | table["speaker"].isin(chosen)].replace("kfold", "holdout")
    report = metrics.report(table, EMOTIONS, PARAMS)
    assert set(report["drop_from_random"]) == set(SCORES)
    assert "uar_low" not in report["speaker_independent"]
    assert "uar_low" in report["random"]


@pytest.mark.parametrize("protocol", ["kfold", "loso", "sessions", "holdout"])
def test_the_report_has_the_same_keys_under_every_protocol(protocol):
    table = both().replace("kfold", protocol)
    report = metrics.report(table, EMOTIONS, PARAMS)
    assert set(report) == {"speaker_independent", "random", "drop_from_random", "chance_uar"}
    assert report == metrics.report(both(), EMOTIONS, PARAMS)


def test_random_alone_has_no_speaker_independent_figure():
    assert set(metrics.report(simulate(protocol="random"), EMOTIONS, PARAMS)) == {"random", "chance_uar"}


def test_a_protocol_alone_has_no_drop():
    assert set(metrics.report(simulate(), EMOTIONS, PARAMS)) == {"speaker_independent", "chance_uar"}


def test_chance_counts_the_emotions_that_occur():
    table = simulate()
    assert metrics.report(table, EMOTIONS, PARAMS)["chance_uar"] == 0.25
    fewer = table[table["truth"].isin(["angry", "sad"])]
    assert metrics.report(fewer, EMOTIONS, PARAMS)["chance_uar"] == 0.5


def test_a_report_can_be_written_though_an_emotion_does_not_occur(tmp_path):
    without_sad = both()[lambda table: table["truth"] != "sad"]
    report = metrics.report(without_sad, EMOTIONS, PARAMS)
    tables.write_metrics(report, tmp_path / "evaluate.json")
    written = json.loads((tmp_path / "evaluate.json").read_text())
    assert written.keys() == report.keys()
    assert written["random"]["uar"] == pytest.approx(report["random"]["uar"], abs=1e-6)


def test_an_emotion_that_nobody_speaks_takes_no_interval_away():
    without_sad = simulate()[lambda table: table["truth"] != "sad"]
    values = metrics.summary(without_sad, EMOTIONS, PARAMS)
    assert {name for name in SCORES if f"{name}_low" in values} == set(SCORES)


def test_the_class_table_keeps_a_row_for_an_emotion_that_does_not_occur():
    table = both()[lambda table: table["truth"] != "sad"]
    classes = metrics.classes(table, EMOTIONS)
    assert list(zip(classes["protocol"], classes["emotion"], strict=True)) == [
        (protocol, emotion) for protocol in ("kfold", "random") for emotion in EMOTIONS
    ]
    sad = classes[classes["emotion"] == "sad"]
    assert sad[["recall", "f1"]].isna().all(axis=None)
    assert list(sad["support"]) == [0, 0]
    kfold = table[table["protocol"] == "kfold"]
    expected = recall_score(kfold["truth"], kfold["prediction"], labels=["happy"], average="macro")
    (found,) = classes.query("protocol == 'kfold' and emotion == 'happy'")["recall"]
    assert found == pytest.approx(expected)


def test_the_fold_table_equals_scikit_learn_fold_by_fold():
    table = both()
    table.loc[(table["protocol"] == "random") & (table["fold"] == 1), "speaker"] = ""
    folds = metrics.folds(table, EMOTIONS)
    assert list(folds.columns) == ["protocol", "fold", "uar", "accuracy", "utterances", "speakers"]
    for row in folds.itertuples():
        part = table[(table["protocol"] == row.protocol) & (table["fold"] == row.fold)]
        assert row.uar == pytest.approx(recall_score(part["truth"], part["prediction"], average="macro"))
        assert row.accuracy == pytest.approx(accuracy_score(part["truth"], part["prediction"]))
        assert row.utterances == 80
    assert folds["speakers"].tolist() == [4, 4, 4, pd.NA]


def test_the_analyses_need_no_torch():
    code = "import sys, ser.scores.metrics, ser.bias.groups, ser.plots.groups; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
