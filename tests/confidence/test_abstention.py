import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, recall_score

from ser.confidence import abstention
from ser.scores.intervals import Bootstrap, IntervalParams

EMOTIONS = ["happy", "sad"]
PARAMS = IntervalParams(resamples=300, confidence=0.95, seed=0, minimum_speakers=5)


def answers(confidence, right, speakers=1):
    """Predictions of ``sad`` of some confidence, 0.5 or more, right or wrong."""
    confidence = np.asarray(confidence, dtype=float)
    table = pd.DataFrame({"prediction": "sad", "p_happy": 1 - confidence, "p_sad": confidence})
    table["truth"] = np.where(right, "sad", "happy")
    table["speaker"] = [f"c/{index % speakers}" for index in range(len(table))]
    return table


def simulate(speakers=8, each=40, seed=0):
    """Speakers who are understood the better, the surer the classifier is."""
    generator = np.random.default_rng(seed)
    sad = generator.uniform(0, 1, size=speakers * each)
    table = pd.DataFrame({"p_happy": 1 - sad, "p_sad": sad})
    table["prediction"] = np.where(sad > 0.5, "sad", "happy")
    table["truth"] = np.where(generator.random(len(sad)) < sad, "sad", "happy")
    table["speaker"] = np.repeat([f"c/{number}" for number in range(speakers)], each)
    return table


def test_a_curve_and_its_area_worked_by_hand():
    """From the surest on: right, wrong, right, wrong; the risk 0, 1/2, 1/3, 2/4."""
    table = answers([0.6, 0.9, 0.8, 0.7], [False, True, False, True])
    curve = abstention.risk_coverage(table, EMOTIONS)
    assert curve.to_dict("list") == {
        "confidence": pytest.approx([0.9, 0.8, 0.7, 0.6]),
        "coverage": [0.25, 0.5, 0.75, 1],
        "risk": pytest.approx([0, 1 / 2, 1 / 3, 1 / 2]),
    }
    assert abstention.report(table, EMOTIONS, 0.5, PARAMS)["aurc"] == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)


def test_there_is_no_uar_of_answers_that_lack_an_emotion():
    """It would be a mean over fewer emotions than that of all utterances, which stands beside it."""
    table = answers([0.9, 0.9, 0.6], [True, True, False])
    assert {"accuracy", "uar"} <= set(abstention.report(table, EMOTIONS, 0.5, PARAMS))
    report = abstention.report(table, EMOTIONS, 0.8, PARAMS)
    assert report["accuracy"] == 1
    assert "uar" not in report


@pytest.mark.parametrize("right", [[True, False, True, True], [False, True, True, True]])
def test_equals_are_answered_together_in_whatever_order_they_stand(right):
    table = answers([0.8, 0.8, 0.9, 0.7], right)
    assert abstention.risk_coverage(table, EMOTIONS)["coverage"].tolist() == [0.25, 0.75, 1]
    assert abstention.risk_coverage(table, EMOTIONS)["risk"].tolist() == pytest.approx([0, 1 / 3, 1 / 4])
    area = abstention.report(table, EMOTIONS, 0.5, PARAMS)["aurc"]
    assert area == pytest.approx((0 + 1 / 3 + 1 / 3 + 1 / 4) / 4)


def test_the_area_of_an_even_risk_is_the_risk_and_a_good_order_lowers_it():
    table = simulate(each=400)
    shuffled = table.assign(p_sad=np.random.default_rng(1).uniform(0.5, 1, len(table)))
    shuffled["p_happy"] = 1 - shuffled["p_sad"]
    wrong = (table["truth"] != table["prediction"]).mean()
    assert abstention.report(shuffled, EMOTIONS, 0.5, PARAMS)["aurc"] == pytest.approx(wrong, abs=0.03)
    assert abstention.report(table, EMOTIONS, 0.5, PARAMS)["aurc"] < 0.6 * wrong


def test_the_curve_of_many_utterances_has_a_hundred_points_and_ends_with_all():
    table = simulate(each=50)
    curve = abstention.risk_coverage(table, EMOTIONS)
    assert len(curve) == 100
    assert curve["coverage"].iloc[-1] == 1
    assert curve["risk"].iloc[-1] == pytest.approx((table["truth"] != table["prediction"]).mean())
    point = curve.iloc[40]
    given = table[table[["p_happy", "p_sad"]].max(axis=1) >= point["confidence"]]
    assert point["coverage"] == pytest.approx(len(given) / len(table))
    assert point["risk"] == pytest.approx((given["truth"] != given["prediction"]).mean())


def test_answers_are_scored_as_scikit_learn_does():
    table = simulate()
    found = abstention.report(table, EMOTIONS, 0.7, PARAMS)
    given = table[table[["p_happy", "p_sad"]].max(axis=1) >= 0.7]
    assert found["below"] == 0.7
    assert found["coverage"] == pytest.approx(len(given) / len(table))
    assert found["accuracy"] == pytest.approx(accuracy_score(given["truth"], given["prediction"]))
    assert found["uar"] == pytest.approx(recall_score(given["truth"], given["prediction"], average="macro"))
    for name in ("aurc", "coverage", "accuracy", "uar"):
        assert found[f"{name}_low"] < found[name] < found[f"{name}_high"]


def test_a_confidence_of_just_the_threshold_is_an_answer():
    assert abstention.report(answers([0.75, 0.5], [True, True]), EMOTIONS, 0.75, PARAMS)["coverage"] == 0.5


def test_intervals_draw_whole_speakers():
    """Each speaker is always or never answered; so coverage varies as the share of such speakers does."""
    table = answers(
        np.tile([0.9, 0.9, 0.6, 0.6, 0.6, 0.6], 200), np.tile([True, True, True, True, False, True], 200), 6
    )
    found = abstention.report(table, EMOTIONS, 0.8, PARAMS)
    assert found["coverage"] == pytest.approx(1 / 3)
    assert found["coverage_high"] - found["coverage_low"] > 0.5


def test_answers_of_few_speakers_have_no_interval():
    """Two of 24 speakers are ever answered: many draws of speakers have no answer at all."""
    sure = np.arange(24 * 10) % 24 < 2
    found = abstention.report(answers(np.where(sure, 0.9, 0.6), True, 24), EMOTIONS, 0.8, PARAMS)
    assert (found["accuracy"], found["uar"]) == (1, 1)
    assert {"coverage_low", "aurc_low"} <= set(found)
    assert not {"accuracy_low", "uar_low"} & set(found)


def test_without_answers_there_is_a_coverage_and_no_accuracy():
    found = abstention.report(simulate(), EMOTIONS, 1.0, PARAMS)
    assert found["coverage"] == 0
    assert not {"accuracy", "uar"} & set(found)


def test_replicates_are_those_of_speakers_counted_as_often_as_drawn():
    """Each replicate's area once more, with every utterance written as often as its speaker was drawn."""
    table = simulate(speakers=6, each=10)
    speakers = sorted(set(table["speaker"]))
    bootstrap = Bootstrap.of(speakers, PARAMS)
    areas = []
    for drawn in bootstrap.weights:
        again = table.loc[
            np.repeat(table.index, table["speaker"].map(dict(zip(speakers, drawn, strict=True))).astype(int))
        ]
        sure = again[["p_happy", "p_sad"]].max(axis=1).to_numpy()
        wrong = (again["truth"] != again["prediction"]).to_numpy()
        areas.append(np.mean([wrong[sure >= least].mean() for least in sure]))
    found = abstention.report(table, EMOTIONS, 0.5, PARAMS)
    assert bootstrap.interval(np.array(areas)) == pytest.approx({"low": found["aurc_low"], "high": found["aurc_high"]})


def test_replicates_are_the_same_in_pieces(monkeypatch):
    table = simulate(speakers=6, each=10)
    whole = abstention.report(table, EMOTIONS, 0.5, PARAMS)
    monkeypatch.setattr(abstention, "AT_ONCE", 500)
    assert abstention.report(table, EMOTIONS, 0.5, PARAMS) == whole
