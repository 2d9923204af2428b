"""The library's packages on floors: each stands above all that it imports."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from ser.plots.drawing import BLACK, BLUE, PALE

EVERYWHERE = ("files", "machine")  # nearly all use them


def draw(edges: Mapping[tuple[str, str], int], floors: Mapping[str, int]) -> Figure:
    """Draw packages as boxes and imports as arrows, but for those to ``EVERYWHERE``.

    Args:
        edges: how many modules of the first package import something of the second, by (first, second).
        floors: of each package, 0 at the bottom.

    Returns:
        The figure.
    """
    stories = max(floors.values()) + 1
    figure = Figure(figsize=(11, 1.2 * stories), layout="constrained")
    axes = figure.add_subplot()
    places = {}
    for floor in range(stories):
        names = sorted(name for name in floors if floors[name] == floor)
        for index, name in enumerate(names):
            places[name] = np.array([(index + 0.5) / len(names), floor])
    for (first, second), count in sorted(edges.items()):
        if second not in EVERYWHERE:
            line = {"arrowstyle": "->", "color": BLUE, "alpha": 0.7, "linewidth": 0.6 + 0.25 * count}
            axes.annotate("", places[second] + [0, 0.18], places[first] - [0, 0.18], arrowprops=line)
    for name, place in places.items():
        words = f"{name}\n(used by most)" if name in EVERYWHERE else name
        box = {"boxstyle": "round,pad=0.4", "facecolor": PALE, "edgecolor": BLACK, "linewidth": 0.8}
        axes.text(*place, words, ha="center", va="center", fontsize=10, bbox=box)
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.5, stories - 0.5)
    axes.axis("off")
    return figure
