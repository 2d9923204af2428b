"""The picture of systems over corpora: the UAR on each, the mean with its interval, the best mean rank on top."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from ser.plots import drawing

MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")


def draw(scored: pd.DataFrame, tasks: Sequence[str], chosen_on: Sequence[str] = ()) -> Figure:
    """Draw a row per system.

    Args:
        scored: encoder, classifier, rank, the UAR of each task, and mean with its interval; where something was chosen
            on some tasks, also mean_others with its own, over the others.
        tasks: the names of those columns.
        chosen_on: those of them on which something was chosen.

    Returns:
        Each corpus by a mark of its own, and the mean with its interval: that without the corpora on which something
        was chosen, where there are any, whose figures are too good.
    """
    mean = "mean_others" if chosen_on else "mean"
    label = f"mean without {', '.join(chosen_on)}" if chosen_on else "mean"
    names = [f"{row.encoder} + {row.classifier}\nmean rank {row.rank:.2f}" for row in scored.itertuples()]
    figure = Figure(figsize=(7.5, 1.4 + 0.42 * len(scored)), layout="constrained")
    axes = figure.subplots()
    means = scored.reindex(columns=[mean, f"{mean}_low", f"{mean}_high"])
    means = means.set_axis(["uar", "uar_low", "uar_high"], axis=1)
    drawing.intervals(axes, means, names, f"UAR, speakers unknown in training; {label}")
    marks = drawing.interval_handles(f"{label}, with interval", means)
    for number, task in enumerate(tasks):
        marker = MARKERS[number % len(MARKERS)]
        name = f"{task} (chosen on)" if task in chosen_on else task
        marks += axes.plot(
            scored[task], range(len(scored)), marker, color=drawing.GREY, fillstyle="none", markersize=5, label=name
        )
    axes.set_xlim(0, 1)
    drawing.legend(figure, marks, 4)
    return figure
