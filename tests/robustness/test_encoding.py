import json

import numpy as np
import pytest
import soundfile

from ser import audio, features
from ser.encoders import catalogue
from ser.encoders.recipe import Recipe
from ser.files import tables
from ser.files.failures import InputError
from ser.robustness import draws, encoding, vectors
from ser.robustness.conditions import Choice, listed
from tests import builders
from tests.robustness.conftest import syllables

MFCC = {"mfcc": Recipe("mfcc")}
CONDITIONS = listed(
    {"gain": Choice([-20.0]), "babble": Choice([10.0]), "rain": Choice([0.0], "recording", "rain")}, "c"
)
DRAWN = ("babble_10", "rain_0")


@pytest.fixture
def corpus(tmp_path):
    """Three speakers of two utterances each, and a noise of one recording."""
    rows = builders.manifest(3, 2, ["angry", "sad"])
    for number, path in enumerate(rows["path"]):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / path, syllables(0.6, 100.0 + 20 * number), 16_000, subtype="FLOAT")
    (tmp_path / "noise/rain").mkdir(parents=True)
    rain = np.random.default_rng(0).uniform(-0.5, 0.5, 8000)
    soundfile.write(tmp_path / "noise/rain/one.wav", rain, 16_000, subtype="FLOAT")
    return rows.assign(sha256=[audio.digest(*audio.decode(tmp_path / path)) for path in rows["path"]])


def encode(corpus, folder, noise="noise", conditions=CONDITIONS, seed=0, workers=1, encoders=MFCC):
    weights = {"whisper_base": folder / "none"}
    return encoding.encode(corpus, folder, folder / "out", encoders, conditions, folder / noise, weights, seed, workers)


def files(folder):
    return {path.name: path.read_bytes() for path in (folder / "out/mfcc").glob("*.npz")}


def test_each_condition_gets_a_file_of_the_vectors_of_distorted_speech(corpus, tmp_path):
    table, _ = encode(corpus, tmp_path)
    assert table["condition"].tolist() == ["clean", "gain_-20", "babble_10", "rain_0"]
    assert table["note"].tolist() == [""] * 4
    extractor = catalogue.build(MFCC["mfcc"], None)
    signal = audio.load(tmp_path / corpus["path"].iloc[3])
    for name, expected in {"clean": signal, "gain_-20": signal / 10}.items():
        found = features.load(tmp_path / f"out/mfcc/{name}.npz")
        assert found.ids.tolist() == corpus["id"].tolist()
        np.testing.assert_allclose(found.vectors[3], extractor.vector(expected), rtol=1e-4, atol=1e-4)


def test_the_same_bytes_again_and_others_by_another_seed(corpus, tmp_path):
    encode(corpus, tmp_path)
    first, drawn = files(tmp_path), {name: features.load(tmp_path / f"out/mfcc/{name}.npz") for name in DRAWN}
    encode(corpus, tmp_path)
    assert files(tmp_path) == first
    encode(corpus, tmp_path, seed=1)
    assert files(tmp_path)["clean.npz"] == first["clean.npz"]
    for name in DRAWN:
        assert (features.load(tmp_path / f"out/mfcc/{name}.npz").vectors != drawn[name].vectors).any()


def test_a_run_that_was_stopped_goes_on_where_it_was(corpus, tmp_path, monkeypatch):
    encode(corpus, tmp_path)
    whole = files(tmp_path)
    for path in (tmp_path / "out/mfcc").glob("*.npz"):
        path.unlink()
    loads, load = [], audio.load

    def counted(path, **options):
        loads.append(path)
        if len(loads) == 9:
            raise KeyboardInterrupt
        return load(path, **options)

    monkeypatch.setattr(audio, "load", counted)
    with pytest.raises(KeyboardInterrupt):
        encode(corpus, tmp_path, conditions=CONDITIONS[:2])
    assert len(features.load(tmp_path / "out/mfcc/gain_-20.npz").ids) == 2
    loads.clear()
    monkeypatch.setattr(audio, "load", lambda path, **options: loads.append(path) or load(path, **options))
    encode(corpus, tmp_path, conditions=CONDITIONS[:2])
    assert len(loads) == 4
    assert {name: whole[name] for name in files(tmp_path)} == files(tmp_path)


def test_files_of_conditions_that_are_not_asked_for_go(corpus, tmp_path):
    encode(corpus, tmp_path)
    encode(corpus, tmp_path, conditions=CONDITIONS[:2])
    assert set(files(tmp_path)) == {"clean.npz", "gain_-20.npz"}


def test_another_recording_makes_other_vectors(corpus, tmp_path):
    encode(corpus, tmp_path)
    first = json.loads(features.load(tmp_path / "out/mfcc/rain_0.npz").extractor)
    (tmp_path / "other/rain").mkdir(parents=True)
    rain = np.random.default_rng(1).uniform(-0.5, 0.5, 8000)
    soundfile.write(tmp_path / "other/rain/one.wav", rain, 16_000, subtype="FLOAT")
    encode(corpus, tmp_path, noise="other")
    second = json.loads(features.load(tmp_path / "out/mfcc/rain_0.npz").extractor)
    assert first.pop("material") != second.pop("material")
    assert first == second


def test_without_the_folder_of_noises_the_rest_is_measured_and_the_reason_told(corpus, tmp_path):
    table = encode(corpus, tmp_path, noise="nowhere")[0].set_index("condition")
    assert table.at["rain_0", "note"] == f"no recordings in {tmp_path / 'nowhere/rain'}"
    assert set(files(tmp_path)) == {"clean.npz", "gain_-20.npz", "babble_10.npz"}


def test_without_its_weights_an_encoder_is_left_out_and_said_to_be(corpus, tmp_path):
    both = {"whisper": Recipe("whisper_base", layers=["block3"]), **MFCC}
    conditions, encoders = encode(corpus, tmp_path, encoders=both)
    assert dict(zip(encoders["encoder"], encoders["note"], strict=True)) == {
        "whisper": "weights not available",
        "mfcc": "",
    }
    assert (conditions["note"] == "").all()
    assert len(files(tmp_path)) == 4
    tables.write(encoders, tmp_path / "encoders.csv")
    assert vectors.available(tmp_path / "encoders.csv", ["whisper", "mfcc"]) == ["mfcc"]
    with pytest.raises(InputError, match="classifiers: expected one for each encoder, found none for mfcc"):
        vectors.available(tmp_path / "encoders.csv", ["whisper"])


def test_vectors_stand_again_under_further_names_right_behind_their_encoder():
    found, classifiers = {"mfcc": {"clean": 1}, "egemaps": {"clean": 2}}, ["mfcc", "egemaps", "mfcc_lda", "absent"]
    again = vectors.again(found, {"mfcc_lda": "mfcc"}, classifiers)
    assert list(again.items()) == [("mfcc", {"clean": 1}), ("mfcc_lda", {"clean": 1}), ("egemaps", {"clean": 2})]
    assert vectors.again(found, {"mfcc_lda": "absent"}, classifiers) == found  # which this corpus does not have
    for names, message in (
        ({"egemaps": "mfcc"}, "again.egemaps: expected a name that is no encoder's"),
        ({"other": "mfcc"}, "again.other: expected a name that .* has a line in classifiers"),
        ({"mfcc_lda": "mffc"}, "again.mfcc_lda: expected an encoder with a line in classifiers, found 'mffc'"),
    ):
        with pytest.raises(InputError, match=message):
            vectors.again(found, names, classifiers)


def test_babble_is_never_of_the_speaker():
    corpus = dict(iter(builders.manifest(4, 3, ["angry", "sad"]).groupby("speaker")))
    for seed in range(20):
        chosen = draws.talkers(corpus, "c/1", np.random.default_rng(seed))
        assert sorted(chosen["speaker"]) == ["c/0", "c/2", "c/3"]
    crowd = dict(iter(builders.manifest(9, 3, ["angry", "sad"]).groupby("speaker")))
    assert draws.talkers(crowd, "c/1", np.random.default_rng(0))["speaker"].nunique() == 5


def test_babble_without_other_speakers_is_refused(corpus, tmp_path):
    alone = corpus[corpus["speaker"] == "c/0"]
    with pytest.raises(InputError, match=r"conditions.babble: expected other speakers .* found one"):
        encode(alone, tmp_path)


def test_audio_that_changed_after_the_manifest_is_refused(corpus, tmp_path):
    soundfile.write(tmp_path / corpus["path"][3], syllables(0.6, 300.0), 16_000, subtype="FLOAT")
    with pytest.raises(InputError, match=r"the audio has changed since the manifest was made; run the stage manifest"):
        encode(corpus, tmp_path)


def test_a_damaged_file_is_to_be_deleted(corpus, tmp_path):
    encode(corpus, tmp_path)
    (tmp_path / "out/mfcc/clean.npz").write_bytes(b"cut")
    with pytest.raises(InputError, match=r"clean\.npz: damaged, .*; delete it, and it is made anew"):
        encode(corpus, tmp_path)
    (tmp_path / "out/mfcc/clean.npz").unlink()
    encode(corpus, tmp_path)


def test_an_utterance_that_cannot_be_encoded_is_named_with_its_condition(corpus, tmp_path):
    path = tmp_path / corpus["path"].iloc[0]
    soundfile.write(path, np.zeros(100), 16_000)
    corpus.loc[0, "sha256"] = audio.digest(*audio.decode(path))
    with pytest.raises(InputError, match=rf"{path}: clean: expected at least "):
        encode(corpus, tmp_path)


def test_the_vectors_of_a_task_are_those_of_its_emotions_in_the_manifests_order(corpus, tmp_path):
    encode(corpus, tmp_path)
    rows, found = vectors.read(tmp_path / "out", corpus, ["clean", "rain_0"], MFCC, ["sad"])
    assert rows["id"].tolist() == ["c/1", "c/3", "c/5"]
    assert found["mfcc"]["rain_0"].ids.tolist() == ["c/1", "c/3", "c/5"]
    strangers = corpus.assign(sha256=corpus["sha256"].str[::-1])
    with pytest.raises(InputError, match=r"clean.npz: expected the vectors of all utterances, found 3 missing"):
        vectors.read(tmp_path / "out", strangers, ["clean"], MFCC, ["sad"])
