"""From what a model hears to an answer: an emotion, or that it is uncertain, the sound unfamiliar, or none there."""

from collections.abc import Callable, Iterator

import numpy as np
from pydantic import BaseModel, Field

from ser.audio import SAMPLING_RATE_HZ
from serving.model import Heard, Model, named
from serving.policy import SILENCE, Policy


class Answer(BaseModel):
    """What is heard in a stretch of audio."""

    answer: str = Field(
        description="what to show: an emotion, 'uncertain', 'unfamiliar' or 'silence'", examples=["happy"]
    )
    label: str | None = Field(description="the most probable emotion, in doubt, too; null in silence")
    confidence: float | None = Field(description="its probability; null in silence")
    probabilities: dict[str, float] | None = Field(description="of each emotion, in sum 1; null in silence")
    distance: float | None = Field(
        description="from the training speech, above 1 'unfamiliar'; null in silence, and where the model lacks it"
    )


class Stretch(Answer):
    """An answer for a part of a recording or a stream."""

    start_s: float = Field(description="where it begins, in seconds")
    end_s: float = Field(description="where it ends, in seconds")


class Prediction(Answer):
    """An answer for a recording."""

    duration_s: float = Field(description="of the recording, in seconds")
    threshold: float = Field(description="the confidence below which the answer is 'uncertain'")
    timeline: list[Stretch] | None = Field(description="an answer for each window; null where no window was asked for")


def answer(model: Model, signal: np.ndarray, policy: Policy, hear: Callable[[np.ndarray], Heard] | None = None) -> dict:
    """Answer for a signal.

    Args:
        model: the model.
        signal: float32 (samples,), mono at 16 kHz.
        policy: when to give no emotion.
        hear: hears the signal; by default the model itself.

    Returns:
        The fields of ``Answer``.

    Raises:
        InputError: the model cannot take the signal.
    """
    if policy.silent(signal):
        return {"answer": SILENCE, "label": None, "confidence": None, "probabilities": None, "distance": None}
    heard = (hear or model.hear)(signal)
    found = heard.probabilities
    label, confidence = model.labels[int(found.argmax())], float(found.max())
    return {
        "answer": named(model.labels, heard, policy.threshold, policy.any_sound),
        "label": label,
        "confidence": confidence,
        "probabilities": dict(zip(model.labels, map(float, found), strict=True)),
        "distance": heard.distance,
    }


def windows(samples: int, window: int, hop: int) -> list[tuple[int, int]]:
    """Cut a signal into windows, a hop apart; the last ends with the signal.

    Args:
        samples: of the signal.
        window: of a window; a shorter signal is one window.
        hop: between the beginnings of two.

    Returns:
        First sample, and the one after the last, of each.
    """
    last = max(0, samples - window)
    starts = [*range(0, last, hop), last]
    return [(start, min(start + window, samples)) for start in starts]


def timeline(
    model: Model,
    signal: np.ndarray,
    cuts: list[tuple[int, int]],
    policy: Policy,
    check: Callable[[], None] = lambda: None,
) -> Iterator[dict]:
    """Answer for each window of a signal.

    Args:
        model: the model.
        signal: float32 (samples,), mono at 16 kHz.
        cuts: of ``windows``.
        policy: when to give no emotion.
        check: called before each; what it raises ends the work.

    Yields:
        The fields of ``Stretch``.

    Raises:
        InputError: as ``answer``.
    """
    for start, end in cuts:
        check()
        times = {"start_s": start / SAMPLING_RATE_HZ, "end_s": end / SAMPLING_RATE_HZ}
        yield times | answer(model, signal[start:end], policy)
