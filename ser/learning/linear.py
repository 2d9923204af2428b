"""Linear classifiers: solved at once, without epochs, by scikit-learn.

- ``lda``: linear discriminant analysis, its covariance shrunk as far as O. Ledoit and M. Wolf say ("A well-conditioned
  estimator for large-dimensional covariance matrices", 2004).
- ``svm``: a linear support vector machine, one emotion against the rest, squared hinge loss.

The scores of the one are far too sure where vectors are long, those of the other are no probabilities at all: both are
multiplied by one number, which changes no prediction, so that they fit speakers whom they were not trained on
(``inverse_temperature``). A linear classifier is kept as a network without hidden layers.
"""

import math
import warnings
from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from torch import Tensor
from torch.nn.functional import cross_entropy

from ser.files.failures import InputError

ITERATIONS = 20_000  # of the support vector machine's solver, at most


def fit(
    kind: str,
    rows: np.ndarray,
    truth: np.ndarray,
    place: str,
    *,
    class_weights: bool,
    cost: float,
    samples: Sequence[tuple[np.ndarray, np.ndarray]] = (),
) -> tuple[np.ndarray, np.ndarray]:
    """Fit a linear classifier.

    Args:
        kind: ``lda`` or ``svm``.
        rows: float64 (utterances, numbers), normalised.
        truth: (utterances,) labels, 0 1 2 ..., each at least once.
        place: protocol and fold, for messages.
        class_weights: whether each label counts the same in sum; to ``lda`` all are equally likely then.
        cost: C of ``svm``.
        samples: further rows and their labels, to each of which it is fitted as well: the mean of these solutions.

    Returns:
        Weights (labels, numbers) and bias (labels,), which give scores.

    Raises:
        InputError: the support vector machine's solver does not end; or as ``discriminant``.
    """
    if samples:
        joined = [(np.concatenate([rows, more]), np.concatenate([truth, labels])) for more, labels in samples]
        found = [fit(kind, *each, place, class_weights=class_weights, cost=cost) for each in joined]
        weights, biases = zip(*found, strict=True)
        return np.mean(weights, axis=0), np.mean(biases, axis=0)
    if kind == "lda":
        counts = np.bincount(truth)
        even = np.full(len(counts), 1 / len(counts))
        weights, bias = discriminant(rows, truth, even if class_weights else counts / len(truth), place)
    else:
        balanced = "balanced" if class_weights else None
        machine = LinearSVC(C=cost, dual="auto", class_weight=balanced, max_iter=ITERATIONS, random_state=0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", ConvergenceWarning)
                machine.fit(rows, truth)
        except ConvergenceWarning as warning:
            raise InputError(
                f"{place}: the support vector machine does not converge in {ITERATIONS} steps; lower train.cost"
            ) from warning
        weights, bias = machine.coef_, machine.intercept_
    if len(weights) == 1:  # of two labels, the second against the first
        return np.concatenate([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    return weights, bias


def discriminant(rows: np.ndarray, truth: np.ndarray, priors: np.ndarray, place: str) -> tuple[np.ndarray, np.ndarray]:
    """Fit linear discriminant analysis with an automatically shrunk covariance.

    Args:
        rows: float64 (utterances, numbers).
        truth: (utterances,) labels, 0 1 2 ..., each at least once.
        priors: how likely each label is before anything is heard, (labels,).
        place: protocol and fold, for messages.

    Returns:
        What scikit-learn calls ``coef_`` and ``intercept_``.

    Raises:
        InputError: there are more numbers than utterances, and no label has three utterances that differ: the shrinkage
            of two is none, and along most directions nothing varies.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Only one sample available", UserWarning)  # it has no covariance to add
        if rows.shape[1] <= len(rows):
            found = LinearDiscriminantAnalysis("lsqr", "auto", priors).fit(rows, truth)
            return found.coef_, found.intercept_
        # The same for thousands of numbers, which would take minutes: the covariance is ``roots.T @ roots`` and a
        # diagonal, so that a system of as many equations as there are utterances is enough (M. Woodbury, 1950).
        means, roots, diagonal = np.empty((len(priors), rows.shape[1])), np.empty(rows.shape), np.zeros(rows.shape[1])
        for label, prior in enumerate(priors):
            own = truth == label
            scaler = StandardScaler()
            standard = scaler.fit_transform(rows[own])
            share = ledoit_wolf_shrinkage(standard)
            means[label] = scaler.mean_
            roots[own] = np.sqrt(prior * (1 - share) / own.sum()) * (rows[own] - scaler.mean_)
            diagonal += prior * share * np.mean(standard**2) * scaler.scale_**2
    if not (diagonal > 0).all():  # rounding may take a shrinkage of none below it
        wanted = "utterances of an emotion to differ, found none that do"
        if any(np.ptp(rows[truth == label], axis=0).any() for label in range(len(priors))):
            wanted = "three training utterances of an emotion that differ, found two at most"
        raise InputError(
            f"{place}: linear discriminant analysis: expected {wanted}; add recordings, or choose train.start none or "
            "train.classifier svm"
        )
    narrowed = roots / diagonal
    inner = np.eye(len(rows)) + narrowed @ roots.T
    weights = means / diagonal - np.linalg.solve(inner, narrowed @ means.T).T @ narrowed
    bias = np.log(priors) - 0.5 * (means * weights).sum(axis=1)
    return (weights[1:] - weights[:1], bias[1:] - bias[:1]) if len(priors) == 2 else (weights, bias)


def inverse_temperature(scores: Tensor, truth: Tensor, class_weights: Tensor | None) -> float:
    """Find by which number to multiply scores, so that their softmax gives probabilities.

    C. Guo et al., "On calibration of modern neural networks", 2017 (arXiv 1706.04599). Labels are smoothed as by
    J. Platt ("Probabilistic outputs for support vector machines", 1999): that some utterances are all right
    does not show that there are no errors.

    Args:
        scores: float64 (utterances, labels), of utterances that the classifier was not fitted to.
        truth: their labels, int64 (utterances,).
        class_weights: (labels,), or None.

    Returns:
        The number with the lowest cross-entropy, above 0.
    """

    def loss(logarithm: float) -> float:
        smoothing = 1 / (len(truth) + 2)
        return cross_entropy(math.exp(logarithm) * scores, truth, class_weights, label_smoothing=smoothing).item()

    return math.exp(minimize_scalar(loss, bounds=(-10, 10), method="bounded").x)
