"""Predictions under all conditions -> one table: what each condition costs, with intervals over speakers, and marks.

Every condition asks the same classifier about the same utterances, so its cost is a paired difference to clean speech:
each replicate draws speakers once for both.

Tests come in three families, those of A. Derington and others, "Testing correctness, fairness, and robustness of speech
emotion recognition models" (arXiv 2312.06270): correctness asks about clean speech, robustness about what a condition
costs, fairness whether it costs one gender more than the other. The marks are our own.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from ser.confidence.calibration import expected_calibration_error
from ser.files.params import check_ranges
from ser.predictions import probability_columns
from ser.robustness.vectors import CLEAN, FROM_FOLDERS, MEAN, PLAIN
from ser.scores import words
from ser.scores.intervals import Bootstrap, IntervalParams
from ser.scores.metrics import comparable, confusions, needs, resampled, scores

GENDERS = ("female", "male")
NOISE = "noise"  # the family of what is added
# Rows of means, of augmented training, over conditions whose sound is not in it: additive noise, and the rest.
NEW_NOISE, NEW_OTHERS = "mean_unseen_noise", "mean_unseen_others"
# Over conditions that PASE+ did not meet in its own training, in this or a similar form.
NEW_TO_PASE_PLUS = "mean_new_to_pase_plus"
ENDS = ("", "_low", "_high")
SHARES = ("changed", "uncertain", "unfamiliar", "answered")  # of the utterances
MEASURED = ("uar", "drop", "over_plain", *SHARES, "right", "gender_drop")  # with intervals
NUMBERS = (*(f"{name}{end}" for name in MEASURED for end in ENDS), "ece")
SYSTEM = ("encoder", "training")
VERDICTS = ("correctness", "fairness", "robustness")
COLUMNS = (*SYSTEM, "condition", "kind", "family", "level", "unit", "seen", "unseen", *NUMBERS, *VERDICTS, "note")
PASS, FAIL = "pass", "fail"
OPEN = " (open)"  # after a verdict: the interval reaches to the other side of the mark


@dataclass(frozen=True)
class Marks:
    """What has to be reached.

    Attributes:
        uar_above_chance: of clean speech, at least (correctness).
        gender_drop: by how much more the UAR of one gender may fall than that of the other, at most (fairness).
        drop: of the UAR from clean speech, at most (robustness).
    """

    uar_above_chance: float
    gender_drop: float
    drop: float

    def __post_init__(self):
        check_ranges(self, uar_above_chance=(0, 1), gender_drop=(0, 1), drop=(0, 1))


def table(
    predictions: pd.DataFrame,
    conditions: pd.DataFrame,
    people: pd.DataFrame,
    emotions: Sequence[str],
    below: float,
    marks: Marks,
    params: IntervalParams,
    seen: Sequence[str] = (),
    trained_on: Sequence[str] = (),
) -> pd.DataFrame:
    """Measure every system under every condition.

    Args:
        predictions: as from ``ser.robustness.testing.predict``.
        conditions: those of the corpus (``ser.robustness.vectors.SCHEMA``).
        people: the utterances' rows of the manifest.
        emotions: the label set.
        below: the confidence below which the answer is ``uncertain``.
        marks: what has to be reached.
        params: how intervals are made.
        seen: conditions of which copies are in augmented training.
        trained_on: kinds of conditions that PASE+ met in its own training.

    Returns:
        ``COLUMNS``, a row per encoder, training and condition: ``uar``; ``drop``, clean minus distorted; ``changed``,
        the share of utterances that are predicted otherwise than when clean; ``uncertain``, the share of answers below;
        ``unfamiliar``, the share of utterances further from training speech than the limit; ``answered``, the share
        that is neither, and ``right``, the share of these that is right;
        ``over_plain``, of augmented training, its UAR minus that of training on clean speech alone, under the same
        condition; ``gender_drop``, the drop of women minus that of men; ``ece``, the expected calibration error,
        without an interval, which for it would lie too high; ``seen``, 1 where such copies are in training;
        ``unseen``, 1 where others are, but none by the same distortion, or of the same kind where it is by files;
        verdicts by the marks. What cannot be had is missing. A row ``MEAN`` of each encoder and training has the means
        over all conditions but the clean one; rows ``NEW_NOISE`` and ``NEW_OTHERS`` of augmented training those over
        its ``unseen`` conditions; a row ``NEW_TO_PASE_PLUS`` those over kinds that are not in ``trained_on``.
    """
    joined = predictions.merge(people[["id", "emotion", "speaker", "gender"]], on="id", validate="many_to_one")
    speakers = sorted(set(joined["speaker"]))
    genders = people.drop_duplicates("speaker").set_index("speaker")["gender"].loc[speakers].to_numpy()
    everyone = Bootstrap.of(speakers, params)
    parts = [np.asarray(speakers, dtype=object)[genders == gender] for gender in GENDERS]
    strata = pd.Index(GENDERS).get_indexer(genders)  # -1: of another or of unknown gender, who is never drawn here
    apart = Bootstrap(strata, params, params.obstacle(*parts))
    known = conditions.set_index("condition")
    lines, plain = [], {}
    for system, rows in joined.groupby(list(SYSTEM), sort=False):
        of = {name: part.sort_values("id") for name, part in rows.groupby("condition", sort=False)}
        own = {name: _Tally(part, of[CLEAN], speakers, emotions, below) for name, part in of.items()}
        if system[1] == PLAIN:
            plain[system[0]] = own
        chance = 1 / rows["emotion"].nunique()
        groups = _groups(known.loc[[name for name in own if name != CLEAN]], system[1], seen, trained_on)
        unseen = {name for title in (NEW_NOISE, NEW_OTHERS) for name in groups.get(title, ())}
        for name, tally in own.items():
            line = dict(zip(SYSTEM, system, strict=True)) | {"condition": name, "ece": tally.ece, "note": ""}
            line |= {key: known.at[name, key] for key in ("kind", "family", "level", "unit")}
            line |= {"seen": int(system[1] != PLAIN and name in {CLEAN, *seen}), "unseen": int(name in unseen)}
            line |= everyone.figures(partial(tally.measures, own[CLEAN]), tally.needs())
            if system[1] != PLAIN and system[0] in plain:
                line |= everyone.figures(partial(_gained, tally, plain[system[0]][name]), tally.needs())
            if name == CLEAN:
                line = {key: value for key, value in line.items() if not key.startswith(("drop", "changed"))}
            elif comparable(own[CLEAN].counts, [genders == gender for gender in GENDERS]):
                line |= _gender_drop(tally, own[CLEAN], genders, apart)
            lines.append(line | _verdicts(line, marks, chance))
        for title, names in groups.items():
            distorted = {name: own[name] for name in names}
            line = dict(zip(SYSTEM, system, strict=True)) | {"condition": title, "kind": MEAN, "family": MEAN}
            line |= everyone.figures(partial(_mean, distorted, own[CLEAN]), own[CLEAN].needs())
            if system[1] != PLAIN and system[0] in plain:
                line |= everyone.figures(partial(_mean_gained, distorted, plain[system[0]]), own[CLEAN].needs())
            lines.append(line | {"unit": "", "seen": 0, "unseen": 0, "note": ""})
    return pd.DataFrame(lines, columns=list(COLUMNS)).astype({"seen": "Int64", "unseen": "Int64"})


def _groups(
    distorted: pd.DataFrame, training: str, seen: Sequence[str], trained_on: Sequence[str] = ()
) -> dict[str, list[str]]:
    """Name the conditions of each row of means."""
    trained = set(_source(distorted).reindex(seen)) if training != PLAIN else set()
    new = distorted[~_source(distorted).isin(trained)] if trained else distorted.head(0)
    strange = distorted[~distorted["kind"].isin(trained_on)] if trained_on else distorted.head(0)
    groups = {
        MEAN: distorted,
        NEW_TO_PASE_PLUS: strange,
        NEW_NOISE: new[new["family"] == NOISE],
        NEW_OTHERS: new[new["family"] != NOISE],
    }
    return {title: list(rows.index) for title, rows in groups.items() if len(rows)}


def _source(conditions: pd.DataFrame) -> pd.Series:
    """Where each condition's sound comes from: the distortion, or the kind where each kind has a folder of its own."""
    return conditions["distortion"].where(~conditions["distortion"].isin(FROM_FOLDERS), conditions["kind"])


def with_absent(scored: pd.DataFrame, conditions: pd.DataFrame, encoders: pd.DataFrame) -> pd.DataFrame:
    """Put a row below for each condition and each encoder that was not measured; its note says why.

    Args:
        scored: as from ``table``.
        conditions: those of the corpus (``ser.robustness.vectors.SCHEMA``).
        encoders: likewise (``ser.robustness.vectors.ENCODERS``).
    """
    absent = conditions[conditions["note"] != ""].drop(columns="distortion").to_dict("records")
    absent += encoders[encoders["note"] != ""].to_dict("records")
    below = pd.DataFrame(absent, columns=list(COLUMNS)).astype(scored.dtypes)
    return pd.concat([scored, below], ignore_index=True) if absent else scored


def nested(scored: pd.DataFrame) -> dict:
    """Key the numbers of ``table`` by encoder, training and condition, for JSON; what is missing is left out."""
    result = {}
    for row in scored[scored["uar"].notna()].to_dict("records"):
        numbers = {name: row[name] for name in NUMBERS if pd.notna(row[name])}
        numbers |= {
            f"passes_{name}": int(row[name].startswith(PASS)) for name in VERDICTS if isinstance(row[name], str)
        }
        result.setdefault(row["encoder"], {}).setdefault(row["training"], {})[row["condition"]] = numbers
    return result


def summary(scored: pd.DataFrame) -> str:
    """Say for each system what clean speech scores, how many conditions pass, and which one costs most."""
    return "; ".join(
        f"{encoder}{'' if training == PLAIN else ' ' + training}: {told}" for (encoder, training), told in _told(scored)
    )


def _told(scored: pd.DataFrame):
    for system, rows in scored[scored["uar"].notna()].groupby(list(SYSTEM), sort=False):
        others = rows[~rows["kind"].isin([CLEAN, MEAN])]
        passed, undecided = (others["robustness"] == PASS).sum(), others["robustness"].str.endswith(OPEN).sum()
        worst = others.nlargest(1, "drop").to_dict("records")
        clean = rows[rows["condition"] == CLEAN].iloc[0]
        most = (
            f", {worst[0]['condition']} costs most, {words.estimate(worst[0], 'drop', otherwise='')}" if worst else ""
        )
        yield (
            system,
            f"UAR {words.estimate(clean, 'uar', otherwise='')}, {passed} of {len(others)} conditions pass, {undecided} "
            f"are undecided{most}",
        )


def _verdicts(line: Mapping[str, float], marks: Marks, chance: float) -> dict[str, str]:
    """Hold figures against the marks, as far as they are known."""
    if line["condition"] == CLEAN:
        return {"correctness": verdict(line, "uar", chance + marks.uar_above_chance, math.inf)}
    found = {"robustness": verdict(line, "drop", -math.inf, marks.drop)}
    if "gender_drop" in line:
        found["fairness"] = verdict(line, "gender_drop", -marks.gender_drop, marks.gender_drop)
    return found


def verdict(figures: Mapping[str, float], name: str, least: float, most: float) -> str:
    """Say whether a figure passes: is from ``least`` to ``most``; ``(open)`` where its interval speaks for both."""
    passes = least <= figures[name] <= most
    low, high = (figures.get(f"{name}{end}", figures[name]) for end in ENDS[1:])
    inside, outside = least <= low and high <= most, high < least or low > most
    sure = inside if passes else outside
    return (PASS if passes else FAIL) + ("" if sure and f"{name}_low" in figures else OPEN)


def _gained(tally: "_Tally", plain: "_Tally", weights: np.ndarray) -> dict[str, np.ndarray]:
    return {"over_plain": tally.uar(weights) - plain.uar(weights)}


def _mean(of: Mapping[str, "_Tally"], clean: "_Tally", weights: np.ndarray) -> dict[str, np.ndarray]:
    measured = [tally.measures(clean, weights) for tally in of.values()]
    return {name: np.mean([each[name] for each in measured], axis=0) for name in ("uar", "drop", *SHARES)}


def _mean_gained(
    of: Mapping[str, "_Tally"], plain: Mapping[str, "_Tally"], weights: np.ndarray
) -> dict[str, np.ndarray]:
    gains = [_gained(tally, plain[name], weights)["over_plain"] for name, tally in of.items()]
    return {"over_plain": np.mean(gains, axis=0)}


def _gender_drop(tally: "_Tally", clean: "_Tally", genders: np.ndarray, apart: Bootstrap) -> dict[str, float]:
    parts = [genders == gender for gender in GENDERS]

    def statistic(weights: np.ndarray) -> dict[str, np.ndarray]:
        women, men = (clean.uar(weights * part) - tally.uar(weights * part) for part in parts)
        return {"gender_drop": women - men}

    needed = needs(*(tally.counts * part[:, None, None] for part in parts))
    return apart.figures(statistic, {"gender_drop": needed["uar"]})


class _Tally:
    """What one system said under one condition, speaker by speaker.

    Args:
        rows: its predictions, sorted by id, with emotion, speaker, probabilities and distance.
        clean: those of clean speech, likewise.
        speakers: all of them.
        emotions: the label set.
        below: the confidence below which the answer is ``uncertain``.
    """

    def __init__(
        self, rows: pd.DataFrame, clean: pd.DataFrame, speakers: Sequence[str], emotions: Sequence[str], below: float
    ):
        assert rows["id"].tolist() == clean["id"].tolist(), "conditions of other utterances"
        self.counts = confusions(rows["emotion"], rows["prediction"], rows["speaker"], speakers, emotions)
        confidence = rows[probability_columns(emotions)].to_numpy(dtype=float).max(axis=1)
        right = (rows["prediction"] == rows["emotion"]).to_numpy()
        self.ece = expected_calibration_error(confidence, right)
        who = pd.Index(speakers).get_indexer(rows["speaker"])
        told = {
            "changed": rows["prediction"].to_numpy() != clean["prediction"].to_numpy(),
            "uncertain": confidence < below,
            "unfamiliar": (rows["distance"] > 1).to_numpy(),
            "all": np.ones(len(rows), dtype=bool),
        }
        told["answered"] = ~told["uncertain"] & ~told["unfamiliar"]
        told["right"] = told["answered"] & right
        self.of = {name: np.bincount(who, chosen, len(speakers)) for name, chosen in told.items()}

    def uar(self, weights: np.ndarray) -> np.ndarray:
        """Give the UAR, (replicates,), of weights (replicates, speakers)."""
        return scores(resampled(self.counts, weights))["uar"]

    def needs(self) -> dict[str, np.ndarray]:
        """Say which speakers each measure needs, (sets, speakers), as ``Bootstrap.interval`` asks."""
        voices = needs(self.counts)["uar"]
        return dict.fromkeys(("uar", "drop", "over_plain"), voices) | {"right": self.of["answered"][None] > 0}

    def measures(self, clean: "_Tally", weights: np.ndarray) -> dict[str, np.ndarray]:
        """Give all measures but the gap, each (replicates,), of weights (replicates, speakers)."""
        uar, count = self.uar(weights), weights @ self.of["all"]
        shares = {name: weights @ self.of[name] / count for name in SHARES}
        if self.of["answered"].any():
            answered = weights @ self.of["answered"]  # none, where such speakers alone are drawn
            shares["right"] = np.divide(
                weights @ self.of["right"], answered, out=np.full(count.shape, np.nan), where=answered > 0
            )
        return {"uar": uar, "drop": clean.uar(weights) - uar, **shares}
