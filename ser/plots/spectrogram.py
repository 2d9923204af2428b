"""The picture of an utterance: its mel spectrogram."""

import librosa.display
import numpy as np
from matplotlib.figure import Figure

SIZE_INCHES = (5.6, 1.9)


def draw(decibels: np.ndarray, sampling_rate_hz: int, hop: int) -> Figure:
    """Draw a mel spectrogram over time, dark where much energy is.

    Args:
        decibels: (mel bands, frames), 0 at the loudest point.
        sampling_rate_hz: of the signal; the bands reach up to half of it.
        hop: samples from frame to frame.
    """
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    axes = figure.add_subplot()
    librosa.display.specshow(
        decibels, sr=sampling_rate_hz, hop_length=hop, x_axis="time", y_axis="mel", cmap="Blues", ax=axes
    )
    axes.set_xlabel("seconds", fontsize=9)
    axes.set_ylabel("Hz (mel scale)", fontsize=9)
    axes.tick_params(labelsize=9)
    return figure
