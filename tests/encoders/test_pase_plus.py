import numpy as np
import pytest
import torch

from ser.encoders.catalogue import build
from ser.encoders.pase_plus import PaseEncoder
from ser.encoders.recipe import Recipe
from ser.files.failures import InputError
from ser.pase import checkpoint
from ser.pase.encoder import PASE, PASE_PLUS

PASE_FREE = {"pase_plus_untrained": PASE_PLUS, "pase_untrained": PASE}


def test_names_of_pase_plus_count_its_channels(extractors):
    names = extractors["pase_plus_untrained"].names

    assert names[3] == "pase_plus_untrained_003_mean"
    assert names[-1] == "pase_plus_untrained_255_std"


def test_names_of_inner_layers_say_which(extractors):
    layers = ["block5", "output", "sinc"]
    extractor = build(Recipe("pase_plus_untrained", ["mean", "std"], layers=layers))

    assert len(extractor.names) == 2 * (256 + 256 + 64)
    assert extractor.names[17] == "pase_plus_untrained_block5_017_mean"
    assert extractor.names[256] == "pase_plus_untrained_000_mean"
    assert extractor.names[-1] == "pase_plus_untrained_sinc_063_std"
    assert set(extractors["pase_plus_untrained"].names) < set(extractor.names)


@pytest.mark.parametrize("name", PASE_FREE)
def test_each_number_of_an_inner_layer_is_that_of_its_name(tone, name):
    signal, geometry = tone(0.4037), PASE_FREE[name]
    extractor = build(Recipe(name, ["std", "mean"], layers=list(PaseEncoder.LAYERS[name])))
    with torch.inference_mode():
        layers = checkpoint.untrained(geometry, seed=0).layers(torch.from_numpy(signal)[None, None], geometry.layers)

    numbers = dict(zip(extractor.names, extractor.vector(signal).tolist(), strict=True))

    assert len(numbers) == 2 * sum(geometry.layers.values())
    for layer, frames in layers.items():
        prefix = f"{name}_" if layer == "output" else f"{name}_{layer}_"
        for statistic, values in (("mean", frames[0].mean(dim=1)), ("std", frames[0].std(dim=1, correction=0))):
            named = [numbers[f"{prefix}{channel:03d}_{statistic}"] for channel in range(len(values))]
            np.testing.assert_allclose(named, values, atol=1e-5, err_msg=layer)


def test_trained_weights_are_those_of_the_file(tone, weights):
    trained = build(Recipe("pase_plus"), weights)

    same = build(Recipe("pase_plus_untrained", seed=5)).vector(tone(0.3))
    assert trained.vector(tone(0.3)).tobytes() == same.tobytes()
    assert trained.names[0] == "pase_plus_000_mean"


def test_trained_weights_must_be_given():
    with pytest.raises(InputError, match=r"pase_plus needs its weights: .*--weights"):
        build(Recipe("pase_plus"))


def test_weights_that_are_cut_short_are_refused(weights, tmp_path):
    short = tmp_path / "short.safetensors"
    short.write_bytes(weights.read_bytes()[:100_000])

    with pytest.raises(InputError, match=r"short.safetensors: not a checkpoint, or cut short"):
        build(Recipe("pase_plus"), short)
