"""How often the intervals hold the truth: on generated corpora of few and of many speakers, whose true UAR is known."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from ser.files import params
from ser.scores import metrics
from ser.scores.intervals import Bootstrap, IntervalParams

RECALLS = np.linspace(0.3, 2.1, 7)  # of seven emotions, log-odds of a mean speaker: about 0.55 to 0.88
BY_SPEAKER, BY_CELL = 0.5, 0.8  # deviation of the log-odds over speakers, and over speakers within an emotion
UTTERANCES = 7.6  # of each speaker and emotion in the mean, as in EMO-DB


def main() -> None:
    """Generate corpora, make the interval of each one's UAR, and print how often it holds that of all speakers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speakers", type=int, nargs="+", default=[5, 6, 8, 10, 24, 65])
    parser.add_argument("--corpora", type=int, default=2000, help="of each number of speakers (default: %(default)s)")
    options = parser.parse_args()
    intervals = params.read(Path("params.yaml"), "intervals", IntervalParams)
    generator = np.random.default_rng(0)
    truth = recalls(200_000, generator).mean()
    rows = []
    for speakers in options.speakers:
        bootstrap = Bootstrap.of([str(number) for number in range(speakers)], intervals)
        ends = np.array([interval(corpus(speakers, generator), bootstrap) for _ in range(options.corpora)])
        held = (ends[:, 0] <= truth) & (truth <= ends[:, 1])
        rows.append([speakers, held.mean(), (ends[:, 0] > truth).mean(), (ends[:, 1] < truth).mean()])
        rows[-1].append(np.diff(ends, axis=1).mean())
    columns = ["speakers", "holds the truth", "lies above it", "lies below it", "mean width"]
    print(f"Intervals of {intervals.confidence:.0%}, {options.corpora} corpora each, true UAR {truth:.3f}\n")
    print(pd.DataFrame(rows, columns=columns).to_markdown(index=False, floatfmt=".3f"))


def recalls(speakers: int, generator: np.random.Generator) -> np.ndarray:
    """Draw each speaker's recall of each emotion, (speakers, emotions)."""
    own = generator.normal(0, BY_SPEAKER, (speakers, 1))
    return expit(RECALLS + own + generator.normal(0, BY_CELL, (speakers, len(RECALLS))))


def corpus(speakers: int, generator: np.random.Generator) -> np.ndarray:
    """Draw confusion matrices, (speakers, emotions, emotions); what is wrong is taken for the next emotion."""
    support = generator.poisson(UTTERANCES, (speakers, len(RECALLS)))
    right = generator.binomial(support, recalls(speakers, generator))
    places = np.arange(len(RECALLS))
    stack = np.zeros((speakers, len(RECALLS), len(RECALLS)))
    stack[:, places, places] = right
    stack[:, places, (places + 1) % len(RECALLS)] = support - right
    return stack


def interval(stack: np.ndarray, bootstrap: Bootstrap) -> tuple[float, float]:
    """Give the interval of the UAR as the stage `evaluate` makes it."""
    low, high = bootstrap.bounds(metrics.scores(metrics.resampled(stack, bootstrap.weights))["uar"])
    return float(low), float(high)


if __name__ == "__main__":
    main()
