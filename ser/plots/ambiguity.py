"""The picture of ambiguity: the map of the data set, scores against references, agreement bands, and the cost."""

import textwrap
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ser import naming
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
        ("auroc", "AUROC for ambiguous utterances\n(0.5: chance)", 0.5),
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
    rows, columns = drawing.grid(len(panels), 2)
    figure = Figure(figsize=(drawing.WIDTH_INCHES / 2 * columns, 0.6 + 3.6 * rows), layout="constrained")
    figure.suptitle(textwrap.fill(title, LINE * columns), fontsize=11)
    for place, panel in enumerate(panels, start=1):
        panel(figure.add_subplot(rows, columns, place))
    return figure


def _map(axes: Axes, table: pd.DataFrame, flagged: pd.Series) -> None:
    """Draw the map of S. Swayamdipta et al., 2020: variability against confidence, hard ones at the bottom."""
    table = table[table["training_variability"].notna()]
    confidence, variability = 1 - table["low_training_confidence"], table["training_variability"]
    doubtful = flagged.reindex(table.index) > 0
    looks = {True: (ORANGE, "^"), False: (GREY, "o")}
    drawing.cloud(axes, pd.DataFrame({"x": variability, "y": confidence}), *zip(*doubtful.map(looks), strict=True))
    names = {False: "others" if doubtful.any() else "utterances", True: "known to be ambiguous"}
    handles = [
        Line2D(
            [], [], color=looks[kind][0], marker=looks[kind][1], markersize=4, linewidth=0, label=f"{name} ({count})"
        )
        for kind, name in names.items()
        if (count := (doubtful == kind).sum())
    ]
    axes.set(xlabel="variability over the epochs of training", ylabel="confidence: mean probability of the label")
    axes.set_ylim(0, 1)
    _legend(axes, handles=handles)
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
            drawing.whiskers(axes, places, part[f"{value}_low"], part[f"{value}_high"], colour)
            axes.plot(
                part[value],
                places,
                marker,
                color=colour,
                mfc=fill,
                markersize=drawing.DOT,
                label=naming.REFERENCES[reference] + manner,
            )
    drawing.rows(axes, [naming.SCORES.get(name, name) for name in names], label)
    _legend(axes)


def _bands(axes: Axes, banded: pd.DataFrame, looks: Mapping[str, tuple[str, str, str]], label: str) -> None:
    rows = banded[banded[next(iter(looks))].notna()].reset_index(drop=True)
    shifts = _shifts(len(looks))
    for shift, (measure, (colour, marker, name)) in zip(shifts, looks.items(), strict=True):
        places = np.arange(len(rows)) + shift
        drawing.whiskers(axes, places, rows[f"{measure}_low"], rows[f"{measure}_high"], colour)
        axes.plot(rows[measure], places, marker, color=colour, markersize=drawing.DOT, label=name)
    names = [f"{naming.JUDGES[row.by]} agree {row.band} %\n{row.utterances} utterances" for row in rows.itertuples()]
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
    axes.plot(matched, places, "D", color=GREY, markersize=drawing.DOT, label="matched, at random")
    drawing.whiskers(axes, places, rows["gain_low"], rows["gain_high"], BLUE)
    axes.plot(rows["gain"], places, "o", color=BLUE, markersize=drawing.DOT, label="the most ambiguous")
    names = []
    for kind, cost in costs.items():
        uar = f"UAR {words.number(cost['uar']['all'])}, then {words.number(cost['uar']['without'])}"
        names.append(f"{naming.EVIDENCE.get(kind, kind)}: {cost['left_out']} of {cost['utterances']}\n{uar}")
    drawing.rows(axes, names, "gain in UAR when left out")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    _legend(axes)


def _shifts(count: int) -> np.ndarray:
    """Places within a row for so many series, around its middle."""
    return ROW * ((np.arange(count) + 0.5) / count - 0.5)


def _legend(axes: Axes, **handles: list[Line2D]) -> None:
    """Put the legend above the panel, where it hides nothing."""
    axes.legend(
        **handles,
        frameon=False,
        fontsize=drawing.SMALL,
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=2,
        borderaxespad=0.2,
    )


def _plain(axes: Axes) -> None:
    axes.grid(color=PALE)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
