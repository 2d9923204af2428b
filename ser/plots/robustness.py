"""The picture of robustness: each encoder's UAR against the signal-to-noise ratio, and under all other conditions."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ser.plots import drawing
from ser.plots.drawing import BLUE, GREY, PALE

NOISE, CLEAN, MEAN = "noise", "clean", "mean"
PLAIN, AUGMENTED = "clean", "augmented"  # speech in training
MARKERS = "osD^vP*X"
GREENISH, PURPLE, SKY, YELLOW, ORANGE = "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#d55e00"  # Okabe and Ito's
COLOURS = (BLUE, ORANGE, GREENISH, PURPLE, SKY, YELLOW, "#000000", GREY)
ROW_INCHES = 0.4
BAR = 0.38  # of a row


def draw(table: pd.DataFrame, chance: float, title: str) -> Figure:
    """Draw what conditions cost each encoder.

    Args:
        table: as ``ser.robustness.comparison.table`` gives it; what was not measured is not drawn.
        chance: the UAR of guessing.
        title: of the picture.

    Returns:
        A column an encoder: above, curves of the UAR against the signal-to-noise ratio, the clean UAR as a dashed line
        with its interval; below, a bar for each condition that is no noise. Chance is dotted. What was trained on
        distorted copies as well is drawn hollow.
    """
    rows = table[table["uar"].notna()]
    encoders = list(rows.groupby("encoder", sort=False))
    others = list(dict.fromkeys(rows.loc[~rows["family"].isin([NOISE, CLEAN, MEAN]), "condition"]))
    kinds = list(dict.fromkeys(rows.loc[rows["family"] == NOISE, "kind"]))
    below = 0.8 + ROW_INCHES * max(1, len(others))
    figure = Figure(figsize=(1.8 + 3.2 * len(encoders), 1.2 + 3.0 + below), layout="constrained")
    figure.suptitle(title, fontsize=11)
    both = (rows["training"] == AUGMENTED).any()
    hollow = " · hollow: trained on distorted copies as well" if both else ""
    figure.supxlabel(f"dashed: clean speech, with interval · dotted: chance{hollow}", fontsize=8)
    panels = figure.subplots(2, len(encoders), squeeze=False, height_ratios=(3.0, below))
    for number, (encoder, own) in enumerate(encoders):
        curves, bars = panels[:, number]
        clean = own[(own["condition"] == CLEAN) & (own["training"] == PLAIN)].iloc[0]
        for training, part in own.groupby("training", sort=False):
            _curves(curves, part[part["family"] == NOISE], kinds, training == AUGMENTED)
            place = (BAR / 2 if training == AUGMENTED else -BAR / 2) if both else 0  # of the bars, from a row's middle
            _bars(bars, part.set_index("condition").reindex(others), place, training == AUGMENTED)
        drawing.rows(bars, [name.replace("_", " ") for name in others] if not number else [""] * len(others), "UAR")
        bars.set_xlim(0, 1)
        for axes, line, band in ((curves, curves.axhline, curves.axhspan), (bars, bars.axvline, bars.axvspan)):
            line(clean["uar"], color=GREY, linewidth=1, linestyle="--")
            line(chance, color=GREY, linewidth=1, linestyle=":")
            if pd.notna(clean["uar_low"]):
                band(clean["uar_low"], clean["uar_high"], color=PALE, alpha=0.6, zorder=0)
            axes.set_axisbelow(True)
        curves.set_title(encoder, fontsize=9)
        if not number:
            curves.set_ylabel("UAR", fontsize=8)
    if kinds:
        handles, labels = panels[0, 0].get_legend_handles_labels()
        panels[0, 0].legend(handles, labels, fontsize=7, frameon=False, loc="lower right")
    return figure


def _curves(axes: Axes, rows: pd.DataFrame, kinds: list[str], hollow: bool) -> None:
    for kind, marker, colour in zip(kinds, MARKERS, COLOURS, strict=False):
        own = rows[rows["kind"] == kind].sort_values("level")
        error = [own["uar"] - own["uar_low"], own["uar_high"] - own["uar"]] if own["uar_low"].notna().all() else None
        style = {"linestyle": ":", "markerfacecolor": "none"} if hollow else {"label": kind}
        axes.errorbar(own["level"], own["uar"], error, marker=marker, color=colour, linewidth=1.2, capsize=2, **style)
    axes.set_ylim(0, 1)
    axes.set_xlabel("signal-to-noise ratio in dB", fontsize=8)
    axes.grid(axis="y", color=PALE)
    axes.spines[["top", "right"]].set_visible(False)


def _bars(axes: Axes, rows: pd.DataFrame, place: float, hollow: bool) -> None:
    places = [number + place for number in range(len(rows))]
    look = {"facecolor": "none", "edgecolor": BLUE} if hollow else {"color": BLUE, "alpha": 0.8}
    axes.barh(places, rows["uar"], height=0.9 * BAR, **look)
    axes.hlines(places, rows["uar_low"], rows["uar_high"], color="#000000", linewidth=1.2)
