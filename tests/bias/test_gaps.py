"""Gaps: each number against a slow independent way to it, and truths that are planted, found again.

Most predictions are simulated from known recalls, with speakers that differ at random; one test speaks the bundled
corpus.
"""

import dataclasses
import itertools
import random

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from statsmodels.stats.multitest import multipletests

from ser.bias import claims, gaps, refusals
from ser.bias.claims import ANY, GAP, Claims
from ser.bias.groups import BiasParams
from ser.people import COMPARED, pair_name
from ser.scores.intervals import Bootstrap
from ser.synthesis import corpus, voice
from ser.synthesis.corpus import SynthesisParams

EMOTIONS = ["angry", "happy", "sad", "neutral"]
PARAMS = BiasParams(resamples=300, confidence=0.95, seed=0, minimum_speakers=4, age_bands=(30, 45), permutations=1000)
ONLY_GENDER = pd.DataFrame(
    [(attribute, "", GAP, "not asked") for attribute in COMPARED if attribute != "gender"], columns=list(claims.COLUMNS)
)


def simulate(sizes=(8, 8), each=5, recalls=(0.7, 0.7), spread=0.08, seed=0):
    """Women and men whose speakers are understood as ``recalls`` say, give or take ``spread``."""
    generator = np.random.default_rng(seed)
    genders = np.repeat([0, 1], sizes)
    understood = np.clip(generator.normal(np.array(recalls)[genders], spread), 0, 1)
    who = np.repeat(np.arange(len(genders)), each * len(EMOTIONS))
    truth = np.tile(np.repeat(np.arange(len(EMOTIONS)), each), len(genders))
    wrong = (truth + generator.integers(1, len(EMOTIONS), size=len(who))) % len(EMOTIONS)
    prediction = np.where(generator.random(len(who)) < understood[who], truth, wrong)
    names = np.array(EMOTIONS)
    return pd.DataFrame(
        {
            "truth": names[truth],
            "prediction": names[prediction],
            "speaker": [f"c/{speaker:02d}" for speaker in who],
            "gender": np.array(["female", "male"])[genders[who]],
            "age": np.array([22.0, 33.0, 44.0, 55.0])[who % 4],
            "corpus": "c",
            "language": np.array(["de", "en"])[who // 4 % 2],
        }
    )


def table(people, params=PARAMS, refused=None):
    if refused is None:
        refused = refusals.examine(people, people.assign(emotion=people["truth"]), EMOTIONS, params).refused
    return gaps.table(people, EMOTIONS, params, Claims(refused))


def gender(people, params=PARAMS, refused=ONLY_GENDER):
    """The row of the gap in UAR between women and men."""
    rows = table(people, params, refused)
    ((_, row),) = rows[(rows["attribute"] == "gender") & (rows["measure"] == "uar")].iterrows()
    return row


def uar(people):
    return recall_score(people["truth"], people["prediction"], average="macro")


def of_gender(people, name):
    return people[people["gender"] == name]


def variance(people, names):
    """Of the UAR of some speakers, by the jackknife's linear form: each emotion's recall is a ratio of sums."""
    own = people[people["speaker"].isin(names)]
    right = own["truth"] == own["prediction"]
    moves = 0
    for emotion in EMOTIONS:
        spoken = own["truth"] == emotion
        recall = right[spoken].mean()
        residuals = (right - recall).where(spoken, 0.0).groupby(own["speaker"]).sum()
        moves = moves + residuals / spoken.sum() / len(EMOTIONS)
    return len(moves) / (len(moves) - 1) * np.square(moves).sum()


def error(people, names):
    """The standard error of the gap between some speakers and all others."""
    return np.sqrt(variance(people, names) + variance(people, set(people["speaker"]) - set(names)))


def studentised(people, names):
    """The gap between some speakers and all others over its standard error."""
    own = people["speaker"].isin(names)
    return (uar(people[own]) - uar(people[~own])) / error(people, names)


def at_most(nominal, cases):
    """So many false alarms and no more, but for one chance in a hundred, if the rate is the nominal one."""
    return stats.binom.ppf(0.99, cases, nominal)


# The numbers


def test_a_gap_is_the_first_group_minus_the_second_by_scikit_learn():
    people = simulate(recalls=(0.8, 0.6))
    assert gender(people)["difference"] == pytest.approx(
        uar(of_gender(people, "female")) - uar(of_gender(people, "male"))
    )


def test_the_exact_p_equals_a_slow_independent_enumeration():
    people = simulate(sizes=(4, 5), recalls=(0.75, 0.6), seed=1)
    found = gender(people)
    names = sorted(set(people["speaker"]))
    dice = random.Random(0)
    seen = set()
    while len(seen) < 126:
        seen.add(frozenset(dice.sample(names, 4)))
    null = [studentised(people, part) for part in seen]
    women = set(of_gender(people, "female")["speaker"])
    assert found["p"] == pytest.approx(np.mean(np.abs(null) >= abs(studentised(people, women)) - 1e-9))
    assert found["p_smallest"] == 1 / 126
    low, high = np.quantile(null, [0.025, 0.975], method="nearest") * error(people, women)
    assert (found["unbiased_low"], found["unbiased_high"]) == pytest.approx((low, high))


def test_the_range_of_a_spread_without_bias_ends_where_the_wanted_share_of_its_arrangements_lies():
    people = simulate(sizes=(4, 5), recalls=(0.75, 0.6), seed=1)
    names = sorted(set(people["speaker"]))
    null = [abs(studentised(people, part)) for part in itertools.combinations(names, 4)]
    found = table(people, refused=ONLY_GENDER).query("measure == 'uar_largest'").iloc[0]
    women = set(of_gender(people, "female")["speaker"])
    assert found["unbiased_high"] == pytest.approx(np.quantile(null, 0.95, method="nearest") * error(people, women))
    assert np.isnan(found["unbiased_low"])


def of_two_corpora(women, men, recalls, **settings):
    """Speakers whose recall is that of their corpus, whoever they are; women and men in each corpus as said."""
    parts = []
    for name, *numbers, recall in zip("ab", women, men, recalls, strict=True):
        part = simulate(sizes=tuple(numbers), recalls=(recall, recall), **settings)
        parts.append(part.assign(corpus=name, speaker=part["speaker"].str.replace("c", name)))
    return pd.concat(parts, ignore_index=True)


def test_what_an_easy_corpus_with_more_women_makes_is_no_gap_between_women_and_men():
    people = of_two_corpora(women=(12, 4), men=(4, 12), recalls=(0.9, 0.5))
    found, blind = gender(people), gender(people.assign(corpus="one"))
    assert blind["difference"] > 0.1
    assert blind["low"] > 0
    assert found["low"] < 0 < found["high"]
    assert found["p"] > 0.1
    assert found["detectable"] < blind["detectable"]


def test_the_largest_gap_of_two_groups_is_that_of_the_pair_over_several_corpora_as_well():
    """One corpus is kinder to women, the other to men."""
    people = pd.concat(
        [
            simulate(sizes=(8, 8), recalls=recalls, seed=seed).assign(corpus=name)
            for name, recalls, seed in (("a", (0.9, 0.5), 1), ("b", (0.6, 0.9), 2))
        ]
    )
    people["speaker"] = people["corpus"] + people["speaker"].str[1:]
    found = table(people).query("attribute == 'gender'").set_index("measure")
    pair, largest = found.loc["uar"], found.loc["uar_largest"]
    assert largest["difference"] == pytest.approx(abs(pair["difference"]))
    assert largest["p"] == pytest.approx(pair["p"], abs=0.02)
    assert (largest["first"], largest["second"])[:: 1 if pair["difference"] > 0 else -1] == ("female", "male")


def test_women_who_are_served_worse_within_each_corpus_are_served_worse_though_the_easier_has_more_of_them():
    people = of_two_corpora(women=(16, 4), men=(4, 16), recalls=(0.97, 0.4), each=8)
    worse = (people["gender"] == "female") & (np.random.default_rng(0).random(len(people)) < 0.25)
    people.loc[worse, "prediction"] = people["truth"].map(dict(zip(EMOTIONS, EMOTIONS[1:] + EMOTIONS[:1], strict=True)))
    found, blind = gender(people), gender(people.assign(corpus="one"))
    assert blind["difference"] > 0.02
    assert found["high"] < 0
    assert found["p"] < 0.01


def test_the_gap_of_several_corpora_and_its_exact_p_equal_a_slow_independent_enumeration():
    people = of_two_corpora(women=(2, 2), men=(2, 3), recalls=(0.8, 0.5), seed=3)
    people = pd.concat([people, simulate(sizes=(3, 0), seed=5).assign(corpus="only women")])
    people["speaker"] = people["corpus"] + people["speaker"]
    found = gender(people)
    names = {name: sorted(set(part["speaker"])) for name, part in people.groupby("corpus") if name in "ab"}

    def gap(women, name):
        own = people[people["corpus"] == name]
        return uar(own[own["speaker"].isin(women)]) - uar(own[~own["speaker"].isin(women)])

    def studentised(first, second):
        error = np.sqrt(1 * variance_of(first, "a") + 1.2**2 * variance_of(second, "b"))
        return (1 * gap(first, "a") + 1.2 * gap(second, "b")) / error  # 1 / (1/2 + 1/2) and 1 / (1/2 + 1/3)

    def variance_of(women, name):
        return variance(people, women) + variance(people, set(names[name]) - set(women))

    null = [
        studentised(first, second)
        for first, second in itertools.product(*(itertools.combinations(names[name], 2) for name in "ab"))
    ]
    women = people[people["gender"] == "female"].groupby("corpus")["speaker"].unique()
    seen = (1 * gap(women["a"], "a") + 1.2 * gap(women["b"], "b")) / 2.2
    assert found["difference"] == pytest.approx(seen)
    as_it_is = studentised(women["a"], women["b"])
    assert found["p"] == pytest.approx(np.mean(np.abs(null) >= abs(as_it_is) - 1e-9))
    assert found["p_smallest"] == 1 / 60


def test_rates_are_matched_to_the_emotions_of_each_corpus_and_averaged_over_corpora():
    """Each corpus has other shares of emotions, and each gender others within it."""
    women, men, parts = (3, 7), (5, 4), []
    people = of_two_corpora(women=women, men=men, recalls=(0.9, 0.5), each=12)
    people = people[~((people["corpus"] == "b") & (people["truth"] == "sad")).where(people.index % 4 > 0, False)]
    people = people[~((people["gender"] == "male") & (people["truth"] == "angry")).where(people.index % 3 > 0, False)]
    for _, own in people.groupby("corpus"):
        wanted = own["truth"].map(own["truth"].value_counts(normalize=True))
        shares = own.groupby("gender")["truth"].transform(lambda truth: truth.map(truth.value_counts(normalize=True)))
        weighted = own.assign(weight=wanted / shares).pivot_table("weight", "gender", "prediction", "sum", fill_value=0)
        rates = weighted.div(weighted.sum(axis=1), axis=0)
        parts.append(rates.loc["female"] - rates.loc["male"])
    weights = [one * other / (one + other) for one, other in zip(women, men, strict=True)]
    rows = table(people, refused=ONLY_GENDER).query("measure == 'rate_matched'").set_index("emotion")
    for emotion in EMOTIONS:
        expected = np.average([part[emotion] for part in parts], weights=weights)
        assert rows.loc[emotion, "difference"] == pytest.approx(expected)


def test_a_corpus_whose_women_lack_an_emotion_leaves_its_recall_to_the_other():
    people = of_two_corpora(women=(4, 5), men=(5, 4), recalls=(0.9, 0.5))
    lacking = (people["corpus"] == "a") & (people["gender"] == "female") & (people["truth"] == "sad")
    both, alone = (
        table(part, refused=ONLY_GENDER).query("measure == 'recall'").set_index("emotion")["difference"]
        for part in (people[~lacking], people[people["corpus"] == "b"])
    )
    assert both["sad"] == pytest.approx(alone["sad"])
    assert both["angry"] != pytest.approx(alone["angry"])


def test_an_emotion_that_both_have_but_in_no_corpus_together_has_no_recall_to_compare():
    people = of_two_corpora(women=(4, 5), men=(5, 4), recalls=(0.9, 0.5))
    people = people[(people["truth"] != "sad") | ((people["corpus"] == "a") == (people["gender"] == "female"))]
    rows = table(people).query("attribute == 'gender'")
    assert rows["difference"].notna().all()
    assert set(rows.loc[rows["measure"] == "recall", "emotion"]) == set(EMOTIONS) - {"sad"}
    assert "sad" in set(rows.loc[rows["measure"] == "rate_matched", "emotion"])


def test_the_detectable_gap_is_students_quantiles_times_the_standard_error():
    women, men, variance, weights = (3, 4), (4, 3), [], []
    people = of_two_corpora(women=women, men=men, recalls=(0.8, 0.6), spread=0.2)
    right = people.assign(right=people["truth"] == people["prediction"])
    means = right.groupby(["corpus", "gender", "speaker"])["right"].mean()  # all speak each emotion equally often
    for name, one, other in zip("ab", women, men, strict=True):
        spoken = means[name]
        variance.append(spoken["female"].var(ddof=1) / one + spoken["male"].var(ddof=1) / other)
        weights.append(one * other / (one + other))
    error = np.sqrt(np.square(weights) @ variance) / sum(weights)
    freedom = sum(women) + sum(men) - 4  # of 4 groups
    share = np.floor(0.05 * 1001) / 1001  # more than 1,000 arrangements: some are drawn
    expected = (stats.t.ppf(1 - share / 2, freedom) + stats.t.ppf(0.8, freedom)) * error
    found = gender(people, dataclasses.replace(PARAMS, resamples=20_000))
    assert found["detectable"] == pytest.approx(expected, rel=0.02)


@pytest.mark.slow
def test_the_interval_over_several_corpora_covers_the_truth_as_often_as_it_says():
    hits = 0
    for seed in range(80):
        row = gender(of_two_corpora(women=(9, 5), men=(5, 9), recalls=(0.9, 0.5), seed=seed))
        hits += row["low"] <= 0 <= row["high"]
    assert stats.binom.ppf(0.001, 80, 0.95) <= hits


def test_where_few_speakers_have_an_emotion_the_interval_is_that_of_so_few():
    """Of twenty women and twenty men five each say the last emotion: Student's quantile has four degrees of freedom."""
    people = simulate(sizes=(20, 20), spread=0.15)
    number = people["speaker"].str[-2:].astype(int) % 20
    people = people[(people["truth"] != EMOTIONS[-1]) | (number < 5)]
    params = dataclasses.replace(PARAMS, resamples=4000)
    found = gender(people, params)
    groups = gaps.arena(people, "gender", people["gender"], ["female", "male"], EMOTIONS)
    bootstrap = Bootstrap(groups.labels, params)
    replicates = groups.measured(gaps.differences, groups.labels, bootstrap.weights)["uar"][:, 0]
    tail = stats.norm.cdf(stats.t.ppf(0.025, 4))
    assert (found["low"], found["high"]) == pytest.approx(tuple(np.nanquantile(replicates, [tail, 1 - tail])))
    rows = (
        table(people, params, ONLY_GENDER).query("attribute == 'gender' and measure == 'recall'").set_index("emotion")
    )
    replicates = groups.measured(gaps.differences, groups.labels, bootstrap.weights)["recall"][:, 0]
    tail = stats.norm.cdf(stats.t.ppf(0.025, 19))
    expected = np.nanquantile(replicates, [tail, 1 - tail])
    assert rows.loc[EMOTIONS[0], ["low", "high"]].tolist() == pytest.approx(expected.tolist())


@pytest.mark.slow
def test_the_interval_equals_that_of_a_slow_independent_bootstrap():
    people = simulate(sizes=(9, 8), each=4, spread=0.15)
    params = dataclasses.replace(PARAMS, resamples=20_000, confidence=0.8)  # the tails of 0.95 would take more patience
    found = gender(people, params)
    truth, prediction = people["truth"].to_numpy(), people["prediction"].to_numpy()
    rows = {name: [] for name in ("female", "male")}
    for (name, _), indices in people.groupby(["gender", "speaker"]).indices.items():
        rows[name].append(indices)
    dice = random.Random(3)
    replicates = []
    for _ in range(600):
        women, men = (np.concatenate(dice.choices(part, k=len(part) - 1)) for part in rows.values())
        one, other = (recall_score(truth[drawn], prediction[drawn], average="macro") for drawn in (women, men))
        replicates.append(one - other)
    tail = stats.norm.cdf(-stats.t.ppf(0.9, 7))
    expected = np.quantile(replicates, [tail, 1 - tail])
    assert (found["low"], found["high"]) == pytest.approx(tuple(expected), abs=0.015)
    quantiles = stats.t.ppf(1 - np.floor(0.2 * 1001) / 1001 / 2, 15) + stats.t.ppf(0.8, 15)
    assert found["detectable"] == pytest.approx(quantiles * np.std(replicates), rel=0.1)


@pytest.mark.slow
def test_every_measure_has_holms_adjustment_over_all_its_tests():
    rows = table(simulate(sizes=(8, 8), recalls=(0.9, 0.5)))
    for measure, family in rows.groupby("measure"):
        if measure in ("uar", "recall", "rate", "rate_matched", "uar_largest"):
            np.testing.assert_allclose(family["p_holm"], multipletests(family["p"], method="holm")[1])
        else:
            assert family["p"].isna().all()
    assert len(rows[rows["measure"] == "uar"]) == 1 + 3 + 1  # genders, three bands, languages


def test_all_groups_together_have_the_best_and_the_worst_and_their_ratio():
    people = simulate(sizes=(8, 8), recalls=(0.9, 0.6))
    rows = table(people).set_index(["attribute", "measure"])
    found = rows.loc[("age", "uar_largest")]
    bands = pd.cut(people["age"], [0, 30, 45, 99], right=False, labels=["under_30", "30-44", "45_and_over"])
    uars = people.groupby(bands.astype(str)).apply(uar)
    assert (found["first"], found["second"]) == (uars.idxmax(), uars.idxmin())
    assert found["difference"] == pytest.approx(uars.max() - uars.min())
    assert found["ratio"] == pytest.approx(uars.min() / uars.max())
    of_two = rows.loc["gender"]
    assert of_two.loc["uar_largest", "difference"] == pytest.approx(abs(of_two.loc["uar", "difference"]))
    assert of_two.loc["uar_largest", "p"] == of_two.loc["uar", "p"]


def test_the_range_without_bias_of_the_largest_gap_is_as_wide_as_its_own_groups_differ():
    """Two bands of many speakers who are alike, and one of few who differ much: the latter's gap is the largest."""
    bands = [(20, 0.8, 0.01, 22.0), (20, 0.7, 0.01, 33.0), (6, 0.62, 0.3, 50.0)]
    parts = []
    for number, (size, recall, spread, age) in enumerate(bands):
        part = simulate((size, 0), 25, (recall, recall), spread, seed=number)
        parts.append(part.assign(age=age, speaker=part["speaker"] + f"/{number}"))
    others = ONLY_GENDER.replace({"attribute": {"age": "gender"}})
    rows = table(pd.concat(parts, ignore_index=True), refused=others)
    (largest,) = rows[rows["measure"] == "uar_largest"].to_dict("records")
    assert (largest["first"], largest["second"]) == ("under_30", "45_and_over")
    pair = rows[
        (rows["measure"] == "uar") & (rows["first"] == largest["first"]) & (rows["second"] == largest["second"])
    ]
    assert largest["difference"] == pytest.approx(pair["difference"].item())
    assert largest["p"] < 0.01  # that all are alike: the first two are not
    assert largest["unbiased_high"] > pair["unbiased_high"].item() > 0.1


def test_genders_and_ages_together_have_no_pairs():
    rows = table(simulate(sizes=(12, 12)))
    measures = set(rows.loc[rows["attribute"] == "gender_age", "measure"])
    assert "uar_largest" in measures
    assert not measures & {"uar", "recall", "rate"}


def test_another_seed_draws_others_and_the_same_seed_the_same():
    people = simulate(sizes=(12, 12), recalls=(0.75, 0.65))
    first = gender(people)
    pd.testing.assert_series_equal(first, gender(people))
    other = gender(people, dataclasses.replace(PARAMS, seed=1))
    assert first["difference"] == other["difference"]
    assert first["unbiased_high"] != other["unbiased_high"]
    assert first["low"] != other["low"]


def test_a_test_of_draws_never_has_a_p_of_0():
    found = gender(simulate(sizes=(12, 12), recalls=(1.0, 0.2)))
    assert found["p"] == found["p_smallest"] == 1 / 1001


def test_speakers_that_are_all_alike_leave_nothing_to_say_of_what_could_be_shown():
    assert np.isnan(gender(simulate(recalls=(1.0, 1.0), spread=0.0))["detectable"])


# What the data cannot carry


def test_an_emotion_that_one_gender_lacks_leaves_the_recalls_of_the_others():
    people = simulate()[lambda people: (people["gender"] == "female") | (people["truth"] != "sad")]
    rows = table(people)
    rows = rows[rows["attribute"] == "gender"]
    assert set(rows["measure"]) == {"recall", "rate"}
    assert set(rows.loc[rows["measure"] == "recall", "emotion"]) == {"angry", "happy", "neutral"}


def test_three_against_three_have_a_gap_without_a_test():
    found = gender(simulate(sizes=(3, 3)), refused=None)
    assert np.isfinite(found["difference"])
    assert found[["p", "p_holm", "unbiased_low", "unbiased_high", "low", "high", "detectable"]].isna().all()


def test_too_few_for_an_interval_can_be_enough_for_a_test():
    found = gender(simulate(sizes=(3, 9)), refused=None)
    assert found[["low", "high"]].isna().all()
    assert found[["p", "unbiased_low", "detectable"]].notna().all()


def test_without_speakers_there_is_a_gap_and_nothing_about_its_certainty():
    found = gender(simulate().assign(speaker=""), refused=None)
    assert np.isfinite(found["difference"])
    assert found[["p", "p_smallest", "low", "high", "detectable"]].isna().all()


def test_a_speaker_of_two_languages_leaves_the_gap_alone():
    people = simulate()
    people.loc[0, "language"] = "en"
    rows = table(people)
    found = rows[(rows["attribute"] == "language") & (rows["measure"] == "uar")].iloc[0]
    assert found["difference"] == pytest.approx(
        uar(people[people["language"] == "de"]) - uar(people[people["language"] == "en"])
    )
    assert found[["p", "low", "high", "detectable"]].isna().all()


@pytest.mark.parametrize(
    "people",
    [
        simulate().assign(gender=""),
        simulate(sizes=(8, 0)),
        simulate(sizes=(8, 1)),
        simulate(sizes=(1, 1)),
    ],
    ids=["nobody's known", "one empty", "one man", "one speaker each"],
)
def test_what_is_refused_has_no_gap(people):
    assert "gender" not in set(table(people)["attribute"])


def test_where_everything_is_refused_there_are_columns_and_no_rows():
    nothing = pd.DataFrame([("all", "", ANY, "tied")], columns=list(claims.COLUMNS))
    rows = table(simulate(), refused=nothing)
    assert list(rows.columns) == list(gaps.COLUMNS)
    assert rows.empty


# Planted truths


@pytest.mark.slow
def test_a_planted_gap_is_found_with_the_right_sign_and_absent_when_not_planted():
    """Twenty corpora of each kind, as the bundled one is built: 12 women, 12 men, 20 utterances each."""
    found = {name: [] for name in ("women", "men", "nobody")}
    for seed in range(20):
        for name, recalls in (("women", (0.82, 0.64)), ("men", (0.64, 0.82)), ("nobody", (0.73, 0.73))):
            found[name].append(gender(simulate(sizes=(12, 12), recalls=recalls, seed=seed)))
    found = {name: pd.DataFrame(rows) for name, rows in found.items()}
    assert (found["women"]["difference"] > 0).all()
    assert (found["men"]["difference"] < 0).all()
    power = stats.binom.ppf(0.01, 20, 0.8)
    assert (found["women"]["low"] > 0).sum() >= power
    assert (found["men"]["high"] < 0).sum() >= power
    assert (found["women"]["p"] < 0.05).sum() >= power
    alarms = found["nobody"]
    assert ((alarms["low"] > 0) | (alarms["high"] < 0)).sum() <= at_most(0.05, 20)
    assert (alarms["p"] < 0.05).sum() <= at_most(0.05, 20)


@pytest.mark.slow
@pytest.mark.parametrize(("sizes", "each"), [((5, 20), (2, 20)), ((10, 30), (3, 20)), ((6, 18), (20, 3))])
def test_few_speakers_who_say_little_against_many_who_say_much_give_no_more_false_alarms_than_nominal(sizes, each):
    """The raw gap, in place of the studentised one, has a p of at most 0.05 in a quarter of such of 5 and 20."""
    alarms, cases = 0, 60
    for seed in range(cases):
        women, men = (
            simulate(sizes=(size, size), each=number, seed=seed) for size, number in zip(sizes, each, strict=True)
        )
        people = pd.concat([of_gender(women, "female"), of_gender(men, "male").assign(speaker=men["speaker"] + "m")])
        alarms += gender(people, dataclasses.replace(PARAMS, permutations=500))["p"] <= 0.05
    assert alarms <= at_most(0.07, cases)


@pytest.mark.slow
def test_of_all_the_tests_of_a_corpus_without_bias_one_is_passed_no_more_often_than_nominal():
    """With every attribute compared, Holm's adjustment keeps the chance of any false alarm in UAR at 5 percent."""
    alarms = 0
    for seed in range(20):
        rows = table(simulate(sizes=(8, 8), seed=seed))
        alarms += (rows.loc[rows["measure"] == "uar", "p_holm"] <= 0.05).any()
    assert alarms <= at_most(0.05, 20)


@pytest.mark.slow
@pytest.mark.parametrize(("female", "male", "sign"), [(1.0, 0.5, 1), (1.0, 1.0, 0)])
def test_the_effect_of_gender_that_the_bundled_corpus_plants_is_found(female, male, sign):
    """Its audio, described by a mean spectrum and the like, and recognised by a linear model in folds of speakers."""
    planted = {"female": female, "male": male}
    params = SynthesisParams(
        seed=1, speakers=24, utterances_per_emotion=3, ambiguous_share=0.15, raters=1, expressivity=planted
    )
    people = corpus.plan(params)
    vectors = np.array([described(voice.render(row)) for row in people.itertuples()])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    folds = GroupKFold(6)
    prediction = cross_val_predict(model, vectors, people["emotion"], groups=people["speaker"], cv=folds)
    found = gender(people.assign(truth=people["emotion"], prediction=prediction, corpus="c"))
    assert np.sign(found["low"]) + np.sign(found["high"]) == 2 * sign
    assert (found["p"] < 0.05) == (sign != 0)


def described(samples):
    """Describe samples (n,) by mean and deviation of 32 bands, pitch, and length."""
    frames = np.lib.stride_tricks.sliding_window_view(samples / 32_768, 512)[::256] * np.hanning(512)
    spectrum = np.log(np.abs(np.fft.rfft(frames, axis=1)) ** 2 + 1e-8)
    bands = spectrum[:, :256].reshape(len(frames), 32, 8).mean(axis=2)
    pitch = np.log(np.fft.irfft(spectrum, axis=1)[:, 32:160].argmax(axis=1) + 32)
    others = [pitch.mean(), pitch.std(), spectrum.mean(axis=1).std(), np.log(len(samples))]
    return np.concatenate([bands.mean(axis=0), bands.std(axis=0), others])


@pytest.mark.slow
@pytest.mark.parametrize("planted", [0.0, 0.15])
def test_the_interval_covers_the_planted_gap_as_often_as_it_says(planted):
    rows = [
        gender(simulate(each=4, spread=0.1, seed=seed, recalls=(0.65 + planted / 2, 0.65 - planted / 2)))
        for seed in range(100)
    ]
    covered = np.mean([row["low"] <= planted <= row["high"] for row in rows])
    assert 0.89 <= covered <= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(5, 5), (4, 9)])
def test_a_gap_of_the_detectable_size_is_found_in_about_four_cases_of_five(sizes):
    corpora = 50
    size = np.mean([gender(simulate(sizes=sizes, seed=seed))["detectable"] for seed in range(corpora)])
    recalls = (0.6 + size / 2, 0.6 - size / 2)
    found = [gender(simulate(sizes=sizes, recalls=recalls, seed=seed))["p"] <= 0.05 for seed in range(corpora)]
    assert 0.65 <= np.mean(found) <= 0.95


@pytest.mark.slow
def test_the_range_without_bias_holds_the_gaps_of_models_without_bias():
    corpora = 40
    inside = 0
    for seed in range(corpora):
        found = gender(simulate(seed=seed))
        inside += found["unbiased_low"] <= found["difference"] <= found["unbiased_high"]
    assert inside >= stats.binom.ppf(0.01, corpora, 0.95)
    biased = gender(simulate(recalls=(0.85, 0.55)))
    assert biased["difference"] > biased["unbiased_high"]


@pytest.mark.parametrize("measure", ["rate", "rate_matched"])
def test_the_exact_p_of_rates_equals_a_slow_independent_enumeration(measure):
    people = simulate(sizes=(4, 5), recalls=(0.75, 0.6), seed=1)
    people = people[(people["gender"] == "male") | (people["truth"] != "angry") | (people.index % 3 > 0)]
    target, names = people["truth"].value_counts(), sorted(set(people["speaker"]))

    def share(own):
        """Of the predictions, those that are anger, and the variance of that share over speakers."""
        said, weight = (own["prediction"] == "angry").astype(float), pd.Series(1 / len(own), own.index)
        expected = said.mean()
        if measure == "rate_matched":
            weight = own["truth"].map(target / target.sum() / own["truth"].value_counts())
            expected = said.groupby(own["truth"]).transform("mean")
        moves = ((said - expected) * weight).groupby(own["speaker"]).sum()
        return (said * weight).sum(), len(moves) / (len(moves) - 1) * np.square(moves).sum()

    def studentised_share(part):
        own = people["speaker"].isin(part)
        (one, first), (other, second) = share(people[own]), share(people[~own])
        return (one - other) / np.sqrt(first + second)

    null = [studentised_share(part) for part in itertools.combinations(names, 4)]
    found = table(people, refused=ONLY_GENDER).query("measure == @measure and emotion == 'angry'").iloc[0]
    seen = studentised_share(set(of_gender(people, "female")["speaker"]))
    assert found["p"] == pytest.approx(np.mean(np.abs(null) >= abs(seen) - 1e-9))


def test_the_detectable_gap_is_that_of_one_of_all_tests():
    people = simulate(sizes=(8, 8))
    alone, among = gender(people), gender(people, refused=None)
    tests = table(people).query("measure == 'uar'")["p"].notna().sum()
    # 1,001 cases, the permutations and the observed one, of which a p-value is a whole share.
    shares = [np.floor(0.05 / number * 1001) / 1001 for number in (1, tests)]
    one, many = (stats.t.ppf([1 - share / 2, 0.8], 14).sum() for share in shares)
    assert tests == 5
    assert among["detectable"] / alone["detectable"] == pytest.approx(many / one)


def test_a_test_that_is_refused_does_not_narrow_what_the_others_can_detect():
    people = simulate(sizes=(8, 8), spread=0.2)
    young = people["speaker"].str[-1].isin(list("02468"))
    people = people.assign(age=np.where(young, 25.0, 35.0))
    params = dataclasses.replace(PARAMS, age_bands=(30,))
    with_ages = ONLY_GENDER[ONLY_GENDER["attribute"] != "age"]
    pair = pair_name("under_30", "30_and_over")
    untested = pd.DataFrame([("age", pair, claims.TEST, "too few")], columns=list(claims.COLUMNS))
    alone, both, refused = (
        gender(people, params, each)["detectable"]
        for each in (ONLY_GENDER, with_ages, pd.concat([with_ages, untested]))
    )
    assert both > alone  # two tests share what one has
    assert refused == alone
