import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler

from ser.representation import silhouettes
from ser.representation import spaces as representation_spaces
from ser.representation.spaces import View
from ser.scores.intervals import IntervalParams

PARAMS = IntervalParams(resamples=500, confidence=0.95, seed=0, minimum_speakers=3)


@pytest.fixture
def people():
    """Six speakers, unequally many utterances."""
    speakers = np.repeat([f"c/{number}" for number in range(6)], [4, 6, 8, 10, 12, 14])
    return pd.DataFrame({"speaker": speakers, "emotion": np.tile(["angry", "sad"], 27)})


@pytest.fixture
def vectors(people):
    """Emotion in one number, a little of the speaker in another, on scales that differ."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(len(people), 3)) * [1, 100, 1]
    noise[:, 0] += np.where(people["emotion"] == "angry", 3, -3)
    noise[:, 1] += 50 * people["speaker"].str[2:].astype(int)
    return noise


def figures(rows, space="features"):
    return rows[rows["space"] == space].set_index("grouping")


def test_the_silhouette_is_that_of_scikit_learn_on_standardised_numbers(people, vectors):
    rows = figures(silhouettes.table({"features": representation_spaces.whole(vectors)}, people, PARAMS))
    standard = StandardScaler().fit_transform(vectors)
    emotion, speaker = (silhouette_score(standard, people[grouping]) for grouping in ("emotion", "speaker"))
    assert rows.loc["emotion", "silhouette"] == pytest.approx(emotion)
    assert rows.loc["speaker", "silhouette"] == pytest.approx(speaker)
    assert rows.loc["emotion_minus_speaker", "silhouette"] == pytest.approx(emotion - speaker)
    assert emotion > 0.2 > 0 > speaker
    assert (rows["low"] < rows["silhouette"]).all()
    assert (rows["silhouette"] < rows["high"]).all()


def test_views_are_measured_apart_and_averaged_over_utterances(people, vectors):
    parts = [np.flatnonzero(people["speaker"] < "c/3"), np.flatnonzero(people["speaker"] >= "c/3")]
    space = [View(part, vectors[part]) for part in parts]
    rows = figures(silhouettes.table({"features": space}, people, PARAMS))
    each = [
        silhouette_score(StandardScaler().fit_transform(vectors[part]), people["speaker"].iloc[part]) for part in parts
    ]
    assert rows.loc["speaker", "silhouette"] == pytest.approx((18 * each[0] + 36 * each[1]) / 54)
    assert rows.loc["speaker", "utterances"] == 54


def test_the_interval_draws_speakers_as_they_lie(people, vectors):
    """Speakers who all have the same silhouettes leave nothing to doubt; unequal ones do."""
    same = pd.concat([people.iloc[:4].assign(speaker=f"c/{number}") for number in range(5)])
    repeated = np.tile(vectors[:4], (5, 1))
    rows = figures(silhouettes.table({"features": representation_spaces.whole(repeated)}, same, PARAMS))
    assert rows.loc["emotion", "high"] - rows.loc["emotion", "low"] == pytest.approx(0, abs=1e-9)


def test_spaces_are_compared_pairwise(people, vectors):
    noise = np.random.default_rng(1).normal(size=vectors.shape)
    spaces = {"features": representation_spaces.whole(vectors), "mfcc": representation_spaces.whole(noise)}
    rows = silhouettes.table(spaces, people, PARAMS)
    difference = figures(rows, "features_minus_mfcc")
    expected = figures(rows)["silhouette"] - figures(rows, "mfcc")["silhouette"]
    np.testing.assert_allclose(difference["silhouette"], expected)
    assert difference.loc["emotion", "low"] > 0
    pd.testing.assert_frame_equal(silhouettes.table(spaces, people, PARAMS), rows)


def test_unknown_speakers_are_left_out(people, vectors):
    unknown = people["speaker"] == "c/0"
    rows = figures(
        silhouettes.table(
            {"features": representation_spaces.whole(vectors)},
            people.assign(speaker=people["speaker"].mask(unknown, "")),
            PARAMS,
        )
    )
    known = ~unknown.to_numpy()
    expected = silhouette_score(StandardScaler().fit_transform(vectors[known]), people["emotion"][known])
    assert rows.loc["emotion", "silhouette"] == pytest.approx(expected)
    assert (rows.loc["emotion", "utterances"], rows.loc["emotion", "speakers"]) == (50, 5)


@pytest.mark.parametrize("change", [{"speaker": ""}, {"speaker": "c/0"}, {"emotion": "sad"}])
def test_what_cannot_be_measured_is_left_out_and_said(people, vectors, change):
    rows = silhouettes.table({"features": representation_spaces.whole(vectors)}, people.assign(**change), PARAMS)
    assert rows["silhouette"].isna().all()
    assert set(rows["remark"]) == {"no view of known speakers with several emotions and speakers"}
    assert representation_spaces.by_space(rows, "grouping", silhouettes.FIGURES) == {}


def test_speakers_of_a_single_utterance_each_are_no_view(people, vectors):
    everyone = people.assign(speaker=[f"c/{number}" for number in range(len(people))])
    assert silhouettes.samples(representation_spaces.whole(vectors), everyone).empty


def test_few_speakers_have_no_interval_and_the_reason(people, vectors):
    params = dataclasses.replace(PARAMS, minimum_speakers=7)
    rows = silhouettes.table({"features": representation_spaces.whole(vectors)}, people, params)
    assert set(rows["remark"]) == {"no interval (test speakers: 6, minimum_speakers: 7)"}
    metrics = representation_spaces.by_space(rows, "grouping", silhouettes.FIGURES)["features"]
    assert {name: list(values) for name, values in metrics.items()} == {
        name: ["silhouette"] for name in ("emotion", "speaker", "emotion_minus_speaker")
    }
