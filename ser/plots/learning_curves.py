"""The picture of learning curves: loss and UAR by epoch, for each protocol."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ser.learning.curves import kept
from ser.plots import drawing
from ser.plots.drawing import BLUE, GREY, ORANGE, PALE

PARTS = {"train": "training part", "validation": "validation part"}


def draw(table: pd.DataFrame) -> Figure:
    """Draw learning curves: a column of panels per protocol, loss above, UAR below.

    Args:
        table: protocol, fold, epoch, train_loss, validation_loss, train_uar, validation_uar. Of each fold the epoch
            with the lowest validation loss, the one that is kept, gets a dot.

    Returns:
        A thin line per fold; a thick one for the mean over folds, as long as all of them train. Where there is a single
        epoch, as of linear classifiers, none is kept: a dot per fold and part instead.
    """
    protocols = sorted(table["protocol"].unique())
    single = table["epoch"].max() == 1
    figure = Figure(figsize=(1 + 4.2 * len(protocols), 6), layout="constrained")
    panels = figure.subplots(2, len(protocols), squeeze=False, sharey="row", sharex="col")
    for protocol, column in zip(protocols, panels.T, strict=True):
        rows = table[table["protocol"] == protocol]
        best = kept(rows)
        column[0].set_title(f"{protocol}, folds: {len(best)}", fontsize=10)
        for axes, measure in zip(column, ("loss", "uar"), strict=True):
            for part, colour, marker in (("train", GREY, "s"), ("validation", BLUE, "o")):
                label, values = PARTS[part], f"{part}_{measure}"
                if single:
                    axes.plot(
                        rows["fold"], rows[values], marker, color=colour, markersize=5, clip_on=False, label=label
                    )
                else:
                    _curves(axes, rows, values, colour, label)
            if not single:
                epochs, values = best["epoch"], best[f"validation_{measure}"]
                axes.plot(epochs, values, "o", color=ORANGE, markersize=4, label="epoch kept")
            axes.grid(color=PALE)
            axes.spines[["top", "right"]].set_visible(False)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        column[1].set(xlabel="fold" if single else "epoch")
    panels[0, 0].set(ylabel="loss (nats)", ylim=(0, None))
    panels[1, 0].set(ylabel="UAR", ylim=(0, 1))
    drawing.legend(figure, panels[0, 0].get_legend_handles_labels()[0], 3)
    return figure


def _curves(axes: Axes, rows: pd.DataFrame, column: str, colour: str, label: str) -> None:
    folds = rows.pivot(index="epoch", columns="fold", values=column)
    axes.plot(folds.index, folds, color=colour, linewidth=0.7, alpha=0.35)
    # A mean of fewer would jump where a fold stops, for folds lie apart.
    shared = folds.dropna()
    axes.plot(shared.index, shared.mean(axis=1), color=colour, linewidth=2.2, label=label)
