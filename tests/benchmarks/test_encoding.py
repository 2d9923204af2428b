import numpy as np
import pandas as pd
import pytest
import soundfile

from ser import audio, features
from ser.benchmarks import encoding, vectors
from ser.benchmarks.encoding import Variant
from ser.encoders import catalogue
from ser.encoders.selfsupervised import SelfSupervisedEncoder, WeightsNotAvailable
from ser.files import params
from ser.files.failures import InputError

VARIANTS = {"mfcc": Variant("mfcc"), "mfcc_extremes": Variant("mfcc", ["min", "max"]), "big": Variant("hubert_base")}


def corpus(raw, name, speakers=2):
    """A corpus of short noises: its rows of the manifest."""
    rows = []
    for number in range(4 * speakers):
        path = raw / name / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).normal(0, 0.1, 4000).astype(np.float32)
        soundfile.write(path, noise, 16_000, subtype="FLOAT")
        emotion = ["angry", "happy", "neutral", "sad"][number % 4]
        sha256 = audio.digest(*audio.decode(path))
        rows.append((f"{name}/{number}", f"{name}/{number}.wav", name, f"{name}/{number // 4}", emotion, sha256))
    return pd.DataFrame(rows, columns=["id", "path", "corpus", "speaker", "emotion", "sha256"])


@pytest.fixture
def manifest(tmp_path):
    return corpus(tmp_path / "raw", "noises")


class Absent(SelfSupervisedEncoder):
    """A network whose weights are neither here nor to be had."""

    def __init__(self, recipe, weights, device):
        raise WeightsNotAvailable("the weights of hubert_base are not available")


class Damaged(SelfSupervisedEncoder):
    """A network whose weights are damaged."""

    def __init__(self, recipe, weights, device):
        raise InputError("damaged")


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """A machine without network and without the weights of HuBERT."""
    monkeypatch.setitem(catalogue.ENCODERS, "hubert_base", Absent)


def encode(tmp_path, manifest, variants=VARIANTS, **more):
    return encoding.encode(manifest, tmp_path / "raw", tmp_path / "features", variants, {}, **more)


def test_an_encoder_whose_weights_cannot_be_had_is_said_so_and_the_others_go_on(tmp_path, manifest):
    done = encode(tmp_path, manifest)
    assert done.to_dict("list") == {
        "encoder": ["mfcc", "mfcc_extremes", "big"],
        "numbers": [120, 120, 0],
        "note": ["", "", "weights not available"],
    }
    assert vectors.available(done) == ["mfcc", "mfcc_extremes"]
    extremes = features.read(tmp_path / "features" / "mfcc_extremes", manifest)
    assert extremes.names[0] == "mfcc_00_min"


def test_an_encoder_without_its_file_of_weights_is_said_so(tmp_path, manifest):
    variants = {"mfcc": Variant("mfcc"), "teacher": Variant("whisper_base")}
    weights = {"whisper_base": tmp_path / "model.bin"}
    done = encoding.encode(manifest, tmp_path / "raw", tmp_path / "features", variants, weights)
    assert done["note"].tolist() == ["", "weights not available"]


def test_any_other_fault_stops_the_stage(tmp_path, manifest, monkeypatch):
    monkeypatch.setitem(catalogue.ENCODERS, "hubert_base", Damaged)
    with pytest.raises(InputError, match="damaged"):
        encode(tmp_path, manifest)


def test_nothing_is_encoded_twice_and_nothing_left_over(tmp_path, manifest):
    encoded = {}

    def progress(found, total, desc):
        encoded[desc] = total
        return found

    encode(tmp_path, manifest)
    (tmp_path / "features" / ".DS_Store").touch()  # which a file browser leaves
    del (changed := dict(VARIANTS))["mfcc_extremes"]
    encode(tmp_path, manifest, changed | {"mfcc_median": Variant("mfcc", ["median"])}, progress=progress)
    assert encoded == {"mfcc": 0, "mfcc_median": 8}
    assert sorted(path.name for path in (tmp_path / "features").iterdir()) == [".DS_Store", "mfcc", "mfcc_median"]


def test_a_variant_is_a_recipe_and_names_no_weights_as_one_file_serves_all(tmp_path):
    (tmp_path / "params.yaml").write_text("encoders: {ours: {encoder: pase_plus, weights: other.ckpt}}")
    assert VARIANTS["mfcc"].statistics == ["mean", "std"]
    assert VARIANTS["mfcc"].layers == ["output"]
    with pytest.raises(ValueError, match="statistics: expected some of"):
        Variant("mfcc", ["average"])
    with pytest.raises(InputError, match="unknown key 'weights'"):
        params.read(tmp_path / "params.yaml", "encoders", dict[str, Variant])


# Reading them


def test_a_task_gets_the_vectors_of_its_emotions_in_the_manifests_order(tmp_path, manifest):
    done = encode(tmp_path, manifest)
    rows, found = vectors.read(tmp_path / "features", manifest, vectors.available(done), ["sad", "happy"])
    assert rows["emotion"].tolist() == ["happy", "sad"] * 2
    assert rows.index.tolist() == [0, 1, 2, 3]
    whole = features.read(tmp_path / "features" / "mfcc", manifest)
    assert found["mfcc"].ids.tolist() == rows["id"].tolist()
    np.testing.assert_array_equal(found["mfcc"].vectors, whole.vectors[[1, 3, 5, 7]])


def test_corpora_are_put_one_after_another(tmp_path, manifest):
    other = corpus(tmp_path / "raw", "others", speakers=1)
    parts = []
    for rows in (manifest, other):
        folder = tmp_path / rows["corpus"].iloc[0]
        encoding.encode(rows, tmp_path / "raw", folder, {"mfcc": VARIANTS["mfcc"]}, {})
        parts.append(vectors.read(folder, rows, ["mfcc"], ["angry"]))
    rows, found = vectors.joined(parts)
    assert rows["id"].tolist() == found["mfcc"].ids.tolist() == ["noises/0", "noises/4", "others/0"]
    np.testing.assert_array_equal(found["mfcc"].vectors[2], parts[1][1]["mfcc"].vectors[0])


def test_vectors_made_in_different_ways_are_not_joined(tmp_path, manifest):
    parts = []
    for statistics in (["mean"], ["median"]):
        folder = tmp_path / statistics[0]
        encoding.encode(manifest, tmp_path / "raw", folder, {"x": Variant("mfcc", statistics)}, {})
        parts.append(vectors.read(folder, manifest, ["x"], ["angry", "sad"]))
    with pytest.raises(InputError, match="x: its vectors were made in different ways"):
        vectors.joined(parts)


def test_an_encoder_is_shared_if_every_corpus_has_its_vectors():
    here = pd.DataFrame({"encoder": ["a", "b"], "numbers": [2, 3], "note": ["", ""]})
    there = here.assign(note=["", "weights not available"])
    assert vectors.shared([here, there])["note"].tolist() == ["", "weights not available"]
    assert vectors.shared([there, here])["note"].tolist() == ["", "weights not available"]
    assert vectors.shared([here, there.iloc[1:]])["encoder"].tolist() == ["b"]
    with pytest.raises(InputError, match="expected some that all corpora were encoded with"):
        vectors.shared([here.iloc[:1], there.iloc[1:]])
