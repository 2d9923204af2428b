"""The picture of the cross-corpus matrix: corpora that train as rows, corpora that test as columns."""

import pandas as pd
from matplotlib.figure import Figure

from ser.plots import drawing

CELL_INCHES = (0.42, 0.3)
BY = {"train": "training", "speaker": "speaker"}  # what gives mean and deviation


def draw(systems: pd.DataFrame, title: str) -> Figure:
    """Draw the UAR of every pair of corpora, a panel per system.

    Args:
        systems: a row per system and pair, with encoder, classifier, normalisation, train, test and uar; names keep
            their order.
        title: of the picture.

    Returns:
        Classifiers and normalisations from top to bottom, encoders from left to right.
    """
    corpora = list(dict.fromkeys([*systems["train"], *systems["test"]]))
    encoders = list(dict.fromkeys(systems["encoder"]))
    manners = list(systems.groupby(["normalisation", "classifier"], sort=False))
    width, height = (side * len(corpora) for side in CELL_INCHES)
    size = (1 + (width + 0.1) * len(encoders), 1.2 + (height + 0.7) * len(manners))
    figure = Figure(figsize=size, layout="constrained")
    figure.suptitle(title, fontsize=11)
    figure.supylabel("trained on", fontsize=10)
    figure.supxlabel("tested on", fontsize=10)
    panels = figure.subplots(len(manners), len(encoders), squeeze=False, sharex=True, sharey=True)
    for ((normalisation, classifier), of_manner), in_row in zip(manners, panels, strict=True):
        for encoder, axes in zip(encoders, in_row, strict=True):
            own = of_manner[of_manner["encoder"] == encoder]
            matrix = own.pivot(index="train", columns="test", values="uar").reindex(index=corpora, columns=corpora)
            drawing.cells(axes, matrix.to_numpy(float))
            axes.set_title(f"{encoder}\n{classifier}, normalised\nby {BY[normalisation]}", fontsize=10)
            axes.set_xticks(range(len(corpora)), corpora, fontsize=10, rotation=45)
            axes.set_yticks(range(len(corpora)), corpora, fontsize=10)
    return figure
