"""When there is an emotion, when doubt and when silence; and how a recording is cut into windows."""

import numpy as np
import pytest

from ser.files.failures import InputError
from serving import answers, policy
from serving.model import Heard, named
from serving.policy import Policy


def buzz(level):
    """50 ms of a signal whose root mean square is the level."""
    return np.resize(np.array([level, -level], np.float32), 800)


@pytest.mark.parametrize("level", [1.0, 0.1, 0.001])
def test_the_level_of_a_tone_is_its_root_mean_square(level):
    tone = level * np.sin(2 * np.pi * 200 * np.arange(16_000) / 16_000).astype(np.float32)

    assert policy.level_db(tone) == pytest.approx(20 * np.log10(level / np.sqrt(2)), abs=0.01)


def test_the_level_is_that_of_the_loudest_50_ms():
    signal = np.zeros(16_000, np.float32)
    signal[8000:8800] = buzz(0.1)

    assert policy.level_db(signal) == pytest.approx(-20, abs=0.01)
    assert policy.level_db(np.zeros(5, np.float32)) == -200


def test_a_click_is_as_loud_at_the_end_as_before_it():
    middle, end = np.zeros((2, 16_002), np.float32)
    middle[8000:8002] = end[-2:] = 0.001, -0.001

    assert policy.level_db(end) == pytest.approx(policy.level_db(middle))


def test_a_constant_is_no_sound():
    assert policy.level_db(np.full(16_000, 0.5, np.float32)) == -200
    assert policy.level_db(np.full(800, 0.5, np.float32) + buzz(0.01)) == pytest.approx(-40, abs=0.01)


def test_a_confident_answer_is_the_most_probable_label(loudness):
    found = answers.answer(loudness(), buzz(0.9), Policy(threshold=0.6))

    assert found["answer"] == found["label"] == "loud"
    assert found["confidence"] == found["probabilities"]["loud"] == pytest.approx(0.9)
    assert sum(found["probabilities"].values()) == pytest.approx(1)


def test_below_the_threshold_the_answer_is_uncertain_and_the_label_is_still_told(loudness):
    found = answers.answer(loudness(), buzz(0.55), Policy(threshold=0.6))

    assert (found["answer"], found["label"]) == ("uncertain", "loud")


@pytest.mark.parametrize(("confidence", "said"), [(0.59, "uncertain"), (0.6, "sad"), (0.7, "sad")])
def test_below_the_threshold_the_answer_is_that_nobody_can_say(confidence, said):
    assert named(["happy", "sad"], Heard(np.array([1 - confidence, confidence])), 0.6) == said


@pytest.mark.parametrize(
    ("distance", "any_sound", "said"),
    [(0.99, False, "loud"), (1.01, False, "unfamiliar"), (1.01, True, "loud"), (None, False, "loud")],
)
def test_what_is_unlike_the_training_speech_is_unfamiliar_unless_any_sound_counts(loudness, distance, any_sound, said):
    found = answers.answer(loudness(distance=distance), buzz(0.9), Policy(any_sound=any_sound))

    assert (found["answer"], found["label"], found["distance"]) == (said, "loud", distance)


def test_what_is_uncertain_and_unfamiliar_is_unfamiliar(loudness):
    found = answers.answer(loudness(distance=2.0), buzz(0.55), Policy(threshold=0.6))

    assert found["answer"] == "unfamiliar"


def test_silence_has_no_emotion_and_the_model_is_not_asked(loudness):
    model = loudness()

    found = answers.answer(model, buzz(0.0009), Policy(silence_db=-60))

    assert found == {"answer": "silence", "label": None, "confidence": None, "probabilities": None, "distance": None}
    assert model.heard == []


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (10, [(0, 4), (2, 6), (4, 8), (6, 10)]),
        (11, [(0, 4), (2, 6), (4, 8), (6, 10), (7, 11)]),
        (4, [(0, 4)]),
        (3, [(0, 3)]),
    ],
)
def test_windows_lie_a_hop_apart_and_the_last_ends_with_the_signal(samples, expected):
    assert answers.windows(samples, 4, 2) == expected


@pytest.mark.parametrize("means", [{"threshold": 1.1}, {"threshold": float("nan")}, {"silence_db": 3}])
def test_a_policy_that_means_nothing_is_refused(means):
    with pytest.raises(InputError, match=r"^--(threshold|silence-db): expected"):
        Policy(**means)
