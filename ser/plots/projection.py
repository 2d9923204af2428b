"""The picture of utterances in the plane: the maps of each method, coloured by emotion, speaker and gender."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.path import Path

from ser.people import UNKNOWN
from ser.plots import drawing
from ser.plots.drawing import BLACK, BLUE, GREY, ORANGE, PALE, SMALL

ASPECTS = ("emotion", "speaker", "gender")
# The rest of Okabe and Ito's colours. Two of them are light, hence the dark edge of markers.
COLOURS = (BLUE, ORANGE, "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442", BLACK)
BAR = Path([(-1, -0.4), (1, -0.4), (1, 0.4), (-1, 0.4), (-1, -0.4)])  # lies down; polygons would look like circles
MARKERS = (*"osD^vP*X", BAR, "<", ">")  # eleven, and eight colours: 88 pairs
NAMELESS = (GREY, ".")
NAMED = 40  # groups that a legend can hold
WIDE = 9  # signs of a name, from which two columns of a legend are all that fits


def draw(points: pd.DataFrame, title: str) -> Figure:
    """Draw the maps of each method.

    Args:
        points: method, x, y and the ``ASPECTS`` of every utterance; ``""`` stands for unknown.
        title: of the picture.

    Returns:
        A row of panels per method, a column per aspect. Groups have a marker as well as a colour of their own, so that
        none is told by its colour alone; unknown ones are small grey dots. Points are drawn in an order of chance.
    """
    methods = list(dict.fromkeys(points["method"]))
    figure = Figure(figsize=(drawing.WIDTH_INCHES, 1.6 + 3.4 * max(1, len(methods))), layout="constrained")
    figure.suptitle(title, fontsize=11)
    if not methods:
        return figure
    panels = figure.subplots(len(methods), len(ASPECTS), squeeze=False)
    for method, row in zip(methods, panels, strict=True):
        for aspect, axes in zip(ASPECTS, row, strict=True):
            _map(axes, points[points["method"] == method], aspect)
            axes.set_title(f"{method} by {aspect}", fontsize=10)
    for aspect, axes in zip(ASPECTS, panels[-1], strict=True):
        _legend(axes, points, aspect)
    return figure


def style(groups: Sequence[str]) -> dict[str, tuple[str, str | Path]]:
    """Give each group a colour and a marker; no two have both in common, up to 88 groups."""
    return {name: (COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]) for index, name in enumerate(groups)}


def _map(axes: Axes, points: pd.DataFrame, aspect: str) -> None:
    looks = {"": NAMELESS} | style(_groups(points, aspect))
    drawing.cloud(axes, points, *zip(*points[aspect].map(looks), strict=True))
    axes.set_aspect("equal", adjustable="datalim")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_color(PALE)


def _legend(axes: Axes, points: pd.DataFrame, aspect: str) -> None:
    """Name the groups under the last map, for all maps above it."""
    groups = _groups(points, aspect)
    looks = ({UNKNOWN: NAMELESS} if (points[aspect] == "").any() else {}) | style(groups)
    if len(groups) > NAMED:
        axes.set_xlabel(f"{len(groups)} groups: too many to name", fontsize=SMALL)
    else:
        look = {"linewidth": 0, "markeredgecolor": BLACK, "markeredgewidth": 0.3, "markersize": 5}
        axes.legend(
            handles=[
                Line2D([], [], color=colour, marker=marker, label=name, **look)
                for name, (colour, marker) in looks.items()
            ],
            loc="upper center",
            bbox_to_anchor=(0.5, -0.02),
            ncols=2 if max(map(len, looks)) > WIDE else 3,
            fontsize=SMALL,
            frameon=False,
            handletextpad=0.1,
            columnspacing=0.8,
        )


def _groups(points: pd.DataFrame, aspect: str) -> list[str]:
    return sorted(set(points[aspect]) - {""})
