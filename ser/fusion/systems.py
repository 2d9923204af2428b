"""Voice, words, and both: linear classifiers of one fold, and how they are put together.

All are the main pipeline's linear classifiers, on numbers standardised by those that learn. They are fitted on trial,
to find how sure to be (``ser.learning.linear.inverse_temperature``) and how much the words count, and then to all that
learn.
"""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.special import log_softmax
from sklearn.preprocessing import StandardScaler
from torch.nn.functional import cross_entropy

from ser.fusion.folds import Fold
from ser.fusion.task import EARLY, MEAN, VOICE, WEIGHTED, WORDS, FusionParams
from ser.learning import linear

ROUNDING = 1e-10  # of the largest singular value, and of scores: what lies below it does not exist
LEAST = 1e-5  # to multiply scores by: what they say is left, but counts for nothing
DECIMALS = 6  # of a loss: more of them are the solver's
COST = 0.01  # C of the support vector machine, as in the main pipeline


def predict(
    fold: Fold, voice: np.ndarray, words: np.ndarray, codes: np.ndarray, params: FusionParams
) -> tuple[dict[str, np.ndarray], float]:
    """Train all systems on a fold and predict its test utterances.

    Args:
        fold: who learns and who is tested.
        voice: vectors of the voice, float64 (utterances, numbers).
        words: vectors of what is said, likewise.
        codes: (utterances,) emotions as numbers 0 1 2 ...
        params: what is trained, and how.

    Returns:
        By system the predicted emotions of the test utterances, as numbers; and the weight of the words in
        ``late_weighted``, NaN where it is not trained.

    Raises:
        InputError: the support vector machine's solver does not end.
    """
    blocks = {VOICE: voice, WORDS: words}
    if EARLY in params.systems:
        blocks[EARLY] = np.hstack([voice, words])
    trial, final = {}, {}
    balance = fold.learns.sum() / np.bincount(codes[fold.learns])
    asked = np.concatenate([codes[judges] for _, judges in fold.trials])
    for name, vectors in blocks.items():
        kind = params.words_classifier if name == WORDS else params.classifier
        tried = np.concatenate([scores(vectors, codes, fits, judges, kind) for fits, judges in fold.trials])
        # Any temperature fits scores that are all 0, as of words that tell nothing; the highest leaves the voice alone.
        judged = (torch.from_numpy(each) for each in (tried, asked, balance))
        factor = linear.inverse_temperature(*judged) if tried.any() else LEAST
        trial[name] = log_softmax(factor * tried, axis=1)
        final[name] = log_softmax(factor * scores(vectors, codes, fold.learns, fold.tested, kind), axis=1)
    weight = np.nan
    if WEIGHTED in params.systems:
        weight = best_weight(trial[VOICE], trial[WORDS], asked, params.weights, balance)
        final[MEAN] = final[VOICE] + final[WORDS]
        final[WEIGHTED] = (1 - weight) * final[VOICE] + weight * final[WORDS]
    return {name: final[name].argmax(axis=1) for name in params.systems}, weight


def scores(vectors: np.ndarray, codes: np.ndarray, fitted: np.ndarray, asked: np.ndarray, kind: str) -> np.ndarray:
    """Fit a linear classifier and score other utterances.

    Scores are in units of their own spread over the utterances that were fitted to: so classifiers fitted to other
    utterances have the same scale, and one temperature serves them.

    Args:
        vectors: float64 (utterances, numbers).
        codes: (utterances,) emotions as numbers.
        fitted: (utterances,) bool: to fit to.
        asked: (utterances,) bool: to score.
        kind: ``lda`` or ``svm``.

    Returns:
        Scores (asked utterances, emotions), 0 in the mean over emotions; all 0 of vectors that tell nothing.
    """
    scaler = StandardScaler().fit(vectors[fitted])
    rows, others = scaler.transform(vectors[fitted]), scaler.transform(vectors[asked])
    if kind == "svm":
        rows, others = _within_span(rows, others)
    weights, bias = linear.fit(kind, rows, codes[fitted], "fusion", class_weights=True, cost=COST)
    own, found = (_centred(part @ weights.T + bias) for part in (rows, others))
    spread = own.std()
    return found / spread if spread > ROUNDING else np.zeros_like(found)


def _centred(scores: np.ndarray) -> np.ndarray:
    """Take the mean over emotions away, which changes no probability."""
    return scores - scores.mean(axis=1, keepdims=True)


def _within_span(rows: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn vectors so that no number is left over which is 0 in all rows.

    The weights of a support vector machine are sums of rows, so that it is the same machine; but a few sentences, said
    over and over, span few of their numbers, and it is fitted many times as fast.
    """
    different = np.unique(rows, axis=0)
    if len(different) >= rows.shape[1]:
        return rows, others
    if len(different) == 1:  # standardised they are 0, and tell nothing
        return np.zeros((len(rows), 1)), np.zeros((len(others), 1))
    _, sizes, axes = np.linalg.svd(different, full_matrices=False)
    axes = axes[sizes > ROUNDING * sizes[0]].T
    return rows @ axes, others @ axes


def best_weight(
    voice: np.ndarray, words: np.ndarray, truth: np.ndarray, weights: Sequence[float], balance: np.ndarray
) -> float:
    """Choose the weight of the words by which the weighted mean of log-probabilities has the lowest cross-entropy.

    Each mean is first made as sure as fits best, so that a weight is not chosen for that.

    Args:
        voice: log-probabilities (utterances, emotions).
        words: likewise.
        truth: (utterances,) emotions as numbers.
        weights: candidates; of equally good ones the lowest is taken.
        balance: how much an utterance of each emotion counts, (emotions,).
    """
    asked, classes = torch.from_numpy(truth), torch.from_numpy(balance)

    def loss(weight: float) -> float:
        mixed = torch.from_numpy((1 - weight) * voice + weight * words)
        factor = linear.inverse_temperature(mixed, asked, classes)
        return round(cross_entropy(factor * mixed, asked, classes).item(), DECIMALS)

    return min(sorted(weights), key=loss)
