"""The picture of what an encoder's features are worth against the audio that it was pretrained on."""

import pandas as pd
from matplotlib.figure import Figure

from ser.plots.drawing import BLUE, GREY, PALE


def draw(table: pd.DataFrame) -> Figure:
    """Draw what an encoder's features are worth against the audio that it was pretrained on.

    Args:
        table: task, hours, uar and, where known, uar_low and uar_high; 0 hours stands for the untrained encoder.

    Returns:
        A panel per task: UAR with its interval over hours.
    """
    tasks = list(dict.fromkeys(table["task"]))
    figure = Figure(figsize=(0.7 + 3.1 * len(tasks), 3.3), layout="constrained")
    for axes, task in zip(figure.subplots(1, len(tasks), squeeze=False, sharey=True)[0], tasks, strict=True):
        rows = table[table["task"] == task].sort_values("hours")
        if "uar_low" in rows:
            axes.vlines(rows["hours"], rows["uar_low"], rows["uar_high"], color=GREY, linewidth=1)
        axes.plot(rows["hours"], rows["uar"], "o-", color=BLUE, markersize=5)
        axes.set(xlabel="hours of audio seen in pretraining", ylim=(0, 1))
        axes.set_title(task, fontsize=10)
        axes.grid(color=PALE)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("UAR, one speaker out")
    return figure
