"""The picture of systems over corpora: the UAR on each, the mean with its interval, the best mean rank on top."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from ser.plots import drawing

MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")


def draw(scored: pd.DataFrame, tasks: Sequence[str]) -> Figure:
    """Draw a row per system.

    Args:
        scored: encoder, classifier, rank, the UAR of each task, and mean with its interval.
        tasks: the names of those columns.

    Returns:
        Each corpus by a mark of its own, and the mean with its interval.
    """
    names = [f"{row.encoder} + {row.classifier}\nmean rank {row.rank:.2f}" for row in scored.itertuples()]
    figure = Figure(figsize=(7.5, 1.4 + 0.42 * len(scored)), layout="constrained")
    axes = figure.subplots()
    means = scored[["mean", "mean_low", "mean_high"]].set_axis(["uar", "uar_low", "uar_high"], axis=1)
    drawing.intervals(axes, means, names, "UAR, speakers unknown in training")
    marks = []
    for number, task in enumerate(tasks):
        marker = MARKERS[number % len(MARKERS)]
        marks += axes.plot(
            scored[task], range(len(scored)), marker, color=drawing.GREY, fillstyle="none", markersize=5, label=task
        )
    axes.set_xlim(0, 1)
    mean = axes.lines[0]
    mean.set_label("mean, with interval")
    figure.legend(handles=[mean, *marks], loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    return figure
