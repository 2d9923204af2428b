"""The picture of encoders on known and unseen sentences: a panel per task, a row per encoder."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from ser.plots import drawing

APART = 0.16  # of a row, from its middle to either of its two lines


def draw(figures: pd.DataFrame, chances: Mapping[str, float]) -> Figure:
    """Draw each encoder twice.

    Args:
        figures: task, encoder, and known and unseen with their intervals.
        chances: of each task, the UAR of guessing.

    Returns:
        A panel per task: the UAR on known sentences as a hollow dot, that on unseen ones as a full dot, chance as a
        dashed line. Encoders keep the order in which they first stand in the table, in every panel.
    """
    tasks, encoders = (figures[name].drop_duplicates().tolist() for name in ("task", "encoder"))
    heights = [figures["task"].eq(task).sum() for task in tasks]
    figure = Figure(figsize=(7.5, 1.2 + sum(0.45 + 0.34 * height for height in heights)), layout="constrained")
    panels = figure.subplots(len(tasks), sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axes, task in zip(panels, tasks, strict=True):
        rows = figures[figures["task"] == task].set_index("encoder")
        rows = rows.loc[[encoder for encoder in encoders if encoder in rows.index]]
        axes.axvline(chances[task], color=drawing.GREY, linewidth=1, linestyle="--", label="chance")
        for name, shift, colour, fill in (
            ("known", -APART, drawing.GREY, "none"),
            ("unseen", APART, drawing.BLUE, "full"),
        ):
            places = [place + shift for place in range(len(rows))]
            drawing.whiskers(axes, places, rows[f"{name}_low"], rows[f"{name}_high"], colour)
            axes.plot(rows[name], places, "o", color=colour, fillstyle=fill, markersize=5, label=f"{name} sentences")
        drawing.rows(axes, rows.index, "")
        axes.set_title(task, fontsize=drawing.SMALL, loc="left")
    panels[-1].set_xlabel("UAR, speakers unknown in training")
    panels[-1].set_xlim(0, 1)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure
