"""The list of the second training's speech, on folders laid out as the clones are."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from pretraining import index
from ser.files.failures import InputError
from ser.pretraining import store

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    "EmoGator/data/mp3/000001-01-1.mp3": "000001",
    "EmoGator/data/mp3/000357-30-3.mp3": "000357",
    "LibriSpeech/test-clean/61/70968/61-70968-0000.flac": "61",
    "LibriSpeech/train-clean-5/1088/134315/1088-134315-0000.flac": "1088",
    "dataset-voice-kathleen/data/arctic_a0001_1592748574.wav": "dataset-voice-kathleen",
    "dataset-voice-kerstin/verified/de_rhasspy-0365.flac": "dataset-voice-kerstin",
    "dataset-voice-nathalie/verified/nl_rhasspy_38.flac": "dataset-voice-nathalie",
    "speech-to-intent-benchmark/data/speech/clean/a1ed275a.wav": "speech-to-intent-benchmark",
    "wake-word-benchmark/audio/multiple_keywords.wav": "wake-word-benchmark",
    "wake-word-benchmark/audio/smart mirror/3d165638.wav": "smart mirror",
}
# In the clones as well, and no speech to train on.
OTHERS = (
    "dataset-voice-kerstin/audio/de_rhasspy-0365.webm",
    "speech-to-intent-benchmark/data/noise/cafe.wav",
    "wake-word-benchmark/audio/alexa/README.md",
)


@pytest.fixture
def clones(tmp_path):
    for path in (*FILES, *OTHERS):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    return tmp_path


def test_every_speech_file_is_listed_with_its_speaker_and_no_other_file(clones):
    table = index.index(clones)
    assert dict(zip(table["path"], table["speaker"], strict=True)) == FILES
    assert (table["corpus"] == table["path"].str.split("/").str[0]).all()


def test_a_source_that_is_not_there_is_named_with_its_address(clones):
    (clones / "EmoGator").rename(clones / "emogator-main")
    with pytest.raises(
        InputError, match=r"EmoGator: expected data/mp3/\*\.mp3, found none; get it from https://github"
    ):
        index.index(clones)


def test_prepare_reads_what_the_script_writes(clones):
    ended = subprocess.run(
        [sys.executable, "-m", "pretraining.index", clones], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.stdout.startswith("index: 10 files of 7 corpora")
    listed = store.speech_files(clones, "index.csv")
    assert sorted(Path(path).relative_to(clones).as_posix() for path in listed["path"]) == sorted(FILES)
    assert pd.read_csv(clones / "index.csv", dtype=str)["speaker"].notna().all()
