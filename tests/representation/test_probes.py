import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser.representation import folds as probe_folds
from ser.representation import outcomes, probes
from ser.representation import spaces as representation_spaces
from ser.representation.folds import ObstacleError
from ser.representation.spaces import RepresentationParams, View

PARAMS = RepresentationParams(
    resamples=500,
    confidence=0.95,
    seed=0,
    minimum_speakers=3,
    folds=4,
    cost=0.01,
    permutations=19,  # the fewest of which a p can be 0.05
    perplexity=5.0,
    utterances=10_000,
    neighbours=5,
)
BANDS = (30, 50)
EMOTIONS = ("angry", "happy", "sad")
NUMBERS = 60


def people_of(speakers=12, sentences=6, corpus="c"):
    """Every speaker says every sentence in every emotion; women and men, and two age bands, in turn."""
    rows = [
        (f"{corpus}/{speaker:02d}", emotion, f"sentence {sentence}")
        for speaker in range(speakers)
        for emotion in EMOTIONS
        for sentence in range(sentences)
    ]
    people = pd.DataFrame(rows, columns=["speaker", "emotion", "text"])
    people["corpus"], people["language"], people["details"] = corpus, "en", ""
    number = people["speaker"].str[2:].astype(int)
    people["gender"] = np.where(number % 2, "male", "female")
    people["age"] = np.where(number % 4 < 2, 25.0, 40.0)
    return people


def planted(people, column, strength, rng):
    """Give each value of a column a direction of its own."""
    directions = dict(
        zip(sorted(set(people[column])), rng.normal(size=(people[column].nunique(), NUMBERS)), strict=True)
    )
    return strength * np.stack([directions[value] for value in people[column]])


def score(space, people, attribute, params=PARAMS):
    truth = probes.labels(people, attribute, BANDS)
    return float(outcomes.balanced(probes.probe(space, people, truth, attribute, params)))


@pytest.fixture(scope="module")
def coloured():
    """Vectors that carry the speaker strongly and nothing else, least of all gender: 40 speakers."""
    rng, people = np.random.default_rng(0), people_of(speakers=40, sentences=3)
    vectors = planted(people, "speaker", 1.0, rng) + rng.normal(size=(len(people), NUMBERS))
    return people, vectors


def test_a_probe_finds_the_speaker_where_only_the_speaker_is_planted(coloured):
    people, vectors = coloured
    space = representation_spaces.whole(vectors)
    assert score(space, people, "speaker") > 0.9
    assert score(space, people, "emotion") == pytest.approx(1 / 3, abs=0.08)


def test_normalisation_by_speaker_leaves_nothing_of_the_speaker(coloured):
    people, vectors = coloured
    space = representation_spaces.by_speaker(vectors, people["speaker"].to_numpy())
    assert score(space, people, "speaker") <= 1 / 40
    assert score(space, people, "gender") == 0.5


def test_gender_is_not_found_by_recognising_speakers(coloured):
    """Utterances of known speakers would give it away: the folds by utterance of a careless probe find it."""
    people, vectors = coloured
    assert score(representation_spaces.whole(vectors), people, "gender") == pytest.approx(0.5, abs=0.12)
    careless = make_pipeline(StandardScaler(), LogisticRegression(C=PARAMS.cost))
    blocks = np.arange(len(people)) % 4
    prediction = cross_val_predict(careless, vectors, people["gender"], cv=PredefinedSplit(blocks))
    assert balanced_accuracy_score(people["gender"], prediction) > 0.75


@pytest.mark.parametrize("attribute", ["emotion", "gender"])
def test_what_is_planted_is_found_across_speakers(attribute):
    rng, people = np.random.default_rng(1), people_of()
    vectors = planted(people, attribute, 0.6, rng) + rng.normal(size=(len(people), NUMBERS))
    assert score(representation_spaces.whole(vectors), people, attribute) > 0.85


@pytest.mark.parametrize("attribute", probe_folds.ATTRIBUTES)
def test_the_balanced_accuracy_is_that_of_scikit_learn_under_the_same_folds(attribute):
    rng, people = np.random.default_rng(2), people_of().sample(150, random_state=0)  # unequal counts
    people = people.reset_index(drop=True)
    vectors = planted(people, "speaker", 0.3, rng) + planted(people, "emotion", 0.2, rng)
    vectors += rng.normal(size=vectors.shape)
    truth = probes.labels(people, attribute, BANDS)
    folds, _ = probe_folds.cut(people, truth, attribute, PARAMS)
    model = make_pipeline(
        StandardScaler(), LogisticRegression(C=PARAMS.cost, class_weight="balanced", tol=1e-3, max_iter=5000)
    )
    prediction = cross_val_predict(model, vectors, truth, cv=PredefinedSplit(folds))
    expected = balanced_accuracy_score(truth, prediction)
    assert score(representation_spaces.whole(vectors), people, attribute) == pytest.approx(expected)


@pytest.mark.parametrize("attribute", ["emotion", "gender", "age"])
def test_no_speaker_is_in_two_folds(attribute):
    people = people_of()
    folds, apart = probe_folds.cut(people, probes.labels(people, attribute, BANDS), attribute, PARAMS)
    assert apart == "speakers"
    assert len(set(folds)) == PARAMS.folds
    assert pd.Series(folds).groupby(people["speaker"]).nunique().max() == 1


def test_every_fold_of_an_attribute_of_speakers_has_all_groups():
    people = people_of(speakers=9)  # five women, four men
    folds, _ = probe_folds.cut(people, probes.labels(people, "gender", BANDS), "gender", PARAMS)
    assert pd.crosstab(folds, people["gender"]).to_numpy().min() > 0


def test_every_fold_of_gender_has_as_many_women_as_men_whatever_the_order_of_their_names():
    people = people_of(speakers=8)
    people["gender"] = np.where(people["speaker"] < "c/04", "female", "male")
    folds, _ = probe_folds.cut(people, probes.labels(people, "gender", BANDS), "gender", PARAMS)
    speakers = people.assign(fold=folds).groupby(["fold", "gender"])["speaker"].nunique().unstack()
    assert speakers.to_numpy().tolist() == [[1, 1]] * 4


def test_there_are_no_more_folds_than_speakers_of_the_rarest_group():
    people = people_of(speakers=8)
    people["gender"] = np.where(people["speaker"] < "c/02", "female", "male")
    folds, _ = probe_folds.cut(people, probes.labels(people, "gender", BANDS), "gender", PARAMS)
    assert sorted(set(folds)) == [0, 1]


@pytest.mark.parametrize("attribute", probe_folds.ATTRIBUTES)
def test_another_seed_cuts_otherwise(attribute):
    people = people_of()  # whose cuts are all equally good
    truth = probes.labels(people, attribute, BANDS)
    first, second = (
        probe_folds.cut(people, truth, attribute, dataclasses.replace(PARAMS, seed=seed))[0] for seed in (0, 1)
    )
    assert (first != second).any()


def test_two_sentences_are_enough_to_keep_apart():
    people = people_of(sentences=2)
    folds, apart = probe_folds.cut(people, people["speaker"].to_numpy(), "speaker", PARAMS)
    assert apart == "sentences"
    assert pd.Series(folds).groupby(people["text"]).nunique().max() == 1


def test_no_sentence_is_in_two_folds_where_speakers_are_told_apart():
    people = people_of()
    folds, apart = probe_folds.cut(people, people["speaker"].to_numpy(), "speaker", PARAMS)
    assert apart == "sentences"
    assert pd.Series(folds).groupby(people["text"]).nunique().max() == 1


def test_words_alone_do_not_give_a_speaker_away():
    """Vectors that know nothing but the sentence, and speakers who have two of their own each."""
    rng, people = np.random.default_rng(3), people_of()
    people["text"] = people["speaker"] + (people.index % 2).astype(str)
    space = representation_spaces.whole(planted(people, "text", 1.0, rng) + rng.normal(size=(len(people), NUMBERS)))
    assert score(space, people.assign(text=""), "speaker") > 0.9
    assert score(space, people, "speaker") < 0.2


@pytest.mark.parametrize("text", ["", "only one"])
def test_without_sentences_utterances_are_kept_apart(text):
    people = people_of().assign(text=text)
    assert probe_folds.cut(people, people["speaker"].to_numpy(), "speaker", PARAMS)[1] == "utterances"


def test_a_speaker_of_one_sentence_is_not_left_out_of_training():
    people = people_of()
    people.loc[people["speaker"] == "c/00", "text"] = "sentence 0"
    folds, apart = probe_folds.cut(people, people["speaker"].to_numpy(), "speaker", PARAMS)
    assert apart == "utterances"
    assert pd.Series(folds).groupby(people["speaker"]).nunique().min() > 1


@pytest.mark.parametrize("attribute", ["speaker", "gender", "emotion"])
def test_more_folds_than_there_is_to_share_out_are_as_many_as_there_is(attribute):
    people = people_of()
    params = dataclasses.replace(PARAMS, folds=1000)
    folds, _ = probe_folds.cut(people, probes.labels(people, attribute, BANDS), attribute, params)
    assert 2 <= len(set(folds)) <= len(people)


@pytest.mark.parametrize(
    ("attribute", "change", "message"),
    [
        (
            "emotion",
            {"emotion": "sad"},
            "expected two emotions or more, all utterances of known emotion and speaker are of the same emotion",
        ),
        ("gender", {"gender": ""}, "no utterance of known gender and speaker"),
        ("age", {"age": np.nan}, "no utterance of known age and speaker"),
        ("speaker", {"speaker": ""}, "no utterance of known speaker"),
        ("emotion", {"speaker": ""}, "no utterance of known emotion and speaker"),
    ],
)
def test_what_cannot_be_probed_is_refused_with_the_reason(attribute, change, message):
    people = people_of().assign(**change)
    with pytest.raises(ObstacleError, match=message):
        score(representation_spaces.whole(np.zeros((len(people), 2))), people, attribute)


def test_a_group_of_one_speaker_is_refused_by_name():
    people = people_of()
    people["gender"] = np.where(people["speaker"] == "c/03", "male", "female")
    with pytest.raises(ObstacleError, match="gender male has the single speaker c/03, who cannot train and test"):
        score(representation_spaces.whole(np.zeros((len(people), 2))), people, "gender")


def test_a_speaker_of_one_utterance_is_left_out_and_said():
    people = people_of(speakers=4)[17:].reset_index(drop=True)
    vectors = np.random.default_rng(0).normal(size=(len(people), 2))
    truth = people["speaker"].to_numpy()
    found = probes.probe(representation_spaces.whole(vectors), people, truth, "speaker", PARAMS)
    assert (list(found.speakers), found.classes, found.utterances) == (["c/01", "c/02", "c/03"], 3, 54)
    assert found.remark == "speakers of a single utterance left out: 1"
    alone = [f"c/{number:02d}" for number in range(len(people))]
    with pytest.raises(ObstacleError, match="every speaker has a single utterance, so that nobody can both train and"):
        score(representation_spaces.whole(vectors), people.assign(speaker=alone), "speaker")


def test_a_view_whose_speakers_have_a_single_utterance_each_is_left_out_with_the_reason():
    people = people_of(speakers=4)
    names = [f"c/{number}" for number in people.index]
    truth = people["speaker"].where(people.index < 36, names).to_numpy(dtype=object)
    vectors = np.random.default_rng(0).normal(size=(len(people), 2))
    space = [View(rows, vectors[rows]) for rows in (np.arange(36), np.arange(36, len(people)))]
    found = probes.probe(space, people.assign(speaker=truth), truth, "speaker", PARAMS)
    assert found.utterances == 36
    assert found.remark.startswith("folds left out: 1 of 2; the first: every speaker has a single utterance")


def test_views_are_probed_apart_and_scored_together():
    """Two views whose coordinates have nothing in common, speakers of both: the mean of both, chance of both."""
    rng, people = np.random.default_rng(4), people_of(speakers=12)
    rows = [np.flatnonzero(people["speaker"] < "c/04"), np.flatnonzero(people["speaker"] >= "c/04")]
    vectors = planted(people, "speaker", 0.4, rng) + rng.normal(size=(len(people), NUMBERS))
    views = [View(rows[0], vectors[rows[0]]), View(rows[1], -5 * vectors[rows[1]][:, ::-1])]
    truth = people["speaker"].to_numpy()
    both = probes.probe(views, people, truth, "speaker", PARAMS)
    each = [score([view], people, "speaker") for view in views]
    assert float(outcomes.balanced(both)) == pytest.approx((4 * each[0] + 8 * each[1]) / 12)
    assert both.chance == pytest.approx((4 / 4 + 8 / 8) / 12)
    assert (both.views, both.classes, both.utterances) == (2, 8, len(people))


def test_a_view_that_allows_no_probe_is_left_out_and_said():
    people = people_of()
    rng = np.random.default_rng(5)
    rows = [np.flatnonzero(people["speaker"] < "c/02"), np.flatnonzero(people["speaker"] >= "c/02")]
    views = [View(part, rng.normal(size=(len(part), 5))) for part in rows]
    outcome = probes.probe(views, people, probes.labels(people, "gender", BANDS), "gender", PARAMS)
    assert outcome.speakers == [f"c/{number:02d}" for number in range(2, 12)]
    assert outcome.remark.startswith("folds left out: 1 of 2; the first: gender female has the single speaker c/00")


def test_where_no_view_allows_a_probe_the_first_obstacle_is_named():
    people = people_of(speakers=4)
    rows = [np.flatnonzero(people["speaker"] < "c/02"), np.flatnonzero(people["speaker"] >= "c/02")]
    with pytest.raises(
        ObstacleError,
        match="none of 2 folds has held-out utterances to probe; the first: gender female has the single speaker c/00",
    ):
        score([View(part, np.zeros((len(part), 2))) for part in rows], people, "gender")


def test_unknown_utterances_are_left_out_and_counted():
    people = people_of()
    people.loc[people["speaker"] == "c/05", "gender"] = ""
    vectors = np.random.default_rng(6).normal(size=(len(people), 5))
    truth = probes.labels(people, "gender", BANDS)
    outcome = probes.probe(representation_spaces.whole(vectors), people, truth, "gender", PARAMS)
    assert outcome.utterances == len(people) - 18
    assert outcome.remark == "gender or speaker unknown for 18 utterances"


def test_a_gender_of_a_single_speaker_of_a_fold_costs_the_fold_that_gender_alone():
    people = people_of(speakers=14)
    people.loc[people["speaker"].isin(["c/06", "c/13"]), "gender"] = "other"  # one in each fold, two in all
    rows = [np.flatnonzero(people["speaker"] < "c/07"), np.flatnonzero(people["speaker"] >= "c/07")]
    views = [View(part, np.random.default_rng(6).normal(size=(len(part), 5))) for part in rows]
    outcome = probes.probe(views, people, probes.labels(people, "gender", BANDS), "gender", PARAMS)
    assert (outcome.views, outcome.classes) == (2, 2)
    assert outcome.remark == "left out, as a single speaker of a fold has it: gender other"


def test_unknown_utterances_that_no_fold_holds_are_not_counted():
    people = people_of()
    people.loc[people["speaker"] == "c/05", "gender"] = ""
    rows = np.flatnonzero(people["speaker"] != "c/05")
    view = View(rows, np.random.default_rng(6).normal(size=(len(rows), 5)))
    assert probes.probe([view], people, probes.labels(people, "gender", BANDS), "gender", PARAMS).remark == ""


def test_the_interval_of_equal_speakers_is_students():
    """One recall a speaker: the interval of a mean, about mean +- t * standard error."""
    recalls = np.random.default_rng(7).uniform(0.3, 0.7, size=30)
    names = [f"c/{number:02d}" for number in range(30)]
    outcome = outcome_of(names, recalls[:, None], np.ones((30, 1)))
    bounds, why = outcomes.interval([outcome], dataclasses.replace(PARAMS, resamples=20_000))
    reach = stats.t.ppf(0.975, 29) * recalls.std(ddof=1) / np.sqrt(30)
    assert why == ""
    assert bounds["low"] == pytest.approx(recalls.mean() - reach, abs=0.005)
    assert bounds["high"] == pytest.approx(recalls.mean() + reach, abs=0.005)


def outcome_of(names, correct, support, strata=None):
    strata = np.zeros(len(names), dtype=int) if strata is None else strata
    return outcomes.Outcome(names, strata, correct, support, 0.5, 0, 2, 1, "speakers", "")


def test_a_difference_is_paired_over_speakers():
    """Speakers differ widely, and one space is better by the same for all: the difference is certain."""
    recalls = np.linspace(0.1, 0.8, 10)[:, None]
    names = [f"c/{number}" for number in range(10)]
    sides = [outcome_of(names, recalls + 0.1, np.ones((10, 1))), outcome_of(names, recalls, np.ones((10, 1)))]
    bounds, _ = outcomes.interval(sides, PARAMS)
    assert (bounds["low"], bounds["high"]) == pytest.approx((0.1, 0.1))


def test_a_probe_of_what_few_speakers_have_has_no_interval_and_says_why():
    names = [f"c/{number:02d}" for number in range(24)]
    support = np.ones((24, 2))
    support[2:, 1] = 0
    bounds, why = outcomes.interval([outcome_of(names, support / 2, support)], PARAMS)
    assert (bounds, why) == ({}, "no interval (too few speakers have some of the classes)")


def test_a_group_of_few_speakers_has_no_interval_and_says_why():
    names = [f"c/{number}" for number in range(10)]
    strata = np.array([0] * 8 + [1] * 2)
    bounds, why = outcomes.interval([outcome_of(names, np.eye(2)[strata], np.eye(2)[strata], strata)], PARAMS)
    assert bounds == {}
    assert why == "no interval (test speakers: 2, minimum_speakers: 3)"


def test_permuted_labels_score_chance_where_true_ones_score_high():
    rng, people = np.random.default_rng(8), people_of(speakers=24, sentences=2)
    vectors = planted(people, "gender", 0.6, rng) + rng.normal(size=(len(people), NUMBERS))
    space, truth = representation_spaces.whole(vectors), probes.labels(people, "gender", BANDS)
    null = probes.permuted(space, people, truth, "gender", dataclasses.replace(PARAMS, permutations=10))
    assert score(space, people, "gender") > 0.9
    assert len(set(null.round(6))) > 3
    assert np.mean(null) == pytest.approx(0.5, abs=0.15)
    assert null.max() < 0.9


@pytest.mark.parametrize(("speakers", "wanted", "there"), [(4, 100, 2), (6, 100, 9), (8, 20, 20), (8, 100, 34)])
def test_no_order_groups_the_speakers_as_they_are_or_as_another_order(monkeypatch, speakers, wanted, there):
    """Half are women: there are (2n over n) / 2 ways to part 2n, as women called men score alike."""
    people, handed = people_of(speakers=speakers, sentences=1), []

    def score(_, __, labels, *___):
        women = frozenset(people["speaker"][labels == "female"])
        handed.append(min(women, frozenset(people["speaker"]) - women, key=sorted))
        raise ObstacleError("seen enough")

    truth = people["gender"].to_numpy(dtype=object)
    monkeypatch.setattr(probes, "probe", score)
    probes.permuted([], people, truth, "gender", dataclasses.replace(PARAMS, permutations=wanted))
    women = frozenset(people["speaker"][truth == "female"])
    assert len(handed) == len(set(handed)) == there
    assert women not in handed
    assert frozenset(people["speaker"]) - women not in handed


def test_a_gender_of_a_single_speaker_is_left_out_and_named_where_two_others_remain():
    people = people_of(speakers=12)
    people.loc[people["speaker"] == "c/11", "gender"] = "other"
    vectors = planted(people, "gender", 1.0, np.random.default_rng(3))
    space, truth = representation_spaces.whole(vectors), people["gender"].to_numpy(dtype=object)
    found = probes.probe(space, people, truth, "gender", PARAMS)
    assert (found.classes, found.remark) == (2, "left out, as a single speaker has it: gender other")
    assert len(found.speakers) == 11
    chosen = truth != "male"
    own = representation_spaces.whole(vectors[chosen])
    with pytest.raises(ObstacleError, match="gender other has the single speaker c/11"):
        probes.probe(own, people[chosen], truth[chosen], "gender", PARAMS)


def test_labels_change_hands_within_a_corpus_so_that_what_tells_corpora_apart_is_no_sign_of_gender():
    rng = np.random.default_rng(10)
    genders = {"a": ["female"] * 9 + ["male"] * 3, "b": ["female"] * 3 + ["male"] * 9}
    parts = [people_of(sentences=2, corpus=name) for name in genders]
    people = pd.concat(parts, ignore_index=True)
    people["gender"] = [genders[who[0]][int(who[2:])] for who in people["speaker"]]
    vectors = planted(people, "corpus", 1.0, rng) + rng.normal(size=(len(people), NUMBERS))
    space, truth = representation_spaces.whole(vectors), probes.labels(people, "gender", BANDS)
    params = dataclasses.replace(PARAMS, permutations=10)
    null = probes.permuted(space, people, truth, "gender", params)
    blind = probes.permuted(space, people.assign(corpus="c"), truth, "gender", params)
    found = score(space, people, "gender")
    assert found > 0.65
    assert null.mean() == pytest.approx(found, abs=0.08)
    assert blind.mean() < 0.6


def test_so_few_speakers_that_no_probe_could_pass_have_no_test():
    rng, people = np.random.default_rng(11), people_of(speakers=4)
    people["gender"] = np.where(people["speaker"] < "c/02", "female", "male")
    space = {"features": representation_spaces.whole(rng.normal(size=(len(people), NUMBERS)))}
    few = probes.table(space, people, BANDS, dataclasses.replace(PARAMS, permutations=19)).set_index("attribute")
    assert pd.isna(few.at["gender", "p_value"])
    assert "no test: few other orders of so few speakers, no p can fall below 0.33" in few.at["gender", "remark"]


def test_so_few_permutations_that_no_probe_could_pass_make_no_test():
    rng, people = np.random.default_rng(13), people_of(speakers=12, sentences=2)
    people["gender"] = np.where(people["speaker"] < "c/06", "female", "male")
    space = {"features": representation_spaces.whole(rng.normal(size=(len(people), 5)))}
    for permutations, tested in ((19, True), (10, False)):
        params = dataclasses.replace(PARAMS, permutations=permutations)
        row = probes.table(space, people.assign(age=np.nan), BANDS, params).set_index("attribute").loc["gender"]
        assert pd.notna(row["p_value"]) == tested
        assert ("no p can fall below 0.091; raise representation.permutations" in row["remark"]) != tested


def test_few_orders_are_enough_where_a_p_can_fall_low_enough():
    rng, people = np.random.default_rng(12), people_of(speakers=6, sentences=2)
    people["gender"] = np.where(people["speaker"] < "c/03", "female", "male")
    space = {"features": representation_spaces.whole(rng.normal(size=(len(people), 5)))}
    params = dataclasses.replace(PARAMS, permutations=25, confidence=0.5)  # 20 orders, and no p below 2 of 20
    rows = probes.table(space, people.assign(age=np.nan), BANDS, params).set_index("attribute")
    assert rows.at["gender", "p_value"] >= 1 / 26
    assert "no test" not in rows.at["gender", "remark"]


def test_p_counts_the_permutations_that_score_as_high_and_those_that_say_nothing(monkeypatch):
    people = people_of()
    vectors = planted(people, "gender", 1.0, np.random.default_rng(13))
    assert score(representation_spaces.whole(vectors), people, "gender") == 1
    monkeypatch.setattr(probes, "permuted", lambda *_: np.array([np.nan, 1.0, 0.75, 0.25]))
    rows = probes.table({"features": representation_spaces.whole(vectors)}, people, BANDS, PARAMS)
    gender = rows.set_index("attribute").loc["gender"]
    assert gender["p_value"] == (2 + 1) / (4 + 1)
    assert gender["permuted"] == pytest.approx(2 / 3)


def test_another_seed_hands_labels_out_otherwise(monkeypatch):
    people, handed = people_of(sentences=2), []

    def refused(_, __, labels, *___):
        handed.append(list(labels))
        raise ObstacleError("seen enough")

    monkeypatch.setattr(probes, "probe", refused)
    for seed in (0, 0, 1):
        params = dataclasses.replace(PARAMS, seed=seed, permutations=1)
        assert np.isnan(probes.permuted([], people, people["gender"].to_numpy(), "gender", params)).all()
    assert handed[0] == handed[1] != handed[2]
    assert sorted(handed[0]) == sorted(handed[2]) == sorted(people["gender"])


def test_speakers_are_drawn_within_their_gender_where_it_is_probed_and_else_from_all():
    people = people_of().sample(150, random_state=0).reset_index(drop=True)  # speakers of unlike commonest emotions
    space = representation_spaces.whole(np.random.default_rng(15).normal(size=(len(people), 5)))
    strata = {}
    for attribute in ("emotion", "gender"):
        truth = probes.labels(people, attribute, BANDS)
        strata[attribute] = probes.probe(space, people, truth, attribute, PARAMS).strata.tolist()
    assert strata == {"emotion": [0] * 12, "gender": [0, 1] * 6}


def test_numbered_sentences_are_kept_apart_as_texts_are():
    people = people_of()
    numbered = people.assign(details=[json.dumps({"sentence": text[-1]}) for text in people["text"]], text="")
    truth = people["speaker"].to_numpy()
    cut, what = probe_folds.cut(numbered, truth, "speaker", PARAMS)
    assert what == "sentences"
    assert pd.Series(cut).groupby(people["text"].to_numpy()).nunique().max() == 1


@pytest.fixture(scope="module")
def table():
    """Gender is planted; ages are unknown; the spaces of a pair, and a third of the speakers in one view."""
    rng, people = np.random.default_rng(9), people_of().assign(age=np.nan)
    vectors = planted(people, "gender", 0.2, rng) + rng.normal(size=(len(people), NUMBERS))
    noise = rng.normal(size=vectors.shape)
    spaces = {"features": representation_spaces.whole(vectors), "mfcc": representation_spaces.whole(noise)}
    return people, spaces, probes.table(spaces, people, BANDS, PARAMS)


def test_the_table_has_a_row_for_each_space_and_attribute_and_for_each_difference(table):
    _, _, rows = table
    assert list(rows.columns) == list(probes.COLUMNS)
    expected = [(space, attribute) for space in ("features", "mfcc") for attribute in probe_folds.ATTRIBUTES]
    expected += [("features_minus_mfcc", attribute) for attribute in ("emotion", "speaker", "gender")]
    assert list(zip(rows["space"], rows["attribute"], strict=True)) == expected
    age = rows[(rows["space"] == "features") & (rows["attribute"] == "age")].iloc[0]
    assert age["remark"].endswith("no utterance of known age and speaker")
    assert pd.isna(age["balanced_accuracy"])


def test_the_table_holds_what_the_probes_found(table):
    people, spaces, rows = table
    rows = rows.set_index(["space", "attribute"])
    for name in spaces:
        assert rows.loc[(name, "gender"), "balanced_accuracy"] == score(spaces[name], people, "gender")
    gender, difference = rows.loc[("features", "gender")], rows.loc[("features_minus_mfcc", "gender")]
    null = probes.permuted(spaces["features"], people, probes.labels(people, "gender", BANDS), "gender", PARAMS)
    assert gender["p_value"] == (1 + (null >= gender["balanced_accuracy"]).sum()) / (1 + PARAMS.permutations)
    assert gender["chance"] == 0.5
    assert gender["permuted"] < gender["low"] < gender["balanced_accuracy"] <= gender["high"]
    assert (
        difference["balanced_accuracy"]
        == gender["balanced_accuracy"] - rows.loc[("mfcc", "gender"), "balanced_accuracy"]
    )
    assert 0 < difference["low"] < difference["balanced_accuracy"]
    assert (gender["utterances"], gender["speakers"], gender["classes"], gender["apart"]) == (216, 12, 2, "speakers")
    assert rows["p_value"].drop(index="gender", level=1).isna().all()


def test_the_metrics_are_the_table_without_what_is_missing(table):
    metrics = representation_spaces.by_space(table[2], "attribute", probes.FIGURES)
    assert set(metrics) == {"features", "mfcc", "features_minus_mfcc"}
    assert set(metrics["features"]) == {"emotion", "speaker", "gender"}
    assert set(metrics["features"]["gender"]) == set(probes.FIGURES)
    assert set(metrics["features"]["emotion"]) == {"balanced_accuracy", "low", "high", "chance"}
    assert set(metrics["features_minus_mfcc"]["emotion"]) == {"balanced_accuracy", "low", "high"}


def test_the_same_arguments_give_the_same_table(table):
    people, spaces, rows = table
    pd.testing.assert_frame_equal(probes.table(spaces, people, BANDS, PARAMS), rows)


@pytest.mark.filterwarnings("error")
def test_speakers_of_two_utterances_each_are_probed_without_a_warning():
    people = people_of(speakers=12).groupby("speaker").head(2).reset_index(drop=True)
    vectors = np.random.default_rng(0).normal(size=(len(people), 2))
    assert score(representation_spaces.whole(vectors), people, "speaker") >= 0
