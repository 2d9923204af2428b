"""The picture of a benchmark: every system's UAR with its interval, and what a random split makes of it."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ser.plots import drawing
from ser.plots.drawing import GREY, ORANGE
from ser.splits.names import RANDOM

ROW_INCHES = 0.24


def draw(comparisons: Mapping[str, pd.DataFrame], floor: float, title: str) -> Figure:
    """Draw the UAR of encoders, a panel per classifier and normalisation.

    Args:
        comparisons: tables by name (``""`` for the only one) with encoder, classifier, normalisation, protocol, uar,
            uar_low and uar_high, these two missing where there is no interval. Rows without a normalisation are no
            systems and not drawn; encoders and classifiers keep their order.
        floor: the UAR of chance.
        title: of the picture.

    Returns:
        Normalisations of each comparison from top to bottom, classifiers from left to right, in lines of three at
        most; encoders as rows of each panel.
    """
    systems = pd.concat([rows.assign(comparison=name) for name, rows in comparisons.items()])
    systems = systems.dropna(subset="normalisation")
    names = ("encoder", "classifier", "normalisation")
    encoders, classifiers, normalisations = (list(dict.fromkeys(systems[name])) for name in names)
    manners = [(name, normalisation) for name in comparisons for normalisation in normalisations]
    lines, columns = drawing.grid(len(classifiers))
    size = (1.6 + 2.8 * columns, 1.3 + lines * len(manners) * (0.8 + ROW_INCHES * len(encoders)))
    figure = Figure(figsize=size, layout="constrained")
    figure.suptitle(title, fontsize=11)
    panels = figure.subplots(lines * len(manners), columns, squeeze=False, sharex=True, sharey=True)
    rows = systems.set_index(["comparison", "normalisation", "classifier"]).sort_index()
    for number, (comparison, normalisation) in enumerate(manners):
        own = panels[number * lines : (number + 1) * lines].flat
        for classifier, axes in zip(classifiers, own, strict=False):
            place = (comparison, normalisation, classifier)
            found = rows.loc[[place]] if place in rows.index else rows[:0]
            _panel(axes, found.set_index("encoder"), encoders, floor)
            prefix = f"{comparison}: " if comparison else ""
            axes.set_title(f"{prefix}{classifier}, normalisation {normalisation}", fontsize=drawing.SMALL)
        for axes in list(panels[number * lines : (number + 1) * lines].flat)[len(classifiers) :]:
            axes.remove()
    for column in panels.T:
        lowest = [axes for axes in column if axes in figure.axes][-1]
        lowest.set_xlabel("UAR")
        lowest.tick_params(labelbottom=True)
    _legend(figure, systems)
    return figure


def _panel(axes: Axes, systems: pd.DataFrame, encoders: Sequence[str], floor: float) -> None:
    random = systems["protocol"] == RANDOM
    axes.axvline(floor, color=GREY, linewidth=1, linestyle="--")
    contrast = systems.loc[random, "uar"].reindex(encoders)
    axes.plot(contrast, range(len(encoders)), "D", color=ORANGE, fillstyle="none", markersize=6)
    drawing.intervals(axes, systems[~random].reindex(encoders), encoders, "")
    axes.set_xlim(0, 1)
    if systems.empty:
        axes.text(0.5, 0.5, "not run", ha="center", va="center", color=GREY, transform=axes.transAxes)


def _legend(figure: Figure, systems: pd.DataFrame) -> None:
    contrast = systems["protocol"] == RANDOM
    handles = drawing.interval_handles("speakers unknown in training, with interval", systems[~contrast])
    if contrast.any():
        label = "random split: speakers known in training"
        handles.append(Line2D([], [], color=ORANGE, marker="D", fillstyle="none", linewidth=0, label=label))
    handles.append(Line2D([], [], color=GREY, linewidth=1, linestyle="--", label="chance"))
    drawing.legend(figure, handles, len(handles))
