import json

import krippendorff
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ser.ambiguity import cost, figures, votes
from ser.ambiguity.doubt import AmbiguityParams
from ser.ambiguity.votes import VotesParams
from ser.scores.intervals import Bootstrap
from stages import ambiguity

PARAMS = VotesParams(resamples=200, confidence=0.95, seed=0, minimum_speakers=3, majority=0.5)
AMBIGUITY = AmbiguityParams(**vars(PARAMS), bands=(0.5,), neighbours=2, leave_out=0.25)
# Four observers, twelve units: K. Krippendorff, "Computing Krippendorff's alpha-reliability", 2011, section C.
OBSERVERS = ("12332141 2...", "12332241 25.3", ".3332342251.", "12332441 251.")


def corpus(*rows, details=""):
    columns = {
        "id": [f"c/{index}" for index in range(len(rows))],
        "votes": [json.dumps(row) if row else "" for row in rows],
    }
    return pd.DataFrame(columns).assign(details=details)


def published():
    units = zip(*(row.replace(" ", "") for row in OBSERVERS), strict=True)
    return np.array([[unit.count(value) for value in "12345"] for unit in units])


def random_votes(seed, utterances=60):
    generator = np.random.default_rng(seed)
    matrix = generator.integers(0, 4, (utterances, 4)) * generator.integers(0, 2, (utterances, 4))
    return pd.DataFrame(matrix, [f"c/{index}" for index in range(utterances)], ["angry", "happy", "neutral", "sad"])


def test_votes_are_counted_by_all_words_that_raters_used():
    table = votes.counts(corpus({"sad": 2, "disgusted": 1}, {}, {"angry": 3}))
    assert list(table.columns) == ["angry", "disgusted", "sad"]
    assert table.to_numpy().tolist() == [[0, 1, 2], [0, 0, 0], [3, 0, 0]]
    assert list(table.index) == ["c/0", "c/1", "c/2"]


def test_a_share_of_listeners_is_no_distribution():
    table = corpus({}, details='{"recognition": 0.9}')
    assert votes.recognition(table).tolist() == [0.9]
    shares = [votes.recognition(corpus({}, details=json.dumps({"recognition": share}))) for share in (0, 1, 1.1, "1")]
    np.testing.assert_array_equal(np.concatenate(shares), [0, 1, np.nan, np.nan])
    assert np.isnan(votes.recognition(corpus({"angry": 1}))).all()


def test_statistics_of_cases_worked_by_hand():
    heard = votes.counts(corpus({"angry": 5, "happy": 5}, {"sad": 8}, {"angry": 2, "happy": 1, "sad": 1}, {}))
    table = votes.statistics(heard, ["angry", "sad", "happy", "sad"])
    assert table["raters"].tolist() == [10, 8, 4, 0]
    assert table["entropy"].tolist()[:3] == [1.0, 0.0, 1.5]
    assert table["majority_share"].tolist()[:3] == [0.5, 1.0, 0.5]
    assert table["tied"].tolist()[:3] == [1, 0, 0]
    assert table["agrees"].tolist()[:3] == [0, 1, 0]
    assert table["label_share"].tolist()[:3] == [0.5, 1.0, 0.25]
    assert table["heard"].tolist() == ["happy", "", "angry", ""]
    assert table.iloc[3][["entropy", "majority_share", "tied", "agrees", "label_share"]].isna().all()


def test_a_single_rater_agrees_with_nobody():
    heard = votes.counts(corpus({"angry": 1}, {"sad": 1}, {"sad": 2}))
    table = votes.statistics(heard, ["angry", "angry", "angry"])
    assert table["raters"].tolist() == [1, 1, 2]
    np.testing.assert_array_equal(table["majority_share"], [np.nan, np.nan, 1])
    assert table.iloc[:2][["entropy", "tied"]].isna().all(axis=None)
    assert table["agrees"].tolist() == [1, 0, 0]
    np.testing.assert_array_equal(table["label_share"], [np.nan, np.nan, 0])
    assert table["heard"].tolist() == ["", "sad", "sad"]
    found = votes.summary(heard, ["angry", "angry", "angry"], ["1", "2", "3"], PARAMS)
    assert (found["utterances"], found["raters"], found["ambiguous"]) == (1, 2, 0)


def test_a_corpus_without_votes_has_no_statistics():
    heard = votes.counts(corpus({}, {}))
    assert votes.statistics(heard, ["angry", "sad"])["entropy"].isna().all()
    assert votes.summary(heard, ["angry", "sad"], ["1", "2"], PARAMS) == {}


def test_entropy_is_that_of_scipy():
    heard = random_votes(1)
    heard = heard[heard.sum(axis=1) > 1]
    table = votes.statistics(heard, ["angry"] * len(heard))
    assert table["entropy"].to_numpy() == pytest.approx(stats.entropy(heard.to_numpy(), base=2, axis=1))


def test_alpha_of_the_published_example():
    assert votes.alpha(votes.coincidences(published())) == pytest.approx(0.743, abs=0.0005)


@pytest.mark.parametrize("seed", range(5))
def test_alpha_is_that_of_the_package(seed):
    matrix = random_votes(seed).to_numpy()
    expected = krippendorff.alpha(value_counts=matrix, level_of_measurement="nominal")
    assert votes.alpha(votes.coincidences(matrix)) == pytest.approx(expected)


def test_perfect_agreement_is_one_and_one_emotion_alone_says_nothing():
    perfect = np.array([[5, 0], [0, 3], [2, 0]])
    assert votes.alpha(votes.coincidences(perfect)) == 1
    assert np.isnan(votes.alpha(votes.coincidences(perfect[[0, 2]])))
    assert np.isnan(votes.alpha(votes.coincidences(np.array([[1, 0], [0, 1]])))), "single votes make no pairs"


def test_raters_who_guess_do_not_agree():
    matrix = np.random.default_rng(0).multinomial(10, [0.4, 0.3, 0.2, 0.1], 2000)
    assert votes.alpha(votes.coincidences(matrix)) == pytest.approx(0, abs=0.01)


def test_the_interval_of_alpha_repeats_speakers():
    """Each replicate is the package's alpha of the drawn speakers' utterances, repeated."""
    heard, speakers = random_votes(2), np.repeat(["1", "2", "3", "4"], 15)
    found = votes.alpha_with_interval(heard, speakers, PARAMS)
    bootstrap = Bootstrap([0, 0, 0, 0], PARAMS)
    replicates = [
        krippendorff.alpha(
            value_counts=np.repeat(heard.to_numpy(), np.repeat(row, 15), axis=0), level_of_measurement="nominal"
        )
        for row in bootstrap.weights.astype(int)
    ]
    low, high = bootstrap.bounds(np.array(replicates))
    assert found == pytest.approx(
        {"alpha": float(votes.alpha(votes.coincidences(heard.to_numpy()))), "alpha_low": low, "alpha_high": high}
    )


@pytest.mark.parametrize("speakers", [["1", "2"], ["1", ""]])
def test_too_few_or_unknown_speakers_have_alpha_without_interval(speakers):
    found = votes.alpha_with_interval(random_votes(2), np.repeat(speakers, 30), PARAMS)
    assert set(found) == {"alpha"}


def test_a_summary_worked_by_hand():
    heard = votes.counts(corpus({"angry": 5, "happy": 5}, {"sad": 8}, {"angry": 4, "happy": 3, "sad": 3}, {}))
    found = votes.summary(heard, ["angry", "sad", "happy", "sad"], ["1", "2", "3", "4"], PARAMS)
    assert found["utterances"] == 3
    assert found["raters"] == pytest.approx(28 / 3)
    assert found["majority_share"] == pytest.approx((0.5 + 1 + 0.4) / 3)
    shares = {name: round(3 * found[name]) for name in ("tied", "below_half", "ambiguous", "agrees")}
    assert shares == {"tied": 1, "below_half": 1, "ambiguous": 2, "agrees": 1}


@pytest.mark.parametrize(
    ("heard", "expected"),
    [([{"sad": 1}, {"angry": 1}], 2), ([{"sad": 2}, {"sad": 1}], 1), ([{"sad": 2}, {}], None)],
)
def test_votes_of_single_raters_are_counted_whether_or_not_others_have_several(heard, expected):
    utterances = corpus(*heard)
    counts, labels = votes.counts(utterances), ["sad", "sad"]
    table = votes.statistics(counts, labels).assign(label=labels, speaker=["1", "2"])
    people = pd.DataFrame({"id": utterances["id"], "truth": labels, "prediction": labels, "speaker": ["1", "2"]})
    empty = pd.DataFrame(columns=["by", "band", "reference", "score"])
    unknown = ("planted", "recognition", "label_issue", *cost.JUDGES.values())
    table = table.assign(**dict.fromkeys(unknown, np.nan))
    found = figures.metrics(table, people, counts, empty, empty, ["sad"], AMBIGUITY)
    assert found.get("single_rater") == expected
    assert ("votes" in found) == any(sum(row.values()) > 1 for row in heard)
    said = ambiguity.summary(found)
    assert said.startswith("votes for 1 utterances" if "votes" in found else "neither votes of several raters nor ")
    assert (f"a single rater each for {expected} utterances" in said) == (expected is not None)
