import json

import numpy as np
import pytest
import torch

from ser.encoders.catalogue import build
from ser.encoders.recipe import Recipe
from ser.files.failures import InputError
from ser.pase.encoder import PASE, PASE_PLUS

PASE_FREE = {"pase_plus_untrained": PASE_PLUS, "pase_untrained": PASE}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_not_replaced_in_silence():
    with pytest.raises(InputError, match=r"expected a device that works, of cpu.*, found 'cuda:1': "):
        build(Recipe("pase_untrained"), device="cuda:1")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_gives_the_numbers_of_the_cpu(tone, extractors):
    for name in PASE_FREE:
        on_gpu = build(Recipe(name), device="cuda")

        np.testing.assert_allclose(on_gpu.vector(tone(1.0)), extractors[name].vector(tone(1.0)), atol=1e-5)
        made, expected = json.loads(on_gpu.fingerprint), json.loads(extractors[name].fingerprint)
        assert made == expected | {"numerics": "cuda"}


@pytest.mark.parametrize("device", ["gpu0", "", "cuda:-1", "cuda:99", "meta", "xpu", "hpu", "privateuseone"])
def test_a_device_that_is_not_there_is_refused_in_one_line(device):
    with pytest.raises(InputError, match=f"expected a device that works, of cpu.*, found '{device}': ") as error:
        build(Recipe("pase_untrained"), device=device)
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match=f"found '{device}': "):
        build(Recipe("mfcc"), device=device)  # which would run on the CPU


def test_networks_run_without_tf32_but_with_cudnn(tone, monkeypatch):
    seen = []
    encoder = build(Recipe("pase_untrained")).encoder
    encode = encoder.encode
    monkeypatch.setattr(
        encoder,
        "encode",
        lambda *given: seen.append((torch.backends.cudnn.enabled, torch.backends.cudnn.allow_tf32)) or encode(*given),
    )
    encoder.frames(tone(0.3))
    assert seen == [(True, False)]
