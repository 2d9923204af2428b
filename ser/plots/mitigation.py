"""The picture of mitigations: a panel a measure, a row a system, the baseline as a line."""

import pandas as pd
from matplotlib.figure import Figure

from ser.plots import drawing
from ser.plots.drawing import BLUE, GREY, ORANGE

PANELS = {
    "uar": "UAR",
    "worst_gender_uar": "UAR, worse gender",
    "gender_gap": "UAR, women minus men",
    "gender_probe": "gender, read off the\nhidden layer",
    "speaker_probe": "speaker, read off the\nhidden layer",
}
ROW_INCHES = 0.34


def draw(table: pd.DataFrame, speakers: int, title: str) -> Figure:
    """Draw every system's measures with their intervals.

    Args:
        table: as ``ser.benchmarks.mitigation_table.table`` gives it; systems that were not run are not drawn.
        speakers: of the corpus: one over them is the chance of naming the speaker.
        title: of the picture.

    Returns:
        A panel for each measure that is known. A filled dot differs from the baseline, or from the system whose name
        stands behind a minus, by an interval that excludes 0; a hollow one does not. The dashed line is the baseline,
        the dotted one is chance, or no gap.
    """
    rows = table[table["uar"].notna()].reset_index(drop=True)
    panels = {name: words for name, words in PANELS.items() if rows[name].notna().any()}
    lines, columns = drawing.grid(len(panels))
    size = (1.6 + 2.8 * columns, 0.8 + lines * (0.8 + ROW_INCHES * len(rows)))
    figure = Figure(figsize=size, layout="constrained")
    figure.suptitle(title, fontsize=11)
    figure.supxlabel(
        "dashed: baseline · dotted: chance, or no gap · filled: the paired difference to the baseline, or to what\n"
        "follows a minus, excludes 0",
        fontsize=drawing.SMALL,
    )
    other = rows["against"].where(~rows["against"].isin(["", rows.loc[0, "system"]]), "")
    names = (rows["system"] + other.map(lambda name: f" −\n{name}" if name else "")).str.replace("_", " ")
    floors = {"gender_gap": 0.0, "gender_probe": 0.5, "speaker_probe": 1 / speakers}
    for number, (name, words) in enumerate(panels.items()):
        axes = figure.add_subplot(lines, columns, number + 1)
        low, high = rows[f"{name}_change_low"], rows[f"{name}_change_high"]
        moved = (low > 0) | (high < 0)
        axes.axvline(rows.loc[0, name], color=GREY, linewidth=1, linestyle="--")
        if name in floors:
            axes.axvline(floors[name], color=GREY, linewidth=1, linestyle=":")
        drawing.whiskers(axes, rows.index, rows[f"{name}_low"], rows[f"{name}_high"], BLUE)
        for which, fill, edge in ((moved, ORANGE, ORANGE), (~moved, "white", BLUE)):
            axes.plot(
                rows.loc[which, name], rows.index[which], "o", markerfacecolor=fill, markeredgecolor=edge, markersize=5
            )
        drawing.rows(axes, names if not number % columns else [""] * len(rows), words)
    return figure
