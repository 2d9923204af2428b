"""Groups of people, and how well the predictions serve each: gender, age band, both, corpus, language, speaker.

Group by group first, compared later (``ser.bias.gaps``), claimed only where the data carry it (``ser.bias.refusals``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ser.confidence import calibration
from ser.files.params import check_ranges
from ser.people import ATTRIBUTES, AgeBands, by_group
from ser.predictions import probability_columns
from ser.scores.intervals import Bootstrap, IntervalParams
from ser.scores.metrics import by_emotion, confusions, needs, resampled, scores

CALIBRATION = ("calibration_error", "calibration_error_by_chance", "calibration_error_by_chance_high")
MEASURES = ("recall", "precision", "f1", "rate")  # of each emotion; the rate is the share of predictions that are it


@dataclass(frozen=True)
class BiasParams(IntervalParams):
    """The block ``bias`` of params.yaml, with age bands and intervals.

    Attributes:
        age_bands: as in params.yaml.
        permutations: arrangements of an attribute over the speakers that a test tries; where there are no more than
            these it tries all.
    """

    age_bands: AgeBands
    permutations: int

    def __post_init__(self):
        super().__post_init__()
        check_ranges(self, permutations=(100, 10**6))


def groups(people: pd.DataFrame, emotions: Sequence[str], params: BiasParams) -> pd.DataFrame:
    """Score each group.

    Args:
        people: one protocol's predictions, joined with the manifest.
        emotions: the label set.
        params: the age bands, and how intervals are made.

    Returns:
        A row per attribute and group: attribute, group, utterances, speakers, uar, uar_low, uar_high; each of
        ``MEASURES`` for each emotion, such as ``recall_angry``; and ``CALIBRATION``: the expected calibration
        error, and what chance makes of a confidence that is right for the mean of such speakers
        (``calibration.error_by_chance``), the more, the fewer speakers a group has. Undefined figures are
        missing. Empty groups keep their row; a last row ``unknown`` is there only where needed.
    """
    rows = [
        {"attribute": attribute, "group": name} | _score(part, emotions, params)
        for attribute in ATTRIBUTES
        for name, part in by_group(people, attribute, params.age_bands).items()
    ]
    return pd.DataFrame(rows).astype({"speakers": "Int64"})


def _score(part: pd.DataFrame, emotions: Sequence[str], params: BiasParams) -> dict:
    """Score the utterances of one group, as in a row of ``groups``; NaN for what cannot be had."""
    speakers = sorted(set(part["speaker"]))
    stack = confusions(part["truth"], part["prediction"], part["speaker"], speakers, emotions)
    total = stack.sum(axis=0)
    uar = Bootstrap.of(speakers, params).figures(
        lambda weights: {"uar": scores(resampled(stack, weights))["uar"]}, needs(stack)
    )
    each = by_emotion(total) | {"rate": total.sum(axis=0) / len(part) if len(part) else np.full(len(emotions), np.nan)}
    chosen = pd.Index(emotions).get_indexer(part["prediction"])
    confidence = part[probability_columns(emotions)].to_numpy(dtype=float)[np.arange(len(part)), chosen]
    right = part["truth"] == part["prediction"]
    error = calibration.expected_calibration_error(confidence, right)
    errors = (error, *calibration.error_by_chance(confidence, right, part["speaker"], params))
    return (
        {"utterances": len(part), "speakers": pd.NA if "" in speakers else len(speakers)}
        | dict.fromkeys(("uar", "uar_low", "uar_high"), np.nan)
        | uar
        | {
            f"{measure}_{emotion}": float(value)
            for measure in MEASURES
            for emotion, value in zip(emotions, each[measure], strict=True)
        }
        | dict(zip(CALIBRATION, errors, strict=True))
    )


def spread(uars: Sequence[float]) -> dict[str, float]:
    """Describe how evenly single speakers are served.

    The spread holds the chance of each speaker's few utterances too: it is above 0 where all are served alike.

    Args:
        uars: of each speaker, 0 to 1.

    Returns:
        ``speakers``, ``uar_min``, ``uar_max``, ``uar_mean``; ``uar_std`` of more than one; ``uar_worst_decile``, the
        mean over the tenth of the speakers (rounded up) that is served worst; and ``uar_gini``, the Gini coefficient:
        the mean difference between two speakers over twice the mean, 0 where all are served alike, 1 - 1 / n where one
        of n speakers has it all. Nothing without speakers, and no coefficient where nobody is understood at all.
    """
    uars = np.sort(np.asarray(uars, dtype=float))
    if not len(uars):
        return {}
    worst = uars[: -(-len(uars) // 10)]
    result = {"speakers": len(uars), "uar_min": uars[0], "uar_max": uars[-1], "uar_mean": uars.mean()}
    result |= {"uar_worst_decile": worst.mean()} | ({"uar_std": uars.std(ddof=1)} if len(uars) > 1 else {})
    if uars.any():
        result["uar_gini"] = np.abs(uars[:, None] - uars).mean() / (2 * uars.mean())
    return result
