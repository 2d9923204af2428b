"""How often the intervals contain the mean UAR of the whole procedure, training included, over generated corpora.

The intervals resample test speakers and take the models as trained. Here each corpus also trains its own, one speaker
left out at a time, and the truth is the mean over all corpora: so other training speakers count, too, which the
intervals do not claim to cover. Vectors are Gaussian; a speaker shifts all emotions alike, and each emotion on its own.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import LeaveOneGroupOut, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from ser.files import params
from ser.scores import metrics
from ser.scores.intervals import Bootstrap, IntervalParams

NUMBERS = 30  # of a vector
APART = 0.5  # deviation of the emotions' means, where an utterance has 1


@dataclass(frozen=True)
class Corpus:
    """What corpora are generated.

    Attributes:
        speakers: how many.
        emotions: how many.
        utterances: of each speaker and emotion.
        shift: deviation of a speaker's mean.
        own: deviation of a speaker's mean of an emotion, beside it.
    """

    speakers: int
    emotions: int
    utterances: int
    shift: float
    own: float


KINDS = {
    "10 speakers, alike": Corpus(10, 7, 8, 0.0, 0.0),
    "10 speakers who differ": Corpus(10, 7, 8, 0.7, 0.3),
    "24 speakers who differ": Corpus(24, 8, 8, 0.7, 0.3),
    "9 speakers who differ much": Corpus(9, 6, 20, 1.0, 0.5),
    "24 speakers who differ much": Corpus(24, 6, 20, 1.0, 0.5),
}


def main() -> None:
    """Generate corpora of each kind, train and test on each, and print how often the intervals contain the mean."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=int, default=300, help="of each kind (default: %(default)s)")
    options = parser.parse_args()
    intervals = params.read(Path("params.yaml"), "intervals", IntervalParams)
    rows = []
    with threadpool_limits(1):
        for name, kind in KINDS.items():
            generator = np.random.default_rng(0)
            centres = generator.normal(0, APART, (kind.emotions, NUMBERS))
            found = pd.DataFrame([measured(kind, centres, generator, intervals) for _ in range(options.corpora)])
            row = [name]
            for key in ("uar", "drop"):
                mean = found[key].mean()
                row += [mean, ((found[f"{key}_low"] <= mean) & (mean <= found[f"{key}_high"])).mean()]
            rows.append(row)
    columns = ["corpora", "mean UAR", "interval holds it", "random minus unseen", "interval holds it "]
    print(f"Intervals of {intervals.confidence:.0%}, {options.corpora} corpora each\n")
    print(pd.DataFrame(rows, columns=columns).to_markdown(index=False, floatfmt=".3f"))


def measured(
    kind: Corpus, centres: np.ndarray, generator: np.random.Generator, intervals: IntervalParams
) -> dict[str, float]:
    """Generate a corpus, predict it one speaker out and at random, and score both as the stage `evaluate` does."""
    speakers = np.repeat(np.arange(kind.speakers), kind.emotions * kind.utterances)
    emotions = np.tile(np.repeat(np.arange(kind.emotions), kind.utterances), kind.speakers)
    shifts = generator.normal(0, kind.shift, (kind.speakers, NUMBERS))
    own = generator.normal(0, kind.own, (kind.speakers, kind.emotions, NUMBERS))
    vectors = centres[emotions] + shifts[speakers] + own[speakers, emotions]
    vectors += generator.standard_normal(vectors.shape)
    model = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"))
    cuts = {
        "uar": list(LeaveOneGroupOut().split(vectors, emotions, speakers)),
        "random": list(
            StratifiedKFold(kind.speakers, shuffle=True, random_state=int(generator.integers(2**31))).split(
                vectors, emotions
            )
        ),
    }
    truth, voices = emotions.astype(str), speakers.astype(str)
    names, labels = ([str(number) for number in range(count)] for count in (kind.speakers, kind.emotions))
    stacks = {
        key: metrics.confusions(truth, cross_val_predict(model, vectors, truth, cv=cut), voices, names, labels)
        for key, cut in cuts.items()
    }

    def figures(weights: np.ndarray) -> dict[str, np.ndarray]:
        unseen, random = (metrics.scores(metrics.resampled(stacks[key], weights))["uar"] for key in cuts)
        return {"uar": unseen, "drop": random - unseen}

    needs = metrics.needs(stacks["uar"])["uar"]
    return Bootstrap.of(names, intervals).figures(figures, {"uar": needs, "drop": needs})


if __name__ == "__main__":
    main()
