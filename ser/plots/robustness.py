"""The picture of robustness: each encoder's UAR against the signal-to-noise ratio, and under all other conditions."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ser.plots import drawing
from ser.plots.drawing import BLUE, GREY, PALE

NOISE, CLEAN, MEAN = "noise", "clean", "mean"
PLAIN, AUGMENTED = "clean", "augmented"  # speech in training
MARKERS = "osD^vP*X"
GREENISH, PURPLE, SKY, YELLOW, ORANGE = "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#d55e00"  # Okabe and Ito's
COLOURS = (BLUE, ORANGE, GREENISH, PURPLE, SKY, YELLOW, "#000000", GREY)
ROW_INCHES = 0.4
BAR = 0.38  # of a row
APART = 0.035  # of the range of levels, between kinds of noise at one level


def draw(table: pd.DataFrame, chance: float, title: str) -> Figure:
    """Draw what conditions cost each encoder.

    Args:
        table: as ``ser.robustness.comparison.table`` gives it; what was not measured is not drawn.
        chance: the UAR of guessing.
        title: of the picture.

    Returns:
        A column an encoder, in lines of three at most: above, curves of the UAR against the signal-to-noise ratio, the
        clean UAR as a dashed line with its interval; below, a bar for each condition that is no noise. Chance is
        dotted. What was trained on distorted copies as well is drawn hollow. Kinds of noise at one level stand side by
        side.
    """
    rows = table[table["uar"].notna()]
    encoders = list(rows.groupby("encoder", sort=False))
    others = rows[~rows["family"].isin([NOISE, CLEAN, MEAN])].drop_duplicates("condition")
    noises = rows[rows["family"] == NOISE]
    lines, columns = drawing.grid(len(encoders))
    heights = (2.4, 0.7 + ROW_INCHES * max(1, len(others)))
    figure = Figure(figsize=(2.4 + 2.5 * columns, 1.2 + sum(heights) * lines), layout="constrained")
    figure.suptitle(title, fontsize=11)
    panels = figure.subplots(2 * lines, columns, squeeze=False, height_ratios=heights * lines)
    for number, (encoder, own) in enumerate(encoders):
        line, column = divmod(number, columns)
        curves, bars = panels[2 * line : 2 * line + 2, column]
        _encoder(curves, bars, own, noises, list(others["condition"]), chance)
        drawing.rows(bars, [""] * len(others) if column else _levels(others), "UAR")
        curves.set_title(encoder, fontsize=drawing.SMALL)
        if not column:
            curves.set_ylabel("UAR", fontsize=drawing.SMALL)
    for axes in panels.flat:
        if not axes.has_data():
            axes.remove()
    handles = _legend(list(noises["kind"].unique()), (rows["training"] == AUGMENTED).any())
    drawing.legend(figure, handles, 3)
    return figure


def _levels(conditions: pd.DataFrame) -> list[str]:
    """Name conditions, and below what their level counts."""
    units = conditions["unit"].fillna("")
    names = conditions["condition"].str.replace("_", " ")
    return [f"{name}\n{unit}".rstrip() for name, unit in zip(names, units, strict=True)]


def _legend(kinds: list[str], both: bool) -> list[Line2D]:
    looks = {"clean speech, with interval": {"linestyle": "--"}, "chance": {"linestyle": ":"}}
    hollow = {"marker": "o", "markerfacecolor": "none", "linestyle": ":"}
    looks |= {"trained on distorted copies as well": hollow} if both else {}
    lines = [Line2D([], [], color=GREY, linewidth=1, label=label, **look) for label, look in looks.items()]
    noises = zip(kinds, MARKERS, COLOURS, strict=False)
    return [
        Line2D([], [], color=colour, marker=marker, markersize=4, label=kind) for kind, marker, colour in noises
    ] + lines


def _encoder(
    curves: Axes, bars: Axes, own: pd.DataFrame, noises: pd.DataFrame, others: list[str], chance: float
) -> None:
    clean = own[(own["condition"] == CLEAN) & (own["training"] == PLAIN)].iloc[0]
    both = (own["training"] == AUGMENTED).any()
    for training, part in own.groupby("training", sort=False):
        hollow = training == AUGMENTED
        _curves(curves, part, noises, hollow)
        place = (BAR / 2 if hollow else -BAR / 2) if both else 0  # of the bars, from a row's middle
        _bars(bars, part.set_index("condition").reindex(others), place, hollow)
    bars.set_xlim(0, 1)
    for axes, line, band in ((curves, curves.axhline, curves.axhspan), (bars, bars.axvline, bars.axvspan)):
        line(clean["uar"], color=GREY, linewidth=1, linestyle="--")
        line(chance, color=GREY, linewidth=1, linestyle=":")
        if pd.notna(clean["uar_low"]):
            band(clean["uar_low"], clean["uar_high"], color=PALE, alpha=0.6, zorder=0)
        axes.set_axisbelow(True)


def _curves(axes: Axes, rows: pd.DataFrame, noises: pd.DataFrame, hollow: bool) -> None:
    """Draw a curve a kind, each a little beside the others."""
    levels = noises["level"].sort_values().unique()
    step = APART * (np.ptp(levels) or 1) if len(levels) else 0
    kinds = list(noises["kind"].unique())
    for number, (kind, marker, colour) in enumerate(zip(kinds, MARKERS, COLOURS, strict=False)):
        own = rows[(rows["family"] == NOISE) & (rows["kind"] == kind)].sort_values("level")
        places = own["level"] + step * (number - (len(kinds) - 1) / 2 + (0.5 if hollow else 0))
        look = {"linestyle": ":", "markerfacecolor": "white"} if hollow else {}
        axes.plot(places, own["uar"], marker=marker, color=colour, linewidth=1.2, markersize=4, **look)
        middle, half = (own["uar_low"] + own["uar_high"]) / 2, (own["uar_high"] - own["uar_low"]) / 2
        axes.errorbar(places, middle, half, fmt="none", ecolor=colour, elinewidth=1.2, capsize=2, zorder=1.9)
    axes.set_xticks(levels)
    axes.set_ylim(0, 1)
    axes.set_xlabel("signal-to-noise ratio in dB", fontsize=drawing.SMALL)
    axes.grid(axis="y", color=PALE)
    axes.spines[["top", "right"]].set_visible(False)


def _bars(axes: Axes, rows: pd.DataFrame, place: float, hollow: bool) -> None:
    places = [number + place for number in range(len(rows))]
    look = {"facecolor": "none", "edgecolor": BLUE} if hollow else {"color": BLUE, "alpha": 0.8}
    axes.barh(places, rows["uar"], height=0.9 * BAR, **look)
    axes.hlines(places, rows["uar_low"], rows["uar_high"], color="#000000", linewidth=1.2)
