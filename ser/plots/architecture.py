"""The library's packages as a matrix: a row says what a package uses, a column by whom it is used."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from ser.plots.drawing import BLUE, PALE

CELL_INCHES = 0.3


def draw(edges: Mapping[tuple[str, str], int], floors: Mapping[str, int]) -> Figure:
    """Draw packages from those that nobody uses down to those that use nobody, a dot where one uses another.

    In this order all dots lie above the diagonal: a circle of imports would put one below it.

    Args:
        edges: how many modules of the first package import something of the second, by (first, second).
        floors: of each package, 0 where it uses no other, else one above the highest that it uses.

    Returns:
        The figure.
    """
    names = sorted(floors, key=lambda name: (-floors[name], name))
    count = len(names)
    places = {name: place for place, name in enumerate(names)}
    figure = Figure(figsize=(CELL_INCHES * count + 1.8, CELL_INCHES * count + 1.6), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(range(count), range(count), "s", color=PALE, markersize=14)
    users, used = np.array([[places[one], places[other]] for one, other in edges]).T
    axes.scatter(used, users, s=20 + 14 * np.array(list(edges.values())), color=BLUE, alpha=0.85, linewidths=0)
    axes.set_xticks(range(count), names, fontsize=9, rotation=90)
    axes.set_yticks(range(count), names, fontsize=9)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("is used (the larger the dot, the more modules use it)")
    axes.set_ylabel("uses")
    axes.set_xlim(-0.6, count - 0.4)
    axes.set_ylim(count - 0.4, -0.6)
    axes.set_aspect("equal")
    axes.grid(color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure
