import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.stats.contingency import association as uncorrected

from ser.bias import audit, claims
from ser.bias import groups as bias_groups
from ser.bias import refusals as bias_refusals
from ser.bias.claims import ANY, GAP, INTERVAL, TEST, UAR, Claims
from ser.bias.groups import BiasParams
from ser.people import ATTRIBUTES
from ser.splits import oracle

EMOTIONS = ["angry", "sad", "bored"]
PARAMS = BiasParams(resamples=200, confidence=0.95, seed=0, minimum_speakers=3, age_bands=(30,), permutations=1000)


def corpus(women=6, men=6, each=2, name="c"):
    """Balanced: every speaker speaks every emotion ``each`` times; half of each gender is young, half speaks German."""
    rows = []
    for gender, number in (("female", women), ("male", men)):
        for index in range(number):
            speaker = {"speaker": f"{name}/{gender[0]}{index}", "gender": gender, "corpus": name}
            speaker |= {"age": (25.0, 40.0)[index % 2], "language": ("de", "en")[index // 2 % 2]}
            rows += [speaker | {"truth": emotion} for emotion in EMOTIONS for _ in range(each)]
    return pd.DataFrame(rows)


def refusals(people, params=PARAMS):
    """The refused claims, each with its reason."""
    manifest = people.assign(emotion=people["truth"])
    table = bias_refusals.examine(people, manifest, EMOTIONS, params).refused
    assert list(table.columns) == list(claims.COLUMNS)
    return {(row.attribute, row.group, row.claim): row.reason for row in table.itertuples()}


def of(refused, attribute):
    return {key[1:]: reason for key, reason in refused.items() if key[0] == attribute}


def test_a_balanced_corpus_carries_all_but_a_comparison_with_other_corpora():
    assert refusals(corpus(12, 12)) == {("corpus", "", GAP): "one group alone: c"}


def test_a_corpus_with_emotion_tied_to_the_speaker_is_refused():
    people = corpus(each=5)
    people["truth"] = people["speaker"].str[-1].astype(int).map(lambda number: EMOTIONS[number % 3])
    refused = refusals(people)
    reason = refused["all", "", ANY]
    assert "emotion is tied to the speaker" in reason
    assert "has a UAR of 1.000 (0." in reason
    assert "normalisation by speaker would take the emotion away" in reason
    known = Claims(pd.DataFrame([(*key, why) for key, why in refused.items()], columns=list(claims.COLUMNS)))
    assert not any(known.carried(attribute, "female", claim) for attribute in ATTRIBUTES for claim in (ANY, UAR, GAP))


def test_a_balanced_corpus_beside_it_does_not_hide_one_whose_emotions_are_tied_to_speakers():
    odd = corpus(each=5, name="odd")
    odd["truth"] = odd["speaker"].str[-1].astype(int).map(lambda number: EMOTIONS[number % 3])
    both = pd.concat([corpus(12, 12, each=5), odd], ignore_index=True)
    assert oracle.tie(both["truth"], both["speaker"]) == ""
    assert "in odd emotion is tied to the speaker" in refusals(both)["all", "", ANY]


def test_of_two_corpora_whose_emotions_are_tied_to_speakers_one_row_tells():
    both = pd.concat([corpus(each=5), corpus(each=5, name="d")], ignore_index=True)
    both["truth"] = both["speaker"].str[-1].astype(int).map(lambda number: EMOTIONS[number % 3])
    table = bias_refusals.examine(both, both.assign(emotion=both["truth"]), EMOTIONS, PARAMS).refused
    assert not table.duplicated(["attribute", "group", "claim"]).any()
    reason = refusals(both)["all", "", ANY]
    assert reason.startswith("in c emotion is tied to the speaker: the best guess by the speaker alone has a UAR of 1")
    assert "; in d emotion is tied to the speaker: " in reason
    assert reason.endswith("; normalisation by speaker would take the emotion away")


@pytest.mark.parametrize(("speakers", "tied"), [(2, False), (4, True)])
def test_a_corpus_is_tied_where_the_split_stage_says_so(speakers, tied):
    """The first speakers of each gender speak one emotion each, the others all."""
    people = corpus(each=5)
    number = people["speaker"].str[-1].astype(int)
    people.loc[number < speakers, "truth"] = number.map(lambda number: EMOTIONS[number % 3])
    assert bool(oracle.tie(people["truth"], people["speaker"])) == tied
    assert (("all", "", ANY) in refusals(people)) == tied


def test_an_emotion_that_one_gender_lacks_takes_its_uar_and_the_emotion_away_and_nothing_else():
    people = corpus(12, 12)[lambda people: (people["gender"] == "female") | (people["truth"] != "bored")]
    assert of(refusals(people), "gender") == {
        ("male", UAR): "nobody speaks bored",
        ("male", "bored"): "no utterances",
    }


def test_an_emotion_that_one_speaker_of_a_group_speaks_is_that_speakers():
    people = corpus(12, 12)
    people = people[(people["gender"] == "female") | (people["truth"] != "bored") | (people["speaker"] == "c/m3")]
    assert of(refusals(people), "gender") == {
        ("male", "bored"): "one speaker speaks it: c/m3",
        ("male", INTERVAL): "too few speakers have bored",  # most draws would miss that one
    }


def test_an_emotion_that_both_genders_speak_in_no_corpus_together_is_not_compared():
    """Sad and bored are the women's in one corpus and the men's in the other; with angry so, too, nothing is left."""
    people = pd.concat([corpus(12, 12), corpus(12, 12, name="d")], ignore_index=True)
    mine = (people["gender"] == "female") == (people["corpus"] == "c")
    some = people[(people["truth"] == "angry") | ((people["truth"] == "sad") == mine)]
    why = "no corpus has {} of each group: the corpora may be what differs"
    names = ("female_minus_male", "largest")
    assert of(refusals(some), "gender") == {
        (name, emotion): why.format("it") for name in names for emotion in ("sad", "bored")
    }
    none = some[some["truth"] != "angry"]  # such a corpus alone would be tied to its speakers
    known = bias_refusals.examine(none, people.assign(emotion=people["truth"]), EMOTIONS, PARAMS)
    refused = known.refused.set_index(["attribute", "group", "claim"])["reason"]["gender"]
    assert [refused[name, UAR] for name in names] == [why.format("an emotion")] * 2
    assert not known.on_pair("gender", "female", "male", EMOTIONS) & {UAR, "sad", "bored"}


def test_an_emotion_that_nobody_speaks_is_missed_in_no_group():
    people = corpus(12, 12)[lambda people: people["truth"] != "bored"]
    assert refusals(people) == {
        ("all", "", "bored"): "no utterances",
        ("corpus", "", GAP): "one group alone: c",
    }


def test_a_group_of_one_speaker_is_that_person():
    refused = refusals(corpus(12, 1))
    assert of(refused, "gender") == {
        ("male", ANY): "one speaker: c/m0",
        ("", GAP): "one group alone of which anything can be said: female",
    }


def test_one_speaker_per_gender_leaves_nothing_to_say_of_gender():
    people = corpus(1, 1)
    assert of(refusals(people), "gender") == {
        ("female", ANY): "one speaker: c/f0",
        ("male", ANY): "one speaker: c/m0",
        ("", GAP): "no group of which anything can be said",
    }


def test_an_empty_group_is_said():
    people = corpus(12, 12).assign(age=25.0)
    assert of(refusals(people), "age") == {
        ("30_and_over", ANY): "no utterances",
        ("", GAP): "one group alone: under_30",
    }


@pytest.mark.parametrize(("attribute", "nobody"), [("gender", ""), ("age", np.nan), ("speaker", ""), ("language", "")])
def test_what_is_unknown_for_everybody_is_said(attribute, nobody):
    assert of(refusals(corpus(12, 12).assign(**{attribute: nobody})), attribute) == {("", ANY): "unknown for everybody"}


def test_who_is_unknown_is_counted():
    people = corpus(12, 12)
    people.loc[people["speaker"].isin(["c/f0", "c/m1"]), "gender"] = ""
    assert of(refusals(people), "gender") == {("unknown", ANY): "not known of 12 utterances"}


def test_unknown_speakers_allow_neither_intervals_nor_tests():
    refused = of(refusals(corpus(12, 12).assign(speaker="")), "gender")
    assert refused == {
        ("female", INTERVAL): "speakers unknown",
        ("male", INTERVAL): "speakers unknown",
        ("female_minus_male", TEST): "speakers unknown",
        ("largest", TEST): "speakers unknown",
    }


def test_unknown_speakers_of_one_group_leave_the_tests_of_the_others():
    people = corpus(12, 12)
    people.loc[people["speaker"].str[3:].astype(int) > 7, "language"] = "pl"
    people.loc[people["speaker"] == "c/m11", "speaker"] = ""
    unknown = "speakers unknown"
    assert of(refusals(people), "language") == {
        ("pl", INTERVAL): unknown,
        ("de_minus_pl", TEST): unknown,
        ("en_minus_pl", TEST): unknown,
        ("largest", TEST): unknown,
    }


def test_groups_below_the_minimum_have_no_interval():
    refused = of(refusals(corpus(12, 12), dataclasses.replace(PARAMS, minimum_speakers=13)), "gender")
    assert refused == {(group, INTERVAL): "test speakers: 12, minimum_speakers: 13" for group in ("female", "male")}


def test_a_test_that_no_gap_could_pass_is_refused_with_the_smallest_p():
    refused = of(refusals(corpus(3, 3)), "gender")
    reason = "speakers: 3 and 3; no p can fall below 0.1"
    assert refused == {("female_minus_male", TEST): reason, ("largest", TEST): reason}
    assert of(refusals(corpus(3, 3), dataclasses.replace(PARAMS, confidence=0.8)), "gender") == {}


def test_a_gender_that_is_a_corpus_of_its_own_cannot_be_compared():
    people = pd.concat([corpus(6, 0), corpus(0, 6, name="d")])
    reason = "no corpus has more than one of the groups: the corpora may be what differs"
    refused = refusals(people)
    assert refused["gender", "", GAP] == reason
    assert of(refused, "corpus") == {}
    assert ("gender", "", GAP) not in refusals(pd.concat([corpus(6, 2), corpus(0, 6, name="d")]))


def test_a_pair_that_shares_no_corpus_cannot_be_compared_though_others_can():
    one, other = corpus(12, 12).assign(age=25.0), corpus(12, 12, name="d").assign(age=40.0)
    one.loc[one["gender"] == "male", "language"] = "en"
    people = pd.concat([one, other.assign(language="pl")])
    reason = "no corpus has several speakers of each group: the corpora may be what differs"
    refused = of(refusals(people), "language")
    assert {key: refused[key] for key in refused if key[1] == GAP} == {
        (name, GAP): reason for name in ("de_minus_pl", "en_minus_pl", "largest")
    }


def test_a_corpus_with_one_speaker_of_a_group_compares_nothing():
    refused = of(refusals(pd.concat([corpus(12, 0), corpus(1, 12, name="d")])), "gender")
    reason = "no corpus has several speakers of each group: the corpora may be what differs"
    assert refused == {("female_minus_male", GAP): reason, ("largest", GAP): reason}


def test_few_speakers_of_a_group_in_a_corpus_allow_no_interval_of_the_gap():
    people = pd.concat([corpus(12, 12), corpus(3, 12, name="d")])
    reason = "test speakers: 3, minimum_speakers: 4, in a group of a corpus"
    assert of(refusals(people, dataclasses.replace(PARAMS, minimum_speakers=4)), "gender") == {
        ("female_minus_male", INTERVAL): reason
    }


def test_an_emotion_of_few_in_a_group_of_a_corpus_allows_no_interval_of_the_gap():
    people = pd.concat([corpus(12, 12), corpus(12, 12, name="d")])
    others = people["speaker"].isin([f"c/f{number}" for number in range(2, 12)])
    people = people[~others | (people["truth"] != "sad")]  # two women of c are left who say it, fourteen in both
    reason = "too few speakers have sad, in a group of a corpus"
    assert of(refusals(people), "gender") == {("female_minus_male", INTERVAL): reason}


def test_a_test_within_corpora_that_no_gap_could_pass_is_refused_with_the_speakers_of_each():
    people = pd.concat([corpus(2, 2), corpus(2, 2, name="d")])
    refused = of(refusals(people, dataclasses.replace(PARAMS, minimum_speakers=2)), "gender")
    reason = "speakers of each group in c, d: 2 and 2; 2 and 2; no p can fall below 0.056"
    assert refused == {("female_minus_male", TEST): reason, ("largest", TEST): reason}


def test_a_speaker_in_two_groups_allows_neither_an_interval_of_the_gap_nor_a_test():
    people = corpus(12, 12)
    people.loc[people.index[people["speaker"] == "c/f0"][0], "language"] = "en"
    reason = "the speaker c/f0 is in 2 of the groups"
    assert of(refusals(people), "language") == {
        ("de_minus_en", TEST): reason,
        ("de_minus_en", INTERVAL): reason,
        ("largest", TEST): reason,
    }


def test_a_speaker_who_lacks_an_emotion_has_no_uar_but_the_other_recalls():
    people = corpus(12, 12)[lambda people: (people["speaker"] != "c/f0") | (people["truth"] != "sad")]
    assert of(refusals(people), "speaker") == {
        ("c/f0", UAR): "nobody speaks sad",
        ("c/f0", "sad"): "no utterances",
    }


def test_refused_figures_are_withheld_and_counts_stay():
    people = corpus(12, 12)[lambda people: (people["gender"] == "female") | (people["truth"] != "bored")]
    people = people[(people["age"] < 30) | (people["speaker"] == "c/f1")].assign(prediction="bored")
    people[[f"p_{emotion}" for emotion in EMOTIONS]] = 1 / 3
    known = bias_refusals.examine(people, people.assign(emotion=people["truth"]), EMOTIONS, PARAMS)
    before = bias_groups.groups(people, EMOTIONS, PARAMS)
    after = known.withhold(before, EMOTIONS).set_index(["attribute", "group"])
    before = before.set_index(["attribute", "group"])
    male, old = after.loc["gender", "male"], after.loc["age", "30_and_over"]
    assert list(male.index[male.isna()]) == [
        *("uar", "uar_low", "uar_high"),
        *("recall_bored", "precision_bored", "f1_bored"),
    ]
    assert old[["utterances", "speakers"]].tolist() == [6, 1]
    assert old.drop(["utterances", "speakers"]).isna().all()
    pd.testing.assert_series_equal(after.loc["gender", "female"], before.loc["gender", "female"])


def test_a_refused_emotion_takes_recall_precision_and_f1_that_could_be_had_and_no_rate():
    people = corpus().assign(prediction=np.tile(EMOTIONS, 24))
    people[[f"p_{emotion}" for emotion in EMOTIONS]] = 1 / 3
    before = bias_groups.groups(people, EMOTIONS, PARAMS)
    refused = pd.DataFrame([("gender", "male", "sad", "too few")], columns=list(claims.COLUMNS))
    after = Claims(refused).withhold(before, EMOTIONS)
    changed = [
        (row, column) for column in before for row in before.index[before[column].notna() & after[column].isna()]
    ]
    (male,) = before.index[(before["attribute"] == "gender") & (before["group"] == "male")]
    assert changed == [(male, f"{measure}_sad") for measure in ("recall", "precision", "f1")]


def test_counts_are_those_of_a_cross_table():
    people = corpus(3, 2)
    people.loc[people.index[:3], "truth"] = "bored"
    counts = audit.counts(people, EMOTIONS, PARAMS)
    assert list(counts.columns) == ["attribute", "group", "emotion", "utterances", "speakers"]
    for attribute in ("gender", "speaker", "language"):
        rows = counts[counts["attribute"] == attribute].pivot(index="group", columns="emotion")
        utterances = pd.crosstab(people[attribute], people["truth"])
        speakers = people.groupby([attribute, "truth"])["speaker"].nunique().unstack(fill_value=0)
        for emotion in EMOTIONS:
            assert list(rows["utterances", emotion]) == list(utterances[emotion])
            assert list(rows["speakers", emotion]) == list(speakers[emotion])


def test_counts_keep_empty_cells_and_do_not_count_unknown_speakers():
    people = corpus(2, 2).assign(age=np.nan)
    people.loc[people["gender"] == "male", "speaker"] = ""
    counts = audit.counts(people, [*EMOTIONS, "happy"], PARAMS).set_index(["attribute", "group", "emotion"])
    assert list(counts.loc["age"].index.get_level_values("group").unique()) == ["under_30", "30_and_over", "unknown"]
    assert counts.loc["age", "under_30", "sad"].tolist() == [0, 0]
    assert counts.loc["gender", "female", "happy"].tolist() == [0, 0]
    assert counts.loc["gender", "female", "sad"].tolist() == [4, 2]
    assert pd.isna(counts.loc[("gender", "male", "sad"), "speakers"])


def test_the_association_worked_by_hand():
    """Counts 8 2 / 3 7: chi squared over the total is (56 - 6)^2 / (10 * 10 * 11 * 9), less 1 / 19 for chance."""
    groups = pd.Series(["a"] * 10 + ["b"] * 10)
    emotions = pd.Series(["angry"] * 8 + ["sad"] * 2 + ["angry"] * 3 + ["sad"] * 7)
    raw = 50**2 / (10 * 10 * 11 * 9)
    assert uncorrected(pd.crosstab(groups, emotions), method="cramer") == pytest.approx(np.sqrt(raw))
    expected = np.sqrt((raw - 1 / 19) / (2 - 1 / 19 - 1))
    assert audit.association(groups, emotions) == pytest.approx(expected)


def test_the_association_of_unrelated_things_is_near_0_however_many_groups():
    speakers, found = pd.Series(np.repeat(range(40), 10)), []
    for seed in range(20):
        emotions = pd.Series(np.random.default_rng(seed).choice(EMOTIONS, size=400))
        found.append((audit.association(speakers, emotions), uncorrected(pd.crosstab(speakers, emotions))))
    corrected, raw = np.mean(found, axis=0)
    assert corrected < 0.1
    assert raw > 0.3


def test_the_association_of_things_that_tell_each_other_is_1():
    speakers = pd.Series(np.repeat(range(40), 10))
    assert audit.association(speakers, speakers % 3) > 0.95  # a little below 1 where there are few of each
    assert audit.association(speakers, speakers) == pytest.approx(1)
    assert audit.association(speakers * 0, speakers) is None


def test_the_overview_gives_what_can_be_had():
    people = corpus(6, 6)
    found = audit.overview(people, people.assign(emotion=people["truth"]), PARAMS)
    assert found["association"] == dict.fromkeys(["gender", "age", "gender_age", "language", "speaker"], 0.0)
    assert (found["chance_uar"], found["speaker_oracle_uar"]) == pytest.approx((1 / 3, 1 / 3))
    unknown = corpus(3, 0, name="d").assign(gender="", truth="bored")  # who would tie the emotion to their group
    found = audit.overview(pd.concat([people, unknown]), people.assign(emotion=people["truth"]), PARAMS)
    assert found["association"]["gender"] == 0
    people = people.assign(speaker="", gender="", age=np.nan)
    found = audit.overview(people, people.assign(emotion=people["truth"]), PARAMS)
    assert set(found["association"]) == {"language"}
    assert "speaker_oracle_uar" not in found


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [("speaker", "c/1", UAR, "nobody speaks sad"), ("speaker", "c/2", UAR, "nobody speaks angry")],
            "c/1: nobody speaks sad; and 1 more",
        ),
        (
            [("speaker", "c/1", UAR, "nobody speaks sad"), ("speaker", "", ANY, "unknown for everybody")],
            "unknown for everybody",
        ),
        ([("speaker", "c/1", "sad", "no utterances"), ("gender", "", GAP, "why")], ""),
    ],
)
def test_silence_names_the_group_whose_reason_it_gives_and_counts_the_others(rows, said):
    assert Claims(pd.DataFrame(rows, columns=list(claims.COLUMNS))).silence("speaker") == said
