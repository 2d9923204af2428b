"""What an encoder's features are worth: pooled vectors, a linear classifier, one speaker left out at a time.

The same pooling, normalisation and classifier serve every encoder, so that a difference is the features'. Nothing is
tuned here: the classifier's cost is fixed by params.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from ser.files.params import COSTS, check_ranges
from ser.pretraining.prosody_probe import ProsodyParams
from ser.scores import metrics
from ser.scores.intervals import IntervalParams


@dataclass(frozen=True)
class Task:
    """A corpus and the emotions to tell apart in it.

    Attributes:
        corpus: the name of the corpus.
        emotions: the label set.
    """

    corpus: str
    emotions: list[str]


@dataclass(frozen=True)
class ProbeParams:
    """How to probe.

    Attributes:
        corpora: the folder of each corpus, by name; the pipeline puts them on the stage's command line.
        tasks: by name.
        baselines: encoders to compare with, out of ``ser.encoders.catalogue.ENCODERS``.
        statistics: how frames are pooled.
        cost: the linear support vector machine's C.
        prosody: whose frames are asked what they know of pitch and the like.
        intervals: how intervals over speakers are made.
    """

    corpora: dict[str, str]
    tasks: dict[str, Task]
    baselines: list[str]
    statistics: list[str]
    cost: float
    prosody: ProsodyParams
    intervals: IntervalParams

    def __post_init__(self) -> None:
        check_ranges(self, cost=COSTS)
        for name, task in self.tasks.items():
            if task.corpus not in self.corpora:
                raise ValueError(
                    f"tasks.{name}: expected a corpus out of {', '.join(self.corpora)}, found {task.corpus}"
                )
        for corpus in self.corpora:
            if not self.tasks_of(corpus):
                raise ValueError(f"corpora.{corpus}: expected a task on it, found none")

    def tasks_of(self, corpus: str) -> dict[str, Task]:
        """Find the tasks on a corpus, by name."""
        return {name: task for name, task in self.tasks.items() if task.corpus == corpus}

    def emotions_of(self, corpus: str) -> list[str]:
        """List the emotions that any task on a corpus needs, sorted."""
        return sorted({emotion for task in self.tasks_of(corpus).values() for emotion in task.emotions})


def by_hours(snapshots: Sequence[Path], losses: pd.DataFrame) -> dict[float, Path]:
    """Say how many hours of audio each snapshot had seen.

    Args:
        snapshots: files whose name is the number of steps taken.
        losses: the run's table, with step and hours.

    Returns:
        Hours to file, in the order given.
    """
    last = losses.iloc[-1]
    return {last["hours"] * (int(path.stem) / last["step"]): path for path in snapshots}  # of the last step, its hours


def predict(vectors: np.ndarray, labels: np.ndarray, speakers: np.ndarray, cost: float) -> np.ndarray:
    """Predict every utterance by a classifier that never heard its speaker.

    Args:
        vectors: (utterances, numbers).
        labels: (utterances,).
        speakers: (utterances,).
        cost: the machine's C; classes are weighed by their inverse frequency.

    Returns:
        (utterances,) predicted labels. Vectors are standardised by the training speakers' mean and deviation.
    """
    machine = LinearSVC(C=cost, class_weight="balanced", dual=True, max_iter=20_000, random_state=0)
    classifier = make_pipeline(StandardScaler(), machine)
    return cross_val_predict(classifier, vectors, labels, groups=speakers, cv=LeaveOneGroupOut())


def score(vectors: np.ndarray, manifest: pd.DataFrame, params: ProbeParams) -> dict[str, float]:
    """Score the vectors of a corpus.

    Args:
        vectors: (utterances, numbers), in the manifest's order.
        manifest: the utterances, with emotion and speaker.
        params: how.

    Returns:
        ``uar``, with ``uar_low`` and ``uar_high`` over speakers.
    """
    truth, speakers = manifest["emotion"].to_numpy(), manifest["speaker"].to_numpy()
    rows = pd.DataFrame(
        {
            "truth": truth,
            "prediction": predict(vectors, truth, speakers, params.cost),
            "speaker": speakers,
            "protocol": "loso",
            "fold": pd.factorize(speakers)[0],
        }
    )
    result = metrics.summary(rows, sorted(set(truth)), params.intervals)
    return {name: result[name] for name in ("uar", "uar_low", "uar_high") if name in result}
