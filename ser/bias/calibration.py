"""Calibration: how far a classifier's certainty is from its share of hits."""

from collections.abc import Sequence

import numpy as np

BINS = 10  # of the confidence, equally wide: above 0 to 0.1, above 0.1 to 0.2, ...


def expected_calibration_error(confidence: Sequence[float], right: Sequence[bool]) -> float:
    """Measure how far the confidence is from the share that is right.

    Utterances are put into ``BINS`` by their confidence; the error is the distance between mean confidence and accuracy
    in each bin, averaged over bins with the weight of their utterances (C. Guo and others, "On calibration of modern
    neural networks", 2017, arXiv 1706.04599, equation 3). By chance alone it is above 0, the more so the fewer
    utterances there are: compare groups of different sizes with care.

    Args:
        confidence: the probability of the predicted emotion, 0 to 1, of each utterance.
        right: whether the prediction is the truth.

    Returns:
        0 (as often right as it believes) to 1; NaN without utterances.
    """
    confidence, right = np.asarray(confidence, dtype=float), np.asarray(right, dtype=float)
    if not len(confidence):
        return float("nan")
    bins = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    surplus = np.bincount(bins, weights=confidence - right, minlength=BINS)
    return float(np.abs(surplus).sum() / len(confidence))
