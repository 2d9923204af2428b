import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import recall_score

from ser.confidence import alarms, familiarity
from ser.confidence.familiarity import FamiliarityParams
from ser.scores.intervals import IntervalParams
from ser.splits import protocols
from ser.splits.protocols import SplitParams
from tests import builders

EMOTIONS = ["angry", "sad"]
PARAMS = FamiliarityParams(0.1)


@pytest.fixture
def corpus():
    """Six speakers, twenty utterances each; one of the last speaker is far from everything."""
    rows = builders.manifest(6, 20, EMOTIONS)
    vectors = np.random.default_rng(0).normal(size=(len(rows), 5))
    vectors[-1] = 30
    return rows, vectors


def split_of(rows, protocol="kfold"):
    return protocols.make(rows, EMOTIONS, SplitParams(**builders.SPLIT | {"protocol": protocol}))


def test_each_fold_measures_its_test_utterances_by_all_others_of_the_chosen_protocol(corpus):
    rows, vectors = corpus
    split = split_of(rows)
    sounds = {"hum": np.full((3, 5), 9.0)}
    found = alarms.distances(split, rows, vectors, sounds, PARAMS)
    assert sorted(found.loc[found["kind"] == alarms.SPEECH, "id"]) == sorted(rows["id"])
    for fold, part in found.groupby("fold"):
        parts = split[(split["protocol"] == "kfold") & (split["fold"] == fold)].set_index("id")["part"]
        test = (parts.loc[rows["id"]] == "test").to_numpy()
        people, labels = rows["speaker"].to_numpy()[~test], rows["emotion"].to_numpy()[~test]
        known = familiarity.fit(vectors[~test], labels, people, PARAMS)
        speech = part[part["kind"] == alarms.SPEECH]
        assert speech["id"].tolist() == rows["id"].to_numpy()[test].tolist()
        assert speech["distance"].tolist() == known.distances(vectors[test]).tolist()
        assert part.loc[part["kind"] == "hum", "distance"].tolist() == known.distances(sounds["hum"]).tolist()


def test_copies_of_the_test_part_describe_nothing(corpus):
    rows, vectors = corpus
    split = split_of(rows, "holdout")
    test = split.query("protocol == 'holdout'").set_index("id")["part"].loc[rows["id"]].to_numpy() == "test"
    lent = vectors + 5
    absurd = np.where(test[:, np.newaxis], 1e6, lent)
    found = [alarms.distances(split, rows, vectors, {}, PARAMS, copies) for copies in ([], [lent], [absurd])]
    assert found[1].equals(found[2])
    assert not found[0].equals(found[1])


def test_what_a_fold_leaves_out_describes_nothing(corpus):
    rows, vectors = corpus
    rows = rows.assign(text=[f"sentence {number // 2 % 4}" for number in range(len(rows))])
    split = protocols.make(rows, EMOTIONS, SplitParams(**builders.SPLIT, sentences="disjoint", sentence_groups=2))
    first = split.query("protocol == 'kfold' and fold == 0").set_index("id")["part"].loc[rows["id"]]
    left = (first == "left_out").to_numpy()
    assert left.any()
    absurd = np.where(left[:, np.newaxis], 100 * vectors, vectors)
    found = [alarms.distances(split, rows, each, {}, PARAMS).query("fold == 0") for each in (vectors, absurd)]
    assert found[0].equals(found[1])


def test_a_random_split_alone_groups_utterances(corpus):
    rows, vectors = corpus
    found = alarms.distances(split_of(rows, "random"), rows, vectors, {}, PARAMS)
    assert sorted(found["id"]) == sorted(rows["id"])
    alone = rows.assign(speaker=rows["speaker"].iloc[0])  # whom the folds do not keep apart from anybody
    assert alarms.distances(split_of(rows, "random"), alone, vectors, {}, PARAMS).equals(found)


def far(rows, ids):
    """Distances by hand: those of some utterances are beyond the limit."""
    distance = np.where(rows["id"].isin(ids), 1.5, 0.5)
    measured = pd.DataFrame({"fold": 0, "kind": alarms.SPEECH, "id": rows["id"], "distance": distance})
    predicted = pd.DataFrame({"id": rows["id"], "speaker": rows["speaker"], "truth": rows["emotion"]})
    return measured, predicted.assign(prediction=predicted["truth"])


def test_distances_belong_to_ids_whatever_the_order(corpus):
    rows, _ = corpus
    measured, predicted = far(rows, rows["id"][:10])
    predicted.loc[:9, "prediction"] = "angry"  # wrong of the sad, all of whom are unfamiliar
    found = alarms.report(measured.iloc[::-1], predicted, EMOTIONS, IntervalParams(**builders.INTERVALS))
    assert (found["false_alarms"], found["uar_familiar"]) == (pytest.approx(10 / len(rows)), 1)


def test_the_familiar_have_no_interval_where_few_speakers_have_an_emotion_among_them(corpus):
    rows, _ = corpus
    params = IntervalParams(**builders.INTERVALS)
    sad = rows[(rows["emotion"] == "sad") & (rows["speaker"] != rows["speaker"].iloc[0])]
    found = alarms.report(*far(rows, sad["id"]), EMOTIONS, params)
    assert (found["uar_familiar"], "uar_familiar_low" in found) == (1, False)
    one = rows["id"][(rows["speaker"] == rows["speaker"].iloc[0]) & (rows["emotion"] == "sad")]
    found = alarms.report(*far(rows, one.iloc[:1]), EMOTIONS, params)
    assert (found["uar_familiar_low"], found["uar_familiar_high"]) == (1, 1)


def test_where_an_emotion_is_all_unfamiliar_the_familiar_have_no_uar(corpus):
    rows, _ = corpus
    found = alarms.report(
        *far(rows, rows["id"][rows["emotion"] == "sad"]), EMOTIONS, IntervalParams(**builders.INTERVALS)
    )
    assert "uar_familiar" not in found
    assert found["false_alarms"] == pytest.approx((rows["emotion"] == "sad").mean())


def test_shares_are_counted_over_folds_and_scores_over_the_familiar(corpus):
    rows, vectors = corpus
    measured = alarms.distances(split_of(rows), rows, vectors, {"hum": np.full((3, 5), 9.0)}, PARAMS)
    predicted = pd.DataFrame({"id": rows["id"], "speaker": rows["speaker"], "truth": rows["emotion"]})
    predicted["prediction"] = np.where(np.arange(len(rows)) % 3, predicted["truth"], "sad")
    report = alarms.report(measured, predicted, EMOTIONS, IntervalParams(**builders.INTERVALS))
    speech = measured[measured["kind"] == alarms.SPEECH].set_index("id")["distance"]
    strange = speech.reindex(rows["id"]).to_numpy() > 1
    assert strange[-1]
    assert 0 < strange.mean() < 0.3
    assert report["false_alarms"] == pytest.approx(strange.mean())
    assert report["false_alarms_low"] <= report["false_alarms"] <= report["false_alarms_high"]
    kept = predicted[~strange]
    assert report["uar_familiar"] == pytest.approx(recall_score(kept["truth"], kept["prediction"], average="macro"))
    assert report["detected"] == {"hum": 1.0}
