"""The picture of fusion: a panel a kind of folds, a row a system, chance as a line."""

import pandas as pd
from matplotlib.figure import Figure

from ser.plots import drawing
from ser.plots.drawing import GREY

PANELS = {
    "speakers": "UAR, other speakers",
    "matched": "UAR, other speakers,\nas few training utterances",
    "sentences": "UAR, other speakers,\nother sentences",
}
ROW_INCHES = 0.42


def draw(table: pd.DataFrame, chance: float, title: str, confidence: float) -> Figure:
    """Draw each system's UAR with its interval.

    Args:
        table: as ``ser.fusion.table.table`` gives it.
        chance: the UAR of a guess that knows nothing.
        title: of the picture.
        confidence: of the intervals.

    Returns:
        A panel for each kind of folds, from 0 to 1.
    """
    systems = list(dict.fromkeys(table["system"]))
    figure = Figure(figsize=(9.5, 1.5 + ROW_INCHES * len(systems)), layout="constrained")
    figure.suptitle(title, fontsize=11)
    for number, (axes, (kind, label)) in enumerate(
        zip(figure.subplots(1, len(PANELS), sharex=True), PANELS.items(), strict=True)
    ):
        rows = table[table["folds"] == kind].reset_index(drop=True)
        axes.axvline(chance, color=GREY, linewidth=1, linestyle="--")
        names = [name.replace("_", ", ") for name in rows["system"]] if not number else [""] * len(rows)
        drawing.intervals(axes, rows, names, label)
        axes.set_xlim(0, 1)
        for line in axes.lines:
            if line.get_marker() == "o":  # a dot at 1 would be cut in half
                line.set(clip_on=False, in_layout=False)
    hollow = " · hollow: no interval" if table["uar_low"].isna().any() else ""
    line = f"line: {100 * confidence:g} % interval over speakers"
    figure.supxlabel(f"dashed: chance · {line}{hollow}", fontsize=drawing.SMALL)
    return figure
