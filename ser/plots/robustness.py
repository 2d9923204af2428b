"""The picture of robustness: each system's UAR against the signal-to-noise ratio, and under all other conditions."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ser.plots import drawing
from ser.plots.drawing import BLUE, GREY, PALE

NOISE, CLEAN = "noise", "clean"
MARKERS = "osD^vP*X"
GREENISH, PURPLE, SKY, YELLOW, ORANGE = "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#d55e00"  # Okabe and Ito's
COLOURS = (BLUE, ORANGE, GREENISH, PURPLE, SKY, YELLOW, "#000000", GREY)
ROW_INCHES = 0.34


def draw(table: pd.DataFrame, chance: float, title: str) -> Figure:
    """Draw what conditions cost each system.

    Args:
        table: as ``ser.robustness.comparison.table`` gives it; what was not measured is not drawn.
        chance: the UAR of guessing.
        title: of the picture.

    Returns:
        A column a system: above, curves of the UAR against the signal-to-noise ratio, the clean UAR as a dashed line
        with its interval; below, a bar for each condition that is no noise. Chance is dotted.
    """
    rows = table[table["uar"].notna()]
    systems = list(rows.groupby(["encoder", "training"], sort=False))
    others = list(dict.fromkeys(rows.loc[~rows["family"].isin([NOISE, CLEAN]), "condition"]))
    kinds = list(dict.fromkeys(rows.loc[rows["family"] == NOISE, "kind"]))
    below = 0.8 + ROW_INCHES * max(1, len(others))
    figure = Figure(figsize=(1.8 + 3.2 * len(systems), 1.2 + 3.0 + below), layout="constrained")
    figure.suptitle(title, fontsize=11)
    figure.supxlabel("dashed: clean speech, with interval · dotted: chance", fontsize=8)
    panels = figure.subplots(2, len(systems), squeeze=False, height_ratios=(3.0, below))
    for number, ((encoder, training), own) in enumerate(systems):
        curves, bars = panels[:, number]
        clean = own[own["condition"] == CLEAN].iloc[0]
        _curves(curves, own[own["family"] == NOISE], kinds)
        _bars(bars, own.set_index("condition").reindex(others), others if number == 0 else [""] * len(others))
        for axes, line, band in ((curves, curves.axhline, curves.axhspan), (bars, bars.axvline, bars.axvspan)):
            line(clean["uar"], color=GREY, linewidth=1, linestyle="--")
            line(chance, color=GREY, linewidth=1, linestyle=":")
            if pd.notna(clean["uar_low"]):
                band(clean["uar_low"], clean["uar_high"], color=PALE, alpha=0.6, zorder=0)
            axes.set_axisbelow(True)
        curves.set_title(encoder if training == CLEAN else f"{encoder}, {training}", fontsize=9)
        if not number:
            curves.set_ylabel("UAR", fontsize=8)
    if kinds:
        handles, labels = panels[0, 0].get_legend_handles_labels()
        panels[0, 0].legend(handles, labels, fontsize=7, frameon=False, loc="lower right")
    return figure


def _curves(axes: Axes, rows: pd.DataFrame, kinds: list[str]) -> None:
    for kind, marker, colour in zip(kinds, MARKERS, COLOURS, strict=False):
        own = rows[rows["kind"] == kind].sort_values("level")
        error = [own["uar"] - own["uar_low"], own["uar_high"] - own["uar"]] if own["uar_low"].notna().all() else None
        axes.errorbar(
            own["level"], own["uar"], error, marker=marker, color=colour, linewidth=1.2, label=kind, capsize=2
        )
    axes.set_ylim(0, 1)
    axes.set_xlabel("signal-to-noise ratio in dB", fontsize=8)
    axes.grid(axis="y", color=PALE)
    axes.spines[["top", "right"]].set_visible(False)


def _bars(axes: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    places = range(len(rows))
    axes.barh(places, rows["uar"], height=0.6, color=BLUE, alpha=0.8)
    axes.hlines(places, rows["uar_low"], rows["uar_high"], color="#000000", linewidth=1.2)
    drawing.rows(axes, [name.replace("_", " ") for name in names], "UAR")
    axes.set_xlim(0, 1)
