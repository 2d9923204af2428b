"""The picture of the data audit: which group speaks which emotion, how often, and what is refused for it."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from ser import naming
from ser.bias.claims import ANY, INTERVAL, UAR, Claims
from ser.plots import drawing
from ser.plots.drawing import BLACK, BLUE, ORANGE

NAMED_SPEAKERS = 40  # more cannot be read beside the axis
ROW_INCHES = 0.36
NO_FIGURE, NO_UAR = "orange: no figure at all", "dotted: no UAR, or no interval of it"
FRAMES = {
    NO_FIGURE: {"fill": False, "edgecolor": ORANGE, "linewidth": 1.5},
    NO_UAR: {"fill": False, "edgecolor": BLACK, "linewidth": 1, "linestyle": ":"},
}


def draw(counts: pd.DataFrame, refused: pd.DataFrame, overview: dict, emotions: Sequence[str], title: str) -> Figure:
    """Draw how often each group speaks each emotion, and how strongly emotions go with attributes.

    Args:
        counts: attribute, group, emotion, utterances, speakers; groups without utterances are not drawn.
        refused: attribute, group, claim, reason; a cell has an orange frame where the claim on its emotion, or any on
            its group, is refused, and a row a dotted one where only the UAR of its group, or its interval, is.
        overview: ``association`` by attribute, 0 to 1.
        emotions: the label set.
        title: of the picture.

    Returns:
        Panels: groups by emotion, in each cell the share of the group's utterances and their number; below it the
        associations; at the right the same cells of speakers, where they are few enough to be named. A panel that would
        be empty is left out.
    """
    cells = counts.pivot(index=["attribute", "group"], columns="emotion", values="utterances")
    cells = cells.loc[pd.MultiIndex.from_frame(counts[["attribute", "group"]].drop_duplicates()), list(emotions)]
    cells = cells[cells.sum(axis="columns") > 0]
    of_speakers = cells.index.get_level_values("attribute") == "speaker"
    people, speakers = cells[~of_speakers], cells[of_speakers]
    named = 0 < len(speakers) <= NAMED_SPEAKERS
    association = overview["association"]
    ratios = [len(people) + 1, 0.7 * len(association) + 2]
    height = 2 + max(sum(ratios), len(speakers) if named else 0) * ROW_INCHES
    width = 3.4 + (0.9 if named else 0.5) * len(emotions)
    figure = Figure(figsize=(max(8, width), height), layout="constrained")
    figure.suptitle(title, fontsize=11)
    grid = figure.add_gridspec(2, 2 if named else 1, height_ratios=ratios)
    _cells(figure.add_subplot(grid[0, 0]), people, refused, naming.group)
    if association:
        _associations(figure.add_subplot(grid[1, 0]), association)
    if named:
        _cells(figure.add_subplot(grid[:, 1]), speakers, refused, lambda _, speaker: speaker)
    handles = [Patch(label=label, **look) for label, look in FRAMES.items()]
    drawing.legend(figure, handles, 2)
    return figure


def _cells(axes: Axes, counts: pd.DataFrame, refused: pd.DataFrame, named: Callable[[str, str], str]) -> None:
    numbers = counts.to_numpy()
    drawing.cells(axes, numbers / numbers.sum(axis=1, keepdims=True), numbers)
    emotions = list(counts.columns)
    drawing.slanted(axes, emotions)
    axes.set_yticks(range(len(counts)), [named(*place) for place in counts.index], fontsize=drawing.SMALL)
    claims = Claims(refused)
    for row, (attribute, group) in enumerate(counts.index):
        for column, emotion in enumerate(emotions):
            if not claims.carried(attribute, group, emotion):
                axes.add_patch(Rectangle((column - 0.46, row - 0.44), 0.92, 0.88, **FRAMES[NO_FIGURE]))
        partly = not all(claims.carried(attribute, group, claim) for claim in (UAR, INTERVAL))
        if partly and claims.carried(attribute, group, ANY):
            axes.add_patch(Rectangle((-0.49, row - 0.48), len(emotions) - 0.02, 0.96, **FRAMES[NO_UAR]))
    axes.set_title("utterances of each emotion", fontsize=drawing.SMALL)


def _associations(axes: Axes, association: Mapping[str, float]) -> None:
    bars = axes.barh(range(len(association)), list(association.values()), height=0.6, color=BLUE)
    axes.bar_label(bars, fmt="%.2f", padding=3, fontsize=drawing.SMALL)
    drawing.rows(axes, [naming.ATTRIBUTES.get(name, name) for name in association], "Cramér's V, corrected for chance")
    axes.set_xlim(0, 1.1)
    axes.set_title("how strongly\nemotion goes with ...", fontsize=drawing.SMALL)
