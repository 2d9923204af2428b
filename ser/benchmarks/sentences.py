"""Scores on known and unseen sentences: what encoders owe to test sentences that are in training, too."""

from collections.abc import Mapping

import pandas as pd

from ser.benchmarks import comparison
from ser.benchmarks.ranks import Answers
from ser.benchmarks.sentence_task import KNOWN, UNSEEN, SentenceParams
from ser.scores import words
from ser.scores.intervals import Bootstrap, IntervalParams

FIGURES = (KNOWN, UNSEEN, "gap", "known_difference", "unseen_difference")
NUMBERS = tuple(f"{name}{end}" for name in FIGURES for end in ("", "_low", "_high"))
COLUMNS = ("task", "encoder", *NUMBERS)


def scored(answers: Mapping[str, Answers], reference: str, intervals: IntervalParams) -> pd.DataFrame:
    """Score the encoders on known and on unseen sentences.

    Args:
        answers: of each task; the predictions are those of ``folds``.
        reference: the encoder that every other is compared with.
        intervals: how intervals over speakers are made; all figures of a task share the draws.

    Returns:
        ``COLUMNS``, a row per task and encoder, the best on unseen sentences first: UAR on known and unseen sentences;
        ``gap``, known minus unseen; and how much higher the encoder is than the reference on either.
    """
    lines = []
    for task, asked in answers.items():
        speakers = sorted(set(asked.utterances["speaker"]))
        bootstrap = Bootstrap.of(speakers, intervals)
        needed = comparison.needs(asked.utterances, speakers, asked.emotions)["uar"]
        found = comparison.replicates(asked.predictions, asked.utterances, asked.emotions, speakers, bootstrap)
        uars = {(encoder, kind): scores["uar"] for (encoder, _, _, kind), scores in found.items()}
        own = []
        for encoder in dict.fromkeys(encoder for encoder, _ in uars):
            figures = {kind: uars[encoder, kind] for kind in (KNOWN, UNSEEN)}
            figures["gap"] = figures[KNOWN] - figures[UNSEEN]
            if encoder != reference and (reference, KNOWN) in uars:
                figures |= {f"{kind}_difference": figures[kind] - uars[reference, kind] for kind in (KNOWN, UNSEEN)}
            line = {"task": task, "encoder": encoder}
            for name, values in figures.items():
                line |= {name: values[0]} | bootstrap.interval(values[1:], f"{name}_", needed)
            own.append(line)
        lines += sorted(own, key=lambda line: -line[UNSEEN])
    return pd.DataFrame(lines, columns=list(COLUMNS))


def nested(figures: pd.DataFrame) -> dict[str, dict[str, dict[str, float]]]:
    """Key the numbers of ``scored`` by task and encoder, for JSON; those that are missing are left out."""
    result: dict[str, dict[str, dict[str, float]]] = {}
    for row in figures.to_dict("records"):
        numbers = {name: row[name] for name in NUMBERS if pd.notna(row[name])}
        result.setdefault(row["task"], {})[row["encoder"]] = numbers
    return result


def page(figures: pd.DataFrame, asked: Mapping[str, str], params: SentenceParams, reference: str, level: float) -> str:
    """Word the figures as a page of Markdown.

    Args:
        figures: from ``scored``.
        asked: what each task is, by name.
        params: what was done.
        reference: the encoder that every other is compared with.
        level: the confidence of the intervals.
    """
    lines = [
        "# Benchmark: unseen sentences",
        "",
        "Made by `dvc repro benchmarks/dvc.yaml`; do not edit.",
        "",
        "The same test utterances, of speakers who are not in training, twice: with their sentences in training "
        "(known), and without (unseen). Either way as many utterances of each speaker and emotion are learned from, so "
        f"that the difference is the sentence's alone. Classifier `{params.classifier}`, normalised by the training "
        f"utterances. UAR, in brackets {level:.0%} intervals, which resample test speakers; of differences, paired "
        "ones.",
        "",
        "![encoders on known and unseen sentences](../plots/benchmark_sentences.png)",
        "",
    ]
    for task, rows in figures.groupby("task", sort=False):
        shown = [
            {
                "encoder": row["encoder"],
                "known sentences": words.estimate(row, KNOWN),
                "unseen sentences": words.estimate(row, UNSEEN),
                "known minus unseen": words.estimate(row, "gap", sign=True),
                f"unseen: minus {reference}'s": _difference(row, UNSEEN),
                f"known: minus {reference}'s": _difference(row, KNOWN),
            }
            for row in rows.to_dict("records")
        ]
        told = pd.DataFrame(shown).to_markdown(index=False, disable_numparse=True)
        lines += [f"## {task}", "", asked[task], "", told, ""]
    return "\n".join(lines)


def _difference(row: Mapping[str, float], kind: str) -> str:
    key = f"{kind}_difference"
    return words.estimate(row, key, sign=True) if pd.notna(row[key]) else ""
