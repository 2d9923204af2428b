"""What the service asks of a model."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

UNCERTAIN, UNFAMILIAR = "uncertain", "unfamiliar"


class Heard(NamedTuple):
    """What a model hears in a signal.

    Attributes:
        probabilities: of each emotion, (labels,), which sum to 1.
        distance: from the training speech; above 1 the signal is unlike it. None where the model does not know it.
    """

    probabilities: np.ndarray
    distance: float | None = None


class Model(Protocol):
    """A model of emotions in speech.

    Attributes:
        labels: the emotions, in the order of the probabilities.
        abstain_below: the confidence below which the answer is ``UNCERTAIN``, unless somebody asks otherwise.
        longest_s: the longest signal that it takes, in seconds; infinity where it takes any.
        settings: what it is made of, for people to read.
        card: what it is and is not, Markdown.
    """

    labels: Sequence[str]
    abstain_below: float
    longest_s: float
    settings: Mapping[str, str | float | int]
    card: str

    def hear(self, signal: np.ndarray) -> Heard:
        """Give each emotion's probability, and how far the signal is from the training speech.

        Called from several threads at once.

        Args:
            signal: float32 (samples,), mono at 16 kHz.

        Raises:
            InputError: the signal is too short, or the like.
        """

    def stream(self) -> Callable[[np.ndarray, int], Heard]:
        """Begin a stream.

        Returns:
            What hears its windows, one after the other: a window's signal, as for ``hear``, and where it begins in the
            stream, in samples, a multiple of 160.
        """


def named(labels: Sequence[str], heard: Heard, below: float, any_sound: bool = False) -> str:
    """Name the likeliest emotion, or say that nobody can.

    Args:
        labels: the emotions.
        heard: what the model hears.
        below: the confidence, the probability of the likeliest one, below which the answer is ``UNCERTAIN``.
        any_sound: whether what is unlike the training speech has an emotion, too; else it is ``UNFAMILIAR``.
    """
    if not any_sound and heard.distance is not None and heard.distance > 1:
        return UNFAMILIAR
    likeliest = int(heard.probabilities.argmax())
    return labels[likeliest] if heard.probabilities[likeliest] >= below else UNCERTAIN
