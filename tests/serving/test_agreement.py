"""What a person's folder really holds: the manifest and ``ser predict`` say the same of each file, and name all.

But for silence: the manifest rejects it, the command's answer is ``silence``.
"""

import unicodedata

import av
import numpy as np
import pytest
import soundfile

from ser import audio
from ser.corpora import channels, intake
from ser.files.failures import InputError
from serving import predict

RATE = 16_000
PARAMS = intake.ManifestParams(
    merge={}, min_seconds=0.1, max_seconds=60.0, max_rejected_share=1.0, speaker_pattern={}, allow_incomplete=[]
)
LIBSNDFILE = [
    ("wav", "WAV", "PCM_16"),
    ("wav", "WAV", "PCM_24"),
    ("wav", "WAV", "FLOAT"),
    ("wav", "WAV", "ULAW"),
    ("wav", "WAV", "MS_ADPCM"),
    ("flac", "FLAC", "PCM_16"),
    ("aiff", "AIFF", "PCM_16"),
    ("au", "AU", "PCM_16"),
    ("caf", "CAF", "PCM_16"),
    ("w64", "W64", "PCM_16"),
    ("rf64", "RF64", "PCM_16"),
    ("sph", "NIST", "PCM_16"),
    ("ogg", "OGG", "VORBIS"),
    ("opus", "OGG", "OPUS"),
    ("mp3", "MP3", "MPEG_LAYER_III"),
]
FFMPEG = [
    ("m4a", "ipod", "aac"),
    ("mp4", "mp4", "aac"),
    ("mov", "mov", "pcm_s16le"),
    ("mkv", "matroska", "flac"),
    ("aac", "adts", "aac"),
    ("mp2", "mp2", "mp2"),
    ("tta", "tta", "tta"),
]
NO_SOUND = {
    "empty.wav": b"",
    "page.wav": b"<!DOCTYPE html><html></html>",
    "pointer.flac": b"version https://git-lfs.github.com/spec/v1\n",
    "archive.mp3": b"PK\x03\x04" + bytes(60),
    "zeros.m4a": bytes(5000),
    "words.wav": b"these are words, not sounds\n" * 100,
    "samples.raw": bytes(range(256)) * 20,
    "header.wav": b"RIFF\x24\0\0\0WAVE",
    "unknown.dss": b"\x02dss" + bytes(range(256)),
    "video.mkv": b"\x1aE\xdf\xa3" + bytes(60),
}


def noise(number, seconds=0.5):
    return np.random.default_rng(number).uniform(-0.3, 0.3, round(seconds * RATE))


@pytest.fixture
def folder(tmp_path, encode):
    """Sixty files and more, each of another kind: whole, torn, silent, of strange names, no sound, not there."""
    folder = tmp_path / "raw" / "mine" / "sad"
    folder.mkdir(parents=True)
    (folder.parent / "angry").mkdir()
    soundfile.write(folder.parent / "angry/one.wav", noise(400), RATE)  # for a corpus has two emotions
    for number, (suffix, container, subtype) in enumerate(LIBSNDFILE):
        path = folder / f"{number:02}_{subtype}.{suffix}"
        soundfile.write(path, noise(number), RATE, format=container, subtype=subtype)
        content = path.read_bytes()
        path.with_stem(f"{path.stem}_torn").write_bytes(content[: len(content) * 2 // 3])
    for number, (suffix, container, codec) in enumerate(FFMPEG, start=len(LIBSNDFILE)):
        path = encode(folder / f"{number:02}_{codec}.{suffix}", container, codec, noise(number)[np.newaxis], RATE)
        content = path.read_bytes()
        path.with_stem(f"{path.stem}_torn").write_bytes(content[: len(content) * 2 // 3])
    for name, content in NO_SOUND.items():
        (folder / name).write_bytes(content)
    names = (unicodedata.normalize("NFD", "Jörg.wav"), "with space.wav", "UPPER.WAV", "a.b.c.wav")
    for number, name in enumerate(names):
        soundfile.write(folder / name, noise(100 + number), RATE)
    soundfile.write(folder / "silent.wav", np.zeros(RATE), RATE)
    soundfile.write(folder / "no_samples.wav", np.zeros(0), RATE)
    soundfile.write(folder / "nan.wav", np.full(RATE, np.nan), RATE, subtype="FLOAT")
    soundfile.write(folder / "cancelled.wav", np.outer(noise(200), [1, -1]), RATE, subtype="FLOAT")
    soundfile.write(folder / "nearly.wav", np.outer(noise(201), [1, -0.98]), RATE, subtype="FLOAT")
    (folder / "lost.wav").symlink_to("/nowhere/lost.wav")
    (folder / "linked.wav").symlink_to(folder / "UPPER.WAV.elsewhere")
    soundfile.write(folder / "UPPER.WAV.elsewhere", noise(300), RATE, format="WAV")
    (folder / "._Jörg.wav").write_bytes(b"a Mac's leftover")
    (folder / "notes.docx").touch()
    return folder


def test_the_manifest_and_predict_agree_on_every_file(folder):
    raw, said = folder.parents[1], []

    table, rejected, _ = intake.build(raw, ["mine"], ["angry", "sad"], PARAMS, say=said.append)
    files, faults, folders = predict.audio_files([folder.parent])

    taken, refused = set(), {}
    for path in files:
        name = path.relative_to(raw).as_posix()
        try:
            channels.load(path)
            audio.load(path, allow_silence=False)
            taken.add(name)
        except InputError as error:
            refused[name] = str(error)
    assert all(line.startswith(f"{raw / name}: ") and "\n" not in line for name, line in refused.items())
    assert len(files) >= 60
    assert faults == folders == []
    assert set(table["path"]) == taken
    assert set(rejected["path"]) == set(refused)
    for row in rejected.itertuples():
        if row.reason == "unreadable":  # in the same words, but for the path
            told = refused[row.path]
            if row.path == "mine/sad/words.wav":  # of a text the manifest says what is in it
                assert row.detail.startswith("expected audio, found text: 'these are words")
                assert "found no format that is read here" in told
            else:
                assert told.endswith(f"{row.path}: {row.detail}")


def test_every_file_is_named_or_counted(folder, capsys):
    files, *_ = predict.audio_files([folder])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("left out: 1 hidden, 2 of other kinds (1 .docx, 1 .elsewhere)")
    assert len(files) + 3 == len(list(folder.iterdir()))


def test_of_all_files_those_that_are_whole_are_taken(folder):
    raw = folder.parents[1]
    table, rejected, _ = intake.build(raw, ["mine"], ["angry", "sad"], PARAMS)
    torn = [path for path in rejected["path"] if "_torn" in path]
    assert len(torn) == len(LIBSNDFILE) + len(FFMPEG)
    assert len(table) == len(LIBSNDFILE) + len(FFMPEG) + 6


def test_a_name_that_is_not_utf_8_is_predicted(tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(0), RATE)
    odd = (tmp_path / "a.wav").rename(tmp_path / "caf\udce9.wav")
    found = predict.audio_files([tmp_path])
    assert found == ([odd], [], [])
    assert audio.load(odd).size == 8000


@pytest.mark.parametrize(("suffix", "container", "codec"), FFMPEG)
def test_ffmpeg_reads_names_that_are_not_utf_8(tmp_path, encode, suffix, container, codec):
    path = encode(tmp_path / f"a.{suffix}", container, codec, noise(0)[np.newaxis], RATE)
    assert audio.load(path.rename(tmp_path / f"caf\udce9.{suffix}")).size >= 8000


def test_ffmpeg_tells_nothing_to_the_terminal(folder, capfd):
    assert av.logging.get_level() is None
    predict.audio_files([folder])
    for path in folder.iterdir():
        try:
            audio.load(path)
        except InputError:
            continue
    assert capfd.readouterr().out == ""
