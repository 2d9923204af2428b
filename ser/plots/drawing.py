"""What every picture shares: colours, bytes that stay the same, cells of a matrix, rows with intervals.

Colours are those of M. Okabe and K. Ito, "Color Universal Design", 2008, which colour-blind readers can tell apart; no
picture tells by colour alone. Figures are made without pyplot, so that no screen is needed. Importing this module puts
matplotlib's settings back to its defaults, as those of a user would change the bytes.
"""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ser.files.whole import whole_file

# Whatever a matplotlibrc in the home folder says, for it would change the pictures' bytes.
matplotlib.rcdefaults()

DOTS_PER_INCH = 120
BLACK, GREY, PALE, BLUE, ORANGE = "#000000", "#8c8c8c", "#e5e5e5", "#0072b2", "#d55e00"
WHITE_ON = 0.7  # share from which white reads better than black on its blue


def save(figure: Figure, path: Path) -> None:
    """Write a picture as PNG, without the time and the version that would change its bytes."""
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})


def cells(axes: Axes, shares: np.ndarray, counts: np.ndarray | None = None) -> None:
    """Draw a matrix of shares, 0 to 1, as coloured cells with their numbers; a dash where a share is NaN."""
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        words = "–" if np.isnan(share) else f"{share:.0%}" if counts is None else f"{share:.0%}\n{counts[row, column]}"
        colour = "white" if share > WHITE_ON else BLACK
        axes.text(column, row, words, ha="center", va="center", fontsize=8, color=colour)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def intervals(axes: Axes, table: pd.DataFrame, names: Sequence[str], label: str) -> None:
    """Draw a dot a row of the table, uar, on the line from uar_low to uar_high, where they are known."""
    places = range(len(table))
    axes.hlines(places, table["uar_low"], table["uar_high"], color=BLUE, linewidth=2)
    axes.plot(table["uar"], places, "o", color=BLUE, markersize=7)
    rows(axes, names, label)


def rows(axes: Axes, names: Sequence[str], label: str) -> None:
    """Name the rows of a panel, the first on top, and its one axis."""
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel(label)
    axes.grid(axis="x", color=PALE)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
