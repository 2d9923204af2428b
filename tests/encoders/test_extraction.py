import errno
import os
import zipfile

import numpy as np
import pandas as pd
import pytest
import soundfile

from ser import audio, features
from ser.encoders import extraction
from ser.encoders.catalogue import build
from ser.encoders.extraction import FeatureParams
from ser.encoders.recipe import Recipe
from ser.files.failures import InputError

MFCC = Recipe("mfcc")


def record(raw, corpus: str, name: str, seed: int, seconds: float = 0.1) -> dict:
    """Write a file of noise and give its row of the manifest."""
    path = raw / corpus / f"{name}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, round(16_000 * seconds))
    soundfile.write(path, samples, 16_000, subtype="FLOAT")
    sha256 = audio.digest(*audio.decode(path))
    return {"id": f"{corpus}/{name}", "path": f"{corpus}/{name}.wav", "corpus": corpus, "sha256": sha256}


@pytest.fixture
def raw(tmp_path):
    return tmp_path / "raw"


@pytest.fixture
def manifest(raw):
    """Eight utterances of two corpora."""
    names = [
        ("one", "a"),
        ("one", "b"),
        ("one", "c"),
        ("two", "a"),
        ("two", "b"),
        ("two", "c"),
        ("two", "d"),
        ("two", "e"),
    ]
    return pd.DataFrame([record(raw, *name, seed) for seed, name in enumerate(names)])


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


class Interrupt:
    """A progress bar at which someone presses Ctrl-C after some utterances."""

    def __init__(self, after: int):
        self.after = after

    def __call__(self, vectors, total):
        for number, vector in enumerate(vectors):
            if number == self.after:
                raise KeyboardInterrupt
            yield vector


def test_every_utterance_has_the_vector_of_its_file(manifest, raw, tmp_path):
    done = extraction.compute(manifest, raw, tmp_path / "features", MFCC)

    vectors = features.read(tmp_path / "features", manifest)
    extractor = build(MFCC)
    assert list(vectors.ids) == list(manifest["id"])
    assert list(vectors.sha256) == list(manifest["sha256"])
    assert list(vectors.names) == list(extractor.names)
    assert vectors.extractor == extractor.fingerprint
    for vector, path in zip(vectors.vectors, manifest["path"], strict=True):
        assert vector.tobytes() == extractor.vector(audio.load(raw / path)).tobytes()
    assert (done.encoder, done.numbers, done.encoded, done.reused) == ("mfcc", 120, 8, 0)


def test_a_file_of_each_corpus_is_sorted_by_id(manifest, raw, tmp_path):
    extraction.compute(manifest.iloc[::-1], raw, tmp_path / "features", MFCC)

    assert sorted(contents(tmp_path / "features")) == ["one.npz", "two.npz"]
    assert list(features.load(tmp_path / "features/two.npz").ids) == [f"two/{name}" for name in "abcde"]


@pytest.mark.slow
def test_the_number_of_workers_changes_no_byte(manifest, raw, tmp_path, monkeypatch):
    monkeypatch.setattr(extraction, "WORTH_A_PROCESS", 1)
    recipe = Recipe("pase_plus_untrained", seed=2)
    for workers in (1, 2):
        extraction.compute(manifest, raw, tmp_path / f"{workers}", recipe, workers=workers)

    assert contents(tmp_path / "1") == contents(tmp_path / "2")


@pytest.mark.slow
def test_an_error_in_a_worker_is_the_same_error(manifest, raw, tmp_path, monkeypatch):
    monkeypatch.setattr(extraction, "WORTH_A_PROCESS", 1)
    (raw / "two/c.wav").write_text("not audio")

    with pytest.raises(InputError, match=r"two/c.wav: expected audio"):
        extraction.compute(manifest, raw, tmp_path / "features", MFCC, workers=2)


def test_an_unchanged_manifest_encodes_nothing_and_changes_no_byte(manifest, raw, tmp_path):
    extraction.compute(manifest, raw, tmp_path / "features", MFCC)
    before = contents(tmp_path / "features")

    done = extraction.compute(manifest, raw, tmp_path / "features", MFCC)

    assert (done.encoded, done.reused) == (0, 8)
    assert contents(tmp_path / "features") == before


def test_growing_changing_and_dropping_files_gives_the_bytes_of_a_full_run(manifest, raw, tmp_path):
    extraction.compute(manifest[manifest["id"] != "two/c"], raw, tmp_path / "features", MFCC)
    changed = record(raw, "one", "b", seed=99)
    later = manifest[manifest["id"] != "one/a"].copy()
    later.loc[later["id"] == "one/b", "sha256"] = changed["sha256"]

    done = extraction.compute(later, raw, tmp_path / "features", MFCC)

    extraction.compute(later, raw, tmp_path / "full", MFCC)
    assert (done.encoded, done.reused) == (2, 5)
    assert contents(tmp_path / "features") == contents(tmp_path / "full")


def test_a_renamed_file_is_not_encoded_again(manifest, raw, tmp_path):
    extraction.compute(manifest, raw, tmp_path / "features", MFCC)
    (raw / "two/e.wav").rename(raw / "two/z.wav")
    renamed = manifest.replace({"two/e": "two/z", "two/e.wav": "two/z.wav"})

    done = extraction.compute(renamed, raw, tmp_path / "features", MFCC)

    assert done.encoded == 0
    assert "two/z" in features.read(tmp_path / "features", renamed).ids


def test_another_extractor_reuses_nothing(manifest, raw, tmp_path):
    extraction.compute(manifest, raw, tmp_path / "features", MFCC)
    other = Recipe("mfcc", statistics=["std", "mean"])

    done = extraction.compute(manifest, raw, tmp_path / "features", other)

    extraction.compute(manifest, raw, tmp_path / "full", other)
    assert (done.encoded, done.reused) == (8, 0)
    assert contents(tmp_path / "features") == contents(tmp_path / "full")


def test_other_layers_reuse_nothing(manifest, raw, tmp_path):
    extraction.compute(manifest[:2], raw, tmp_path / "features", Recipe("pase_untrained"))

    done = extraction.compute(
        manifest[:2], raw, tmp_path / "features", Recipe("pase_untrained", layers=["output", "block1"])
    )

    assert (done.encoded, done.reused, done.numbers) == (2, 0, 2 * (100 + 64))


def test_other_frames_reuse_nothing(manifest, raw, tmp_path):
    extraction.compute(manifest, raw, tmp_path / "features", MFCC)

    done = extraction.compute(manifest, raw, tmp_path / "features", Recipe("mfcc", frames="active"))

    assert (done.encoded, done.reused) == (8, 0)


def test_the_file_of_a_dropped_corpus_is_removed(manifest, raw, tmp_path):
    extraction.compute(manifest, raw, tmp_path / "features", MFCC)

    done = extraction.compute(manifest[manifest["corpus"] == "two"], raw, tmp_path / "features", MFCC)

    assert done.removed == ["one.npz"]
    assert done.reused == 5
    assert list(contents(tmp_path / "features")) == ["two.npz"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip file", None])
def test_a_damaged_file_is_made_anew_and_reported(manifest, raw, tmp_path, content):
    extraction.compute(manifest, raw, tmp_path / "features", MFCC)
    before = contents(tmp_path / "features")
    (tmp_path / "features/two.npz").write_bytes(before["two.npz"][:-1000] if content is None else content)

    done = extraction.compute(manifest, raw, tmp_path / "features", MFCC)

    assert (done.damaged, done.encoded, done.reused) == (["two.npz"], 5, 3)
    assert contents(tmp_path / "features") == before


@pytest.mark.parametrize("poison", [np.nan, 7.0])
def test_a_poisoned_file_is_made_anew_and_reported(manifest, raw, tmp_path, poison):
    extraction.compute(manifest, raw, tmp_path / "features", MFCC)
    before = contents(tmp_path / "features")
    path = tmp_path / "features/two.npz"
    with np.load(path) as file:
        arrays = dict(file)
    arrays["vectors"][2, 5] = poison
    np.savez(path, **arrays)

    done = extraction.compute(manifest, raw, tmp_path / "features", MFCC)

    assert (done.damaged, done.encoded, done.reused) == (["two.npz"], 5, 3)
    assert contents(tmp_path / "features") == before


def test_audio_that_changed_after_the_manifest_is_refused(manifest, raw, tmp_path):
    record(raw, "two", "c", seed=99)

    with pytest.raises(InputError, match=r"two/c.wav: the audio has changed .* run the stage manifest again"):
        extraction.compute(manifest, raw, tmp_path / "features", MFCC)


def test_audio_that_is_too_short_is_named(raw, tmp_path):
    manifest = pd.DataFrame([record(raw, "one", "a", seed=0, seconds=0.02)])

    with pytest.raises(
        InputError, match=r"one/a.wav: expected at least 400 samples \(25 ms at 16 kHz\) for mfcc, found 320"
    ):
        extraction.compute(manifest, raw, tmp_path / "features", MFCC)


def test_audio_that_is_gone_is_named(manifest, raw, tmp_path):
    (raw / "one/b.wav").unlink()

    with pytest.raises(InputError, match=r"one/b.wav: no such file"):
        extraction.compute(manifest, raw, tmp_path / "features", MFCC)


def test_a_manifest_without_utterances_is_refused(manifest, raw, tmp_path):
    with pytest.raises(InputError, match="holds no utterance"):
        extraction.compute(manifest.iloc[:0], raw, tmp_path / "features", MFCC)


@pytest.mark.parametrize("after", [0, 2, 3, 6])
def test_what_was_encoded_before_ctrl_c_is_kept_but_not_taken_for_the_whole(manifest, raw, tmp_path, after):
    with pytest.raises(KeyboardInterrupt):
        extraction.compute(manifest, raw, tmp_path / "features", MFCC, progress=Interrupt(after))
    with pytest.raises(InputError, match="run the stage features again"):
        features.read(tmp_path / "features", manifest)

    done = extraction.compute(manifest, raw, tmp_path / "features", MFCC)

    extraction.compute(manifest, raw, tmp_path / "full", MFCC)
    assert (done.encoded, done.reused, done.damaged) == (8 - after, after, [])
    assert contents(tmp_path / "features") == contents(tmp_path / "full")


def test_a_full_disk_leaves_the_old_files(manifest, raw, tmp_path, monkeypatch):
    extraction.compute(manifest[:-1], raw, tmp_path / "features", MFCC)
    before = contents(tmp_path / "features")

    def full(archive, entry, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(OSError, match="No space left"):
        extraction.compute(manifest, raw, tmp_path / "features", MFCC)

    assert contents(tmp_path / "features") == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder": "pase"}, "encoder: expected one of pase_plus, .*, found 'pase'"),
        ({"statistics": []}, "statistics: expected at least one"),
        ({"statistics": ["mean", "mean"]}, "statistics: expected at least one, each once"),
        ({"statistics": ["mean", "average"]}, "statistics: expected some of mean, .*, found 'average'"),
        ({"seed": -1}, "seed: expected 0 to 4294967295, found -1"),
        ({"frames": "voiced"}, "frames: expected one of all, active, found 'voiced'"),
        ({"layers": []}, "layers: expected at least one"),
        ({"layers": ["output", "output"]}, "layers: expected at least one, each once"),
        ({"layers": ["block1"]}, "layers: expected some of output of the encoder mfcc, found 'block1'"),
        (
            {"encoder": "pase_plus", "layers": ["block8"]},
            "layers: expected some of sinc, .*, output of the encoder pase_plus, found 'block8'; did you mean 'block7'",
        ),
        ({"encoder": "pase_untrained", "layers": ["qrnn"]}, "layers: expected some of sinc, .*, found 'qrnn'"),
    ],
)
def test_params_out_of_range_are_refused(change, message):
    good = {"encoder": "mfcc", "statistics": ["mean"], "weights": "weights.safetensors", "seed": 0}
    FeatureParams(**good)
    FeatureParams(**good | {"encoder": "pase_plus", "layers": ["output", "qrnn", "block7", "sinc"]})

    with pytest.raises(ValueError, match=message):
        FeatureParams(**good | change)
