import numpy as np
import pytest

from ser.bias import precision


def counted(seed, speakers, emotions=3):
    """Counts of each speaker, (speakers, emotions, emotions): row is truth, column is prediction."""
    return np.random.default_rng(seed).integers(1, 9, (speakers, emotions, emotions))


def by_the_formula(stack):
    """k / (k - 1) times the sum of z squared, z the mean over emotions of ``(c - R n) / N``, speaker by speaker."""
    spoken = stack.sum(axis=2)
    recall = np.einsum("see->e", stack) / spoken.sum(axis=0)
    moves = []
    for counts, own in zip(stack, spoken, strict=True):
        moves.append(np.mean([(counts[e, e] - recall[e] * own[e]) / spoken[:, e].sum() for e in range(len(own))]))
    return len(stack) / (len(stack) - 1) * np.sum(np.square(moves))


def test_the_variance_of_a_uar_is_that_of_the_mean_move_of_its_speakers():
    stack, labels = counted(0, 9), np.array([[0, 1, 0, 0, 1, 1, 0, 1, 0], [1, 1, 1, 0, 0, 0, 0, 0, 0]])
    found = precision.variances(stack, labels, 2, np.full(3, 1 / 3))["uar"]
    for arrangement, groups in enumerate(labels):
        for group in (0, 1):
            assert found[arrangement, group, 0] == pytest.approx(by_the_formula(stack[groups == group]))


def test_the_variance_of_a_recall_is_that_of_a_ratio():
    stack, labels = counted(1, 6), np.zeros((1, 6), int)
    found = precision.variances(stack, labels, 1, np.full(3, 1 / 3))["recall"][0, 0]
    for emotion in range(3):
        correct, spoken = stack[:, emotion, emotion], stack[:, emotion].sum(axis=1)
        moves = (correct - correct.sum() / spoken.sum() * spoken) / spoken.sum()
        assert found[emotion] == pytest.approx(6 / 5 * np.sum(np.square(moves)))


def test_one_speaker_alone_has_no_variance():
    found = precision.variances(counted(2, 4), np.array([[0, 1, 1, 1]]), 2, np.full(3, 1 / 3))["uar"][0, :, 0]
    assert np.isnan(found[0])
    assert found[1] > 0
