"""The pictures: confusion matrices, learning curves, groups of people; the same bytes for the same numbers.

Colours are those of M. Okabe and K. Ito, "Color Universal Design", 2008, which colour-blind readers can tell apart; no
picture tells by colour alone. Figures are made without pyplot, so that nothing global changes and no screen is needed.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ser.files import whole_file

DOTS_PER_INCH = 120
BLACK, GREY, PALE, BLUE, ORANGE = "#000000", "#8c8c8c", "#e5e5e5", "#0072b2", "#d55e00"
WHITE_ON = 0.7  # share from which white reads better than black on its blue
NAMED_SPEAKERS = 40  # more cannot be read beside the axis
ROW_INCHES = 0.27


def save(figure: Figure, path: Path) -> None:
    """Write a picture as PNG, without the time and the version that would change its bytes."""
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})


def confusion(matrices: Mapping[str, np.ndarray], emotions: Sequence[str]) -> Figure:
    """Draw confusion matrices side by side.

    Args:
        matrices: counts (emotions, emotions) by title: row is truth, column is prediction.
        emotions: the label set, the order of rows and columns.

    Returns:
        A panel per matrix; a cell holds the share of its row in percent and, below, the count.
    """
    size = max(3.6, 0.62 * len(emotions) + 1.6)
    figure = Figure(figsize=((size + 0.5) * len(matrices), size + 0.4), layout="constrained")
    panels = figure.subplots(1, len(matrices), squeeze=False)[0]
    for axes, (title, counts) in zip(panels, matrices.items(), strict=True):
        support = counts.sum(axis=1, keepdims=True)
        shares = np.where(support > 0, counts / np.maximum(support, 1), np.nan)
        _cells(axes, shares, counts)
        axes.set_xticks(range(len(emotions)), emotions, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(emotions)), emotions)
        axes.set(xlabel="prediction", ylabel="truth")
        axes.set_title(title, fontsize=10)
    return figure


def learning_curves(table: pd.DataFrame) -> Figure:
    """Draw learning curves: a column of panels per protocol, loss above, UAR below.

    Args:
        table: protocol, fold, epoch, train_loss, validation_loss, train_uar, validation_uar. Of each fold the epoch
            with the lowest validation loss, the one that is kept, gets a dot.

    Returns:
        A thin line per fold; a thick one for the mean over folds, as long as at least half of them train.
    """
    protocols = sorted(table["protocol"].unique())
    figure = Figure(figsize=(1 + 4.2 * len(protocols), 6), layout="constrained")
    panels = figure.subplots(2, len(protocols), squeeze=False, sharey="row", sharex="col")
    for protocol, column in zip(protocols, panels.T, strict=True):
        rows = table[table["protocol"] == protocol]
        kept = rows.loc[rows.groupby("fold")["validation_loss"].idxmin()]
        column[0].set_title(f"{protocol}, folds: {len(kept)}", fontsize=10)
        for axes, measure in zip(column, ("loss", "uar"), strict=True):
            _curves(axes, rows, f"train_{measure}", GREY, "training part")
            _curves(axes, rows, f"validation_{measure}", BLUE, "validation part")
            axes.plot(kept["epoch"], kept[f"validation_{measure}"], "o", color=ORANGE, markersize=5, label="epoch kept")
            axes.grid(color=PALE)
            axes.spines[["top", "right"]].set_visible(False)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        column[1].set(xlabel="epoch")
    panels[0, 0].set(ylabel="loss (nats)", ylim=(0, None))
    panels[1, 0].set(ylabel="UAR", ylim=(0, 1))
    panels[0, 0].legend(frameon=False, fontsize=8)
    return figure


def groups(table: pd.DataFrame, gaps: Mapping[str, Mapping[str, float]], emotions: Sequence[str], title: str) -> Figure:
    """Draw the UAR and the recalls of groups of people, the gaps between them, and the UAR of every speaker.

    Args:
        table: attribute, group, utterances, speakers, uar, uar_low, uar_high and ``recall_<emotion>``; groups without
            utterances are not drawn.
        gaps: ``uar`` and, where known, ``uar_low`` and ``uar_high`` by the pair's name.
        emotions: the label set.
        title: of the picture.

    Returns:
        Panels: UAR with intervals, beside it the recalls as numbers, below the gaps; at the right the speakers. A panel
        that would be empty is left out.
    """
    table = table[table["utterances"] > 0]
    people = table[table["attribute"] != "speaker"]
    speakers = table[(table["attribute"] == "speaker") & table["speakers"].notna()]
    speakers = speakers.sort_values(["uar", "group"], ascending=[False, True])
    named = len(speakers) <= NAMED_SPEAKERS
    ratios = [len(people) * 1.6 + 3, len(gaps) + 3]
    height = max(sum(ratios), len(speakers) if named else 0) * ROW_INCHES
    figure = Figure(figsize=(10 + 0.55 * len(emotions), 1 + height), layout="constrained")
    figure.suptitle(title, fontsize=11)
    grid = figure.add_gridspec(2, 3, height_ratios=ratios, width_ratios=(4, 0.7 * len(emotions), 3.5))
    if len(people):
        _uars(figure.add_subplot(grid[0, 0]), people)
        _recalls(figure.add_subplot(grid[0, 1]), people, emotions)
    if gaps:
        _gaps(figure.add_subplot(grid[1, :2]), gaps)
    if len(speakers):
        _speakers(figure.add_subplot(grid[:, 2]), speakers, named)
    return figure


def probe_curve(table: pd.DataFrame) -> Figure:
    """Draw what an encoder's features are worth against the audio that it was pretrained on.

    Args:
        table: task, hours, uar and, where known, uar_low and uar_high; 0 hours stands for the untrained encoder.

    Returns:
        A panel per task: UAR with its interval over hours.
    """
    tasks = list(dict.fromkeys(table["task"]))
    figure = Figure(figsize=(0.8 + 3.6 * len(tasks), 3.6), layout="constrained")
    for axes, task in zip(figure.subplots(1, len(tasks), squeeze=False, sharey=True)[0], tasks, strict=True):
        rows = table[table["task"] == task].sort_values("hours")
        if "uar_low" in rows:
            axes.vlines(rows["hours"], rows["uar_low"], rows["uar_high"], color=GREY, linewidth=1)
        axes.plot(rows["hours"], rows["uar"], "o-", color=BLUE, markersize=5)
        axes.set(xlabel="hours of audio seen in pretraining", ylim=(0, 1))
        axes.set_title(task, fontsize=10)
        axes.grid(color=PALE)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("UAR, one speaker out")
    return figure


def _cells(axes: Axes, shares: np.ndarray, counts: np.ndarray | None = None) -> None:
    """Draw a matrix of shares, 0 to 1, as coloured cells with their numbers; a dash where a share is NaN."""
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        words = "–" if np.isnan(share) else f"{share:.0%}" if counts is None else f"{share:.0%}\n{counts[row, column]}"
        colour = "white" if share > WHITE_ON else BLACK
        axes.text(column, row, words, ha="center", va="center", fontsize=8, color=colour)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _curves(axes: Axes, rows: pd.DataFrame, column: str, colour: str, label: str) -> None:
    folds = rows.pivot(index="epoch", columns="fold", values=column)
    axes.plot(folds.index, folds, color=colour, linewidth=0.7, alpha=0.35)
    # Later only stragglers are left, whose mean would jump.
    most = folds[folds.notna().mean(axis=1) >= 0.5]
    axes.plot(most.index, most.mean(axis=1), color=colour, linewidth=2.2, label=label)


def _uars(axes: Axes, people: pd.DataFrame) -> None:
    names = []
    for row in people.itertuples():
        speakers = "unknown" if pd.isna(row.speakers) else row.speakers
        names.append(f"{row.attribute}: {row.group}\nutterances {row.utterances}, speakers {speakers}")
    _intervals(axes, people, names, "UAR")
    axes.set_xlim(0, 1)


def _recalls(axes: Axes, people: pd.DataFrame, emotions: Sequence[str]) -> None:
    recalls = people[[f"recall_{emotion}" for emotion in emotions]].to_numpy(dtype=float)
    _cells(axes, recalls)
    axes.set_xticks(range(len(emotions)), emotions, rotation=45, ha="right", rotation_mode="anchor", fontsize=8)
    axes.set_yticks([])
    axes.set_xlabel("recall")


def _gaps(axes: Axes, gaps: Mapping[str, Mapping[str, float]]) -> None:
    rows = pd.DataFrame(list(gaps.values()), columns=["uar", "uar_low", "uar_high"])
    axes.axvline(0, color=GREY, linewidth=1)
    _intervals(axes, rows, [name.replace("_minus_", " minus ") for name in gaps], "gap in UAR")
    reach = 1.1 * np.nanmax(np.abs(rows.to_numpy()), initial=0.1)
    axes.set_xlim(-reach, reach)


def _speakers(axes: Axes, speakers: pd.DataFrame, named: bool) -> None:
    axes.plot(speakers["uar"], range(len(speakers)), "o", color=BLUE, markersize=5)
    _rows(axes, speakers["group"], f"UAR of each speaker ({len(speakers)})")
    axes.set_xlim(0, 1)
    if not named:
        axes.set_yticks([])


def _intervals(axes: Axes, rows: pd.DataFrame, names: Sequence[str], label: str) -> None:
    places = range(len(rows))
    axes.hlines(places, rows["uar_low"], rows["uar_high"], color=BLUE, linewidth=2)
    axes.plot(rows["uar"], places, "o", color=BLUE, markersize=7)
    _rows(axes, names, label)


def _rows(axes: Axes, names: Sequence[str], label: str) -> None:
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel(label)
    axes.grid(axis="x", color=PALE)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
