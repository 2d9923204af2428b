from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from ser.pase import frozen
from ser.pase.encoder import PASE, PASE_PLUS
from ser.pase.frozen import Frozen
from ser.pase.padding import reflect
from ser.pase.qrnn import forget_mult
from tests.pase.conftest import TINY, encoder, noise

TINY_PASE = replace(TINY, qrnn_units=None, skips=False)


@pytest.fixture
def short_pieces(monkeypatch):
    monkeypatch.setattr(frozen, "EARLY_PIECE", 2_400)
    monkeypatch.setattr(frozen, "LATE_PIECE", 300)
    monkeypatch.setattr(frozen, "TOP_PIECE", 100)


@pytest.mark.parametrize("geometry", [TINY, TINY_PASE])
@pytest.mark.parametrize("samples", [1_200, 16_000, 16_037, 16_159, 32_159, 70_001])
def test_every_layer_is_that_of_the_encoder(geometry, samples, short_pieces):
    made, names = encoder(geometry), list(geometry.layers)

    expected, found = made.layers(noise(2, 1, samples), names), Frozen(made).layers(noise(2, 1, samples), names)

    assert list(found) == names
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("geometry", [PASE_PLUS, PASE])
def test_full_size_in_the_usual_pieces(geometry):
    made = encoder(geometry)

    torch.testing.assert_close(Frozen(made)(noise(1, 1, 56_077)), made(noise(1, 1, 56_077)), atol=1e-5, rtol=1e-5)


def test_many_signals_at_once_give_what_each_gives_alone():
    made, signals = Frozen(encoder(TINY)), noise(100, 1, 8_000)
    torch.testing.assert_close(made(signals)[97:98], made(signals[97:98]), atol=1e-5, rtol=1e-5)


def test_only_layers_that_are_asked_for_are_given():
    assert list(Frozen(encoder(TINY_PASE)).layers(noise(1, 1, 4_000), ["block3", "sinc"])) == ["block3", "sinc"]


def test_a_waveform_too_short_to_be_reflected_is_refused():
    with pytest.raises(ValueError, match=r"expected at least \d+ samples, found 100"):
        Frozen(encoder(TINY))(noise(1, 1, 100))


def test_the_qrnn_goes_on_from_its_memory():
    rnn, frames = Frozen(encoder(TINY)).rnn, noise(1, 32, 50)

    whole, states = rnn(frames)
    later, rest = rnn(frames, memory=states[..., 19:20], first=20)

    assert not later[..., :20].any()
    torch.testing.assert_close(later[..., 20:], whole[..., 20:])
    torch.testing.assert_close(rest, states[..., 20:])


@pytest.mark.parametrize("memory", [None, noise(2, 3, 1)])
def test_recurrence_equals_the_scan(memory):
    f, z = torch.sigmoid(noise(2, 3, 37)), noise(2, 3, 37)
    torch.testing.assert_close(frozen.recurrence(f, z, memory), forget_mult(f, z, memory))


def test_without_onednn_the_frames_are_the_same(monkeypatch):
    made = Frozen(encoder(TINY))
    expected = made(noise(1, 1, 16_000))
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    monkeypatch.setattr(torch, "mkldnn_convolution", None)

    torch.testing.assert_close(made(noise(1, 1, 16_000)), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("left", "right"), [(5, 5), (9, 10), (1, 0), (0, 1)])
def test_ends_are_mirrored_as_by_pytorch(left, right):
    frames = noise(2, 3, 20)
    torch.testing.assert_close(reflect(frames, left, right), functional.pad(frames, (left, right), mode="reflect"))


@pytest.mark.parametrize("affine", [True, False])
def test_a_folded_norm_is_pytorchs_also_where_little_varies(affine):
    convolution, norm = nn.Conv1d(3, 4, 5), nn.BatchNorm1d(4, affine=affine).eval()
    norm.running_mean.copy_(noise(4))
    norm.running_var.copy_(torch.tensor([1e-5, 1e-4, 1e-2, 1.0]))
    if affine:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    frames = noise(2, 3, 40)
    found = functional.conv1d(frames, *frozen.folded(convolution.weight, convolution.bias, norm))
    torch.testing.assert_close(found, norm(convolution(frames)), atol=1e-3, rtol=1e-4)


def test_convolution_is_pytorchs():
    frames, weight, bias = noise(2, 3, 40), noise(4, 3, 5), noise(4)
    torch.testing.assert_close(
        frozen.convolution(frames, weight, bias, 2), functional.conv1d(frames, weight, bias, 2), atol=1e-6, rtol=1e-6
    )
