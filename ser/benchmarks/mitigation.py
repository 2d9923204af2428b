"""What each way to serve groups of people more evenly costs and gains, against the same network without it.

Every system trains on the same folds under the same seeds; the baseline is the network as it is. A system that changes
more than the way itself, as an adversary takes the start by discriminant analysis away, is compared with another system
that changes the rest alone. Two things are measured for each:

- how well it recognises emotions: the UAR of all, of the gender served worse, and the gap between the two;
- what its last hidden layer shows of the speaker, by linear probes (logistic regressions) for gender and identity.
  Both are tested on speakers whom the network was not trained on, as whatever is hidden of the others need not be
  hidden of them (Y. Elazar and Y. Goldberg, "Adversarial removal of demographic attributes from text data", EMNLP
  2018). The probe for gender has not heard them either; the probe for identity must have, so it trains on other
  utterances of theirs, and chooses among all speakers of the corpus.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from joblib import delayed
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser.features import Features
from ser.files.failures import InputError
from ser.files.params import COSTS, check_ranges
from ser.learning import fitting, soft_labels
from ser.learning.recipe import AdversaryParams, Attribute, Recipe, RobustParams, TrainParams
from ser.machine import processes
from ser.scores.intervals import IntervalParams

BASELINE = "baseline"
GENDERS = ("female", "male")
ITERATIONS = 5000  # of a probe's optimiser, at most; about a hundred are needed


@dataclass(frozen=True)
class Changes:
    """What a system changes in the parameters of training (``ser.learning.recipe``); None leaves as it is.

    Attributes:
        against: the system that it is compared with.
    """

    against: str = BASELINE
    normalisation: Literal["train", "speaker", "none"] | None = None
    start: Literal["lda", "none"] | None = None
    labels: Literal["hard", "soft", "smoothed"] | None = None
    smoothing: float | None = None
    group_weights: Attribute | None = None
    adversary: AdversaryParams | None = None
    robust: RobustParams | None = None

    def applied(self, params: TrainParams) -> TrainParams:
        """Give the changed parameters."""
        own = {name: value for name, value in vars(self).items() if name != "against" and value is not None}
        return dataclasses.replace(params, **own)


@dataclass(frozen=True)
class MitigationParams:
    """What is compared, and how.

    Attributes:
        encoder: whose vectors are used.
        systems: the changes, by name; the baseline, which changes nothing, comes first by itself.
        cost: C of the probes' logistic regression.
        folds: of the probe for identity, over utterances.
        intervals: how intervals over speakers are made.
    """

    encoder: str
    systems: dict[str, Changes]
    cost: float
    folds: int
    intervals: IntervalParams

    def __post_init__(self):
        if BASELINE in self.systems:
            raise ValueError(f"systems: expected names other than {BASELINE}, which is there by itself")
        for name, changes in self.systems.items():
            others = [BASELINE, *(other for other in self.systems if other != name)]
            if changes.against not in others:
                raise ValueError(
                    f"systems.{name}.against: expected one of {', '.join(others)}, found '{changes.against}'"
                )
        check_ranges(self, cost=COSTS, folds=(2, math.inf))


def run(
    folds: Sequence[tuple[int, int, str, np.ndarray]],
    features: Features,
    people: pd.DataFrame,
    emotions: list[str],
    train: TrainParams,
    params: MitigationParams,
    workers: int,
    progress: Callable[[Iterable], Iterable] = iter,
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Train and probe every system on every fold.

    Args:
        folds: seed, number, protocol and parts, (utterances,), of each.
        features: the vectors.
        people: the utterances' rows of the manifest, in the same order.
        emotions: the label set.
        train: the network's parameters; the seed is that of the fold.
        params: the systems and the probes.
        workers: processes.
        progress: takes the systems' names and passes them on: ``tqdm``, for one.

    Returns:
        A row per system, seed and test utterance: system, seed, id, prediction, and the guesses of the probes,
        gender_guess and speaker_guess (``""`` where there is none). And why systems were not run, by name.

    Raises:
        InputError: a system's changes do not go together, or the baseline cannot be trained.
    """
    tables, notes = [], {}
    for name in progress([BASELINE, *params.systems]):
        try:
            changed = params.systems[name].applied(train) if name != BASELINE else train
        except ValueError as error:
            raise InputError(f"mitigation.systems.{name}: {error}") from error
        if changed.labels == "soft" and soft_labels.same_as_hard(people, emotions):
            notes[name] = "no votes, or none but for the label: soft labels would be hard ones"
            continue
        jobs = []
        for seed, number, protocol, parts in folds:
            recipe = Recipe(emotions, dataclasses.replace(changed, seed=seed), features.extractor, protocol, number)
            jobs.append(delayed(_fold)(recipe, features.vectors, people, parts, params))
        try:
            found = list(processes.parallel(jobs, workers))
        except InputError as error:
            if name == BASELINE:
                raise
            notes[name] = str(error)
            continue
        tables += [table.assign(system=name, seed=seed) for (seed, *_), table in zip(folds, found, strict=True)]
    return pd.concat(tables, ignore_index=True), notes


def _fold(
    recipe: Recipe, vectors: np.ndarray, people: pd.DataFrame, parts: np.ndarray, params: MitigationParams
) -> pd.DataFrame:
    """Train one fold, and predict and probe its test utterances."""
    speakers, tested = people["speaker"].to_numpy(), parts == "test"
    model, _ = fitting.fit(recipe, vectors, people["emotion"].to_numpy(), parts, speakers, people)
    table = pd.DataFrame({"id": people["id"].to_numpy()[tested]})
    table["prediction"] = model.likeliest(vectors, speakers)[tested]
    hidden = model.hidden(vectors, speakers).astype(np.float64)
    table["gender_guess"] = guess_gender(hidden, people["gender"].to_numpy(), tested, params.cost)
    table["speaker_guess"] = guess_speaker(hidden, speakers, tested, params)
    return table


def guess_gender(hidden: np.ndarray, genders: np.ndarray, tested: np.ndarray, cost: float) -> np.ndarray:
    """Guess the gender of test speakers by a probe that was fitted on all others.

    Args:
        hidden: (utterances, units).
        genders: (utterances,); the probe is fitted to women and men alone.
        tested: (utterances,) whether they are of test speakers.
        cost: C of the logistic regression.

    Returns:
        Words, (test utterances,), ``""`` if there are not women and men to learn from.
    """
    fitted = ~tested & np.isin(genders, GENDERS)
    if len(np.unique(genders[fitted])) < len(GENDERS):
        return np.full(tested.sum(), "", dtype=object)
    return _probe(cost).fit(hidden[fitted], genders[fitted]).predict(hidden[tested])


def guess_speaker(hidden: np.ndarray, speakers: np.ndarray, tested: np.ndarray, params: MitigationParams) -> np.ndarray:
    """Guess which speaker of the corpus it is, by a probe fitted on other utterances.

    Args:
        hidden: (utterances, units).
        speakers: (utterances,).
        tested: (utterances,) which to guess; the others teach as well.
        params: folds over utterances, and the probe's cost.

    Returns:
        Speakers, (test utterances,).
    """
    guess = np.full(len(speakers), "", dtype=object)
    number = min(params.folds, pd.Series(speakers).value_counts().min())
    if number < 2:  # a speaker with a single utterance
        return guess[tested]
    for rest, asked in StratifiedKFold(number, shuffle=True, random_state=0).split(hidden, speakers):
        wanted = asked[tested[asked]]
        if len(wanted):
            guess[wanted] = _probe(params.cost).fit(hidden[rest], speakers[rest]).predict(hidden[wanted])
    return guess[tested]


def _probe(cost: float):
    return make_pipeline(StandardScaler(), LogisticRegression(C=cost, class_weight="balanced", max_iter=ITERATIONS))
