import resource
from contextlib import contextmanager

import pytest
import torch
from safetensors.torch import save_file

from ser.files.failures import InputError
from ser.pase import checkpoint
from ser.pase.encoder import Geometry

TINY = Geometry(maps=(8, 8, 16, 16, 24, 24, 32, 32), channels=16, qrnn_units=32)
SIGNAL = torch.linspace(-0.5, 0.5, 4000).sin()[None, None]


@pytest.fixture
def encoder():
    return checkpoint.untrained(TINY, seed=1)


@pytest.fixture
def published(encoder, tmp_path):
    """A file as the published one is: a pickled state_dict."""
    path = tmp_path / "FE_e199.ckpt"
    torch.save(encoder.state_dict(), path)
    return path


def test_published_format_gives_the_same_encoder(encoder, published):
    with torch.no_grad():
        assert torch.equal(checkpoint.load(published, TINY)(SIGNAL), encoder(SIGNAL))


def test_own_format_in_float32_gives_the_same_encoder(encoder, tmp_path):
    checkpoint.save(encoder, tmp_path / "own.safetensors", torch.float32)
    with torch.no_grad():
        assert torch.equal(checkpoint.load(tmp_path / "own.safetensors", TINY)(SIGNAL), encoder(SIGNAL))


def test_own_format_in_float16_comes_back_as_float32_and_close(encoder, tmp_path):
    checkpoint.save(encoder, tmp_path / "own.safetensors")
    loaded = checkpoint.load(tmp_path / "own.safetensors", TINY)
    assert loaded.W.weight.dtype == torch.float32
    torch.testing.assert_close(loaded.W.weight, encoder.W.weight, atol=1e-3, rtol=1e-3)


def test_same_seed_same_weights_other_seed_others():
    first, same, other = (checkpoint.untrained(TINY, seed).W.weight for seed in (1, 1, 2))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_making_an_untrained_encoder_leaves_the_global_random_state_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    checkpoint.untrained(TINY, seed=9)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("W.bias"), "missing W.bias"),
        (lambda state: state.update({"extra.weight": torch.zeros(1)}), "surplus extra.weight"),
        (lambda state: state.update({"W.weight": torch.zeros(16, 31, 1)}), "W.weight: expected 16x32x1, found 16x31x1"),
        (lambda state: state["W.bias"].fill_(float("nan")), "W.bias holds numbers that are not finite"),
    ],
)
@pytest.mark.parametrize("suffix", [".ckpt", ".safetensors"])
def test_wrong_weights_are_named(encoder, tmp_path, change, message, suffix):
    state = {key: value.clone() for key, value in encoder.state_dict().items()}
    change(state)
    path = tmp_path / f"wrong{suffix}"
    torch.save(state, path) if suffix == ".ckpt" else save_file(state, path)
    with pytest.raises(InputError, match=message):
        checkpoint.load(path, TINY)


def test_another_architecture_is_refused(published):
    with pytest.raises(InputError, match="not the weights of this encoder"):
        checkpoint.load(published)


@pytest.mark.parametrize("suffix", [".ckpt", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"this is text", None])
def test_a_file_that_is_no_checkpoint_or_cut_short_is_refused(encoder, tmp_path, suffix, content):
    path = tmp_path / f"damaged{suffix}"
    if content is None:
        torch.save(encoder.state_dict(), path) if suffix == ".ckpt" else checkpoint.save(encoder, path)
        content = path.read_bytes()[:5000]
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a checkpoint, or cut short"):
        checkpoint.load(path, TINY)


def test_a_pickle_that_is_no_state_dict_is_refused(tmp_path):
    torch.save([1, 2], tmp_path / "list.ckpt")
    with pytest.raises(InputError, match="expected a state_dict"):
        checkpoint.load(tmp_path / "list.ckpt", TINY)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.ckpt: no such file"):
        checkpoint.load(tmp_path / "nowhere.ckpt", TINY)


def test_a_folder_is_called_a_folder(tmp_path):
    with pytest.raises(InputError, match=r"expected the encoder's weights .*, found a folder"):
        checkpoint.load(tmp_path, TINY)


def test_a_full_disk_is_no_error_of_the_format(encoder, tmp_path):
    with limited(), pytest.raises(OSError, match=r"File too large: '.*own\.safetensors'"):
        checkpoint.save(encoder, tmp_path / "own.safetensors")
    assert list(tmp_path.iterdir()) == []


@contextmanager
def limited():
    """Let no file grow beyond 100 bytes, the nearest thing to a full disk that a test can have."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def test_weights_that_float16_cannot_hold_are_refused_and_nothing_is_written(encoder, tmp_path):
    with torch.no_grad():
        encoder.W.weight[0, 0, 0] = 1e6
    with pytest.raises(ValueError, match=r"W.weight does not fit into torch.float16"):
        checkpoint.save(encoder, tmp_path / "own.safetensors")
    assert list(tmp_path.iterdir()) == []
