import dataclasses

import numpy as np
import pytest

from benchmarks import coverage_trained
from ser.scores.intervals import IntervalParams

INTERVALS = IntervalParams(400, 0.95, 0, 5)
KIND = coverage_trained.Corpus(speakers=8, emotions=4, utterances=6, shift=0.0, own=0.0)


def mean(kind, corpora=12):
    generator = np.random.default_rng(0)
    centres = generator.normal(0, coverage_trained.APART, (kind.emotions, coverage_trained.NUMBERS))
    found = [coverage_trained.measured(kind, centres, generator, INTERVALS) for _ in range(corpora)]
    assert all(one["uar_low"] < one["uar"] < one["uar_high"] for one in found)
    return {key: np.mean([one[key] for one in found]) for key in ("uar", "drop")}


def test_speakers_who_are_alike_gain_nothing_by_a_random_split_and_speakers_who_differ_do():
    alike, differing = mean(KIND), mean(dataclasses.replace(KIND, shift=1.0, own=0.5))
    assert alike["drop"] == pytest.approx(0, abs=0.02)
    assert differing["drop"] > 0.05
    assert differing["uar"] < alike["uar"]
