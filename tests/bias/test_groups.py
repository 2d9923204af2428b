import dataclasses
import itertools
import json

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame
from scipy import stats
from sklearn.metrics import f1_score, precision_score, recall_score

from ser.bias import groups as bias_groups
from ser.bias.groups import BiasParams
from ser.corpora import cells
from ser.files import params
from ser.files.failures import InputError
from ser.people import AgeBands, band_names, by_group, groups_of

EMOTIONS = ["angry", "happy", "sad", "neutral"]
PARAMS = BiasParams(
    resamples=1000, confidence=0.95, seed=0, minimum_speakers=3, age_bands=(30, 45, 60), permutations=1000
)
AGES = (22, 30, 44, 71)  # nobody is from 45 to 59


@pytest.fixture
def people():
    """Sixteen speakers of 24 utterances in two corpora, about half of them understood."""
    generator = np.random.default_rng(0)
    who = np.repeat(np.arange(16), 24)
    truth = np.tile(np.repeat(EMOTIONS, 6), 16)
    table = pd.DataFrame(
        {
            "truth": truth,
            "prediction": np.where(generator.random(len(who)) < 0.4, truth, generator.choice(EMOTIONS, size=len(who))),
            "speaker": [f"c/{speaker:02d}" for speaker in who],
            "gender": np.where(who % 2 == 0, "female", "male"),
            "age": np.array(AGES, dtype=float)[who // 2 % len(AGES)],
            "corpus": np.where(who < 8, "c", "d"),
            "language": np.where(who < 4, "de", "en"),
        }
    )
    shares = generator.dirichlet(np.ones(len(EMOTIONS)), size=len(who))
    return table.assign(**{f"p_{emotion}": shares[:, index] for index, emotion in enumerate(EMOTIONS)})


def row(groups, attribute, name):
    ((_, found),) = groups[(groups["attribute"] == attribute) & (groups["group"] == name)].iterrows()
    return found


@pytest.mark.parametrize("bands", [[], [0, 30], [45, 30], [30, 30]])
def test_age_bands_that_do_not_rise_from_above_0_are_refused(tmp_path, bands):
    (tmp_path / "params.yaml").write_text(f"age_bands: {bands}")
    with pytest.raises(InputError, match=r"params\.yaml: age_bands: expected rising ages above 0"):
        params.read(tmp_path / "params.yaml", "age_bands", AgeBands)


def test_too_few_permutations_are_refused():
    with pytest.raises(ValueError, match="permutations: expected 100 to 1000000, found 99"):
        dataclasses.replace(PARAMS, permutations=99)


def test_the_shared_parameters_are_checked_too():
    with pytest.raises(ValueError, match="minimum_speakers: expected 2 or more"):
        dataclasses.replace(PARAMS, minimum_speakers=1)


def test_every_age_falls_into_one_band():
    ages = [0, 29, 29.9, 30, 44.5, 45, 59, 60, 99, np.nan]
    found, names = groups_of(pd.DataFrame({"age": ages}), "age", PARAMS.age_bands)
    assert names == ["under_30", "30-44", "45-59", "60_and_over"]
    assert list(found) == ["under_30"] * 3 + ["30-44"] * 2 + ["45-59"] * 2 + ["60_and_over"] * 2 + ["unknown"]


def test_an_age_that_was_told_as_a_band_across_an_edge_is_not_known():
    told = ["", '{"age_band": "25-34"}', '{"age_band": "30-34"}', '{"age_band": "40s"}', '{"age_band": "20s"}']
    people = pd.DataFrame({"age": [29.5, 29.5, 32.0, 44.5, 24.5], "details": told})
    assert list(groups_of(people, "age", [30, 45])[0]) == ["under_30", "unknown", "30-44", "unknown", "under_30"]


@pytest.mark.parametrize(("cell", "band"), [("twenties", "under_30"), ("fourties", "unknown"), ("31", "30-44")])
def test_ages_in_words_are_of_the_band_that_holds_them(cell, band):
    known = cells.fields({"speaker": "a", "age": cell}, "row 2")
    rows = pd.DataFrame({"age": [known["age"]], "details": [json.dumps(known["details"])]})
    assert groups_of(rows, "age", (30, 45))[0].tolist() == [band]


@pytest.mark.parametrize("detail", ['{"age_band": "adult"}', '{"age_band": 3}', '{"age_band": ["young"]}'])
def test_a_further_column_of_any_content_may_be_called_age_band(detail):
    rows = pd.DataFrame({"age": [33.0, np.nan], "details": [detail, detail]})
    assert groups_of(rows, "age", (30, 45))[0].tolist() == ["30-44", "unknown"]


def test_a_single_edge_makes_two_bands():
    assert band_names([40]) == ["under_40", "40_and_over"]


def test_gender_and_age_together_are_known_where_both_are():
    table = pd.DataFrame({"gender": ["female", "male", "", "male"], "age": [25.0, 70.0, 25.0, np.nan]})
    found, names = groups_of(table, "gender_age", (45,))
    assert list(found) == ["female_under_45", "male_45_and_over", "unknown", "unknown"]
    assert names == ["female_under_45", "female_45_and_over", "male_under_45", "male_45_and_over"]


def test_other_genders_are_groups_of_their_own(people):
    people.loc[people["speaker"] == "c/00", "gender"] = "diverse"
    assert groups_of(people, "gender", PARAMS.age_bands)[1] == ["diverse", "female", "male"]


def test_the_parts_are_all_groups_in_order_the_empty_and_the_unknown_too(people):
    people.loc[people["speaker"] == "c/00", "age"] = np.nan
    parts = by_group(people, "age", PARAMS.age_bands)
    assert list(parts) == ["under_30", "30-44", "45-59", "60_and_over", "unknown"]
    assert [len(part) for part in parts.values()] == [72, 192, 0, 96, 24]


@pytest.mark.parametrize("attribute", ["gender", "gender_age", "corpus", "language", "speaker"])
def test_groups_equal_a_metric_frame_of_scikit_learn(people, attribute):
    groups = bias_groups.groups(people, EMOTIONS, PARAMS)

    def macro(truth, prediction):
        return recall_score(truth, prediction, average="macro")

    metrics = {"uar": macro, "utterances": lambda truth, prediction: len(truth)}
    for measure, score in (("recall", recall_score), ("precision", precision_score), ("f1", f1_score)):
        for emotion in EMOTIONS:
            metrics[f"{measure}_{emotion}"] = lambda truth, prediction, score=score, emotion=emotion: score(
                truth, prediction, labels=[emotion], average="macro"
            )
    for emotion in EMOTIONS:
        metrics[f"rate_{emotion}"] = lambda truth, prediction, emotion=emotion: np.mean(prediction == emotion)
    membership = groups_of(people, attribute, PARAMS.age_bands)[0]
    truth, prediction = people["truth"].to_numpy(dtype=str), people["prediction"].to_numpy(dtype=str)
    frame = MetricFrame(metrics=metrics, y_true=truth, y_pred=prediction, sensitive_features=membership)
    for name, expected in frame.by_group.iterrows():
        found = row(groups, attribute, name)
        assert found["speakers"] == people.loc[membership == name, "speaker"].nunique()
        for column, value in expected.items():
            assert found[column] == pytest.approx(value), column


def test_the_interval_of_a_group_resamples_its_speakers(people):
    found = row(bias_groups.groups(people, EMOTIONS, dataclasses.replace(PARAMS, resamples=20_000)), "gender", "male")
    uars = [recall_score(part["truth"], part["prediction"], average="macro") for _, part in people.groupby("speaker")]
    uars = uars[1::2]  # balanced speakers: the UAR of all is the mean of theirs
    half = stats.t.ppf(0.975, 7) * np.std(uars, ddof=1) / np.sqrt(8)
    assert (found["uar_low"], found["uar_high"]) == pytest.approx(
        (np.mean(uars) - half, np.mean(uars) + half), abs=0.02
    )


def test_a_group_of_whom_one_speaks_an_emotion_has_no_interval(people):
    rare = people[(people["truth"] != "sad") | (people["gender"] == "male") | (people["speaker"] == "c/00")]
    found = bias_groups.groups(rare, EMOTIONS, PARAMS)
    assert np.isnan(row(found, "gender", "female")[["uar_low", "uar_high"]].astype(float)).all()
    assert row(found, "gender", "female")["uar"] > 0
    assert row(found, "gender", "male")["uar_low"] > 0


def test_the_calibration_error_takes_the_probability_of_the_predicted_emotion(people):
    people[[f"p_{emotion}" for emotion in EMOTIONS]] = 0.0
    for emotion in EMOTIONS:
        people.loc[people["prediction"] == emotion, f"p_{emotion}"] = 0.9
    found = row(bias_groups.groups(people, EMOTIONS, PARAMS), "gender", "female")
    women = people[people["gender"] == "female"]
    assert found["calibration_error"] == pytest.approx(0.9 - np.mean(women["truth"] == women["prediction"]))


def test_what_chance_makes_of_the_calibration_error_is_that_of_the_groups_own_speakers(people):
    """All are 0.9 sure, in one bin: by chance each speaker's surplus of confidence has either sign."""
    people[[f"p_{emotion}" for emotion in EMOTIONS]] = 0.05
    for emotion in EMOTIONS:
        people.loc[people["prediction"] == emotion, f"p_{emotion}"] = 0.9
    found = row(bias_groups.groups(people, EMOTIONS, PARAMS), "gender", "female")
    women = people[people["gender"] == "female"]
    surplus = (0.9 - (women["truth"] == women["prediction"])).groupby(women["speaker"]).sum()
    errors = [abs(surplus @ signs) / len(women) for signs in itertools.product([-1, 1], repeat=len(surplus))]
    assert found["calibration_error_by_chance"] == pytest.approx(np.mean(errors), rel=0.05)
    assert found["calibration_error_by_chance_high"] == pytest.approx(np.quantile(errors, 0.95), rel=0.05)


def test_an_empty_band_keeps_its_row(people):
    found = row(bias_groups.groups(people, EMOTIONS, PARAMS), "age", "45-59")
    assert (found["utterances"], found["speakers"]) == (0, 0)
    assert found.drop(["attribute", "group", "utterances", "speakers"]).isna().all()


def test_the_unknown_are_a_last_row(people):
    people.loc[people["speaker"].isin(["c/00", "c/03"]), "gender"] = ""
    groups = bias_groups.groups(people, EMOTIONS, PARAMS)
    assert list(groups.loc[groups["attribute"] == "gender", "group"]) == ["female", "male", "unknown"]
    assert row(groups, "gender", "unknown")["utterances"] == 48


def test_without_speakers_there_are_figures_and_no_intervals(people):
    found = row(bias_groups.groups(people.assign(speaker=""), EMOTIONS, PARAMS), "gender", "female")
    assert pd.isna(found["speakers"])
    assert found[["uar_low", "uar_high"]].isna().all()
    assert 0 < found["uar"] < 1


def test_the_spread_over_speakers_worked_by_hand():
    assert bias_groups.spread([0.8, 0.4, 0.6]) == pytest.approx(
        {
            "speakers": 3,
            "uar_min": 0.4,
            "uar_max": 0.8,
            "uar_mean": 0.6,
            "uar_std": 0.2,
            "uar_worst_decile": 0.4,
            # the pairs, each twice, differ by 0.4, 0.2 and 0.2: over 9 pairs 1.6 / 9, over twice the mean
            "uar_gini": 1.6 / 9 / 1.2,
        }
    )


def test_the_gini_coefficient_is_0_where_all_are_alike_and_nearly_1_where_one_has_it_all():
    assert bias_groups.spread([0.7] * 5)["uar_gini"] == 0
    assert bias_groups.spread([0, 0, 0, 1])["uar_gini"] == pytest.approx(1 - 1 / 4)


@pytest.mark.parametrize(("speakers", "worst"), [(5, 0.0), (10, 0.0), (11, 0.5), (20, 0.5), (21, 1.0)])
def test_the_worst_decile_is_the_mean_over_the_worst_tenth_rounded_up(speakers, worst):
    assert bias_groups.spread(np.arange(speakers)[::-1])["uar_worst_decile"] == worst


def test_a_single_speaker_has_no_deviation_and_speakers_never_understood_no_coefficient():
    assert "uar_std" not in bias_groups.spread([0.5])
    assert "uar_gini" not in bias_groups.spread([0.0, 0.0])
    assert bias_groups.spread([]) == {}
