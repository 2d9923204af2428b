"""What conditions of use cost, as a page of Markdown: the main findings, then a table for each task."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from ser.files import tables
from ser.files.failures import InputError
from ser.robustness.comparison import COLUMNS, PASS, SYSTEM, Marks
from ser.robustness.vectors import CLEAN
from ser.scores import words
from ser.scores.intervals import IntervalParams

TEXT = ("encoder", "training", "condition", "kind", "family", "unit", "correctness", "fairness", "robustness", "note")
FIGURES = {"uar": "UAR", "drop": "drop from clean", "changed": "changed", "ece": "ECE", "uncertain": "uncertain"}


def read(path: Path) -> pd.DataFrame:
    """Read a table of ``ser.robustness.comparison``.

    Raises:
        InputError: it is missing, or none.
    """
    return tables.read(path, COLUMNS, TEXT)


def named(paths: Sequence[Path], tasks: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Read the table of each task.

    Raises:
        InputError: there are not as many files as tasks, or one cannot be read.
    """
    if len(paths) != len(tasks):
        raise InputError(f"page: expected a table for each task, {', '.join(tasks)}, found {len(paths)}")
    return {task: read(path) for task, path in zip(tasks, paths, strict=True)}


def page(scored: Mapping[str, pd.DataFrame], marks: Marks, below: float, intervals: IntervalParams) -> str:
    """Write the page.

    Args:
        scored: the table of each task.
        marks: what has to be reached.
        below: the confidence below which the answer is ``uncertain``.
        intervals: how intervals were made.
    """
    paragraphs = [
        "# What conditions of use cost",
        "Made by `dvc repro robustness/dvc.yaml`; do not edit.",
        f"**{finding(scored)}**",
        "Each classifier was trained on clean speech alone (`augmented`: and on distorted copies of it, of training "
        "speakers), and asked about the utterances of speakers whom it does not know, once for each condition. "
        f"In brackets {intervals.confidence:.0%} intervals, which resample speakers; of the drop, UAR of clean speech "
        "minus that under the condition, paired ones. Changed: share of predictions other than when clean. "
        f"ECE: expected calibration error. Uncertain: share of answers with a confidence below {below:g}. "
        "What the conditions are is in `ser/robustness/catalogue.py`, their levels in `robustness/params.yaml`. An "
        "SNR is that over the active frames of the speech.",
        f"Marks: correctness, a UAR of clean speech at least {marks.uar_above_chance:g} above chance; robustness, a "
        f"drop of at most {marks.drop:g}; fairness, a drop of women's UAR that differs from men's by at most "
        f"{marks.gender_drop:g}. `(open)` stands where the interval reaches to the other side of the mark.",
    ]
    for task, table in scored.items():
        rows = table[table["uar"].notna()]
        paragraphs += [f"## {task}", tests(rows), markdown(rows)]
        absent = [f"{row.condition} ({row.note})" for row in table[table["uar"].isna()].itertuples()]
        paragraphs += [f"Not measured: {'; '.join(absent)}."] if absent else []
    return "\n\n".join(paragraphs) + "\n"


def finding(scored: Mapping[str, pd.DataFrame]) -> str:
    """Say in one sentence, for the first system of each task, how many conditions pass and which one costs most."""
    said = []
    for task, table in scored.items():
        encoder, training = table.loc[table["uar"].notna(), list(SYSTEM)].iloc[0]
        rows = table[(table["encoder"] == encoder) & (table["training"] == training)]
        clean = rows[rows["condition"] == CLEAN].iloc[0]
        others = rows[rows["condition"] != CLEAN].sort_values("drop", ascending=False)
        passed = others["robustness"].str.startswith(PASS).sum()
        worst, best = others.iloc[0], others.iloc[-1]
        said.append(
            f"on {task} {encoder} passes {passed} of {len(others)} conditions: of its UAR of "
            f"{words.estimate(clean, 'uar', otherwise='')} {worst['condition']} takes "
            f"{words.estimate(worst, 'drop', otherwise='')}, {best['condition']} "
            f"{words.estimate(best, 'drop', otherwise='')}"
        )
    sentence = "; ".join(said)
    return sentence[:1].upper() + sentence[1:] + "."


def tests(rows: pd.DataFrame) -> str:
    """Count what passes in each family of tests, a line each system."""
    lines = []
    for (encoder, training), own in rows.groupby(list(SYSTEM), sort=False):
        line = {"encoder": encoder, "training": training}
        for family in ("correctness", "robustness", "fairness"):
            verdicts = own.loc[own[family] != "", family]
            passed = int(verdicts.str.startswith(PASS).sum())
            still = int(verdicts.str.contains("open").sum())
            line[family] = f"{passed} of {len(verdicts)} pass" + (f", {still} open" if still else "")
        lines.append(line)
    return pd.DataFrame(lines).to_markdown(index=False, disable_numparse=True)


def markdown(rows: pd.DataFrame) -> str:
    """Write the rows of ``ser.robustness.comparison.table`` that were measured, condition by condition."""
    first = rows["encoder"].iloc[0]
    lines = []
    order = {name: place for place, name in enumerate(dict.fromkeys(rows["condition"]))}
    for row in rows.sort_values("condition", key=lambda names: names.map(order), kind="stable").to_dict("records"):
        clean = row["condition"] == CLEAN
        line = {
            "condition": row["kind"] + ("*" if row["seen"] == 1 and not clean else ""),
            "level": "" if clean else f"{row['level']:g} {row['unit']}",
            "encoder": row["encoder"],
            "training": row["training"],
        }
        for name, title in FIGURES.items():
            missing = pd.isna(row[name])
            line[title] = "" if missing else words.estimate(row, name, otherwise="", sign=name == "drop")
        shown = row["encoder"] == first and pd.notna(row["gender_drop"])
        line["drop, women minus men"] = words.estimate(row, "gender_drop", otherwise="", sign=True) if shown else ""
        line["verdict"] = row["correctness"] or row["robustness"]
        line["fairness"] = row["fairness"] if shown else ""
        lines.append(line)
    table = pd.DataFrame(lines)
    starred = "\n\n\\* the augmented classifier has heard copies of training speakers under this very condition."
    return table.to_markdown(index=False, disable_numparse=True) + (starred if (rows["seen"] == 1).any() else "")
