import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from ser.ambiguity import concordance
from ser.scores.intervals import Bootstrap, IntervalParams

PARAMS = IntervalParams(resamples=200, confidence=0.9, seed=0, minimum_speakers=3)


@pytest.fixture
def data():
    """Sixty utterances of six speakers, with many ties."""
    generator = np.random.default_rng(0)
    scores = generator.integers(0, 12, 60).astype(float)
    others = scores + generator.integers(-6, 7, 60)
    return scores, others, others > 7, generator.permutation(np.repeat(list("abcdef"), 10))


def repeated(measure, scores, others, speakers):
    """The interval by drawing speakers with all their utterances and measuring anew, with another library."""
    names = sorted(set(speakers))
    replicates = []
    bootstrap = Bootstrap.of(names, PARAMS)
    for row in bootstrap.weights.astype(int):
        rows = np.concatenate(
            [np.tile(np.flatnonzero(speakers == name), n) for name, n in zip(names, row, strict=True)]
        )
        replicates.append(measure(scores[rows], others[rows]))
    return bootstrap.bounds(np.array(replicates))


def test_auroc_and_its_interval_are_those_of_scikit_learn(data):
    scores, _, flags, speakers = data
    low, high = repeated(lambda score, flag: roc_auc_score(flag, score), scores, flags, speakers)
    expected = {"auroc": roc_auc_score(flags, scores), "auroc_low": low, "auroc_high": high}
    assert concordance.auroc(scores, flags, speakers, PARAMS) == pytest.approx(expected)


def test_few_flagged_speakers_give_the_interval_of_auroc_its_degrees_of_freedom():
    generator = np.random.default_rng(1)
    speakers = np.repeat(np.arange(40).astype(str), 5)
    scores, flags = generator.normal(size=200), np.isin(speakers, list("01234567")) & (np.arange(200) % 5 == 0)
    found = concordance.auroc(scores, flags, speakers, PARAMS)
    bootstrap = Bootstrap.of(sorted(set(speakers)), PARAMS)
    few = np.isin(sorted(set(speakers)), list("01234567"))
    replicates = []
    for row in bootstrap.weights.astype(int):
        rows = np.concatenate(
            [np.tile(np.flatnonzero(speakers == name), n) for name, n in zip(sorted(set(speakers)), row, strict=True)]
        )
        replicates.append(roc_auc_score(flags[rows], scores[rows]) if flags[rows].any() else np.nan)
    low, high = bootstrap.bounds(np.array(replicates), [few])
    assert (found["auroc_low"], found["auroc_high"]) == pytest.approx((low, high))
    assert high - low > np.subtract(*bootstrap.bounds(np.array(replicates))[::-1])
    rare = flags & np.isin(speakers, list("012"))  # whom one draw in twenty misses
    assert set(concordance.auroc(scores, rare, speakers, PARAMS)) == {"auroc"}


def test_the_rank_correlation_and_its_interval_are_those_of_scipy(data):
    scores, others, _, speakers = data
    low, high = repeated(lambda one, other: stats.spearmanr(one, other).statistic, scores, others, speakers)
    expected = {"spearman": stats.spearmanr(scores, others).statistic, "spearman_low": low, "spearman_high": high}
    assert concordance.spearman(scores, others, speakers, PARAMS) == pytest.approx(expected)


def test_replicates_in_pieces_are_those_in_one(data, monkeypatch):
    scores, others, _, speakers = data
    whole = concordance.spearman(scores, others, speakers, PARAMS)
    monkeypatch.setattr(concordance, "CELLS", 1000)
    assert concordance.spearman(scores, others, speakers, PARAMS) == pytest.approx(whole)


def test_what_cannot_be_compared_gives_nothing(data):
    scores, others, _, speakers = data
    assert concordance.auroc(scores, np.zeros(60, dtype=bool), speakers, PARAMS) == {}
    assert concordance.auroc(scores, np.ones(60, dtype=bool), speakers, PARAMS) == {}
    assert concordance.spearman(scores, np.ones(60), speakers, PARAMS) == {}
    assert concordance.spearman(np.zeros(60), others, speakers, PARAMS) == {}
    assert concordance.spearman(scores[:0], others[:0], speakers[:0], PARAMS) == {}


def test_unknown_or_few_speakers_have_no_interval(data):
    scores, others, flags, speakers = data
    unknown = np.where(speakers == "a", "", speakers)
    few = np.where(speakers < "c", "a", "b")
    for people in (unknown, few):
        assert set(concordance.auroc(scores, flags, people, PARAMS)) == {"auroc"}
        assert set(concordance.spearman(scores, others, people, PARAMS)) == {"spearman"}


def test_flagged_utterances_of_few_speakers_have_no_interval(data):
    """Drawing the others anew tells nothing of how far flagged utterances of two speakers speak for those of more."""
    scores, _, _, speakers = data
    assert set(concordance.auroc(scores, (speakers < "c") & (scores > 3), speakers, PARAMS)) == {"auroc"}
    assert set(concordance.auroc(scores, (speakers < "f") & (scores > 3), speakers, PARAMS)) == {
        "auroc",
        "auroc_low",
        "auroc_high",
    }
