"""What utterances of other corpora in training are worth: each corpus tested with and without them, whole and cut.

Corpora are cut to a few speakers because few are what a new corpus has. A cut is drawn several times, for who is drawn
matters; the predictions of all draws are pooled, and an interval resamples the speakers whom any draw tests.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from joblib import delayed
from threadpoolctl import threadpool_limits

from ser.benchmarks.tasks import Task
from ser.features import Features
from ser.files.params import SEEDS
from ser.learning import fitting
from ser.learning.choices import Auxiliary
from ser.learning.recipe import Recipe, TrainParams
from ser.machine import processes
from ser.scores import words
from ser.scores.intervals import Bootstrap, IntervalParams
from ser.scores.metrics import confusions, needs, resampled, scores
from ser.splits import protocols, table
from ser.splits.protocols import SplitParams

WHOLE = 0  # speakers of a corpus that is not cut
KEYS = ["task", "speakers", "classifier"]
FIGURES = ("alone", "lent", "difference")
NUMBERS = tuple(f"{name}{end}" for name in FIGURES for end in ("", "_low", "_high"))
COLUMNS = (*KEYS, "draws", *NUMBERS, "share")


@dataclass(frozen=True)
class LendingParams:
    """What is tested, and what lends to it.

    Attributes:
        tasks: each is tested by itself, and the corpora of the others lend to it.
        classifiers: ``train.classifier``s.
        speakers: to how many a corpus is cut, then one of them is tested at a time; ``WHOLE`` for all, in the task's
            own protocol. A corpus that has no more than these is not cut to them.
        seeds: each draws other speakers, and other initial weights; a whole corpus is run under the first.
        intervals: how intervals over speakers are made.
    """

    tasks: list[str]
    classifiers: list[Literal["mlp", "lda", "svm"]]
    speakers: list[int]
    seeds: list[int]
    intervals: IntervalParams

    def __post_init__(self):
        if len(set(self.tasks)) < max(2, len(self.tasks)):
            raise ValueError(f"tasks: expected at least two, each once, found {', '.join(self.tasks) or 'none'}")
        if (
            not self.seeds
            or len(set(self.seeds)) < len(self.seeds)
            or min(self.seeds) < 0
            or max(self.seeds) > SEEDS[1]
        ):
            raise ValueError(f"seeds: expected different whole numbers from 0 to {SEEDS[1]}, found {self.seeds}")
        if not self.speakers or any(number != WHOLE and number < 4 for number in self.speakers):
            raise ValueError(f"speakers: expected {WHOLE} for all, or 4 or more, found {self.speakers}")


@dataclass(frozen=True)
class Corpus:
    """A corpus as a task asks for it.

    Attributes:
        task: the label set and the protocol.
        people: its utterances' rows of the manifest.
        features: their vectors, in the same order.
    """

    task: Task
    people: pd.DataFrame
    features: Features


@dataclass(frozen=True)
class Job:
    """One fold of one corpus, whole or cut, for one classifier, with the others lending or not."""

    task: str
    speakers: int
    seed: int
    classifier: str
    lends: bool
    rows: np.ndarray
    fold: tuple[str, int, np.ndarray]


def lenders(corpora: Mapping[str, Corpus], tested: str) -> Auxiliary:
    """Put together what other corpora may lend to a task: their utterances of its emotions.

    Args:
        corpora: by task; those of the tested one's own corpus lend nothing.
        tested: the task.
    """
    home, parts = corpora[tested].task, []
    for other in corpora.values():
        if other.task.corpus != home.corpus:
            shared = other.people["emotion"].isin(home.emotions).to_numpy()
            parts.append((other.people[shared], other.features.vectors[shared]))
    people, vectors = zip(*parts, strict=True)
    return Auxiliary(pd.concat(people, ignore_index=True), np.concatenate(vectors))


def cut(people: pd.DataFrame, number: int, seed: int) -> np.ndarray:
    """Draw speakers, as many women as men where there are enough of both.

    Args:
        people: the utterances' rows of the manifest.
        number: of the speakers, ``WHOLE`` for all.
        seed: of the draw.

    Returns:
        Positions of the utterances of these speakers, in order.
    """
    if number == WHOLE:
        return np.arange(len(people))
    known = people.drop_duplicates("speaker").sort_values("speaker", ignore_index=True)
    chance = pd.Series(np.random.default_rng(seed).random(len(known)))
    order = np.lexsort(
        (chance, chance.groupby(known["gender"]).rank())
    )  # the first of each gender, then the second ...
    return np.flatnonzero(people["speaker"].isin(known["speaker"].iloc[order[:number]]))


def jobs(corpora: Mapping[str, Corpus], params: LendingParams, folds: int, share: float) -> Iterator[Job]:
    """List what is to be done, the largest corpora first, so that workers end together.

    Args:
        corpora: by task.
        params: what is tested.
        folds: of the protocol ``kfold``.
        share: of the training speakers, who validate.

    Raises:
        InputError: a corpus, or a draw of its speakers, does not allow the protocol.
    """
    listed = []
    for name in params.tasks:
        task, people = corpora[name].task, corpora[name].people
        for number in params.speakers:
            if number >= people["speaker"].nunique():
                continue
            for seed in params.seeds if number != WHOLE else params.seeds[:1]:
                rows = cut(people, number, seed)
                some = people.iloc[rows].reset_index(drop=True)
                protocol = "loso" if number != WHOLE else task.protocol
                split = protocols.make(some, task.emotions, SplitParams(protocol, folds, share, share, seed))
                table.check(split, some)
                for fold in table.folds(split, some):
                    if fold[0] == protocol:
                        listed += [
                            Job(name, number, seed, classifier, lends, rows, fold)
                            for classifier in params.classifiers
                            for lends in (False, True)
                        ]
    yield from sorted(listed, key=lambda job: -len(job.rows))


def run(
    corpora: Mapping[str, Corpus],
    wanted: Sequence[Job],
    network: TrainParams,
    workers: int = 1,
    progress: Callable[..., Iterable[pd.DataFrame]] = lambda tables, total: tables,
) -> pd.DataFrame:
    """Predict the test utterances of all jobs: the same however many workers there are.

    Args:
        corpora: by task.
        wanted: the jobs.
        network: the block ``train``; classifier and seed come from the job.
        workers: processes.
        progress: wraps the tables as they come, with ``total``, their number.

    Returns:
        A row an utterance and job: ``KEYS``, ``seed``, ``lends``, ``id``, ``prediction`` and ``share``, how many
        utterances were lent for each own one that trains.
    """
    lent = {name: lenders(corpora, name) for name in corpora}
    calls = [
        delayed(_predicted)(job, corpora[job.task], lent[job.task] if job.lends else None, network) for job in wanted
    ]
    done = processes.parallel(calls, workers)
    return pd.concat(progress(done, total=len(calls)), ignore_index=True)


def scored(predictions: pd.DataFrame, corpora: Mapping[str, Corpus], intervals: IntervalParams) -> pd.DataFrame:
    """Score each corpus and classifier without others and with them.

    Args:
        predictions: as from ``run``.
        corpora: by task.
        intervals: how intervals are made.

    Returns:
        ``COLUMNS``: the UAR ``alone``, and with the others, ``lent``; their paired ``difference``; how many utterances
        were lent for each own one, the mean over test utterances, in ``share``.
    """
    lines = []
    for (name, number, classifier), rows in predictions.groupby(KEYS, sort=False):
        emotions, people = corpora[name].task.emotions, corpora[name].people
        rows = rows.merge(people[["id", "emotion", "speaker"]], on="id", validate="many_to_one")
        speakers = sorted(set(rows["speaker"]))
        stacks = {
            lends: confusions(part["emotion"], part["prediction"], part["speaker"], speakers, emotions)
            for lends, part in rows.groupby("lends")
        }

        def figures(weights: np.ndarray, stacks: dict[bool, np.ndarray] = stacks) -> dict[str, np.ndarray]:
            alone, lent = (scores(resampled(stacks[lends], weights))["uar"] for lends in (False, True))
            return {"alone": alone, "lent": lent, "difference": lent - alone}

        found = Bootstrap.of(speakers, intervals).figures(figures, dict.fromkeys(FIGURES, needs(stacks[True])["uar"]))
        share = rows.loc[rows["lends"], "share"].mean()
        key = {"task": name, "speakers": number, "classifier": classifier, "draws": rows["seed"].nunique()}
        lines.append(key | found | {"share": share})
    return pd.DataFrame(lines, columns=list(COLUMNS))


def nested(lines: pd.DataFrame) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """Key the numbers of ``scored`` by task, speakers (``all`` or ``six``, as a number) and classifier, for JSON."""
    found: dict = {}
    for line in lines.to_dict("records"):
        place = found.setdefault(line["task"], {}).setdefault(_speakers(line["speakers"]), {})
        place[line["classifier"]] = {name: line[name] for name in (*NUMBERS, "share") if pd.notna(line[name])}
    return found


def summary(lines: pd.DataFrame) -> str:
    """Say the mean difference of each size and classifier."""
    means = lines.groupby(["speakers", "classifier"], sort=False)["difference"].mean()
    return ", ".join(
        f"{classifier}, {_speakers(number)} speakers: {words.number(value, sign=True)}"
        for (number, classifier), value in means.items()
    )


def page(lines: pd.DataFrame, encoder: str, corpora: Mapping[str, Corpus], params: LendingParams) -> str:
    """Write the table of ``scored`` as a page of Markdown."""
    titles = {"alone": "alone", "lent": "with others", "difference": "difference", "share": "lent"}
    head = [
        "# What other corpora in training are worth",
        "Made by `dvc repro benchmarks/dvc.yaml`; do not edit.",
        f"Each corpus tested without others and with the other {len(corpora) - 1} in `auxiliary.corpora`; vectors of "
        f"`{encoder}`. A whole corpus has the protocol of the [benchmark](benchmark.md) and one seed. One that "
        f"is cut has one speaker out, {len(params.seeds)} draws of the speakers, as many women as men, and the "
        f"predictions of all draws pooled. UAR; in brackets {params.intervals.confidence:.0%} intervals, which "
        "resample speakers; differences are paired. Lent: utterances for each own one that trains, as the validation "
        "speakers chose, the mean over test utterances.",
    ]
    for classifier, part in lines.groupby("classifier", sort=False):
        shown = pd.DataFrame({"corpus": part["task"], "speakers": part["speakers"].map(_speakers)})
        for name, title in titles.items():
            cells = part.apply(words.estimate, axis=1, key=name, otherwise="", sign=name == "difference")
            shown[title] = cells if name != "share" else part["share"].map("{:.2f}".format)
        means = part.groupby("speakers", sort=False)["difference"].agg(["mean", "size"])
        said = [f"{words.number(row['mean'], sign=True)} with {_speakers(size)}" for size, row in means.iterrows()]
        head += [
            f"## `{classifier}`",
            shown.to_markdown(index=False, disable_numparse=True),
            f"The mean difference over the corpora, by speakers: {', '.join(said)}.",
        ]
    return "\n\n".join(head) + "\n"


def _predicted(job: Job, corpus: Corpus, lent: Auxiliary | None, network: TrainParams) -> pd.DataFrame:
    """Train on a fold and predict its test utterances, on one thread."""
    protocol, number, parts = job.fold
    people, vectors = corpus.people.iloc[job.rows], corpus.features.vectors[job.rows]
    settings = replace(network, classifier=job.classifier, seed=job.seed)
    recipe = Recipe(list(corpus.task.emotions), settings, corpus.features.extractor, protocol, number)
    truth, speakers = people["emotion"].to_numpy(), people["speaker"].to_numpy()
    with threadpool_limits(1):
        model, _ = fitting.fit(recipe, vectors, truth, parts, speakers, auxiliary=lent)
    test = parts == "test"
    keys = {key: getattr(job, key) for key in (*KEYS, "seed", "lends")}
    predicted = model.likeliest(vectors, speakers)[test]
    return pd.DataFrame({**keys, "id": people["id"].to_numpy()[test], "prediction": predicted, "share": model.lent})


def _speakers(number: int) -> str:
    return "all" if number == WHOLE else str(number)
