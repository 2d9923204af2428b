import http.client
import json
import re
import socket
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchaudio

from ser.encoders import selfsupervised
from ser.encoders.catalogue import build, rebuild
from ser.encoders.recipe import Recipe
from ser.encoders.selfsupervised import MODELS, Pretrained, SelfSupervisedEncoder, WeightsNotAvailable
from ser.files.failures import InputError

# The base networks at a small size.
SIZES = {
    "extractor_mode": "group_norm",
    "extractor_conv_layer_config": [(16, 10, 5), *[(16, 3, 2)] * 4, *[(16, 2, 2)] * 2],
    "extractor_conv_bias": False,
    "encoder_embed_dim": 32,
    "encoder_projection_dropout": 0.1,
    "encoder_pos_conv_kernel": 16,
    "encoder_pos_conv_groups": 4,
    "encoder_num_layers": 2,
    "encoder_num_heads": 4,
    "encoder_attention_dropout": 0.1,
    "encoder_ff_interm_features": 64,
    "encoder_ff_interm_dropout": 0.1,
    "encoder_dropout": 0.1,
    "encoder_layer_norm_first": False,
    "encoder_layer_drop": 0.1,
    "aux_num_out": None,
}


class Small:
    """What torchaudio knows of a network, of a small one: weights come by torch.hub as those of the large one do."""

    def __init__(self, name: str):
        self.name = name

    def network(self) -> torch.nn.Module:
        if self.name.startswith("wavlm"):
            return torchaudio.models.wavlm_model(**SIZES, encoder_max_distance=800, encoder_num_buckets=320).eval()
        return torchaudio.models.wav2vec2_model(**SIZES).eval()

    def get_model(self, *, dl_kwargs: dict) -> torch.nn.Module:
        url = f"https://weights.invalid/{MODELS[self.name].file}"
        network = self.network()
        network.load_state_dict(torch.hub.load_state_dict_from_url(url, **dl_kwargs))
        return network


def noise(samples: int, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(samples, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def cache(tmp_path):
    """An empty cache of torch's."""
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    yield tmp_path / "checkpoints"
    torch.hub.set_dir(before)


@pytest.fixture
def small(cache, monkeypatch):
    """Make the networks small, without weights."""
    for name, model in MODELS.items():
        monkeypatch.setitem(MODELS, name, Pretrained(Small(name), model.file))


@pytest.fixture
def tiny(cache, small):
    """Put random weights of a small network into torch's cache, and give the network."""

    def tiny(name: str, seed: int = 0) -> torch.nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = MODELS[name].bundle.network()
        torch.save(network.state_dict(), cache / MODELS[name].file)
        return network

    return tiny


def connection(monkeypatch, error: Exception):
    """Let every download end in an error, and give the time limits under which they were tried."""
    limits = []

    def urlopen(*arguments, **settings):
        limits.append(socket.getdefaulttimeout())
        raise error

    monkeypatch.setattr(torch.hub, "urlopen", urlopen)
    return limits


class Asked(Exception):  # noqa: N818
    """A file is about to be downloaded."""


@pytest.mark.parametrize("name", MODELS)
def test_weights_lie_where_torchaudio_looks_for_them(name, cache, monkeypatch):
    def ask(url, path, *rest, **settings):
        raise Asked(path)

    monkeypatch.setattr(torch.hub, "download_url_to_file", ask)

    with pytest.raises(Asked) as asked:
        MODELS[name].bundle.get_model()

    assert Path(asked.value.args[0]) == cache / MODELS[name].file


@pytest.mark.parametrize("name", MODELS)
def test_signals_come_at_the_rate_that_the_networks_hear(name):
    assert MODELS[name].bundle.sample_rate == 16_000


@pytest.mark.parametrize("name", MODELS)
def test_frames_are_the_mean_of_the_networks_layers(name, tiny):
    original, signal = tiny(name), noise(4000)

    frames = SelfSupervisedEncoder(Recipe(name)).frames(signal.numpy())

    with torch.inference_mode():
        layers, _ = original.extract_features(signal[None])
    assert len(layers) == 2
    assert frames.shape == (32, 12)  # a frame per 320 samples
    np.testing.assert_allclose(frames.T, (layers[0][0] + layers[1][0]) / 2, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_an_extractor_of_it_gives_a_vector_with_names(name, tiny):
    tiny(name)
    extractor = build(Recipe(name, statistics=["mean", "max"]))

    vector = extractor.vector(noise(4000).numpy())

    frames = extractor.encoder.frames(noise(4000).numpy())
    np.testing.assert_allclose(vector, np.concatenate([frames.mean(axis=1), frames.max(axis=1)]), atol=1e-6)
    assert extractor.names[0] == f"{name}_000_mean"
    assert extractor.names[-1] == f"{name}_031_max"
    assert vector.dtype == np.float32


@pytest.mark.parametrize("name", MODELS)
def test_the_shortest_signal_is_taken_and_a_shorter_one_refused(name, tiny):
    tiny(name)
    extractor = build(Recipe(name))

    assert np.isfinite(extractor.vector(noise(400).numpy())).all()
    with pytest.raises(InputError, match=f"at least 400 samples .* for {name}, found 399"):
        extractor.vector(noise(399).numpy())


def test_other_weights_are_another_fingerprint_and_the_same_come_back(tiny):
    prints = []
    for seed in (0, 1, 0):
        tiny("hubert_base", seed)
        prints.append(build(Recipe("hubert_base")).fingerprint)

    assert prints[0] == prints[2] != prints[1]
    assert rebuild(prints[0]).fingerprint == prints[0]


def test_its_fingerprint_knows_nothing_of_pase(tiny):
    tiny("wavlm_base")

    modules = json.loads(build(Recipe("wavlm_base")).fingerprint)["modules"]

    assert "ser.encoders.selfsupervised" in modules
    assert not [name for name in modules if "pase" in name]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("error", [URLError("no network"), TimeoutError("timed out"), http.client.IncompleteRead(b"")])
def test_weights_that_cannot_be_downloaded_are_one_line(name, error, cache, small, monkeypatch):
    connection(monkeypatch, error)

    with pytest.raises(WeightsNotAvailable, match=re.escape(f"{name} are not available: expected {cache}")) as caught:
        build(Recipe(name))

    assert "\n" not in str(caught.value)
    assert list(cache.iterdir()) == []


def test_nobody_waits_for_a_network_that_does_not_answer(small, monkeypatch, capsys):
    limits, before = connection(monkeypatch, TimeoutError()), socket.getdefaulttimeout()

    with pytest.raises(WeightsNotAvailable):
        selfsupervised.load("wavlm_base")

    assert limits == [selfsupervised.TIMEOUT_S]
    assert socket.getdefaulttimeout() == before
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("damage", [lambda content: content[:2000], lambda content: b"", lambda content: b"text" * 999])
def test_damaged_weights_are_not_taken_for_missing_ones(damage, tiny, cache):
    tiny("wav2vec2_base")
    path = cache / MODELS["wav2vec2_base"].file
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(InputError, match=r"not the weights of wav2vec2_base, or damaged .*delete it") as caught:
        selfsupervised.load("wav2vec2_base")

    assert not isinstance(caught.value, WeightsNotAvailable)


def test_weights_of_another_network_are_refused(tiny, cache):
    tiny("wavlm_base")
    (cache / MODELS["wavlm_base"].file).rename(cache / MODELS["hubert_base"].file)

    with pytest.raises(InputError, match="not the weights of hubert_base, or damaged"):
        selfsupervised.load("hubert_base")
