import json

import pytest
import torch

from ser.encoders.catalogue import baseline, build, rebuild
from ser.encoders.recipe import Recipe
from ser.files.failures import InputError
from ser.pase import checkpoint
from ser.pase.encoder import PASE_PLUS


def test_a_fingerprint_brings_the_extractor_back(tone, weights):
    recipes = [Recipe("pase_untrained", ["p90"], seed=3, layers=["output", "block2"])]
    recipes += [Recipe("pase_plus"), Recipe("egemaps"), Recipe("mfcc", ["slope"], frames="active")]
    for recipe in recipes:
        extractor = build(recipe, weights)

        again = rebuild(extractor.fingerprint, weights)

        assert again.names == extractor.names
        assert again.vector(tone(0.2)).tobytes() == extractor.vector(tone(0.2)).tobytes()


def test_weights_that_are_not_those_of_the_fingerprint_are_refused(weights, tmp_path):
    other = tmp_path / "other.safetensors"
    checkpoint.save(checkpoint.untrained(PASE_PLUS, seed=6), other, torch.float32)
    fingerprint = build(Recipe("pase_plus"), weights).fingerprint

    with pytest.raises(InputError, match=r"they differ in weights \(.*other.safetensors\)"):
        rebuild(fingerprint, other)


def test_versions_and_code_that_are_not_those_of_the_fingerprint_are_refused(extractors):
    made = json.loads(extractors["mfcc"].fingerprint)
    old = made | {
        "modules": made["modules"] | {"ser.encoders.mfcc": "0"},
        "versions": made["versions"] | {"torch": "1.0.0"},
    }

    expected = r"they differ in modules \(ser.encoders.mfcc\), versions \(torch\); .*train it again"
    with pytest.raises(InputError, match=expected):
        rebuild(json.dumps(old))


@pytest.mark.parametrize(("fingerprint", "name"), [('{"encoder": "wav2vec"}', "wav2vec"), ('{"code": "0"}', "None")])
def test_an_encoder_that_is_unknown_is_refused(fingerprint, name):
    with pytest.raises(InputError, match=f"of an encoder out of pase_plus, .*, found '{name}'; train it again"):
        rebuild(fingerprint)


@pytest.mark.parametrize("name", ["egemaps", "compare_2016"])
def test_the_baseline_is_pooled_as_the_frames_are_that_it_is_compared_with(name):
    assert baseline(Recipe("pase_plus", ["max"], ["qrnn"], "active", 3)) == Recipe("mfcc", ["max"], frames="active")
    assert baseline(Recipe(name, ["max"], frames="active")) == Recipe("mfcc", ["mean", "std"])


@pytest.mark.parametrize("recipe", [Recipe("mffc"), Recipe("mfcc", layers=["qrnn"])])
def test_what_is_not_there_is_not_built(recipe):
    with pytest.raises(ValueError, match="expected"):
        build(recipe)
