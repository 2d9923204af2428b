"""Two variants of the pipeline on the same utterances: their scores, and the differences, paired by speaker.

A speaker who is hard for one variant is hard for the other, too, so the interval of the difference is narrower than the
two scores' intervals let one think. All of them are about other test speakers under the models as they are; what
another seed of the training would change, they do not say.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ser import predictions
from ser.files.failures import InputError
from ser.scores import words
from ser.scores.intervals import Bootstrap, IntervalParams
from ser.scores.metrics import confusions, needs, resampled, scores

FIGURES = ("uar", "accuracy", "macro_f1")
DIFFERENCE = "difference"


def table(
    first: pd.DataFrame, second: pd.DataFrame, manifest: pd.DataFrame, emotions: Sequence[str], params: IntervalParams
) -> pd.DataFrame:
    """Score both variants and their difference, under each protocol that both have.

    Args:
        first: predictions of a variant.
        second: of the other.
        manifest: the utterances of both.
        emotions: the label set of both.
        params: how intervals are made.

    Returns:
        A row for each protocol and each of ``FIGURES``: protocol, figure, utterances, speakers; the figure of the
        ``first`` and the ``second`` variant and their ``difference``, second minus first, each with ``_low`` and
        ``_high`` where there are enough speakers.

    Raises:
        InputError: no protocol is in both, or the two test other utterances under one of them.
    """
    shared = sorted(set(first["protocol"]) & set(second["protocol"]))
    if not shared:
        found = (", ".join(sorted(set(part["protocol"]))) for part in (first, second))
        raise InputError(f"expected a protocol that both variants have, found {next(found)} and {next(found)}")
    rows = []
    for protocol in shared:
        people = [
            predictions.with_people(part[part["protocol"] == protocol], manifest).sort_values("id")
            for part in (first, second)
        ]
        _check_same(protocol, *people)
        speakers = sorted(set(people[0]["speaker"]))
        counts = [confusions(part["truth"], part["prediction"], part["speaker"], speakers, emotions) for part in people]
        bootstrap = Bootstrap.of(speakers, params)
        needed = needs(*counts)
        weights = np.concatenate([np.ones((1, len(speakers))), bootstrap.weights])  # all speakers, then the draws
        one, other = (scores(resampled(stack, weights)) for stack in counts)
        for figure in FIGURES:
            row = {"protocol": protocol, "figure": figure, "utterances": len(people[0]), "speakers": len(speakers)}
            sides = {"first": one[figure], "second": other[figure], DIFFERENCE: other[figure] - one[figure]}
            for name, values in sides.items():
                row |= {name: values[0]} | bootstrap.interval(values[1:], f"{name}_", needed[figure])
            rows.append(row)
    return pd.DataFrame(rows)


def apart(first: pd.DataFrame, second: pd.DataFrame) -> str:
    """Say which protocols are not compared, as one variant alone has them; ``""`` where there are none."""
    alone = sorted(set(first["protocol"]) ^ set(second["protocol"]))
    return f"not compared, as one of them alone has it: {', '.join(alone)}" if alone else ""


def _check_same(protocol: str, first: pd.DataFrame, second: pd.DataFrame) -> None:
    one, other = set(first["id"]), set(second["id"])
    if one != other:
        raise InputError(
            f"{protocol}: expected predictions of the same utterances, found {len(one - other)} in the first variant "
            f"alone and {len(other - one)} in the second alone; scores of other utterances cannot be paired"
        )


def worded(rows: pd.DataFrame, names: Sequence[str]) -> str:
    """Word a table for people, in Markdown.

    Args:
        rows: as ``table`` gives them.
        names: of the two variants.
    """
    shown = pd.DataFrame(
        {
            "protocol": rows["protocol"],
            "figure": rows["figure"],
            names[0]: [words.estimate(row, "first") for row in rows.to_dict("records")],
            names[1]: [words.estimate(row, "second") for row in rows.to_dict("records")],
            f"{names[1]} minus {names[0]}": [
                words.estimate(row, DIFFERENCE, sign=True) for row in rows.to_dict("records")
            ],
        }
    )
    return shown.to_markdown(index=False, disable_numparse=True)
