"""What every picture shares: colours, bytes that stay the same, cells of a matrix, rows with intervals, clouds.

Colours are those of M. Okabe and K. Ito, "Color Universal Design", 2008, which colour-blind readers can tell apart; no
picture tells by colour alone. Figures are made without pyplot, so that no screen is needed. Importing this module puts
matplotlib's settings back to its defaults, as those of a user would change the bytes.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle

from ser.files.whole import whole_file

# Whatever a matplotlibrc in the home folder says, for it would change the pictures' bytes.
matplotlib.rcdefaults()

DOTS_PER_INCH = 120
WIDTH_INCHES = 10  # at most, of a picture with many panels: pages show it some 900 pixels wide
SMALL = 9  # points: what can still be read then
BLACK, GREY, PALE, BLUE, ORANGE = "#000000", "#8c8c8c", "#e5e5e5", "#0072b2", "#d55e00"
WHITE_ON = 0.7  # share from which white reads better than black on its blue
DOT, CAP = 4, 2.5  # points: small enough to show intervals that are narrow
EDGED = 1000  # points of a map, up to which each has an edge


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
        axes.text(column, row, words, ha="center", va="center", fontsize=SMALL, color=colour)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def intervals(axes: Axes, table: pd.DataFrame, names: Sequence[str], label: str) -> None:
    """Draw a dot a row of the table, uar, on the line from uar_low to uar_high; hollow where these are missing."""
    places = np.arange(len(table))
    axes.plot(table["uar"], places, "o", color=BLUE, markersize=DOT)
    whiskers(axes, places, table["uar_low"], table["uar_high"], BLUE)
    alone = _alone(table)
    axes.plot(table["uar"][alone], places[alone], "o", color=BLUE, markerfacecolor="white", markersize=DOT, zorder=3)
    rows(axes, names, label)


def interval_handles(label: str, table: pd.DataFrame) -> list[Line2D]:
    """Name in a legend what ``intervals`` draws: dots with a line, and hollow dots where there are any."""
    handles = [Line2D([], [], color=BLUE, marker="o", markersize=DOT, label=label)]
    if _alone(table).any():
        hollow = {"color": BLUE, "markerfacecolor": "white", "linewidth": 0}
        handles.append(Line2D([], [], marker="o", markersize=DOT, label="hollow: no interval", **hollow))
    return handles


def whiskers(axes: Axes, places: Sequence[float], low: pd.Series, high: pd.Series, colour: str) -> None:
    """Draw a line with caps from low to high in each row, where both are known."""
    middle, half = (low + high) / 2, (high - low) / 2  # not from the figure, which may lie outside
    axes.errorbar(middle, places, xerr=half, fmt="none", ecolor=colour, elinewidth=1.5, capsize=CAP)


def cloud(axes: Axes, places: pd.DataFrame, colours: Sequence[str], markers: Sequence[str]) -> None:
    """Draw points, x and y, in an order of chance that stays the same, so that no group buries another.

    The more points, the smaller and the more transparent they are; above ``EDGED`` they have no dark edge.

    Args:
        axes: to draw on.
        places: x and y of each point.
        colours: of each point.
        markers: of each point.
    """
    many = 300 / max(300, len(places))
    order = np.random.default_rng(0).permutation(len(places))
    styles = [MarkerStyle(marker) for marker in markers]
    found = axes.scatter(
        places["x"].to_numpy()[order],
        places["y"].to_numpy()[order],
        s=22 * many**0.4,
        c=np.asarray(colours, dtype=object)[order],
        alpha=0.9 * many**0.15,
        edgecolors=BLACK if len(places) <= EDGED else "none",
        linewidths=0.3,
    )
    found.set_paths([styles[place].get_path().transformed(styles[place].get_transform()) for place in order])


def rows(axes: Axes, names: Sequence[str], label: str) -> None:
    """Name the rows of a panel, the first on top, and its one axis."""
    axes.set_yticks(range(len(names)), names, fontsize=SMALL)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel(label)
    axes.grid(axis="x", color=PALE)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def slanted(axes: Axes, names: Sequence[str]) -> None:
    """Name the columns of a matrix below it, aslant, so that long names do not touch."""
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor", fontsize=SMALL)


def legend(figure: Figure, handles: Iterable[Artist], columns: int) -> None:
    """Put a legend below all panels, where it hides nothing."""
    figure.legend(handles=list(handles), loc="outside lower center", ncols=columns, fontsize=SMALL, frameon=False)


def grid(panels: int, columns: int = 3) -> tuple[int, int]:
    """Give rows and columns for so many panels, with no more columns than may be, and rows as full as can be."""
    lines = -(-panels // columns)
    return lines, -(-panels // lines)


def _alone(table: pd.DataFrame) -> np.ndarray:
    return (table["uar"].notna() & table["uar_low"].isna()).to_numpy()
