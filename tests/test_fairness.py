import dataclasses
import random

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import recall_score

from ser import fairness, reports
from ser.fairness import BiasParams

EMOTIONS = ["angry", "happy", "sad", "neutral"]
PARAMS = BiasParams(resamples=1000, confidence=0.95, seed=0, minimum_speakers=3, age_bands=(30, 45, 60))
AGES = (22, 30, 44, 71)  # nobody is from 45 to 59


def simulate(speakers=16, each=6, spread=0.1, seed=0, gap=0.0):
    """Speakers who differ in how well they are understood; ``gap`` is how much better the women are, in UAR."""
    generator = np.random.default_rng(seed)
    who = np.repeat(np.arange(speakers), each * len(EMOTIONS))
    female = who % 2 == 0
    # Understood, or a guess among four that is right by chance: three quarters of it show in the UAR.
    understood = generator.normal(0.5, spread, size=speakers)[who] + np.where(female, 1, -1) * gap / 2 / 0.75
    truth = np.tile(np.repeat(EMOTIONS, each), speakers)
    right = generator.random(len(who)) < understood
    return pd.DataFrame(
        {
            "fold": who % 2,
            "protocol": "kfold",
            "truth": truth,
            "prediction": np.where(right, truth, generator.choice(EMOTIONS, size=len(who))),
            "speaker": [f"c/{speaker:02d}" for speaker in who],
            "gender": np.where(female, "female", "male"),
            "age": np.array(AGES, dtype=float)[who // 2 % len(AGES)],
        }
    )


def scored(table, params=PARAMS):
    groups = fairness.groups(table, EMOTIONS, params)
    return groups, fairness.report(groups, table, EMOTIONS, params)


def gender_gap(table, params=PARAMS):
    women, men = (table[table["gender"] == gender] for gender in ("female", "male"))
    return fairness.gap(women, men, EMOTIONS, params)


def uar(table):
    return recall_score(table["truth"], table["prediction"], average="macro")


@pytest.mark.parametrize("bands", [(), (0, 30), (45, 30), (30, 30)])
def test_age_bands_that_do_not_rise_from_above_0_are_refused(bands):
    with pytest.raises(ValueError, match="age_bands: expected rising ages above 0"):
        dataclasses.replace(PARAMS, age_bands=bands)


def test_the_shared_parameters_are_checked_too():
    with pytest.raises(ValueError, match="minimum_speakers: expected 2 or more"):
        dataclasses.replace(PARAMS, minimum_speakers=1)


def test_every_age_falls_into_one_band():
    ages = [0, 29, 29.9, 30, 44.5, 45, 59, 60, 99, np.nan]
    found, names = fairness.labels(pd.DataFrame({"age": ages}), "age", PARAMS)
    assert names == ["under_30", "30-44", "45-59", "60_and_over"]
    assert list(found) == ["under_30"] * 3 + ["30-44"] * 2 + ["45-59"] * 2 + ["60_and_over"] * 2 + ["unknown"]


def test_a_single_edge_makes_two_bands():
    assert fairness.band_names([40]) == ["under_40", "40_and_over"]


def test_groups_equal_scikit_learn_group_by_group():
    table = simulate()
    groups, report = scored(table)
    for attribute, name, part in [
        ("gender", "female", table[table["gender"] == "female"]),
        ("age", "30-44", table[table["age"].between(30, 44)]),
        ("speaker", "c/03", table[table["speaker"] == "c/03"]),
    ]:
        ((_, row),) = groups[(groups["attribute"] == attribute) & (groups["group"] == name)].iterrows()
        assert row["uar"] == pytest.approx(uar(part))
        assert (row["utterances"], row["speakers"]) == (len(part), part["speaker"].nunique())
        for emotion in EMOTIONS:
            expected = recall_score(part["truth"], part["prediction"], labels=[emotion], average="macro")
            assert row[f"recall_{emotion}"] == pytest.approx(expected)
            if attribute != "speaker":
                assert report[attribute][name]["recall"][emotion] == pytest.approx(expected)


def test_a_gap_worked_by_hand():
    women = pd.DataFrame(
        {
            "truth": ["angry", "angry", "sad", "sad"],
            "prediction": ["angry", "angry", "sad", "happy"],
            "speaker": list("aabb"),
        }
    )
    men = women.assign(prediction=["angry", "sad", "happy", "happy"], speaker=list("cccd"))
    assert fairness.gap(women, men, EMOTIONS, PARAMS) == pytest.approx({"uar": (1 - 0.5) / 2 + (0.5 - 0) / 2})


def test_a_gap_is_over_the_emotions_that_both_groups_spoke():
    women = pd.DataFrame({"truth": ["angry", "happy"], "prediction": ["angry", "happy"], "speaker": ["a", "b"]})
    men = pd.DataFrame({"truth": ["angry", "sad"], "prediction": ["angry", "happy"], "speaker": ["c", "d"]})
    assert fairness.gap(women, men, EMOTIONS, PARAMS) == {"uar": 0.0}  # the difference of the UARs would be 1/2
    assert fairness.gap(women[1:], men, EMOTIONS, PARAMS) == {}


def test_the_sign_of_a_gap_is_that_of_the_first_group_minus_the_second():
    report = scored(simulate(gap=0.25))[1]
    gap = report["gender"]["gap"]["female_minus_male"]
    assert gap["uar"] == pytest.approx(report["gender"]["female"]["uar"] - report["gender"]["male"]["uar"])
    assert 0 < gap["uar_low"] < gap["uar"] < gap["uar_high"]
    turned = scored(simulate(gap=-0.25))[1]["gender"]["gap"]["female_minus_male"]
    assert turned["uar_low"] < turned["uar"] < turned["uar_high"] < 0


def test_the_interval_of_a_gap_equals_that_of_a_slow_independent_bootstrap():
    table = simulate(speakers=17, each=4)
    params = dataclasses.replace(PARAMS, resamples=20_000, confidence=0.8)  # the tails of 0.95 would take more patience
    found = gender_gap(table, params)
    truth, prediction = table["truth"].to_numpy(), table["prediction"].to_numpy()
    rows = {gender: [] for gender in ("female", "male")}
    for (gender, _), indices in table.groupby(["gender", "speaker"]).indices.items():
        rows[gender].append(indices)
    assert (len(rows["female"]), len(rows["male"])) == (9, 8)
    dice = random.Random(3)
    replicates = []
    for _ in range(600):
        women, men = (np.concatenate(dice.choices(part, k=len(part) - 1)) for part in rows.values())
        one, other = (recall_score(truth[drawn], prediction[drawn], average="macro") for drawn in (women, men))
        replicates.append(one - other)
    tail = stats.norm.cdf(-stats.t.ppf(0.9, 7))
    expected = np.quantile(replicates, [tail, 1 - tail])
    assert (found["uar_low"], found["uar_high"]) == pytest.approx(tuple(expected), abs=0.015)


@pytest.mark.parametrize("planted", [0.0, 0.2])
def test_the_interval_covers_the_planted_gap_as_often_as_it_says(planted):
    """With nothing planted, one minus the coverage is the rate of false alarms."""
    params = dataclasses.replace(PARAMS, resamples=300)
    corpora, covered, found = 200, 0, 0
    for seed in range(corpora):
        gap = gender_gap(simulate(each=4, seed=seed, gap=planted), params)
        covered += gap["uar_low"] <= planted <= gap["uar_high"]
        found += gap["uar_low"] > 0
    assert 0.91 <= covered / corpora <= 0.99
    if planted:
        assert found / corpora > 0.6


@pytest.mark.parametrize("speakers", [1, 2])
def test_a_group_of_too_few_speakers_has_neither_interval_nor_a_gap_with_one(speakers):
    table = simulate()
    men = sorted(set(table.loc[table["gender"] == "male", "speaker"]))
    groups, report = scored(table[(table["gender"] == "female") | table["speaker"].isin(men[:speakers])])
    assert "uar_low" in report["gender"]["female"]
    assert "uar_low" not in report["gender"]["male"]
    assert set(report["gender"]["gap"]["female_minus_male"]) == {"uar"}
    assert groups.loc[groups["group"] == "male", ["uar_low", "uar_high"]].isna().all(axis=None)


def test_every_pair_of_age_bands_that_has_speakers_is_compared_in_order():
    assert list(scored(simulate())[1]["age"]["gap"]) == [
        "under_30_minus_30-44",
        "under_30_minus_60_and_over",
        "30-44_minus_60_and_over",
    ]


def test_an_empty_band_keeps_its_row_and_stays_out_of_the_report():
    groups, report = scored(simulate())
    (row,) = groups[groups["group"] == "45-59"].to_dict("records")
    assert (row["utterances"], row["speakers"]) == (0, 0)
    assert all(np.isnan(row[column]) for column in ("uar", "uar_low", "uar_high", "recall_angry"))
    assert set(report["age"]) == {"under_30", "30-44", "60_and_over", "gap"}


def test_a_group_without_an_emotion_has_no_recall_of_it():
    table = simulate()[lambda table: (table["gender"] == "female") | (table["truth"] != "sad")]
    groups, report = scored(table)
    assert set(report["gender"]["male"]["recall"]) == {"angry", "happy", "neutral"}
    assert groups.loc[groups["group"] == "male", "recall_sad"].isna().all()


@pytest.mark.parametrize(("attribute", "nobody"), [("gender", ""), ("age", np.nan), ("speaker", "")])
def test_what_is_unknown_for_everybody_is_no_section(attribute, nobody):
    table = simulate().assign(**{attribute: nobody})
    groups, report = scored(table)
    assert set(report) == {"gender", "age", "speaker"} - {attribute}
    rows = groups[groups["attribute"] == attribute]
    assert dict(zip(rows["group"], rows["utterances"], strict=True))["unknown"] == len(table)


def test_the_unknown_are_a_row_of_the_table_and_no_group_of_the_report():
    table = simulate()
    table.loc[table["speaker"].isin(["c/00", "c/03"]), "gender"] = ""
    groups, report = scored(table)
    assert list(groups.loc[groups["attribute"] == "gender", "group"]) == ["female", "male", "unknown"]
    assert set(report["gender"]) == {"female", "male", "gap"}
    assert report["gender"]["female"]["speakers"] == 7


def test_without_speakers_groups_have_figures_and_no_intervals():
    report = scored(simulate().assign(speaker=""))[1]
    assert set(report["gender"]["female"]) == {"utterances", "uar", "recall"}
    assert set(report["gender"]["gap"]["female_minus_male"]) == {"uar"}


def test_a_corpus_of_women_has_no_gap():
    groups, report = scored(simulate()[lambda table: table["gender"] == "female"])
    assert set(report["gender"]) == {"female"}
    assert list(groups.loc[groups["group"] == "male", "utterances"]) == [0]


def test_other_genders_are_groups_of_their_own():
    table = simulate()
    table.loc[table["speaker"].isin(["c/00", "c/01", "c/02"]), "gender"] = "diverse"
    gaps = scored(table)[1]["gender"]["gap"]
    assert list(gaps) == ["diverse_minus_female", "diverse_minus_male", "female_minus_male"]


def test_the_spread_over_speakers_is_that_of_their_uars():
    table = simulate(speakers=5)
    uars = [uar(part) for _, part in table.groupby("speaker")]
    assert scored(table)[1]["speaker"] == pytest.approx(
        {
            "speakers": 5,
            "uar_min": min(uars),
            "uar_max": max(uars),
            "uar_mean": np.mean(uars),
            "uar_std": np.std(uars, ddof=1),
        }
    )


def test_a_single_speaker_has_no_spread():
    assert "uar_std" not in scored(simulate(speakers=1))[1]["speaker"]


def test_a_report_can_be_written_whatever_is_missing(tmp_path):
    table = simulate()
    table.loc[table["speaker"] == "c/00", ["gender", "age", "speaker"]] = ["", np.nan, ""]
    reports.write(scored(table[table["truth"] != "sad"])[1], tmp_path / "bias.json")
