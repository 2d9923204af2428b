"""The picture of learning curves: loss and UAR by epoch, for each protocol."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ser.learning.curves import kept
from ser.plots.drawing import BLUE, GREY, ORANGE, PALE


def draw(table: pd.DataFrame) -> Figure:
    """Draw learning curves: a column of panels per protocol, loss above, UAR below.

    Args:
        table: protocol, fold, epoch, train_loss, validation_loss, train_uar, validation_uar. Of each fold the epoch
            with the lowest validation loss, the one that is kept, gets a dot.

    Returns:
        A thin line per fold; a thick one for the mean over folds, as long as all of them train.
    """
    protocols = sorted(table["protocol"].unique())
    figure = Figure(figsize=(1 + 4.2 * len(protocols), 6), layout="constrained")
    panels = figure.subplots(2, len(protocols), squeeze=False, sharey="row", sharex="col")
    for protocol, column in zip(protocols, panels.T, strict=True):
        rows = table[table["protocol"] == protocol]
        best = kept(rows)
        column[0].set_title(f"{protocol}, folds: {len(best)}", fontsize=10)
        for axes, measure in zip(column, ("loss", "uar"), strict=True):
            _curves(axes, rows, f"train_{measure}", GREY, "training part")
            _curves(axes, rows, f"validation_{measure}", BLUE, "validation part")
            axes.plot(best["epoch"], best[f"validation_{measure}"], "o", color=ORANGE, markersize=5, label="epoch kept")
            axes.grid(color=PALE)
            axes.spines[["top", "right"]].set_visible(False)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        column[1].set(xlabel="epoch")
    panels[0, 0].set(ylabel="loss (nats)", ylim=(0, None))
    panels[1, 0].set(ylabel="UAR", ylim=(0, 1))
    panels[0, 0].legend(frameon=False, fontsize=8)
    return figure


def _curves(axes: Axes, rows: pd.DataFrame, column: str, colour: str, label: str) -> None:
    folds = rows.pivot(index="epoch", columns="fold", values=column)
    axes.plot(folds.index, folds, color=colour, linewidth=0.7, alpha=0.35)
    # A mean of fewer would jump where a fold stops, for folds lie apart.
    shared = folds.dropna()
    marker = "_" if len(folds) == 1 else ""  # the one epoch of a linear classifier makes no line
    axes.plot(shared.index, shared.mean(axis=1), marker=marker, color=colour, linewidth=2.2, label=label)
