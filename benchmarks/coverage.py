"""How often the intervals contain the true UAR: on generated corpora, where it is known.

Of few and of many speakers; or of as many speakers, with as many utterances of each emotion, as a corpus at hand has:
where few of them have an emotion, their draw decides its recall. Beside it, the same of the difference between two
systems that are equally good, told by the same draws of speakers. With --skew a few speakers are recognised much worse
than the others, as in most corpora.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit

from ser import manifest
from ser.files import params
from ser.scores import metrics
from ser.scores.intervals import ABSENT, Bootstrap, IntervalParams

LOG_ODDS = 0.3, 2.1  # of a mean speaker's recall, from the hardest emotion to the easiest: about 0.55 to 0.88
BY_SPEAKER, BY_CELL = 0.5, 0.8  # deviation of the log-odds over speakers, and over speakers within an emotion
EMOTIONS, UTTERANCES = 7, 7.6  # of each speaker and emotion in the mean, as in EMO-DB
SPEAKERS = 200_000  # whose mean is the truth


def main() -> None:
    """Generate corpora, make the interval of each one's UAR, and print how often it contains that of all speakers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speakers", type=int, nargs="+", default=[5, 6, 8, 10, 24, 65])
    parser.add_argument("--manifest", type=Path, nargs="+", help="of corpora whose speakers and emotions to take")
    parser.add_argument("--skew", type=float, default=0.0, help="skewness of the speakers' log-odds, such as -3")
    parser.add_argument("--corpora", type=int, default=2000, help="of each kind (default: %(default)s)")
    options = parser.parse_args()
    intervals = params.read(Path("params.yaml"), "intervals", IntervalParams)
    generator = np.random.default_rng(0)
    if options.manifest:
        shapes = {str(path): shape(manifest.read(path)) for path in options.manifest}
    else:
        shapes = {str(speakers): np.full((speakers, EMOTIONS), UTTERANCES) for speakers in options.speakers}
    rows, truths = [], {}
    for name, utterances in shapes.items():
        speakers, emotions = utterances.shape
        if emotions not in truths:
            uars = recalls(SPEAKERS, emotions, generator, options.skew).mean(axis=1)
            truths[emotions] = uars.mean(), stats.skew(uars)
        (truth, skewness), fewest = truths[emotions], (utterances > 0).sum(axis=0).min()
        bootstrap = Bootstrap.of([str(number) for number in range(speakers)], intervals)
        if bootstrap.obstacle:
            parser.error(f"{name}: expected a corpus that allows an interval, found {bootstrap.obstacle}")
        drawn = [
            [corpus(utterances, generator, options.skew, fixed=bool(options.manifest)) for _ in range(2)]
            for _ in range(options.corpora)
        ]
        ends = np.array([interval(each, bootstrap) for each, _ in drawn])
        apart = np.array([interval_of_difference(*both, bootstrap) for both in drawn])
        lacking = max(map(bootstrap.absent, utterances.T > 0))
        held = (ends[:, 0] <= truth) & (truth <= ends[:, 1])
        misses = (ends[:, 0] > truth).mean(), (ends[:, 1] < truth).mean()
        differing = ((apart[:, 0] <= 0) & (apart[:, 1] >= 0)).mean()
        width = np.diff(ends, axis=1).mean()
        rows.append([name, speakers, fewest, lacking, truth, held.mean(), *misses, width, differing, skewness])
    columns = ["corpus", "speakers", "with the rarest emotion", "draws without it", "true UAR"]
    columns += ["holds the truth", "lies above it", "lies below it", "mean width", "of differences holds it"]
    columns += ["skewness of the speakers' UARs"]
    print(f"Intervals of {intervals.confidence:.0%}, {options.corpora} corpora each\n")
    print(f"Where more than {ABSENT:.0%} of the draws have nobody with the rarest emotion, the pipeline gives none.\n")
    print(pd.DataFrame(rows, columns=columns).to_markdown(index=False, floatfmt=".3f", disable_numparse=[0]))


def shape(utterances: pd.DataFrame) -> np.ndarray:
    """Count a corpus' utterances of each speaker and emotion, (speakers, emotions)."""
    return pd.crosstab(utterances["speaker"], utterances["emotion"]).to_numpy()


def recalls(speakers: int, emotions: int, generator: np.random.Generator, skew: float = 0.0) -> np.ndarray:
    """Draw each speaker's recall of each emotion, (speakers, emotions); with a skew their offsets are of a gamma."""
    if skew:
        shape = (2 / skew) ** 2
        own = np.sign(skew) * (generator.gamma(shape, size=(speakers, 1)) / shape - 1) * np.sqrt(shape) * BY_SPEAKER
    else:
        own = generator.normal(0, BY_SPEAKER, (speakers, 1))
    return expit(np.linspace(*LOG_ODDS, emotions) + own + generator.normal(0, BY_CELL, (speakers, emotions)))


def corpus(
    utterances: np.ndarray, generator: np.random.Generator, skew: float = 0.0, fixed: bool = False
) -> np.ndarray:
    """Draw confusion matrices; what is wrong is taken for the next emotion.

    Args:
        utterances: of each speaker and emotion in the mean, (speakers, emotions).
        generator: of all draws.
        skew: as for ``recalls``.
        fixed: whether there are as many in each corpus.

    Returns:
        Counts (speakers, emotions, emotions).
    """
    speakers, emotions = utterances.shape
    support = utterances if fixed else generator.poisson(utterances)
    right = generator.binomial(support, recalls(speakers, emotions, generator, skew))
    places = np.arange(emotions)
    stack = np.zeros((speakers, emotions, emotions))
    stack[:, places, places] = right
    stack[:, places, (places + 1) % emotions] = support - right
    return stack


def interval(stack: np.ndarray, bootstrap: Bootstrap) -> tuple[float, float]:
    """Give the interval of the UAR as the stage `evaluate` makes it."""
    low, high = bootstrap.bounds(drawn_uars(stack, bootstrap), metrics.needs(stack)["uar"])
    return float(low), float(high)


def interval_of_difference(one: np.ndarray, other: np.ndarray, bootstrap: Bootstrap) -> tuple[float, float]:
    """Give the interval of the difference between two UARs of the same speakers, as the comparisons make it."""
    apart = drawn_uars(one, bootstrap) - drawn_uars(other, bootstrap)
    low, high = bootstrap.bounds(apart, metrics.needs(one)["uar"])
    return float(low), float(high)


def drawn_uars(stack: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """Give the UAR of each replicate."""
    return metrics.scores(metrics.resampled(stack, bootstrap.weights))["uar"]


if __name__ == "__main__":
    main()
