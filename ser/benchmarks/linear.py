"""Linear classifiers, their cost chosen by inner folds of the training utterances.

The support vector machine is that of the Interspeech ComParE challenges, by which openSMILE's feature sets are judged:
sequential minimal optimisation, one emotion against another, a vote. Logistic regression is multinomial. Both weigh
emotions by their inverse frequency. Linear discriminant analysis takes emotions for equally likely, and shrinks their
covariance towards a sphere: what varies between the speakers of an emotion counts little.

A cost is given relative to the length of a vector: C = cost / numbers. Standardised vectors have a mean squared norm of
``numbers``, so that the same costs suit 88 numbers and 6,373. The discriminant's shrinkage is 1 / (1 + cost); where
vectors have more numbers than there are rows, of the covariance within what the rows span (``in_span``), so that the
same cost shrinks more than it would over all numbers. The inner folds choose it.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from scipy.linalg import solve
from sklearn.covariance import shrunk_covariance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ser.files.failures import InputError
from ser.learning.choices import inner_folds
from ser.learning.fitting import FITTED

ROUNDING = 1e-10  # of the largest eigenvalue: directions below it do not exist


class SupportVectors:
    """scikit-learn's support vector machine, told the inner products of its rows, which libsvm sums ten times slower.

    Args:
        cost: C.
    """

    def __init__(self, cost: float) -> None:
        self.machine = SVC(C=cost, kernel="precomputed", class_weight="balanced")

    def fit(self, rows: np.ndarray, labels: np.ndarray) -> "SupportVectors":
        """Fit to (rows, numbers) and (rows,)."""
        self.rows = rows
        self.machine.fit(rows @ rows.T, labels)
        return self

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Predict (rows,) emotions."""
        return self.machine.predict(rows @ self.rows.T)


class BalancedDiscriminant:
    """Linear discriminant analysis for which all emotions are equally likely, however often each is spoken.

    That of scikit-learn (solver lsqr), but for its singular values of the covariance, which take minutes where vectors
    are long: shrunk, a covariance can be factorised.

    Args:
        shrinkage: of the covariance, above 0 (none) to 1 (a sphere).
    """

    def __init__(self, shrinkage: float) -> None:
        self.shrinkage = shrinkage

    def fit(self, rows: np.ndarray, labels: np.ndarray) -> "BalancedDiscriminant":
        """Fit to (rows, numbers) and (rows,)."""
        self.emotions, which = np.unique(labels, return_inverse=True)
        means = np.stack([rows[which == each].mean(axis=0) for each in range(len(self.emotions))])
        # Each emotion's deviations divided by its rows and the emotions: the mean of the emotions' covariances.
        deviations = (rows - means[which]) / np.sqrt(np.bincount(which) * len(means))[which, None]
        covariance = shrunk_covariance(deviations.T @ deviations, self.shrinkage)
        self.weights = solve(covariance, means.T, assume_a="pos")
        self.intercept = -0.5 * np.sum(means.T * self.weights, axis=0)
        return self

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Predict (rows,) emotions."""
        return self.emotions[np.argmax(rows @ self.weights + self.intercept, axis=1)]


# Each takes a cost and the length of the vectors. Their names tell them from the main pipeline's, which choose nothing.
MACHINES = {
    "svm_tuned": lambda cost, numbers: SupportVectors(cost / numbers),
    "logistic_tuned": lambda cost, numbers: LogisticRegression(
        C=cost / numbers, class_weight="balanced", tol=1e-3, max_iter=2000
    ),
    "lda_tuned": lambda cost, numbers: BalancedDiscriminant(shrinkage=1 / (1 + cost)),
}


def predict(
    machines: Mapping[str, Sequence[float]],
    vectors: np.ndarray,
    truth: np.ndarray,
    groups: np.ndarray | None,
    parts: np.ndarray,
    folds: int,
    scale: bool = True,
) -> dict[str, np.ndarray]:
    """Choose the cost on the training utterances, train on all of them, and predict the test utterances.

    Args:
        machines: by name, out of ``MACHINES``, candidate costs, ascending; of equally good ones the lowest is taken.
        vectors: (utterances, numbers).
        truth: (utterances,) emotions.
        groups: (utterances,) what inner folds keep apart, the speakers; None for random inner folds, which befit an
            outer fold that is random.
        parts: (utterances,) of ``ser.splits.names``; who would stop a network's training trains, too.
        folds: how many inner folds.
        scale: whether to standardise by the training rows, within each inner fold by those of its own; not wanted
            where vectors are normalised already.

    Returns:
        By machine the predicted emotions of the test utterances, in their order.

    Raises:
        InputError: the training vectors are all alike, or cannot be cut into inner folds that train on two emotions.
    """
    train, test = np.flatnonzero(np.isin(parts, FITTED)), parts == "test"
    inner = [
        (*_arranged(vectors[fit], vectors[ask], scale), truth[fit], truth[ask])
        for fit, ask in inner_folds(truth, groups, train, folds)
        if len(ask) and len(set(truth[fit])) > 1 and _differ(vectors[fit])
    ]
    if not _differ(vectors[train]):
        raise InputError(
            "linear classifiers: expected training vectors that differ, found all alike, as normalisation speaker "
            "makes those of speakers with one utterance each; choose normalisation train"
        )
    if not inner:
        raise InputError(
            "linear classifiers: expected training utterances for two inner folds, two of an emotion and of two "
            f"speakers where these are apart, found {len(train)} that cannot be cut; add recordings"
        )
    rows, asked = _arranged(vectors[train], vectors[test], scale)
    found, numbers = {}, vectors.shape[1]
    for name, costs in machines.items():
        uars = [_inner_uar(partial(MACHINES[name], cost, numbers), inner) for cost in costs]
        best = costs[int(np.argmax(uars))]
        found[name] = MACHINES[name](best, numbers).fit(rows, truth[train]).predict(asked)
    return found


def in_span(rows: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Express vectors in an orthonormal basis of what ``rows`` span, where that takes fewer numbers.

    A linear classifier with a quadratic penalty has its weights in that span, so it stays the same classifier (the
    discriminant does but for its shrinkage); with 6,373 numbers and 400 rows it trains ten times faster.

    Args:
        rows: what is trained on, (rows, numbers).
        others: what is asked, (others, numbers).

    Returns:
        Both, (rows, at most rows) and (others, as many): all inner products with ``rows`` are kept.
    """
    if rows.shape[1] <= len(rows):
        return rows, others
    squares, directions = np.linalg.eigh(rows @ rows.T)  # ascending
    there = squares > squares[-1] * ROUNDING
    lengths = np.sqrt(squares[there])
    return directions[:, there] * lengths, others @ rows.T @ directions[:, there] / lengths


def _differ(rows: np.ndarray) -> bool:
    return bool((rows != rows[0]).any())


def _arranged(rows: np.ndarray, others: np.ndarray, scale: bool) -> tuple[np.ndarray, np.ndarray]:
    if scale:
        scaler = StandardScaler().fit(rows)
        rows, others = scaler.transform(rows), scaler.transform(others)
    return in_span(rows, others)


def _inner_uar(make: Callable, inner: Sequence[tuple[np.ndarray, ...]]) -> float:
    """Score a machine of one cost by the pooled predictions of all inner folds."""
    predicted = [make().fit(rows, labels).predict(asked) for rows, asked, labels, _ in inner]
    return recall_score(np.concatenate([fold[3] for fold in inner]), np.concatenate(predicted), average="macro")
