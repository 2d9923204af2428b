"""What conditions of use cost, as a page of Markdown: the main findings, then a table for each task."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from ser.exposure import DISTORTED
from ser.files import tables
from ser.robustness.comparison import COLUMNS, FAIL, NEW_NOISE, NEW_OTHERS, NOISE, OPEN, PASS, SYSTEM, Marks
from ser.robustness.vectors import AUGMENTED, CLEAN, MEAN, PLAIN
from ser.scores import words
from ser.scores.intervals import IntervalParams

TEXT = ("encoder", "training", "condition", "kind", "family", "unit", "correctness", "fairness", "robustness", "note")
FIGURES = {
    "uar": "UAR",
    "drop": "drop from clean",
    "over_plain": "gain over clean training",
    "changed": "predictions changed",
    "ece": "ECE",
    "unfamiliar": "unfamiliar",
    "answered": "answered",
    "right": "right of these",
}

SIGNED = ("drop", "over_plain")
NOTE = "\\* the augmented classifier was trained on copies of training speakers under this very condition."


def read(path: Path) -> pd.DataFrame:
    """Read a table of ``ser.robustness.comparison``.

    Raises:
        InputError: it is missing, or none.
    """
    return tables.read(path, COLUMNS, TEXT)


def named(paths: Sequence[Path], tasks: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Read the table of each task.

    Raises:
        InputError: the files are not those of the tasks, or one cannot be read.
    """
    return {task: read(path) for task, path in tables.of_tasks(paths, tasks).items()}


def page(
    scored: Mapping[str, pd.DataFrame],
    marks: Marks,
    below: float,
    intervals: IntervalParams,
    pictures: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Write the page.

    Args:
        scored: the table of each task.
        marks: what has to be reached.
        below: the confidence below which the answer is ``uncertain``.
        intervals: how intervals were made.
        pictures: where the picture of a task is, from the page on.
    """
    paragraphs = [
        "# What conditions of use cost",
        "Made by `dvc repro robustness/dvc.yaml`; do not edit.",
        *(f"**{task}**\n\n{_bullets(told)}" for task, told in findings(scored).items()),
        *method(marks, below, intervals),
        *exposure(scored),
    ]
    for task, table in scored.items():
        rows = table[table["uar"].notna()]
        first = rows["encoder"].iloc[0]
        paragraphs += [f"## {task}"]
        paragraphs += [f"![{task}]({pictures[task]})"] if task in pictures else []
        paragraphs += [tests(rows)]
        if rows["encoder"].nunique() > 1:
            paragraphs += ["UAR of every encoder:", side_by_side(rows), f"More figures of {first}:"]
        paragraphs += [markdown(rows[rows["encoder"] == first])]
        paragraphs += [NOTE] if any(map(star, rows.to_dict("records"))) else []
        missing = absent(table)
        paragraphs += [f"Not measured: {'; '.join(missing)}."] if missing else []
    return "\n\n".join(paragraphs) + "\n"


def method(marks: Marks, below: float, intervals: IntervalParams) -> list[str]:
    """Say how it was measured and what has to be reached, a paragraph each; arguments as of ``page``."""
    return [
        "Each classifier was trained on clean speech alone (`augmented`: and on distorted copies of it, of training "
        "speakers), and asked about the utterances of speakers whom it does not know, once for each condition. "
        f"In brackets {intervals.confidence:.0%} intervals, which resample speakers; of the drop, UAR of clean speech "
        "minus that under the condition, paired ones. Predictions changed: share of predictions other than when clean. "
        "Gain over clean training: the UAR with distorted copies in training minus that without, paired; the copies "
        "are made as those of the block `augment` of the main pipeline. "
        "ECE: expected calibration error. Unfamiliar: share of utterances too far from the training speech for an "
        f"answer. Answered: share of those that are not, and get one with a confidence of at least {below:g}; right of "
        "these: the share of right answers among them. Mean: of all conditions but the clean one; new to PASE+: of "
        "those that PASE+ did not meet in this or a similar form in its own training; unseen: of those by distortions "
        "of which no copies are in training, where each kind of recordings counts as a distortion of its own. "
        "What the conditions are is in `ser/robustness/catalogue.py`, their levels in `robustness/params.yaml`. An "
        "SNR is that over the active frames of the speech. Babble is of other speakers of the corpus, whose recordings "
        "may be in training. Clipping also makes speech louder, as a microphone set too high does; an encoder that "
        "brings signals to one level shows what is lost by the clipping alone.",
        f"Marks: correctness, a UAR of clean speech at least {marks.uar_above_chance:g} above chance; robustness, a "
        f"drop of at most {marks.drop:g}; fairness, a drop of women's UAR that differs from men's by at most "
        f"{marks.gender_drop:g}. `(open)` stands where the interval reaches to the other side of the mark, or where "
        "there is none; such tests are counted as undecided. Each encoder has the classifier that "
        "`robustness/params.yaml` names.",
    ]


def exposure(scored: Mapping[str, pd.DataFrame]) -> list[str]:
    """Say what distortions the encoder knows from its own training, where PASE+ is among those measured."""
    known = any(table["encoder"].str.startswith("pase_plus").any() for table in scored.values())
    return [DISTORTED] if known else []


def findings(scored: Mapping[str, pd.DataFrame]) -> dict[str, list[str]]:
    """Say for each task, in sentences, what conditions cost the first encoder, and what distorted copies gain."""
    return {task: [*_of_first(table), *filter(None, [means(table)])] for task, table in scored.items()}


def _bullets(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {sentence[0].upper()}{sentence[1:]}." for sentence in sentences)


def absent(table: pd.DataFrame) -> list[str]:
    """Name what was not measured, each with the reason."""
    rows = table[table["uar"].isna()]
    return [f"{row.condition or row.encoder} ({row.note})" for row in rows.itertuples()]


def means(table: pd.DataFrame) -> str:
    """Say each encoder's mean UAR over the distorted conditions, without copies in training; nothing of one."""
    rows = table[(table["condition"] == MEAN) & (table["training"] == PLAIN)]
    told = [f"{row['encoder']} {_figure(row, 'uar')}" for _, row in rows.iterrows()]
    return f"mean UAR over the conditions: {', '.join(told)}" if len(told) > 1 else ""


def _of_first(table: pd.DataFrame) -> list[str]:
    own = table[table["uar"].notna() & (table["encoder"] == table["encoder"].iloc[0])]
    plain, augmented = (own[own["training"] == training] for training in (PLAIN, AUGMENTED))
    clean = plain[plain["condition"] == CLEAN].iloc[0]
    others = distorted(plain)
    if others.empty:
        return ["no condition was measured"]
    worst, best = others.iloc[0], others.iloc[-1]
    said = [
        f"on clean speech {clean['encoder']} has a UAR of {_figure(clean, 'uar')}. Of {len(others)} conditions "
        f"{worst['condition']} takes most of it, {_figure(worst, 'drop')}, and {best['condition']} least, "
        f"{_figure(best, 'drop')}",
        f"by the mark for robustness: {_counted(others['robustness'])}",
    ]
    if augmented.empty:
        return said
    clean = augmented[augmented["condition"] == CLEAN].iloc[0]
    gained = [f"{_figure(clean, 'over_plain', sign=True)} on clean speech"]
    gained += [f"{_figure(row, 'over_plain', sign=True)} on average {title}" for title, row, _ in unseen(augmented)]
    copies = f"with distorted copies in training its UAR changes by {', '.join(gained)}"
    return [*said, f"{copies}; by the mark: {_counted(distorted(augmented)['robustness'])}"]


def unseen(augmented: pd.DataFrame) -> list[tuple[str, pd.Series, pd.DataFrame]]:
    """List what copies gain under conditions of which nothing is in training, those of the rows of means.

    Args:
        augmented: rows of one encoder's augmented training.

    Returns:
        For additive noise and for the rest, where there is some: its name, the row of means, and the conditions' rows,
        the one that gains most first.
    """
    new = distorted(augmented[augmented["unseen"] == 1])
    new = new.sort_values("over_plain", ascending=False, kind="stable")
    titles = {NEW_NOISE: "under unseen kinds of noise", NEW_OTHERS: "under other unseen conditions"}
    parts = {NEW_NOISE: new[new["family"] == NOISE], NEW_OTHERS: new[new["family"] != NOISE]}
    rows = augmented.set_index("condition", drop=False)
    return [(title, rows.loc[name], parts[name]) for name, title in titles.items() if name in rows.index]


def distorted(rows: pd.DataFrame) -> pd.DataFrame:
    """Give the distorted conditions, the one that costs most first."""
    return rows[~rows["kind"].isin([CLEAN, MEAN])].sort_values("drop", ascending=False, kind="stable")


def passed(rows: pd.DataFrame) -> int:
    """Count the conditions whose drop is small enough."""
    return int(rows["robustness"].str.startswith(PASS).sum())


def _figure(row: pd.Series, name: str, sign: bool = False) -> str:
    return words.estimate(row, name, otherwise="", sign=sign)


def tests(rows: pd.DataFrame) -> str:
    """Count what passes in each family of tests, a line each system."""
    lines = []
    for (encoder, training), own in rows.groupby(list(SYSTEM), sort=False):
        line = {"encoder": encoder, "training": training}
        for family in ("correctness", "robustness", "fairness"):
            verdicts = own.loc[own[family] != "", family]
            line[family] = _counted(verdicts)
        lines.append(line)
    return pd.DataFrame(lines).to_markdown(index=False, disable_numparse=True)


def _counted(verdicts: pd.Series) -> str:
    """Count verdicts, such as ``1 passed, 12 failed, 3 undecided``."""
    counts = {
        "passed": (verdicts == PASS).sum(),
        "failed": (verdicts == FAIL).sum(),
        "undecided": verdicts.str.endswith(OPEN).sum(),
    }
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def side_by_side(rows: pd.DataFrame) -> str:
    """Write the UAR of every system, a column each, condition by condition."""
    systems = rows["encoder"].where(rows["training"] == PLAIN, rows["encoder"] + ", " + rows["training"])
    told = [words.estimate(row, "uar", otherwise="") + star(row) for row in rows.to_dict("records")]
    table = pd.DataFrame({"condition": rows["condition"], "system": systems, "uar": told})
    wide = table.pivot(index="condition", columns="system", values="uar")
    wide = wide.reindex(index=list(dict.fromkeys(rows["condition"])), columns=list(dict.fromkeys(systems)))
    return wide.fillna("").reset_index().to_markdown(index=False, disable_numparse=True)


def star(row: Mapping) -> str:
    """Mark a distorted condition of which copies are in training."""
    return "*" if row["seen"] == 1 and row["condition"] != CLEAN else ""


def markdown(rows: pd.DataFrame) -> str:
    """Write the rows of one encoder that were measured, condition by condition."""
    lines, known = [], {name: title for name, title in FIGURES.items() if rows[name].notna().any()}
    order = {name: place for place, name in enumerate(dict.fromkeys(rows["condition"]))}
    for row in rows.sort_values("condition", key=lambda names: names.map(order), kind="stable").to_dict("records"):
        level = "" if pd.isna(row["level"]) else f"{row['level']:g} {row['unit']}"
        name = row["condition"] if row["kind"] == MEAN else row["kind"]
        line = {"condition": name + star(row), "level": level, "training": row["training"]}
        for name, title in known.items():
            missing = pd.isna(row[name])
            line[title] = "" if missing else words.estimate(row, name, otherwise="", sign=name in SIGNED)
        shown = pd.notna(row["gender_drop"])
        line["drop, women minus men"] = words.estimate(row, "gender_drop", otherwise="", sign=True) if shown else ""
        line["verdict"] = row["correctness"] or row["robustness"]
        line["fairness"] = row["fairness"]
        lines.append(line)
    return pd.DataFrame(lines).to_markdown(index=False, disable_numparse=True)
