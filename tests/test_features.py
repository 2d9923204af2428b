import hashlib
import struct

import numpy as np
import pandas as pd
import pytest

from ser import features
from ser.features import Features
from ser.files.failures import InputError


@pytest.fixture
def manifest():
    """Eight utterances of two corpora."""
    ids = ["one/a", "one/b", "one/c", "two/a", "two/b", "two/c", "two/d", "two/e"]
    return pd.DataFrame({"id": ids, "corpus": [name[:3] for name in ids], "sha256": [f"{n:064x}" for n in range(8)]})


def made(rows: pd.DataFrame, extractor: str = "{}") -> Features:
    """Three numbers an utterance, which tell its hash."""
    vectors = np.array([[int(sha256, 16), 0.5, -1] for sha256 in rows["sha256"]], np.float32)
    return Features(
        rows["id"].to_numpy(str), rows["sha256"].to_numpy(str), vectors, np.array(["x", "y", "z"]), extractor
    )


@pytest.fixture
def folder(manifest, tmp_path):
    """The features of the manifest."""
    for corpus, rows in manifest.groupby("corpus"):
        features.save(made(rows), tmp_path / "features" / f"{corpus}.npz")
    return tmp_path / "features"


def test_what_is_saved_is_read(manifest, folder):
    found = features.read(folder, manifest)

    np.testing.assert_array_equal(found.vectors, made(manifest).vectors)
    assert found.vectors.dtype == np.float32
    assert list(found.ids) == list(manifest["id"])
    assert list(found.sha256) == list(manifest["sha256"])
    assert (list(found.names), found.extractor) == (["x", "y", "z"], "{}")


def test_vectors_come_in_the_order_of_the_manifest(manifest, folder):
    shuffled = manifest.sample(frac=1, random_state=0)

    found = features.read(folder, shuffled)

    assert list(found.ids) == list(shuffled["id"])
    np.testing.assert_array_equal(found.vectors[:, 0], shuffled.index)


def test_the_same_features_are_the_same_bytes(manifest, tmp_path):
    for name in ("a", "b"):
        features.save(made(manifest), tmp_path / f"{name}.npz")

    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_flipped_bit_is_seen_or_harmless(folder):
    path = folder / "one.npz"
    whole, good = path.read_bytes(), features.load(path)
    refused = 0
    for position in range(0, len(whole), 3):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x10]) + whole[position + 1 :])
        try:
            found = features.load(path)
        except InputError:
            refused += 1
        else:  # such as a bit of the archive's dates
            np.testing.assert_array_equal(found.vectors, good.vectors)
            assert (found.extractor, list(found.sha256)) == (good.extractor, list(good.sha256))
    assert refused > 0.5 * len(whole) / 3


def test_the_reader_refuses_a_left_over_corpus(manifest, folder):
    with pytest.raises(InputError, match="expected features of two, found one, two; run the stage features again"):
        features.read(folder, manifest[manifest["corpus"] == "two"])


def test_the_reader_refuses_a_missing_corpus(manifest, folder):
    (folder / "one.npz").unlink()

    with pytest.raises(InputError, match="expected features of one, two, found two"):
        features.read(folder, manifest)


def test_the_reader_refuses_missing_utterances(manifest, folder):
    more = pd.concat([manifest, pd.DataFrame([{"id": "two/f", "corpus": "two", "sha256": "f" * 64}])])

    with pytest.raises(InputError, match=r"expected the 9 utterances .* found 8 \(1 missing, first two/f, 0 surplus\)"):
        features.read(folder, more)


def test_the_reader_refuses_left_over_utterances(manifest, folder):
    with pytest.raises(InputError, match=r"found 8 \(0 missing, 2 surplus, first one/b\)"):
        features.read(folder, manifest[~manifest["id"].isin(["one/b", "two/a"])])


def test_the_reader_refuses_features_of_other_audio(manifest, folder):
    manifest.loc[4, "sha256"] = "0" * 64

    with pytest.raises(InputError, match=r"1 missing, first two/b, 1 surplus, first two/b"):
        features.read(folder, manifest)


def test_the_reader_refuses_corpora_of_different_extractors(manifest, folder):
    features.save(made(manifest[:3], '{"encoder": "other"}'), folder / "one.npz")

    with pytest.raises(InputError, match="the files of one, two are of different extractors"):
        features.read(folder, manifest)


def test_the_reader_refuses_a_damaged_file(manifest, folder):
    (folder / "one.npz").write_bytes(b"damaged")

    with pytest.raises(InputError, match=r"one.npz: damaged, or not a feature file"):
        features.read(folder, manifest)


def rewrite(path, **changes):
    """Write a feature file again, with changed arrays and the digest that it had."""
    with np.load(path) as file:
        np.savez(path, **dict(file) | changes)


def test_the_reader_refuses_arrays_that_do_not_belong_together(manifest, folder):
    rewrite(folder / "one.npz", vectors=made(manifest[:3]).vectors[1:])

    with pytest.raises(InputError, match=r"one.npz: expected \(3, 3\) numbers, found \(2, 3\); run the stage features"):
        features.load(folder / "one.npz")


@pytest.mark.parametrize("changed", ["ids", "sha256", "names", "vectors"])
def test_the_reader_refuses_arrays_in_another_order(manifest, folder, changed):
    rewrite(folder / "one.npz", **{changed: getattr(made(manifest[:3]), changed)[::-1]})

    with pytest.raises(
        InputError, match=r"one.npz: expected the digest \w{64} of its arrays, found \w{64}; run the stage"
    ):
        features.read(folder, manifest)


def test_the_reader_refuses_the_fingerprint_of_another_extractor(folder):
    rewrite(folder / "one.npz", extractor=np.array('{"encoder": "other"}'))

    with pytest.raises(InputError, match=r"one.npz: expected the digest"):
        features.load(folder / "one.npz")


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_the_reader_refuses_numbers_that_are_not_finite_whoever_wrote_them(manifest, folder, number):
    poisoned = made(manifest[:3])
    poisoned.vectors[1, 2] = number
    features.save(poisoned, folder / "one.npz")

    with pytest.raises(
        InputError, match=r"one.npz: expected finite numbers, found .* in 1 vectors, .* of 'one/b'; run"
    ):
        features.read(folder, manifest)


def test_the_reader_refuses_vectors_of_another_precision(manifest, folder):
    rewrite(folder / "one.npz", vectors=made(manifest[:3]).vectors.astype(np.float64))

    with pytest.raises(InputError, match=r"one.npz: expected float32 vectors, found float64"):
        features.load(folder / "one.npz")


def test_the_reader_refuses_a_file_without_a_digest(folder):
    with np.load(folder / "one.npz") as file:
        np.savez(folder / "one.npz", **{name: file[name] for name in file.files if name != "digest"})

    with pytest.raises(
        InputError, match=r"one.npz: damaged, or not a feature file .*digest.*; run the stage features again"
    ):
        features.load(folder / "one.npz")


def test_the_digest_is_that_of_the_words_and_the_numbers(manifest):
    rows = made(manifest[:1])
    words = b'[["one/a"], ["' + b"0" * 64 + b'"], ["x", "y", "z"], "{}"]'
    expected = hashlib.sha256(words + struct.pack("<3f", 0, 0.5, -1)).hexdigest()

    assert features.digest(rows) == expected
