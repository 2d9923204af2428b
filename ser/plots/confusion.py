"""The picture of confusion matrices, side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from ser.plots import drawing


def draw(matrices: Mapping[str, np.ndarray], emotions: Sequence[str]) -> Figure:
    """Draw confusion matrices side by side.

    Args:
        matrices: counts (emotions, emotions) by title: row is truth, column is prediction.
        emotions: the label set, the order of rows and columns.

    Returns:
        A panel per matrix; a cell holds the share of its row in percent and, below, the count.
    """
    size = max(3.6, 0.46 * len(emotions) + 1.3)
    figure = Figure(figsize=(size * len(matrices), size + 0.4), layout="constrained")
    panels = figure.subplots(1, len(matrices), squeeze=False)[0]
    for axes, (title, counts) in zip(panels, matrices.items(), strict=True):
        support = counts.sum(axis=1, keepdims=True)
        shares = np.where(support > 0, counts / np.maximum(support, 1), np.nan)
        drawing.cells(axes, shares, counts)
        drawing.slanted(axes, emotions)
        axes.set_yticks(range(len(emotions)), emotions, fontsize=drawing.SMALL)
        axes.set(xlabel="prediction", ylabel="truth")
        axes.set_title(title, fontsize=drawing.SMALL)
    return figure
