"""What the service asks of a model."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

UNCERTAIN = "uncertain"


class Model(Protocol):
    """A model of emotions in speech.

    Attributes:
        labels: the emotions, in the order of the probabilities.
        abstain_below: the confidence below which the answer is ``UNCERTAIN``, unless somebody asks otherwise.
        settings: what it is made of, for people to read.
        card: what it is and is not, Markdown.
    """

    labels: Sequence[str]
    abstain_below: float
    settings: Mapping[str, str | float | int]
    card: str

    def probabilities(self, signal: np.ndarray) -> np.ndarray:
        """Give each emotion's probability.

        Called from several threads at once.

        Args:
            signal: float32 (samples,), mono at 16 kHz.

        Returns:
            (labels,), which sum to 1.

        Raises:
            InputError: the signal is too short, or the like.
        """

    def stream(self) -> Callable[[np.ndarray, int], np.ndarray]:
        """Begin a stream.

        Returns:
            What gives the probabilities of its windows, one after the other: a window's signal, as for
            ``probabilities``, and where it begins in the stream, in samples, a multiple of 160.
        """


def named(labels: Sequence[str], probabilities: np.ndarray, below: float) -> str:
    """Name the likeliest emotion, or say that nobody can.

    Args:
        labels: the emotions.
        probabilities: theirs, (labels,).
        below: the confidence, the probability of the likeliest one, below which the answer is ``UNCERTAIN``.
    """
    likeliest = int(probabilities.argmax())
    return labels[likeliest] if probabilities[likeliest] >= below else UNCERTAIN
