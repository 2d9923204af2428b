import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import norm

from benchmarks import coverage


def test_recalls_have_the_mean_of_a_logistic_normal():
    deviation = np.hypot(coverage.BY_SPEAKER, coverage.BY_CELL)
    drawn = coverage.recalls(100_000, np.random.default_rng(0)).mean(axis=0)
    for centre, mean in zip(coverage.RECALLS, drawn, strict=True):
        expected, _ = quad(lambda x, c=centre: expit(x) * norm.pdf(x, c, deviation), -10, 12)
        assert mean == pytest.approx(expected, abs=0.003)


def test_a_corpus_has_as_many_utterances_and_hits_as_it_was_drawn_with():
    stack = coverage.corpus(3000, np.random.default_rng(0))
    support = stack.sum(axis=(0, 2))
    assert support / 3000 == pytest.approx(np.full(7, coverage.UTTERANCES), rel=0.03)
    shares = np.diagonal(stack.sum(axis=0)) / support
    assert shares == pytest.approx(coverage.recalls(100_000, np.random.default_rng(1)).mean(axis=0), abs=0.02)


def test_most_intervals_hold_the_truth_and_more_speakers_make_them_narrower(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["coverage", "--speakers", "5", "24", "--corpora", "60"])
    coverage.main()
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines()[4:]]
    few, many = ([float(cell) for cell in row] for row in rows)
    assert (few[0], many[0]) == (5, 24)
    assert few[1] > 0.85
    assert many[1] > 0.85
    assert few[1:4] == pytest.approx([1 - few[2] - few[3], few[2], few[3]], abs=0.0015)
    assert few[4] > 1.5 * many[4]
