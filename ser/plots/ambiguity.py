"""The picture of ambiguity: the map of the data set, scores against references, agreement bands, and the cost."""

import textwrap
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ser.plots import drawing
from ser.plots.drawing import BLACK, BLUE, GREY, ORANGE, PALE
from ser.scores import words

LOOKS = {"planted": (BLACK, "s"), "votes": (BLUE, "o"), "listeners": (ORANGE, "D")}  # of references
LINE = 60  # signs of the title that have room above a panel
ROW = 0.6  # of the height of a row, for all that stands in it


def draw(
    table: pd.DataFrame,
    flagged: pd.Series,
    checked: pd.DataFrame,
    banded: pd.DataFrame,
    costs: Mapping[str, Mapping],
    title: str,
) -> Figure:
    """Draw what is known of ambiguity.

    Args:
        table: low_training_confidence and training_variability of each utterance.
        flagged: 1 for the utterances that are known to be ambiguous, 0 for others, NaN where nothing is known.
        checked: reference, score, and auroc and spearman with _low and _high.
        banded: by, band, utterances, and accuracy, distance and label_distance with _low and _high.
        costs: of each kind of evidence ``left_out``, ``utterances`` and ``uar`` with all, without, gain and so on.
        title: of the picture.

    Returns:
        Panels: the map of training; AUROC and rank correlation of each score; accuracy, and distance from the votes,
        by band of agreement; the gain in UAR without the most ambiguous. A panel that would be empty is left out.
    """
    panels = [lambda axes: _map(axes, table, flagged)]
    for measure, label, chance in (
        ("auroc", "AUROC for ambiguous utterances (0.5: chance)", 0.5),
        ("spearman", "rank correlation with the doubt of raters", 0.0),
    ):
        if checked[measure].notna().any():
            panels.append(lambda axes, what=(measure, label, chance): _scores(axes, checked, *what))
    if banded["utterances"].sum():
        looks = {"accuracy": (BLUE, "o", "accuracy"), "uar": (GREY, "s", "UAR")}
        panels.append(lambda axes: _bands(axes, banded, looks, "model's scores"))
    if banded["distance"].notna().any():
        distances = {"distance": (BLUE, "o", "model's probabilities"), "label_distance": (GREY, "s", "label alone")}
        panels.append(lambda axes: _bands(axes, banded, distances, "Jensen-Shannon distance from the votes"))
    if costs:
        panels.append(lambda axes: _costs(axes, costs))
    columns = 2 if len(panels) in (2, 4) else min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(5.2 * columns, 0.6 + 4 * rows), layout="constrained")
    figure.suptitle(textwrap.fill(title, LINE * columns), fontsize=11)
    for place, panel in enumerate(panels, start=1):
        panel(figure.add_subplot(rows, columns, place))
    return figure


def _map(axes: Axes, table: pd.DataFrame, flagged: pd.Series) -> None:
    """Draw the map of S. Swayamdipta et al., 2020: variability against confidence, hard ones at the bottom."""
    table = table[table["training_variability"].notna()]
    confidence, variability = 1 - table["low_training_confidence"], table["training_variability"]
    flagged = flagged.reindex(table.index)
    for chosen, colour, marker, name in (
        (~(flagged > 0), GREY, "o", "others" if (flagged > 0).any() else "utterances"),
        (flagged > 0, ORANGE, "^", "known to be ambiguous"),
    ):
        if chosen.any():
            label = f"{name} ({chosen.sum()})"
            axes.plot(
                variability[chosen], confidence[chosen], marker, color=colour, markersize=4, alpha=0.7, label=label
            )
    axes.set(xlabel="variability over the epochs of training", ylabel="confidence: mean probability of the label")
    axes.set_ylim(0, 1)
    _legend(axes)
    _plain(axes)


def _scores(axes: Axes, checked: pd.DataFrame, measure: str, label: str, chance: float) -> None:
    """Draw a measure of every score: filled over all utterances, hollow within emotions."""
    rows = checked[checked[measure].notna()]
    names, references = list(dict.fromkeys(rows["score"])), list(dict.fromkeys(rows["reference"]))
    shifts = iter(_shifts(2 * len(references)))
    axes.axvline(chance, color=GREY, linewidth=1)
    for reference in references:
        part = rows[rows["reference"] == reference]
        colour, marker = LOOKS[reference]
        for prefix, fill, manner in (("", colour, ""), ("within_", "white", ", within emotions")):
            places = np.array([names.index(name) for name in part["score"]]) + next(shifts)
            value = prefix + measure
            axes.hlines(places, part[f"{value}_low"], part[f"{value}_high"], color=colour, linewidth=1.5)
            axes.plot(part[value], places, marker, color=colour, mfc=fill, markersize=5, label=reference + manner)
    drawing.rows(axes, [name.replace("_", " ") for name in names], label)
    _legend(axes)


def _bands(axes: Axes, banded: pd.DataFrame, looks: Mapping[str, tuple[str, str, str]], label: str) -> None:
    rows = banded[banded[next(iter(looks))].notna()].reset_index(drop=True)
    shifts = _shifts(len(looks))
    for shift, (measure, (colour, marker, name)) in zip(shifts, looks.items(), strict=True):
        places = np.arange(len(rows)) + shift
        axes.hlines(places, rows[f"{measure}_low"], rows[f"{measure}_high"], color=colour, linewidth=2)
        axes.plot(rows[measure], places, marker, color=colour, markersize=6, label=name)
    names = [f"{row.by} agree {row.band} %\n{row.utterances} utterances" for row in rows.itertuples()]
    drawing.rows(axes, names, f"{label}, by agreement")
    axes.set_xlim(-0.02, 1.02)
    _legend(axes)


def _costs(axes: Axes, costs: Mapping[str, Mapping]) -> None:
    rows = pd.DataFrame([cost["uar"] for cost in costs.values()]).reindex(
        columns=["all", "without", "matched", "gain", "gain_low", "gain_high"]
    )
    places = range(len(rows))
    axes.axvline(0, color=GREY, linewidth=1)
    matched = rows["matched"] - rows["all"]
    axes.plot(matched, places, "D", color=GREY, markersize=6, label="matched, at random")
    axes.hlines(places, rows["gain_low"], rows["gain_high"], color=BLUE, linewidth=2)
    axes.plot(rows["gain"], places, "o", color=BLUE, markersize=7, label="the most ambiguous")
    names = []
    for kind, cost in costs.items():
        uar = f"UAR {words.number(cost['uar']['all'])}, then {words.number(cost['uar']['without'])}"
        names.append(f"{kind.replace('_', ' ')}: {cost['left_out']} of {cost['utterances']}\n{uar}")
    drawing.rows(axes, names, "gain in UAR when left out")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    _legend(axes)


def _shifts(count: int) -> np.ndarray:
    """Places within a row for so many series, around its middle."""
    return ROW * ((np.arange(count) + 0.5) / count - 0.5)


def _legend(axes: Axes) -> None:
    """Put the legend above the panel, where it hides nothing."""
    axes.legend(frameon=False, fontsize=8, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)


def _plain(axes: Axes) -> None:
    axes.grid(color=PALE)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
