"""The picture of groups of people: their UAR and recalls, the gaps between them, and the UAR of every speaker."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ser import naming
from ser.people import UNKNOWN
from ser.plots import drawing
from ser.plots.drawing import BLUE, GREY, PALE
from ser.scores import words

NAMED_SPEAKERS = 40  # more cannot be read beside the axis
ROW_INCHES = 0.27
SIGNS_PER_INCH = 11  # of the title


def draw(table: pd.DataFrame, gaps: Mapping[str, Mapping[str, float]], emotions: Sequence[str], title: str) -> Figure:
    """Draw the UAR and the recalls of groups of people, the gaps between them, and the UAR of every speaker.

    Args:
        table: attribute, group, utterances, speakers, uar, uar_low, uar_high and ``recall_<emotion>``; groups of which
            nothing is known are not drawn.
        gaps: by the pair's name ``uar`` and, where known, ``uar_low`` to ``uar_high``, the range that chance alone
            leaves, ``unbiased_low`` to ``unbiased_high``, ``p`` and ``p_holm``.
        emotions: the label set.
        title: of the picture.

    Returns:
        Panels: UAR with intervals, beside it the recalls as numbers, below the gaps; at the right the speakers. Dots
        without an interval are hollow. A panel that would be empty is left out; where all would be, a sentence says
        why.
    """
    figures = ["uar", *(f"recall_{emotion}" for emotion in emotions)]
    table = table[table[figures].notna().any(axis="columns")]
    people = table[table["attribute"] != "speaker"]
    speakers = table[(table["attribute"] == "speaker") & table[["speakers", "uar"]].notna().all(axis="columns")]
    speakers = speakers.sort_values(["uar", "group"], ascending=[False, True])
    named = len(speakers) <= NAMED_SPEAKERS
    ratios = [len(people) * 1.6 + 3, len(gaps) * 1.6 + 3]
    height = max(sum(ratios), len(speakers) if named else 0) * ROW_INCHES
    widths = [2.2, 0.5 * len(emotions), *([1.6] if len(speakers) else [])]
    width = max(6.5, 3.4 + sum(widths))
    figure = Figure(figsize=(width, 1 + height), layout="constrained")
    figure.get_layout_engine().set(wspace=0.04)
    figure.suptitle(textwrap.fill(title, int(SIGNS_PER_INCH * width)), fontsize=11)
    if not (len(people) or gaps or len(speakers)):
        figure.text(0.5, 0.5, "no group may be scored: see refused_claims.csv", ha="center", va="center")
    grid = figure.add_gridspec(2, len(widths), height_ratios=ratios, width_ratios=widths)
    if len(people):
        _uars(figure.add_subplot(grid[0, 0]), people)
        _recalls(figure.add_subplot(grid[0, 1]), people, emotions)
    if gaps:
        _gaps(figure.add_subplot(grid[1, :2]), gaps)
    if len(speakers):
        _speakers(figure.add_subplot(grid[:, 2]), speakers, named)
    return figure


def _uars(axes: Axes, people: pd.DataFrame) -> None:
    names = []
    for row in people.itertuples():
        speakers = UNKNOWN if pd.isna(row.speakers) else row.speakers
        names.append(f"{naming.group(row.attribute, row.group)}\nutterances {row.utterances}, speakers {speakers}")
    hollow = " (hollow: no interval)" if people["uar_low"].isna().any() else ""
    drawing.intervals(axes, people, names, f"UAR{hollow}")
    axes.set_xlim(0, 1)


def _recalls(axes: Axes, people: pd.DataFrame, emotions: Sequence[str]) -> None:
    recalls = people[[f"recall_{emotion}" for emotion in emotions]].to_numpy(dtype=float)
    drawing.cells(axes, recalls)
    drawing.slanted(axes, emotions)
    axes.set_yticks([])
    axes.set_xlabel("recall")


def _gaps(axes: Axes, gaps: Mapping[str, Mapping[str, float]]) -> None:
    numbers = ["uar", "uar_low", "uar_high", "unbiased_low", "unbiased_high"]
    rows = pd.DataFrame([dict(gap) for gap in gaps.values()], columns=[*numbers, "p", "p_holm"])
    axes.axvline(0, color=GREY, linewidth=1)
    axes.hlines(range(len(rows)), rows["unbiased_low"], rows["unbiased_high"], color=PALE, linewidth=11)
    names = []
    for name, row in zip(gaps, rows.itertuples(), strict=True):
        test = "no test" if np.isnan(row.p) else f"{words.p_value(row.p)}, Holm: {words.p_value(row.p_holm)}"
        names.append(f"{naming.pair(name)}\n{test}")
    drawing.intervals(axes, rows, names, "gap in UAR; grey: where chance alone would leave it")
    reach = 1.1 * np.nanmax(np.abs(rows[numbers].to_numpy()), initial=0.1)
    axes.set_xlim(-reach, reach)


def _speakers(axes: Axes, speakers: pd.DataFrame, named: bool) -> None:
    look = {"color": BLUE, "markerfacecolor": "white", "markersize": drawing.DOT}  # hollow: one speaker has no interval
    axes.plot(speakers["uar"], range(len(speakers)), "o", clip_on=False, **look)
    drawing.rows(axes, speakers["group"], f"UAR of each\nspeaker ({len(speakers)})")
    axes.set_xlim(0, 1)
    if not named:
        axes.set_yticks([])
