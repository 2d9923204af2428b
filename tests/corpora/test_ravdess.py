import itertools
from collections import Counter

import numpy as np
import pytest
import soundfile

from ser.corpora import ravdess
from ser.files.failures import InputError


def record(folder, *names):
    for name in names:
        path = folder / f"Actor_{name[-2:]}" / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.zeros(160), 16000)
    return folder


def test_names_tell_everything(tmp_path):
    corpus = record(tmp_path / "ravdess", "03-01-06-01-02-01-12", "03-01-01-01-01-02-11", "03-01-08-02-01-01-24")
    neutral, fearful, surprised = ravdess.parse(corpus, incomplete=True)
    assert (fearful.name, fearful.emotion) == ("03-01-06-01-02-01-12", "fearful")
    assert (fearful.speaker, fearful.gender, fearful.language) == ("12", "female", "en")
    assert fearful.text == "Dogs are sitting by the door."
    assert fearful.details == {"intensity": "normal", "statement": 2, "repetition": 1}
    assert (neutral.emotion, neutral.speaker, neutral.gender) == ("neutral", "11", "male")
    assert neutral.details["repetition"] == 2
    assert (surprised.emotion, surprised.details["intensity"]) == ("surprised", "strong")


def test_the_complete_corpus_is_accepted_and_one_file_less_is_not(tmp_path):
    numbers = [range(1, 9), (1, 2), (1, 2), (1, 2), range(1, 25)]  # emotion, intensity, statement, repetition, actor
    for code in itertools.product(*numbers):
        if code[:2] == (1, 2):  # neutral has no strong intensity
            continue
        name = "03-01-" + "-".join(f"{number:02d}" for number in code)
        (tmp_path / f"{name}.wav").touch()  # parsers do not open audio
    counts = Counter(utterance.emotion for utterance in ravdess.parse(tmp_path, incomplete=False))
    assert counts.pop("neutral") == 96
    assert set(counts.values()) == {192}
    assert len(counts) == 7
    next(tmp_path.glob("*.wav")).unlink()
    with pytest.raises(InputError, match=r"expected 1440 files of speech, found 1439; .* manifest\.allow_incomplete"):
        ravdess.parse(tmp_path, incomplete=False)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("03-02-06-01-02-01-12", "a song"),
        ("01-01-06-01-02-01-12", "a video"),
        ("02-02-06-01-02-01-12", "a video"),
        ("03-01-09-01-02-01-12", "another file"),
        ("03-01-06-01-02-01-25", "another file"),
    ],
)
@pytest.mark.parametrize("incomplete", [True, False])
def test_songs_videos_and_foreign_names_are_refused_before_they_are_counted(tmp_path, name, what, incomplete):
    with pytest.raises(
        InputError,
        match=rf"{name}\.wav: expected the name of audio-only speech, .* found {what};.* name its folder otherwise",
    ):
        ravdess.parse(record(tmp_path, "03-01-06-01-02-01-12", name), incomplete)


def test_a_corpus_that_was_unpacked_twice_is_refused(tmp_path):
    record(tmp_path, "03-01-06-01-02-01-12")
    record(tmp_path / "audio_speech_actors_01-24", "03-01-06-01-02-01-12")
    with pytest.raises(InputError, match=r"the same name as .* delete one of the two copies; 1 files are there twice"):
        ravdess.parse(tmp_path, incomplete=True)
