"""A bundle holds all that it takes, says so, and is refused where it is not as it was written."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from ser import predictor
from ser.bundle import layout, reading, writing
from ser.encoders import catalogue
from ser.encoders.recipe import Recipe
from ser.files.failures import InputError
from ser.learning import recipe as learning_recipe
from ser.learning.classifier import Classifier
from ser.pase import checkpoint
from serving import chosen, predict
from tests import builders

LABELS = ["angry", "sad"]
DATA, SCORES = {"utterances": 8}, {"of": "the folds"}


def made(extractor, **params) -> Classifier:
    recipe = learning_recipe.Recipe(LABELS, builders.train_params(**params), extractor.fingerprint, "kfold", 5)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Classifier(recipe, len(extractor.names), 2).eval()


def known(extractor):
    return builders.familiarity(len(extractor.names))


def write(folder: Path) -> Path:
    extractor = catalogue.build(Recipe("mfcc"))
    writing.save(folder, made(extractor), extractor, Path("none"), known(extractor), DATA, SCORES, "# A card\n")
    return folder


@pytest.fixture
def bundle(tmp_path):
    """A bundle of MFCC."""
    (tmp_path / "bundle").mkdir()
    return write(tmp_path / "bundle")


@pytest.fixture
def signal():
    return np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)


def test_it_says_what_it_is(bundle):
    described = json.loads((bundle / "bundle.json").read_text())

    assert described["labels"] == LABELS
    assert described["audio"] == {"channels": 1, "minimum_samples": 400, "sampling_rate_hz": 16_000}
    assert described["encoder"]["encoder"] == "mfcc"
    assert (described["data"], described["scores"]) == (DATA, SCORES)
    assert set(described["files"]) == {"card.md", "classifier/kfold-05.safetensors", "familiarity.safetensors"}


def test_it_predicts_what_went_in(bundle, signal):
    extractor = catalogue.build(Recipe("mfcc"))
    vectors = extractor.vector(signal)[np.newaxis]

    loaded = reading.load(bundle)

    np.testing.assert_allclose(
        loaded.predictor.probabilities(vectors), made(extractor).probabilities(vectors), atol=1e-6
    )
    np.testing.assert_array_equal(loaded.predictor.familiarity.distances(vectors), known(extractor).distances(vectors))
    assert loaded.card == "# A card\n"


@pytest.mark.parametrize("suffix", [".safetensors", ".ckpt"])
def test_it_holds_the_weights_of_pase_plus_and_no_pickle(tmp_path, signal, suffix):
    weights = tmp_path / f"weights{suffix}"
    network = checkpoint.untrained(seed=3)
    if suffix == ".ckpt":
        torch.save(network.state_dict(), weights)
    else:
        checkpoint.save(network, weights)
    extractor = catalogue.build(Recipe("pase_plus"), weights)
    (tmp_path / "bundle").mkdir()
    writing.save(tmp_path / "bundle", made(extractor), extractor, weights, known(extractor), {}, {}, "")
    weights.unlink()

    loaded = reading.load(tmp_path / "bundle")

    np.testing.assert_array_equal(loaded.predictor.extractor.vector(signal), extractor.vector(signal))
    kinds = {path.suffix for path in (tmp_path / "bundle").rglob("*") if path.is_file()}
    assert kinds == {".json", ".md", ".safetensors"}


def edit(bundle, **changes):
    """Change the description of a bundle by hand."""
    path = bundle / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda path: (path / "card.md").write_text("better"), "card.md is changed since the bundle was written"),
        (lambda path: (path / "card.md").unlink(), "card.md is missing since the bundle was written"),
        (
            lambda path: (path / "x.pkl").touch(),
            "expected no file x.pkl, which was not written with the bundle; take it",
        ),
        (
            lambda path: edit(path, labels=["joyful", "sad"]),
            r"labels: expected \['angry', 'sad'\], as in the classifier",
        ),
        (lambda path: edit(path, audio={"sampling_rate_hz": 8000}), "sampling_rate_hz: expected 16000, as in the"),
        (lambda path: (path / "bundle.json").unlink(), "no such file; expected the description of a bundle"),
        (lambda path: (path / "bundle.json").write_text("[]"), "the description of a bundle, found something"),
        (
            lambda path: (path / "bundle.json").write_text('{"format": 2}'),
            "expected the description of a bundle, found",
        ),
        (
            lambda path: (path / "bundle.json").write_text('{"format": 1}'),
            "a bundle of format 2, found format 1",
        ),
    ],
)
def test_what_is_not_as_it_was_written_is_refused_in_one_line(bundle, harm, message):
    harm(bundle)
    with pytest.raises(InputError, match=message) as caught:
        reading.load(bundle)
    assert "\n" not in str(caught.value)


def test_the_same_things_give_the_same_bytes(bundle, tmp_path):
    (tmp_path / "again").mkdir()
    again = write(tmp_path / "again")

    assert layout.digests(again) == layout.digests(bundle)
    assert (again / "bundle.json").read_bytes() == (bundle / "bundle.json").read_bytes()


def test_the_command_takes_a_bundle(bundle, signal, tmp_path, capsys):
    soundfile.write(tmp_path / "a.wav", signal, 16_000, subtype="FLOAT")

    predict.main([str(tmp_path / "a.wav"), "--model", str(bundle), "--format", "json"])

    (row,) = json.loads(capsys.readouterr().out)
    loaded = reading.load(bundle).predictor
    expected = loaded.probabilities(loaded.extractor.vector(signal)[np.newaxis])[0]
    assert row["probabilities"] == dict(zip(LABELS, expected, strict=True))


def options(**changes):
    parser = argparse.ArgumentParser()
    chosen.add_flags(parser)
    return parser.parse_args([part for flag, value in changes.items() for part in (f"--{flag}", str(value))])


def test_the_service_takes_a_bundle_and_shows_its_card(bundle, signal):
    model = chosen.load(options(model=bundle))

    loaded = reading.load(bundle).predictor
    expected = loaded.probabilities(loaded.extractor.vector(signal)[np.newaxis])[0]
    np.testing.assert_array_equal(model.hear(signal).probabilities, expected)
    assert model.card == "# A card\n"
    assert list(model.labels) == LABELS


def test_a_fold_of_a_bundle_is_refused(bundle, capsys):
    with pytest.raises(SystemExit) as caught:
        predict.main([str(bundle / "card.md"), "--model", str(bundle), "--fold", "0"])
    assert caught.value.code == 2
    assert "ser predict: error: --fold: expected --models beside it" in capsys.readouterr().err


def test_a_bundle_that_normalises_by_speaker_is_kept_from_the_service(tmp_path):
    extractor = catalogue.build(Recipe("mfcc"))
    writing.save(
        tmp_path, made(extractor, normalisation="speaker"), extractor, Path("none"), known(extractor), {}, {}, ""
    )

    assert isinstance(chosen.read(options(model=tmp_path))[0], predictor.Predictor)
    with pytest.raises(InputError, match="one that normalises by speaker"):
        chosen.load(options(model=tmp_path))


def test_other_code_than_made_it_is_refused(tmp_path):
    extractor = catalogue.build(Recipe("mfcc"))
    model = made(extractor)
    changed = json.loads(extractor.fingerprint)
    changed["modules"]["ser.encoders.mfcc"] = "other"
    model.recipe = replace(model.recipe, extractor=json.dumps(changed))
    writing.save(tmp_path, model, extractor, Path("none"), known(extractor), {}, {}, "")

    with pytest.raises(InputError, match=r"they differ in modules \(ser.encoders.mfcc\)"):
        reading.load(tmp_path)
