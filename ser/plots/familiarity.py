"""The picture of familiarity: how far tested speech, and other sounds, are from training speech."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from ser.confidence.alarms import SPEECH
from ser.plots import drawing
from ser.plots.drawing import BLUE, ORANGE

TICKS = [digit * 10.0**power for power in range(-3, 4) for digit in (1, 2, 5)]


def draw(measured: pd.DataFrame, speech: str) -> Figure:
    """Draw a row of dots for each kind of sound, and the limit.

    Args:
        measured: as from ``ser.confidence.alarms.distances``.
        speech: what is tested, in words.

    Returns:
        Distances on a logarithmic axis; the share beyond the limit stands beside each kind.
    """
    kinds = measured.groupby("kind", sort=False)["distance"]
    figure = Figure(figsize=(7, 1.2 + 0.45 * len(kinds)), layout="constrained")
    axes = figure.subplots()
    generator, names = np.random.default_rng(0), []
    for place, (kind, distances) in enumerate(kinds):
        spread = place + generator.uniform(-0.3, 0.3, len(distances))
        axes.plot(distances, spread, ".", color=BLUE, markersize=3, alpha=0.4)
        names.append(f"{speech if kind == SPEECH else kind}, beyond: {(distances > 1).mean():.1%}")
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.set_xticks([tick for tick in TICKS if low <= tick <= high])
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.axvline(1, color=ORANGE, linewidth=1.5)
    drawing.rows(axes, names, "distance from training speech, 1 at the limit (log scale)")
    return figure
