import zlib

import numpy as np
import pytest
import torch

from ser.pase.encoder import PASE, PASE_PLUS, PasePlus, average_to
from ser.pase.frozen import Frozen
from ser.pase.sincnet import mel_spaced_hz
from tests.pase.conftest import TINY, encoder, noise


def signal(samples: int, seed: int = 0) -> torch.Tensor:
    return noise(1, 1, samples, seed=seed)


@pytest.fixture(scope="module")
def tiny() -> PasePlus:
    return encoder(TINY)


def reference_weights(keys: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """The rule by which the reference outputs at full size were made: weights from each key's own seed."""
    edges = mel_spaced_hz(65, 30.0, 7900.0).numpy()
    weights = {}
    for key, shape in keys.items():
        generator = np.random.default_rng(zlib.crc32(key.encode()))
        if key.endswith(("low_hz_", "band_hz_")):
            start = edges[:-1] if "low" in key else np.diff(edges)
            value = start.reshape(shape) * (1 + 0.1 * generator.uniform(-1, 1, shape))
        elif key.endswith("running_var"):
            value = generator.uniform(0.5, 1.5, shape)
        elif key.endswith("running_mean"):
            value = generator.normal(0, 0.1, shape)
        elif key.endswith("norm.weight"):
            value = generator.uniform(0.5, 1.5, shape)
        elif key.endswith("act.weight"):
            value = generator.uniform(0, 0.3, shape)
        elif key.endswith("bias"):
            value = generator.normal(0, 0.1, shape)
        elif key.endswith("num_batches_tracked"):
            value = 0
        else:
            value = generator.normal(0, 1, shape) / np.sqrt(np.prod(shape[1:]))
        weights[key] = torch.tensor(value, dtype=torch.int64 if key.endswith("tracked") else torch.float32)
    return weights


@pytest.mark.parametrize("form", [lambda made: made, Frozen], ids=["trained", "frozen"])
@pytest.mark.parametrize("samples", [16000, 16037, 16159])
def test_small_encoder_equals_the_reference_implementation(shared, samples, form):
    reference = np.load(shared("pase_reference.npz"))
    prefix = "tiny/weights/"
    made = PasePlus(TINY).eval()
    made.load_state_dict(
        {
            name.removeprefix(prefix): torch.tensor(reference[name])
            for name in reference.files
            if name.startswith(prefix)
        }
    )
    with torch.no_grad():
        output = form(made)(torch.tensor(reference[f"tiny/input/{samples}"]))
    np.testing.assert_allclose(output.numpy(), reference[f"tiny/output/{samples}"], atol=1e-4)


@pytest.mark.parametrize("form", [lambda made: made, Frozen], ids=["trained", "frozen"])
def test_full_size_encoder_equals_the_reference_implementation(shared, form):
    reference = np.load(shared("pase_reference.npz"))
    made = PasePlus(PASE_PLUS).eval()
    made.load_state_dict(reference_weights({key: tuple(value.shape) for key, value in made.state_dict().items()}))
    with torch.no_grad():
        output = form(made)(torch.tensor(reference["full/input"]))
    np.testing.assert_allclose(output.numpy(), reference["full/output"], atol=1e-4)


def test_keys_and_shapes_are_those_of_the_published_checkpoint(shared):
    lines = shared("pase_plus_keys.txt").read_text().split("\n")
    published = dict(line.split() for line in lines if line)
    own = {key: "x".join(map(str, value.shape)) or "scalar" for key, value in PasePlus(PASE_PLUS).state_dict().items()}
    assert own == published


def test_pase_plus_has_the_papers_size():
    assert sum(parameter.numel() for parameter in PasePlus(PASE_PLUS).parameters()) == 7_832_896


@pytest.mark.parametrize(("geometry", "channels"), [(PASE_PLUS, 256), (PASE, 100)])
def test_output_has_a_frame_of_the_papers_size_per_160_samples(geometry, channels):
    with torch.no_grad():
        assert PasePlus(geometry).eval()(signal(16_000)).shape == (1, channels, 100)
    assert geometry.frames(100_000)[-1] == 625
    assert geometry.hop == 160


@pytest.mark.parametrize("samples", [471, 1000, 15_999, 16_000, 16_001, 16_159])
def test_geometry_counts_the_frames_that_each_layer_gives(tiny, samples):
    frames, counts = signal(samples), []
    with torch.no_grad():
        for block in tiny.blocks:
            frames = block(frames)
            counts.append(frames.shape[-1])
    assert TINY.frames(samples) == counts


def test_a_batch_gives_the_frames_of_its_members(tiny):
    members = [signal(9_037, seed) for seed in range(3)]
    with torch.no_grad():
        together = tiny(torch.cat(members))
        for frames, member in zip(together, members, strict=True):
            torch.testing.assert_close(frames, tiny(member)[0], atol=1e-5, rtol=0)


def test_layers_are_the_blocks_averaged_to_the_rate_of_the_output(tiny):
    frames, expected = signal(16_000), {}  # 100 frames; every layer's count is a multiple of it
    with torch.no_grad():
        for name, block in zip(["sinc", *(f"block{i}" for i in range(1, 8))], tiny.blocks, strict=True):
            frames = block(frames)
            expected[name] = frames.unflatten(2, (100, -1)).mean(3)
        expected["qrnn"] = tiny.rnn(frames)
        expected["output"] = tiny(signal(16_000))
        layers = tiny.layers(signal(16_000), list(TINY.layers))

    assert list(layers) == list(expected) == list(TINY.layers)
    assert [layer.shape[1] for layer in layers.values()] == list(TINY.layers.values())
    for name, layer in layers.items():
        torch.testing.assert_close(layer, expected[name], atol=1e-6, rtol=1e-5)


def test_only_the_layers_that_are_asked_for_come_in_the_order_asked(tiny):
    with torch.no_grad():
        assert list(tiny.layers(signal(1000), ["output", "block3", "sinc"])) == ["output", "block3", "sinc"]


def test_shortest_signal_is_encoded_and_a_shorter_one_refused(tiny):
    shortest = TINY.minimum_samples
    with torch.no_grad():
        assert tiny(signal(shortest)).isfinite().all()
        with pytest.raises(ValueError, match=f"expected at least {shortest} samples, found {shortest - 1}"):
            tiny(signal(shortest - 1))


def test_output_up_to_a_frame_does_not_depend_on_the_far_future(tiny):
    first = signal(16_000)
    second = first.clone()
    second[..., 8_000:] = 0.3
    with torch.no_grad():
        # The convolutions look ahead by less than 100 ms; the QRNN runs forward only.
        torch.testing.assert_close(tiny(first)[..., :39], tiny(second)[..., :39], atol=1e-6, rtol=0)
        assert not torch.allclose(tiny(first)[..., 60:], tiny(second)[..., 60:], atol=1e-3)


def test_average_to_takes_the_whole_ratio_and_drops_the_rest():
    frames = torch.tensor([[[1.0, 3.0, 5.0, 7.0, 100.0]]])
    assert average_to(frames, 2).tolist() == [[[2.0, 6.0]]]


def test_gradients_reach_every_parameter():
    encoder = PasePlus(TINY).train()
    for block in encoder.blocks:
        block.act.weight.data.fill_(0.2)
    encoder(torch.cat([signal(4000), signal(4000, seed=1)])).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for name, parameter in encoder.named_parameters() if name != "W.bias")
