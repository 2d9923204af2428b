from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import recall_score
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from ser.pretraining import probe
from ser.pretraining.probe import ProbeParams, Task
from ser.pretraining.prosody_probe import ProsodyParams
from ser.scores.intervals import IntervalParams

PROSODY = ProsodyParams(utterances=10, seed=0)
INTERVALS = IntervalParams(resamples=500, confidence=0.95, seed=0, minimum_speakers=5)
PARAMS = ProbeParams({"x": "x"}, {"t": Task("x", ["a", "b"])}, [], ["mean"], 0.01, PROSODY, INTERVALS)


@pytest.fixture
def corpus() -> tuple[np.ndarray, pd.DataFrame]:
    """Six speakers with an offset each, three emotions with a direction each."""
    generator = np.random.default_rng(0)
    manifest = pd.DataFrame({"speaker": np.repeat(list("uvwxyz"), 30), "emotion": np.tile(list("abc"), 60)})
    offsets = {speaker: generator.normal(0, 2, 20) for speaker in "uvwxyz"}
    means = {emotion: generator.normal(0, 0.6, 20) for emotion in "abc"}
    noise = generator.normal(0, 1, (180, 20))
    rows = zip(noise, manifest["speaker"], manifest["emotion"], strict=True)
    return np.stack([row + offsets[speaker] + means[emotion] for row, speaker, emotion in rows]), manifest


def test_score_is_that_of_a_linear_machine_that_never_heard_the_speaker(corpus):
    vectors, manifest = corpus
    truth, speakers = manifest["emotion"].to_numpy(), manifest["speaker"].to_numpy()
    expected = np.empty(len(truth), dtype=object)
    for speaker in set(speakers):
        test = speakers == speaker
        scaler = StandardScaler().fit(vectors[~test])
        machine = LinearSVC(C=0.01, class_weight="balanced", dual=True, max_iter=20_000, random_state=0)
        machine.fit(scaler.transform(vectors[~test]), truth[~test])
        expected[test] = machine.predict(scaler.transform(vectors[test]))
    scores = probe.score(vectors, manifest, PARAMS)
    assert scores["uar"] == pytest.approx(recall_score(truth, list(expected), average="macro"))
    assert scores["uar_low"] < scores["uar"] < scores["uar_high"]


def test_features_without_emotion_score_about_chance(corpus):
    _, manifest = corpus
    noise = np.random.default_rng(1).normal(size=(len(manifest), 20))
    assert probe.score(noise, manifest, PARAMS)["uar"] == pytest.approx(1 / 3, abs=0.12)


def test_hours_follow_from_the_steps_in_the_files_names():
    losses = pd.DataFrame({"step": [100, 200], "hours": [1.0, 2.0]})
    assert probe.by_hours([Path("s/0000050.safetensors"), Path("s/0000200.safetensors")], losses) == {
        0.5: Path("s/0000050.safetensors"),
        2.0: Path("s/0000200.safetensors"),
    }


def test_the_last_snapshot_has_the_hours_of_the_last_row_to_the_last_bit():
    for step in range(300, 3000, 7):
        hours = round(step * 8 * 2 / 3600, 8)
        losses = pd.DataFrame({"step": [step], "hours": [hours]})
        assert list(probe.by_hours([Path(f"s/{step:07d}.safetensors")], losses)) == [hours]


def test_a_task_on_a_corpus_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"tasks\.t: expected a corpus out of y, found x"):
        ProbeParams({"y": "y"}, {"t": Task("x", ["a"])}, [], ["mean"], 0.01, PROSODY, INTERVALS)


def test_a_corpus_without_a_task_is_refused():
    with pytest.raises(ValueError, match=r"corpora\.y: expected a task on it, found none"):
        ProbeParams({"x": "x", "y": "y"}, PARAMS.tasks, [], ["mean"], 0.01, PROSODY, INTERVALS)


def test_a_corpus_is_read_with_the_emotions_of_all_its_tasks():
    tasks = {"t": Task("x", ["b", "a"]), "u": Task("x", ["c", "b"]), "v": Task("y", ["d"])}
    made = ProbeParams({"x": "x", "y": "y"}, tasks, [], ["mean"], 0.01, PROSODY, INTERVALS)
    assert made.emotions_of("x") == ["a", "b", "c"]
    assert list(made.tasks_of("x")) == ["t", "u"]
