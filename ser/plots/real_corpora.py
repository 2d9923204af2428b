"""The picture of real corpora: what a model makes of unseen speakers, and what a random split would say."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ser.plots import drawing
from ser.plots.drawing import GREY, ORANGE


def draw(rows: pd.DataFrame) -> Figure:
    """Draw a row per corpus.

    Args:
        rows: corpus, speakers, emotions, chance, and uar and random, each with its interval.

    Returns:
        UAR with its interval, that of a random split, and chance.
    """
    names = [f"{row.corpus}\n{row.speakers} speakers, {row.emotions} emotions" for row in rows.itertuples()]
    figure = Figure(figsize=(7, 1.2 + 0.6 * len(rows)), layout="constrained")
    axes = figure.subplots()
    drawing.intervals(axes, rows, names, "UAR")
    axes.plot(rows["random"], range(len(rows)), "D", color=ORANGE, fillstyle="none", markersize=5)
    axes.plot(rows["chance"], range(len(rows)), "|", color=GREY, markersize=16)
    axes.set_xlim(0, 1)
    handles = [
        *drawing.interval_handles("unseen speakers, with interval", rows),
        Line2D([], [], color=ORANGE, marker="D", fillstyle="none", linewidth=0, label="random split"),
        Line2D([], [], color=GREY, marker="|", linewidth=0, markersize=12, label="chance"),
    ]
    drawing.legend(figure, handles, 4)
    return figure
