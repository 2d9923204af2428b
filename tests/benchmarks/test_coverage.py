import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm, pearson3

from benchmarks import coverage
from ser.files import tables
from tests import builders


def test_recalls_have_the_mean_of_a_logistic_normal():
    deviation = np.hypot(coverage.BY_SPEAKER, coverage.BY_CELL)
    drawn = coverage.recalls(100_000, 4, np.random.default_rng(0)).mean(axis=0)
    for centre, mean in zip([0.3, 0.9, 1.5, 2.1], drawn, strict=True):
        expected, _ = quad(lambda x, c=centre: expit(x) * norm.pdf(x, c, deviation), -10, 12)
        assert mean == pytest.approx(expected, abs=0.003)


def test_skewed_speakers_differ_as_much_as_others_and_some_are_recognised_much_worse():
    """Against scipy's own skewed distribution, Pearson's of the third type."""
    drawn = coverage.recalls(200_000, 1, np.random.default_rng(0), skew=-1.5).ravel()
    generator = np.random.default_rng(1)
    offsets = pearson3(-1.5, scale=coverage.BY_SPEAKER).rvs(200_000, random_state=generator)
    expected = expit(coverage.LOG_ODDS[0] + offsets + generator.normal(0, coverage.BY_CELL, 200_000))
    assert np.quantile(drawn, [0.01, 0.1, 0.5, 0.9]) == pytest.approx(
        np.quantile(expected, [0.01, 0.1, 0.5, 0.9]), abs=0.01
    )


def test_a_corpus_has_as_many_utterances_and_hits_as_it_was_drawn_with():
    stack = coverage.corpus(np.full((3000, 7), 7.6), np.random.default_rng(0))
    support = stack.sum(axis=(0, 2))
    assert support / 3000 == pytest.approx(np.full(7, 7.6), rel=0.03)
    shares = np.diagonal(stack.sum(axis=0)) / support
    assert shares == pytest.approx(coverage.recalls(100_000, 7, np.random.default_rng(1)).mean(axis=0), abs=0.02)


def test_a_corpus_of_a_given_shape_has_that_shape():
    utterances = np.array([[3, 0], [0, 5], [2, 2]])
    stack = coverage.corpus(utterances, np.random.default_rng(0), fixed=True)
    np.testing.assert_array_equal(stack.sum(axis=2), utterances)


def printed(monkeypatch, capsys, *arguments):
    """The rows that are printed, as numbers but for the name."""
    monkeypatch.setattr("sys.argv", ["coverage", *arguments])
    coverage.main()
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines()[6:]]
    return [[row[0].strip(), *map(float, row[1:])] for row in rows]


def test_most_intervals_hold_the_truth_and_more_speakers_make_them_narrower(monkeypatch, capsys):
    few, many = printed(monkeypatch, capsys, "--speakers", "5", "24", "--corpora", "60")
    assert (few[:3], many[:3]) == (["5", 5, 5], ["24", 24, 24])
    assert few[5] > 0.85
    assert many[5] > 0.85
    assert few[5:8] == pytest.approx([1 - few[6] - few[7], few[6], few[7]], abs=0.0015)
    assert few[8] > 1.5 * many[8]


def test_intervals_miss_the_truth_where_one_speaker_has_an_emotion(tmp_path, monkeypatch, capsys):
    everyone = builders.manifest(24, 40, ["angry", "happy", "neutral", "sad"])
    one = everyone[(everyone["emotion"] != "angry") | (everyone["speaker"] == everyone["speaker"][0])]
    paths = [tmp_path / "everyone.csv", tmp_path / "one.csv"]
    for rows, path in zip((everyone, one), paths, strict=True):
        tables.write(rows, path)
    all_have, one_has = printed(monkeypatch, capsys, "--manifest", *map(str, paths), "--corpora", "200")
    assert (all_have[1:3], one_has[1:3]) == ([24, 24], [24, 1])
    assert one_has[5] < 0.85 < all_have[5]
    assert (all_have[3], one_has[3]) == pytest.approx((0, (23 / 24) ** 23), abs=0.0005)
