import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from cleanlab.rank import get_label_quality_scores
from scipy.spatial.distance import cdist

from ser.ambiguity import doubt, references
from ser.ambiguity.doubt import AmbiguityParams
from ser.files.failures import InputError

EMOTIONS = ["angry", "happy", "sad"]
PARAMS = AmbiguityParams(
    resamples=200,
    confidence=0.95,
    seed=0,
    minimum_speakers=3,
    majority=0.5,
    bands=(0.5, 0.7, 0.9),
    neighbours=2,
    leave_out=0.25,
)


def predictions(probabilities, truth):
    ids = [f"c/{index:02d}" for index in range(len(truth))]
    table = pd.DataFrame({"id": ids, "truth": truth})
    table[[f"p_{emotion}" for emotion in EMOTIONS]] = probabilities
    return table


def corpus(count, **columns):
    table = pd.DataFrame({"id": [f"c/{index:02d}" for index in range(count)]})
    table["path"] = table["id"] + ".wav"
    table["speaker"] = [f"c/{index % 4}" for index in range(count)]
    table["emotion"] = [EMOTIONS[index % 3] for index in range(count)]
    return table.assign(**({"votes": "", "details": ""} | columns))


def judged(utterances, **changes):
    """Judge by drawn probabilities, vectors and dynamics."""
    generator, count = np.random.default_rng(1), len(utterances)
    drawn = {
        "predictions": predictions(generator.dirichlet(np.ones(3), count), utterances["emotion"]),
        "vectors": generator.normal(size=(count, 5)),
        "dynamics": pd.DataFrame({"id": utterances["id"]}).assign(
            confidence=generator.uniform(size=count), variability=generator.uniform(size=count) / 2
        ),
    }
    return doubt.judge(utterances, *(drawn | changes).values(), EMOTIONS, PARAMS)


def test_label_quality_worked_by_hand():
    table = doubt.from_predictions(
        predictions([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.25, 0.25, 0.5]], ["angry", "sad", "sad"]), EMOTIONS
    )
    assert table["low_self_confidence"].tolist() == pytest.approx([0.3, 0.9, 0.5])
    assert table["low_margin"].tolist() == pytest.approx([(1 - 0.5) / 2, (1 + 0.7) / 2, (1 - 0.25) / 2])
    assert table["prediction_entropy"].iloc[2] == pytest.approx(1.5 * np.log(2) / np.log(3))
    assert table["likelier"].tolist() == ["happy", "happy", "angry"]
    ratio = table["prediction_entropy"] / (1 - table["low_self_confidence"])  # Kuan and Mueller, 2022
    assert table["weighted_entropy"].tolist() == pytest.approx((1 - np.log(ratio + 1) / ratio).tolist())


@pytest.mark.parametrize("least", [0, 1e-9, 1e-7])
def test_what_is_right_and_as_good_as_certain_is_doubted_least(least):
    """Of right and sure, right at 0.9, wrong at 0.9, wrong and sure."""
    sure, likely = [1 - 2 * least, least, least], [0.9, 0.05, 0.05]
    table = doubt.from_predictions(
        predictions([sure, likely, likely, sure], ["angry", "angry", "sad", "sad"]), EMOTIONS
    )
    for name in doubt.FROM_PREDICTIONS:
        assert table[name].is_monotonic_increasing, name
        assert table[name].iloc[0] < 0.001, name


def test_probabilities_that_are_far_from_0_are_scored_as_they_are():
    probabilities = np.maximum(np.random.default_rng(0).dirichlet(np.full(3, 0.3), 500), 2e-6)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    labels = np.arange(500) % 3
    table = doubt.from_predictions(predictions(probabilities, np.array(EMOTIONS)[labels]), EMOTIONS)
    expected = 1 - get_label_quality_scores(labels, probabilities, method="confidence_weighted_entropy")
    assert table["weighted_entropy"].tolist() == pytest.approx(expected.tolist(), abs=1e-9)


def test_label_issues_are_those_of_confident_learning():
    """An utterance above another emotion's mean self-confidence, and likelier so than any other that qualifies."""
    generator = np.random.default_rng(3)
    labels = generator.integers(0, 3, 200)
    probabilities = generator.dirichlet(np.ones(3), 200)
    thresholds = np.array([probabilities[labels == label, label].mean() for label in range(3)])
    qualified = np.where(probabilities >= thresholds, probabilities, 0)
    expected = qualified.any(axis=1) & (qualified.argmax(axis=1) != labels) & (probabilities.argmax(axis=1) != labels)
    found = doubt.from_predictions(predictions(probabilities, np.array(EMOTIONS)[labels]), EMOTIONS)
    assert 0 < expected.sum() < 200
    assert found["label_issue"].to_numpy().tolist() == expected.astype(int).tolist()


def test_the_likelier_emotion_of_a_certain_label_is_another_one():
    table = doubt.from_predictions(predictions(np.eye(3), EMOTIONS), EMOTIONS)
    assert (table["likelier"].to_numpy() != np.array(EMOTIONS)).all()


def test_an_emotion_that_nobody_expresses_does_no_harm():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), 20)
    table = doubt.from_predictions(predictions(probabilities, ["angry", "sad"] * 10), EMOTIONS)
    assert table.drop(columns="likelier").notna().all(axis=None)


def test_neighbours_are_the_nearest_of_other_speakers():
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(30, 4)) * [1, 10, 100, 0]
    labels, speakers = generator.choice(EMOTIONS, 30), generator.choice(list("abc"), 30)
    spread = vectors.std(axis=0)
    distance = cdist(*2 * [((vectors - vectors.mean(axis=0)) / np.where(spread > 0, spread, 1))[:, :3]], "cosine")
    distance[speakers[:, None] == speakers] = np.inf
    nearest = np.argsort(distance, axis=1)[:, :5]
    expected = (labels[nearest] != labels[:, None]).mean(axis=1)
    assert doubt.neighbour_disagreement(vectors, labels, speakers, 5) == pytest.approx(expected)


def test_copies_of_ones_own_voice_are_not_asked():
    vectors = np.array([[1.0, 0], [1, 0.01], [0, 1], [0.01, 1], [1, 0.5]])
    found = doubt.neighbour_disagreement(vectors, ["sad", "sad", "angry", "sad", "angry"], list("aabbc"), 1)
    assert found[:2].tolist() == [1, 1]


def test_of_many_utterances_some_are_asked_and_all_are_judged(monkeypatch):
    generator = np.random.default_rng(0)
    speakers, labels = np.repeat([f"{number:02d}" for number in range(40)], 50), np.tile(["sad", "angry"], 1000)
    vectors = generator.normal(size=(2000, 4)) + (labels == "sad")[:, None]
    exact = doubt.neighbour_disagreement(vectors, labels, speakers, 5)
    monkeypatch.setattr(doubt, "SEARCHED", 500)
    found = doubt.neighbour_disagreement(vectors, labels, speakers, 5)
    assert not np.array_equal(found, exact)
    assert found.mean() == pytest.approx(exact.mean(), abs=0.03)
    assert np.corrcoef(found, exact)[0, 1] > 0.5


def test_a_number_that_never_varies_moves_no_neighbour():
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(500, 4)).astype(np.float32)
    labels, speakers = generator.choice(["a", "b"], 500), generator.choice(["s", "t", "u"], 500)
    constant = np.full((500, 8), 0.1, np.float32)  # whose deviation in float32 is not 0
    np.testing.assert_array_equal(
        doubt.neighbour_disagreement(np.hstack([vectors, constant]), labels, speakers, 5),
        doubt.neighbour_disagreement(vectors, labels, speakers, 5),
    )


def test_without_another_speaker_no_neighbour_can_be_asked():
    vectors, labels = np.eye(4), ["sad", "angry"] * 2
    assert np.isnan(doubt.neighbour_disagreement(vectors, labels, ["a"] * 4, 2)).all()
    found = doubt.neighbour_disagreement(vectors, labels, ["a", "b", "", ""], 5)
    assert found[:2].tolist() == [1, 1]
    assert np.isnan(found[2:]).all()


def test_the_mean_rank_has_one_score_of_each_source():
    table = judged(corpus(12))
    ranks = [table[name].rank() / 12 for name in ("low_self_confidence", "low_training_confidence")]
    ranks.append(table["neighbour_disagreement"].rank() / 12)
    assert table["mean_rank"].tolist() == pytest.approx((sum(ranks) / 3).tolist())


def test_what_a_source_does_not_know_is_missing_and_the_others_still_rank():
    utterances = corpus(12)
    untested = predictions(np.full((6, 3), 1 / 3), utterances["emotion"][:6])
    dynamics = pd.DataFrame({"id": utterances["id"][6:], "confidence": 0.5, "variability": 0.1})
    table = judged(utterances, predictions=untested, dynamics=dynamics)
    assert table["low_self_confidence"].notna().tolist() == [True] * 6 + [False] * 6
    assert table["low_training_confidence"].notna().tolist() == [False] * 6 + [True] * 6
    assert table["mean_rank"].notna().all()
    assert table["low_majority"].isna().all()
    listed = doubt.ranking(table)
    assert len(listed) == 12
    assert set(listed["by"]) == {"model"}


def test_dynamics_of_another_manifest_are_refused():
    dynamics = pd.DataFrame({"id": ["c/00", "d/1"], "confidence": 0.5, "variability": 0.1})
    with pytest.raises(InputError, match="dynamics: 1 ids are not in the manifest, such as 'd/1'"):
        judged(corpus(12), dynamics=dynamics)


@pytest.mark.parametrize(("flag", "planted"), [(1, 1), (0, 0), ("yes", np.nan), (None, np.nan)])
def test_only_one_and_zero_are_flags(flag, planted):
    table = judged(corpus(12, details=json.dumps({"ambiguous": flag})))
    assert table["planted"].tolist() == pytest.approx([planted] * 12, nan_ok=True)


def test_the_list_begins_with_what_raters_agree_on_least():
    heard = [{"angry": 9, "sad": 1}, {"angry": 5, "happy": 5}, {"angry": 5, "happy": 3, "sad": 2}, {"angry": 10}]
    table = doubt.ranking(judged(corpus(4, emotion="angry", votes=[json.dumps(row) for row in heard])))
    assert table["id"].tolist() == ["c/02", "c/01", "c/00", "c/03"]  # the second pair is equal but for the entropy
    assert table["other"].tolist()[:3] == ["happy", "happy", "sad"]
    assert table["other"][3] in ("happy", "sad"), "nobody heard another one: the model says"
    assert table["rank"].tolist() == [1, 2, 3, 4]
    assert table["ambiguity"].tolist() == [0.75, 0.75, 0.375, 0.125]
    assert table.columns[:7].tolist() == ["rank", "id", "path", "label", "other", "ambiguity", "by"]


def test_of_equal_agreement_and_entropy_the_one_that_models_doubt_more_comes_first():
    table = judged(corpus(4, emotion="angry", votes=json.dumps({"angry": 6, "sad": 4})))
    listed = doubt.ranking(table.assign(mean_rank=[0.2, 0.9, 0.9, 0.5]))
    assert listed["id"].tolist() == ["c/01", "c/02", "c/03", "c/00"]


def test_the_first_reference_that_knows_an_utterance_flags_it():
    columns = {"planted": [0, np.nan, np.nan, np.nan], "majority_share": [0.4, 0.4, 0.6, np.nan]}
    table = pd.DataFrame(columns | {"recognition": [0.3, 0.9, 0.3, 0.3]}, list("abcd"))
    assert references.best_flags(table, 0.5).tolist() == [0, 1, 0, 1]
    unknown = references.best_flags(table.assign(recognition=np.nan), 0.5)
    assert unknown.tolist() == pytest.approx([0, 1, 0, np.nan], nan_ok=True)


def test_corpora_with_and_without_raters_stand_in_one_list():
    votes = [json.dumps({"angry": 10 - index, "sad": index}) for index in range(4)] + [""] * 8
    details = [""] * 4 + [json.dumps({"recognition": 0.8 + 0.05 * index}) for index in range(4)] + [""] * 4
    table = doubt.ranking(judged(corpus(12, emotion="angry", votes=votes, details=details)))
    assert table["by"].value_counts().to_dict() == {"votes": 4, "listeners": 4, "model": 4}
    assert set(table["by"][:3]) == {"votes", "listeners", "model"}, "the most ambiguous of each comes first"
    for _, part in table.groupby("by"):
        assert part["ambiguity"].tolist() == [0.875, 0.625, 0.375, 0.125]


def test_the_first_of_few_that_a_model_alone_judges_is_not_before_the_first_of_many_that_raters_judged():
    votes = [json.dumps({"angry": 10 - index, "sad": index}) for index in range(5)] * 4 + ["", ""]
    table = doubt.ranking(judged(corpus(22, emotion="angry", votes=votes)))
    assert table["by"].tolist().index("model") == 4  # its 0.75 is behind the 0.9 of four


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"majority": 1.0}, "majority: expected a share between 0 and 1"),
        ({"bands": ()}, "bands: expected rising shares"),
        ({"bands": (0.7, 0.5)}, "bands: expected rising shares"),
        ({"bands": (0.5, 1.0)}, "bands: expected rising shares"),
        ({"neighbours": 0}, "neighbours: expected 1 or more"),
        ({"leave_out": 0.0}, "leave_out: expected a share between 0 and 1"),
        ({"resamples": 1}, "resamples: expected 100 to 1000000, found 1"),
    ],
)
def test_params_out_of_range_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(PARAMS, **change)
