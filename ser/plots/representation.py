"""The picture of what spaces know: probes for emotion, speaker, gender and age against chance, and silhouettes."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ser.plots import drawing
from ser.plots.drawing import BLACK, BLUE, GREY, ORANGE

OFFSET = 0.16  # of a row, between the two dots of the silhouettes
GROUPINGS = {"emotion": ("o", BLUE), "speaker": ("s", ORANGE)}  # of the silhouettes: marker and colour


def draw(probes: pd.DataFrame, silhouettes: pd.DataFrame, names: Mapping[str, str], title: str) -> Figure:
    """Draw balanced accuracies of probes and silhouettes, a row a space.

    Args:
        probes: space, attribute, balanced_accuracy, low, high, chance, permuted.
        silhouettes: space, grouping, silhouette, low, high.
        names: what to write for each space, in the order from top to bottom; rows of other spaces are not drawn.
        title: of the picture.

    Returns:
        A panel per attribute with dots, intervals, a bar at chance and a cross at what permuted labels give; a panel of
        silhouettes, which stand apart by marker as well as by colour. A figure that is missing is written as a dash.
    """
    attributes = list(dict.fromkeys(probes["attribute"]))
    lines, columns = drawing.grid(len(attributes) + 1)
    figure = Figure(figsize=(3 + 2.3 * columns, 1 + lines * (0.8 + 0.34 * len(names))), layout="constrained")
    figure.suptitle(title, fontsize=11)
    panels = figure.subplots(lines, columns, sharey=True, squeeze=False).flatten()
    for axes in panels[len(attributes) + 1 :]:
        axes.remove()
    for axes, attribute in zip(panels, attributes, strict=False):
        rows = probes[probes["attribute"] == attribute].set_index("space").reindex(list(names))
        _probes(axes, rows, list(names.values()))
        axes.set_title(attribute, fontsize=10)
    _silhouettes(panels[len(attributes)], silhouettes, list(names), list(names.values()))
    handles = {
        text: artist for axes in figure.axes for artist, text in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    drawing.legend(figure, handles.values(), 6)
    return figure


def _probes(axes: Axes, rows: pd.DataFrame, names: Sequence[str]) -> None:
    places = range(len(rows))
    drawing.whiskers(axes, places, rows["low"], rows["high"], BLUE)
    axes.plot(rows["chance"], places, "|", color=BLACK, markersize=13, markeredgewidth=1.5, label="chance")
    if rows["permuted"].notna().any():
        axes.plot(rows["permuted"], places, "x", color=GREY, markersize=6, label="labels permuted over speakers, mean")
    axes.plot(
        rows["balanced_accuracy"], places, "o", color=BLUE, markersize=drawing.DOT, label="linear probe, with interval"
    )
    for place, missing in zip(places, rows["balanced_accuracy"].isna(), strict=True):
        if missing:
            axes.text(0.5, place, "–", ha="center", va="center", color=GREY)
    drawing.rows(axes, names, "balanced accuracy")
    axes.set_xlim(-0.03, 1.03)


def _silhouettes(axes: Axes, table: pd.DataFrame, spaces: Sequence[str], names: Sequence[str]) -> None:
    axes.axvline(0, color=GREY, linewidth=1)
    for shift, (grouping, (marker, colour)) in zip((-OFFSET, OFFSET), GROUPINGS.items(), strict=True):
        rows = table[table["grouping"] == grouping].set_index("space").reindex(spaces)
        places = [place + shift for place in range(len(rows))]
        drawing.whiskers(axes, places, rows["low"], rows["high"], colour)
        axes.plot(
            rows["silhouette"],
            places,
            marker,
            color=colour,
            markersize=drawing.DOT,
            linestyle="none",
            label=f"by {grouping}",
        )
    drawing.rows(axes, names, "silhouette")
    axes.set_title("silhouettes", fontsize=10)
