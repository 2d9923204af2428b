"""Systems over several corpora: their mean UAR, their mean rank, and what of the differences would hold for others.

Two questions, two answers. Would other speakers of these corpora say the same? The mean over corpora of a paired
difference, with an interval that resamples the speakers of each. Would other corpora? Friedman's test and the critical
difference of mean ranks after Nemenyi (J. Demšar, "Statistical comparisons of classifiers over multiple data sets",
Journal of Machine Learning Research 7, 2006); with few corpora it can tell apart little, and the page says so.
"""

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from ser.benchmarks import comparison
from ser.benchmarks.comparison import SYSTEM, System
from ser.benchmarks.tasks import Answers
from ser.files.failures import InputError
from ser.files.params import check_ranges
from ser.scores import words
from ser.scores.intervals import Bootstrap, IntervalParams
from ser.splits.names import RANDOM

LEAST_SYSTEMS = 3  # that Friedman's test compares
TRAIN = "train"  # the normalisation that uses nothing of a test speaker but the utterance


@dataclass(frozen=True)
class OverCorporaParams:
    """What is compared over corpora.

    Attributes:
        tasks: their names, one a corpus.
        reference: the system that all systems are compared with.
        alpha: the level of the Nemenyi test.
        chosen_on: those tasks on which an encoder, a layer or a classifier was chosen: their figures are too good.
    """

    tasks: list[str]
    reference: System
    alpha: float
    chosen_on: list[str] = field(default_factory=list)

    def __post_init__(self):
        if len(set(self.tasks)) < max(2, len(self.tasks)):
            raise ValueError(f"tasks: expected at least two, each once, found {', '.join(self.tasks) or 'none'}")
        if not set(self.chosen_on) < set(self.tasks):
            raise ValueError(f"chosen_on: expected some of the tasks, not all, found {', '.join(self.chosen_on)}")
        check_ranges(self, alpha=(0.0001, 0.5))


def table(
    answers: Mapping[str, Answers], reference: System, params: IntervalParams, chosen_on: Collection[str] = ()
) -> pd.DataFrame:
    """Score the systems that every task has, speakers apart, normalised by the training speakers.

    Args:
        answers: by task, all of different speakers.
        reference: the system to compare with.
        params: how intervals are made; each task draws for itself.
        chosen_on: tasks on which something was chosen.

    Returns:
        A row per system, the best mean rank first: encoder, classifier, ``rank`` (mean over tasks, 1 the best), and
        with ``_low`` and ``_high`` the UAR of each task under its name, ``mean``, and ``difference``, the mean minus
        the reference's; where something was chosen, ``mean_others`` and ``difference_others``, over the other tasks.

    Raises:
        InputError: the reference is not among the systems that every task has.
    """
    tested, bootstraps, needed = {}, {}, {}
    for number, (task, asked) in enumerate(answers.items()):
        rows = asked.predictions
        rows = rows[(rows["normalisation"] == TRAIN) & (rows["protocol"] != RANDOM)]
        speakers = sorted(set(asked.utterances["speaker"]))
        own = dataclasses.replace(params, seed=params.seed + number)
        bootstraps[task] = Bootstrap.of(speakers, own)
        emotions = asked.task.emotions
        needed[task] = comparison.needs(asked.utterances, speakers, emotions)["uar"]
        scored = comparison.replicates(rows, asked.utterances, emotions, speakers, bootstraps[task])
        tested[task] = {key[: len(SYSTEM)]: scores["uar"] for key, scores in scored.items()}
    systems = [key for key in next(iter(tested.values())) if all(key in others for others in tested.values())]
    compared = dataclasses.astuple(reference)
    if compared not in systems:
        raise InputError(
            f"over_corpora.reference: expected a system that every task has, found {' + '.join(compared)}; "
            f"all have {', '.join(' + '.join(system[:2]) for system in systems) or 'none'}"
        )
    counts = {len(uar) for scores in tested.values() for uar in scores.values()}
    over = {"": list(tested)} | ({"_others": [task for task in tested if task not in chosen_on]} if chosen_on else {})
    uars = pd.DataFrame({task: [tested[task][key][0] for key in systems] for task in tested})
    ranks = uars.rank(ascending=False).mean(axis=1)
    # The task with the fewest degrees of freedom gives those of what is over all tasks.
    careful = {
        of: min(tasks, key=lambda task: (not bootstraps[task].obstacle, bootstraps[task].freedom(needed[task])))
        for of, tasks in over.items()
    }
    rare = {of: any(bootstraps[task].misses(needed[task]) for task in tasks) for of, tasks in over.items()}
    lines = []
    for key, rank in zip(systems, ranks, strict=True):
        line = {"encoder": key[0], "classifier": key[1], "rank": rank}
        for task in tested:
            line |= {task: tested[task][key][0]} | bootstraps[task].interval(
                tested[task][key][1:], f"{task}_", needed[task]
            )
        for of, tasks in over.items():
            own, others = (
                np.mean([tested[task][system][: min(counts)] for task in tasks], axis=0) for system in (key, compared)
            )
            for name, replicates in ((f"mean{of}", own), (f"difference{of}", own - others)):
                if name == f"mean{of}" or key != compared:
                    drawn, needs = bootstraps[careful[of]], needed[careful[of]]
                    bounds = {} if rare[of] else drawn.interval(replicates[1:], f"{name}_", needs)
                    line |= {name: replicates[0]} | bounds
        lines.append(line)
    return pd.DataFrame(lines).sort_values(["rank", "mean"], ascending=[True, False], ignore_index=True)


def friedman(scored: pd.DataFrame, tasks: Sequence[str]) -> float:
    """Give the p-value of Friedman's test that no system ranks above another.

    Raises:
        InputError: there are fewer than three systems.
    """
    if len(scored) < LEAST_SYSTEMS:
        raise InputError(
            f"over_corpora.tasks: expected at least {LEAST_SYSTEMS} systems that every task has, for Friedman's test, "
            f"found {len(scored)}; give the tasks more encoders or classifiers in common"
        )
    return float(stats.friedmanchisquare(*scored[list(tasks)].to_numpy()).pvalue)


def critical_difference(systems: int, corpora: int, alpha: float) -> float:
    """Give the least difference of mean ranks that the Nemenyi test shows, at a level for all pairs together."""
    quantile = stats.studentized_range.ppf(1 - alpha, systems, np.inf) / math.sqrt(2)
    return float(quantile * math.sqrt(systems * (systems + 1) / (6 * corpora)))


def nested(scored: pd.DataFrame, params: OverCorporaParams) -> dict:
    """Key a table's numbers by encoder and classifier, for JSON; beside them, the tests over corpora."""
    result = {
        "corpora": len(params.tasks),
        "critical_difference": critical_difference(len(scored), len(params.tasks), params.alpha),
        "friedman_p": friedman(scored, params.tasks),
    }
    for row in scored.to_dict("records"):
        numbers = {name: value for name, value in row.items() if name not in SYSTEM and pd.notna(value)}
        result.setdefault(row["encoder"], {})[row["classifier"]] = numbers
    return result


def page(scored: pd.DataFrame, params: OverCorporaParams, asked: Mapping[str, str], confidence: float) -> str:
    """Word a table as a page of Markdown.

    Args:
        scored: from ``table``.
        params: what was compared.
        asked: what each task is, by name.
        confidence: of the intervals.
    """
    records = scored.to_dict("records")
    shown = pd.DataFrame(
        {
            "system": [f"{row['encoder']} + {row['classifier']}" for row in records],
            "mean rank": [f"{row['rank']:.2f}" for row in records],
            "mean UAR": [words.estimate(row, "mean") for row in records],
            "mean UAR minus the reference's": [
                words.estimate(row, "difference", sign=True) if pd.notna(row["difference"]) else "" for row in records
            ],
            **(
                {f"mean without {', '.join(params.chosen_on)}": [words.estimate(row, "mean_others") for row in records]}
                if params.chosen_on
                else {}
            ),
            **{task: [words.estimate(row, task) for row in records] for task in params.tasks},
        }
    )
    critical = critical_difference(len(scored), len(params.tasks), params.alpha)
    spread = scored["rank"].max() - scored["rank"].min()
    told = "the best and the worst differ by more" if spread > critical else "no two of these do"
    reference = f"{params.reference.encoder} + {params.reference.classifier}"
    lines = [
        "# Benchmark: over corpora",
        "",
        "Made by `dvc repro benchmarks/dvc.yaml`; do not edit.",
        "",
        "Systems on the same folds, speakers apart, normalised by the training speakers; UAR with intervals of "
        f"{confidence:.0%} over speakers. The reference is {reference}; its row has no difference."
        + (
            f" Encoders, layers or classifiers were chosen on {', '.join(params.chosen_on)}, whose figures are "
            "therefore optimistic; one mean leaves them out."
            if params.chosen_on
            else ""
        ),
        "",
        *(f"- {task}: {text}" for task, text in asked.items()),
        "",
        "![systems over corpora](../plots/benchmark_over_corpora.png)",
        "",
        shown.to_markdown(index=False, disable_numparse=True),
        "",
        "The differences say what other speakers of these corpora would show. What other corpora would show is another "
        f"question: Friedman's test over {len(params.tasks)} corpora gives "
        f"{words.p_value(friedman(scored, params.tasks))}; at level {params.alpha:g} the Nemenyi test tells two of "
        f"{len(scored)} systems apart where their mean ranks differ by more than {critical:.2f}: {told}.",
    ]
    return "\n".join(lines) + "\n"
