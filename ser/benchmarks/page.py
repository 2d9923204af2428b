"""Comparisons as a page of Markdown: what was asked, then a table for each normalisation, the best system first."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from ser.benchmarks.comparison import FLOORS, CompareParams
from ser.files.whole import whole_file
from ser.scores import words
from ser.splits.names import RANDOM

NORMALISATIONS = {
    "train": "by mean and deviation of the training utterances",
    "speaker": "by each speaker's own mean and deviation; transductive: it uses a test speaker's audio, no label",
}
SCORES = {"uar": "UAR", "accuracy": "accuracy", "macro_f1": "macro F1"}


def save(
    title: str,
    asked: str,
    comparisons: Mapping[str, pd.DataFrame],
    params: CompareParams,
    path: Path,
    overview: Sequence[str] = (),
) -> None:
    """Write a page of comparisons, whole or not at all.

    Args:
        title: of the page.
        asked: what was compared on what, in a sentence or two.
        comparisons: tables of ``ser.benchmarks.comparison.table`` by name; ``""`` for the only one.
        params: what was compared with.
        path: the Markdown file.
        overview: lines of Markdown to stand before the comparisons.
    """
    yardstick = f"{params.yardstick.encoder} + {params.yardstick.classifier} ({params.yardstick.normalisation})"
    lines = [f"# {title}", "", "Made by `dvc repro benchmarks/dvc.yaml`; do not edit.", "", asked, ""]
    lines += [
        f"UAR is the mean recall of the emotions. In brackets {params.intervals.confidence:.0%} intervals, which "
        "resample test speakers; of differences, paired ones. Figures are means over seeds, each of which draws the "
        "folds, but for one speaker out, and the network's initial weights; one seed is one draw.",
        "",
        *overview,
    ]
    for name, scored in comparisons.items():
        of = scored.set_index("encoder")
        known = [floor for floor in FLOORS if floor in of.index]
        floors = [f"{floor} ({of.at[floor, 'note']}) {words.number(of.at[floor, 'uar'])}" for floor in known]
        systems = scored[scored["normalisation"].notna() & (scored["protocol"] != RANDOM)]
        for normalisation, manner in NORMALISATIONS.items():
            rows = systems[systems["normalisation"] == normalisation]
            if len(rows):
                lines += [f"## {name}{': n' if name else 'N'}ormalisation `{normalisation}`", ""]
                lines += [f"Normalised {manner}.", "", table(rows, params.reference, yardstick), ""]
        absent = [f"{row.encoder}: {row.note}" for row in scored[scored["uar"].isna()].itertuples()]
        lines += [f"UAR by knowing nothing of the voice: {', '.join(floors)}.", ""]
        lines += [f"Not compared: {', '.join(absent)}.", ""] if absent else []
    with whole_file(path) as temporary:
        temporary.write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")


def table(systems: pd.DataFrame, reference: str, yardstick: str) -> str:
    """Write systems as a Markdown table, the best first.

    Args:
        systems: rows of ``ser.benchmarks.comparison.table`` of one protocol and normalisation.
        reference: the name of the reference encoder.
        yardstick: the name of the yardstick.

    Returns:
        The table, a row a system. Columns that nothing is known for are left out.
    """
    differences = {
        "difference": f"UAR minus {reference}'s",
        "over_yardstick": f"UAR minus that of {yardstick}",
        "drop": "a random split adds",
    }
    lines = []
    for row in systems.sort_values(["uar", "encoder", "classifier"], ascending=[False, True, True]).to_dict("records"):
        line = {name: row[name] for name in ("encoder", "classifier")}
        line |= {title: words.estimate(row, name, otherwise="") for name, title in SCORES.items()}
        line["seeds"] = str(row["seeds"])
        for name, title in differences.items():
            if systems[name].notna().any():
                measured = pd.notna(row[name])
                line[title] = words.estimate(row, name, otherwise="", sign=True) if measured else ""
        lines.append(line)
    return pd.DataFrame(lines).to_markdown(index=False, disable_numparse=True)
