"""What conditions of use cost, in the look of the report: findings first, then each task's picture and table."""

from collections.abc import Mapping, Sequence

import pandas as pd

from ser.report import words
from ser.report.content import Figure, Finding, Points, Section, Table, estimated, table
from ser.robustness.comparison import Marks
from ser.robustness.page import absent, distorted, exposure, means, method, passed, star, unseen
from ser.robustness.vectors import AUGMENTED, CLEAN, MEAN, PLAIN
from ser.scores import words as figures
from ser.scores.intervals import IntervalParams

TITLE = "What conditions of use cost"
FIGURES = {
    "uar": ("UAR", False),
    "drop": ("drop from clean", True),
    "over_plain": ("gain over clean training", True),
    "changed": ("predictions changed", False),
    "ece": ("ECE", False),
    "unfamiliar": ("unfamiliar", False),
    "answered": ("answered", False),
    "right": ("right of these", False),
    "gender_drop": ("drop, women minus men", True),
}
NO_INTERVAL = "No interval: too few speakers, or too few of an emotion or of a gender."
NOT_SAID = "Conditions are made of recordings, not met in use: a real line or room has more that is wrong with it."


def sections(
    scored: Mapping[str, pd.DataFrame], marks: Marks, below: float, intervals: IntervalParams
) -> list[Section]:
    """Write the sections.

    Args:
        scored: the table of each task, as ``ser.robustness.page.named`` reads them; a picture has the task's name.
        marks: what has to be reached.
        below: the confidence below which the answer is ``uncertain``.
        intervals: how intervals were made.
    """
    found = [finding for task, rows in scored.items() for finding in findings(task, rows, marks, intervals)]
    telling = [line.replace("`", "") for line in [*method(marks, below, intervals), *exposure(scored)]]
    return [
        Section("findings", "Findings", "What was found", "", found),
        *(_task(task, rows) for task, rows in scored.items()),
        Section("method", "Method", "How it was measured", "", [Points("", telling)]),
    ]


def findings(task: str, scored: pd.DataFrame, marks: Marks, intervals: IntervalParams) -> list[Finding]:
    """Say of the first encoder what conditions cost, what distorted copies win back, and whether genders differ.

    Where none but the clean condition was measured, the only finding says so.
    """
    several = means(scored)
    own = scored[scored["uar"].notna() & (scored["encoder"] == scored["encoder"].iloc[0])]
    plain, augmented = (own[own["training"] == training] for training in (PLAIN, AUGMENTED))
    if distorted(plain).empty:
        return [_unmeasured(task, plain)]
    level = figures.level(intervals.confidence)
    sure = f"Intervals of {intervals.confidence:.0%} over speakers; differences are paired over them."
    said = [_cost(task, plain, marks, several, sure, level)]
    if not augmented.empty:
        said.append(_gain(task, augmented, sure, level))
    if plain["gender_drop"].notna().any():
        said.append(_genders(task, plain, sure, level))
    return said


def _unmeasured(task: str, plain: pd.DataFrame) -> Finding:
    clean = plain[plain["condition"] == CLEAN].iloc[0]
    return Finding(
        _asked(task),
        words.UNKNOWN,
        f"No condition was measured; the UAR on speech as it was recorded is {words.estimate(clean, 'uar')}.",
        "There is nothing to compare.",
        NOT_SAID,
    )


def _asked(task: str) -> str:
    return f"What do conditions of use cost on {task}?"


def _sure(rows: pd.DataFrame, key: str, sure: str) -> str:
    """Say what intervals of a figure are over, or that there are none."""
    return sure if rows[f"{key}_low"].notna().any() else NO_INTERVAL


def _cost(task: str, plain: pd.DataFrame, marks: Marks, several: str, sure: str, level: float) -> Finding:
    clean, others = plain[plain["condition"] == CLEAN].iloc[0], distorted(plain)
    worst, best = others.iloc[0], others.iloc[-1]
    return Finding(
        _asked(task),
        words.verdict(_over_all(plain), "drop", level),
        words.sentence(
            f"Of a UAR of {words.estimate(clean, 'uar')} on speech as it was recorded, {worst['condition']} takes "
            f"{words.estimate(worst, 'drop')} and {best['condition']} {words.estimate(best, 'drop')}. Under "
            f"{passed(others) or 'none'} of {len(others)} conditions the drop is at most {marks.drop:g}. The verdict "
            "is that of their mean.",
            f"{several[0].upper()}{several[1:]}." if several else "",
        ),
        _sure(plain, "drop", sure),
        NOT_SAID,
    )


def _over_all(rows: pd.DataFrame) -> pd.Series:
    """The row of means over conditions, or of the only condition: the worst of many is below zero by chance alone."""
    mean = rows[rows["condition"] == MEAN]
    return (distorted(rows) if mean.empty else mean).iloc[0]


def _gain(task: str, augmented: pd.DataFrame, sure: str, level: float) -> Finding:
    clean = augmented[augmented["condition"] == CLEAN].iloc[0]
    seen = augmented[(augmented["seen"] == 1) & (augmented["condition"] != CLEAN)]
    seen = seen.sort_values("over_plain", ascending=False, kind="stable")
    gains = [f"{words.estimate(row, 'over_plain', sign=True)} under {row['condition']}" for _, row in seen.iterrows()]
    others = []
    for title, mean, rows in unseen(augmented):
        ends = [
            f"{words.estimate(row, 'over_plain', sign=True)} under {row['condition']}" for _, row in rows.iterrows()
        ]
        others.append(
            f"{title[0].upper()}{title[1:]} ({len(rows)}) the UAR changes by "
            f"{words.estimate(mean, 'over_plain', sign=True)} on average, from {ends[0]} to {ends[-1]}."
        )
    return Finding(
        f"What do distorted copies in training win back on {task}?",
        words.verdict(_over_all(augmented), "over_plain", level),
        words.sentence(
            f"With such copies of training speakers a classifier gains {words.listing(gains)}, and "
            f"{words.estimate(clean, 'over_plain', sign=True)} on speech as it was recorded; over all conditions "
            f"{words.estimate(_over_all(augmented), 'over_plain', sign=True)}, which the verdict is about.",
            *others,
        ),
        _sure(augmented, "over_plain", sure),
        "What copies under other conditions would win back.",
    )


def _genders(task: str, plain: pd.DataFrame, sure: str, level: float) -> Finding:
    asked = f"Does a condition take more from one gender on {task}?"
    known = plain[plain["gender_drop"].notna()]
    most = known.loc[known["gender_drop"].abs().idxmax()]
    apart = f"Most apart is {most['condition']}, by {words.estimate(most, 'gender_drop', sign=True)}"
    if known["gender_drop_low"].isna().all():
        said = f"{apart}, women minus men."
        return Finding(asked, words.UNKNOWN, said, NO_INTERVAL, "That genders are served alike.")
    shown = known[[words.verdict(row, "gender_drop", level) == words.FOUND for row in known.to_dict("records")]]
    named = [f"{row['condition']} ({words.estimate(row, 'gender_drop', sign=True)})" for _, row in shown.iterrows()]
    return Finding(
        asked,
        words.UNSURE if named else words.NOT_SHOWN,  # so many intervals, none of which is adjusted for the others
        words.sentence(
            "Conditions that take more of the UAR from one gender, each by an interval of its own: "
            f"{words.listing(named or ['none'])} ({len(named)} of {len(known)}; women minus men).",
            f"{apart}.",
        ),
        f"{sure} They are not adjusted for the number of conditions.",
        "That genders are served alike: where nothing is shown, the interval says how large a difference could be.",
    )


def _task(task: str, scored: pd.DataFrame) -> Section:
    rows = scored[scored["uar"].notna()]
    known = {name: told for name, told in FIGURES.items() if rows[name].notna().any()}
    cells = [[*_names(row), *_figures(row, known)] for row in rows.to_dict("records")]
    columns = ["condition", "encoder", "training", *(title for title, _ in known.values()), "verdict", "fairness"]
    return Section(
        f"task_{task}",
        task,
        f"Every condition on {task}",
        "",
        [
            Figure(
                task,
                f"UAR under every condition on {task}",
                "For each encoder, curves of the UAR against the signal-to-noise ratio, and bars for other conditions.",
                "The UAR under each condition, with intervals over speakers. The table has its numbers.",
            ),
            _table(task, columns, cells, absent(scored)),
        ],
    )


def _table(task: str, columns: Sequence[str], cells: Sequence[Sequence], missing: Sequence[str]) -> Table:
    notes = ["* training had copies of training speakers under this very condition."]
    notes += [f"Not measured: {'; '.join(missing)}."] if missing else []
    return table(f"Figures of every condition on {task}", columns, cells, " ".join(notes), heads=3)


def _names(row: Mapping) -> list[str]:
    return [f"{row['condition']}{star(row)}", row["encoder"], row["training"]]


def _figures(row: Mapping, known: Mapping[str, tuple[str, bool]]) -> list:
    figures = [
        "" if pd.isna(row[name]) else estimated(row, name, "no interval", sign) for name, (_, sign) in known.items()
    ]
    return [*figures, row["correctness"] or row["robustness"], row["fairness"]]
