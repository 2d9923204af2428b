"""Scores on known and unseen sentences: what encoders owe to test sentences that are in training, too."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ser.benchmarks import comparison
from ser.benchmarks.sentence_task import KNOWN, UNSEEN, SentenceParams
from ser.benchmarks.tasks import Answers
from ser.scores import words
from ser.scores.intervals import Bootstrap, IntervalParams
from ser.splits.sentences import named

FIGURES = (KNOWN, UNSEEN, "gap", "known_difference", "unseen_difference")
NUMBERS = tuple(f"{name}{end}" for name in FIGURES for end in ("", "_low", "_high", "_sd"))
COLUMNS = ("task", "encoder", *NUMBERS)
TIED, FREE = "tied", "free"  # sentences said in one emotion only, and in every emotion


def scored(answers: Mapping[str, Answers], reference: str, intervals: IntervalParams) -> pd.DataFrame:
    """Score the encoders on known and on unseen sentences.

    Args:
        answers: of each task; the predictions are those of ``folds``.
        reference: the encoder that every other is compared with.
        intervals: how intervals over speakers are made; all figures of a task and all seeds share the draws.

    Returns:
        ``COLUMNS``, a row per task and encoder, the best on unseen sentences first: UAR on known and unseen sentences;
        ``gap``, known minus unseen; and how much higher the encoder is than the reference on either. All are means over
        the seeds; ``_sd`` is the standard deviation over these, missing of one.
    """
    lines = []
    for task, asked in answers.items():
        speakers = sorted(set(asked.utterances["speaker"]))
        bootstrap = Bootstrap.of(speakers, intervals)
        emotions = asked.task.emotions
        needed = comparison.needs(asked.utterances, speakers, emotions)["uar"]
        found = [
            comparison.replicates(part, asked.utterances, emotions, speakers, bootstrap)
            for _, part in asked.predictions.groupby("seed")
        ]
        # By encoder and kind (seeds, 1 + resamples).
        uars = {(key[0], key[3]): np.stack([each[key]["uar"] for each in found]) for key in found[0]}
        own = []
        for encoder in dict.fromkeys(encoder for encoder, _ in uars):
            figures = {kind: uars[encoder, kind] for kind in (KNOWN, UNSEEN)}
            figures["gap"] = figures[KNOWN] - figures[UNSEEN]
            if encoder != reference and (reference, KNOWN) in uars:
                figures |= {f"{kind}_difference": figures[kind] - uars[reference, kind] for kind in (KNOWN, UNSEEN)}
            line = {"task": task, "encoder": encoder}
            for name, values in figures.items():
                mean = values.mean(axis=0)
                line |= {name: mean[0]} | bootstrap.interval(mean[1:], f"{name}_", needed)
                line |= {f"{name}_sd": values[:, 0].std(ddof=1)} if len(found) > 1 else {}
            own.append(line)
        lines += sorted(own, key=lambda line: -line[UNSEEN])
    return pd.DataFrame(lines, columns=list(COLUMNS))


def apart(answers: Mapping[str, Answers]) -> dict[str, Answers]:
    """Set apart the utterances whose sentence gives the emotion away, and those whose sentence gives none away.

    A score over both mixes what an encoder hears of the emotion with what tied sentences in training made of it.

    Args:
        answers: of each task.

    Returns:
        Of the tasks that have every emotion in both parts, ``<task>_tied`` and ``<task>_free``.
    """
    result = {}
    for task, asked in answers.items():
        rows, emotions = asked.utterances, set(asked.task.emotions)
        said_in = rows["emotion"].groupby(named(rows, "sentences")).transform("nunique")
        parts = {TIED: rows[said_in == 1], FREE: rows[said_in == len(emotions)]}
        if all(set(part["emotion"]) == emotions for part in parts.values()):
            for name, part in parts.items():
                own = asked.predictions[asked.predictions["id"].isin(part["id"])]
                result[f"{task}_{name}"] = Answers(asked.task, part.reset_index(drop=True), own)
    return result


def nested(figures: pd.DataFrame) -> dict[str, dict[str, dict[str, float]]]:
    """Key the numbers of ``scored`` by task and encoder, for JSON; those that are missing are left out."""
    result: dict[str, dict[str, dict[str, float]]] = {}
    for row in figures.to_dict("records"):
        numbers = {name: row[name] for name in NUMBERS if pd.notna(row[name])}
        result.setdefault(row["task"], {})[row["encoder"]] = numbers
    return result


def page(
    figures: pd.DataFrame, asked: Mapping[str, str], params: SentenceParams, reference: str, confidence: float
) -> str:
    """Word the figures as a page of Markdown.

    Args:
        figures: from ``scored``.
        asked: what each task is, by name.
        params: what was done.
        reference: the encoder that every other is compared with.
        confidence: of the intervals.
    """
    lines = [
        "# Benchmark: unseen sentences",
        "",
        "Made by `dvc repro benchmarks/dvc.yaml`; do not edit.",
        "",
        "The same test utterances, of speakers who are not in training, twice: with their sentences in training "
        "(known), and without (unseen). Either way as many utterances of each speaker and emotion are learned from; "
        "unseen, these are of fewer different sentences. The sentences are put into "
        f"{params.groups} groups, or as many as there are, one of which is tested: so the worth of a known sentence "
        "also hangs on how large a part of training its group is, and does not compare between corpora.",
        "",
        f"Classifier `{params.classifier}`, normalised by the training utterances. UAR, the mean over "
        f"{len(params.seeds)} draws of the groups of sentences and of the folds; in brackets {confidence:.0%} "
        "intervals, which resample test speakers; of differences, paired ones. SD: the standard deviation over the "
        "draws, which the intervals do not cover; 0.000 of unseen sentences where all draws came out the same.",
        "",
        f"Where a corpus has both, `_{TIED}` are its utterances whose sentence is said in one emotion only, `_{FREE}` "
        "those whose sentence is said in every emotion, of the same predictions. Training is on both: an encoder that "
        "hears sentences learns from tied ones what is wrong of others.",
        "",
        "![encoders on known and unseen sentences](../plots/benchmark_sentences.png)",
        "",
    ]
    for task, rows in figures.groupby("task", sort=False):
        shown = [
            {
                "encoder": row["encoder"],
                "known sentences": _estimate(row, KNOWN),
                "unseen sentences": _estimate(row, UNSEEN),
                "known minus unseen": _estimate(row, "gap", sign=True),
                f"unseen: minus {reference}'s": _estimate(row, f"{UNSEEN}_difference", sign=True),
                f"known: minus {reference}'s": _estimate(row, f"{KNOWN}_difference", sign=True),
            }
            for row in rows.to_dict("records")
        ]
        told = pd.DataFrame(shown).to_markdown(index=False, disable_numparse=True)
        lines += [f"## {task}", "", asked[task], "", told, ""]
    return "\n".join(lines)


def _estimate(row: Mapping[str, float], key: str, sign: bool = False) -> str:
    """Write a figure, its interval and its deviation over the draws; nothing where there is none."""
    if pd.isna(row[key]):
        return ""
    spread = f"; SD {words.number(row[f'{key}_sd'])}" if pd.notna(row[f"{key}_sd"]) else ""
    return words.estimate(row, key, sign=sign) + spread
