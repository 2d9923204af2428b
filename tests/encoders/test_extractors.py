import ast
import dataclasses
import importlib.util
import inspect
import json
import math
import sys
from types import ModuleType

import numpy as np
import pytest
import scipy.fft
import torch

from ser.encoders import extractors as encoders_extractors
from ser.encoders import pooling
from ser.encoders.extractors import Extractor, Recipe, build, rebuild
from ser.files.failures import InputError
from ser.pase import checkpoint
from ser.pase.encoder import PASE, PASE_PLUS, PasePlus

FREE = ["pase_plus_untrained", "pase_untrained", "mfcc", "egemaps", "compare_2016"]  # need no weights file
PASE_FREE = {"pase_plus_untrained": PASE_PLUS, "pase_untrained": PASE}


def tone(seconds: float, pitch_hz: float = 220.0, seed: int = 0) -> np.ndarray:
    """A voice-like sound: ten harmonics and a little noise."""
    times_s = np.arange(round(16_000 * seconds)) / 16_000
    harmonics = sum(np.sin(2 * np.pi * pitch_hz * k * times_s) / k for k in range(1, 11))
    noise = np.random.default_rng(seed).normal(size=times_s.size)
    return (0.1 * harmonics + 0.001 * noise).astype(np.float32)


@pytest.fixture(scope="module")
def extractors():
    return {name: build(Recipe(name)) for name in FREE}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    checkpoint.save(checkpoint.untrained(PASE_PLUS, seed=5), path, torch.float32)
    return path


@pytest.mark.parametrize(("name", "numbers"), [*zip(FREE, [512, 200, 120, 88, 6373], strict=True)])
def test_a_signal_becomes_one_finite_number_per_name(extractors, name, numbers):
    extractor = extractors[name]

    vector = extractor.vector(tone(0.5))

    assert vector.shape == (numbers,) == (len(set(extractor.names)),)
    assert vector.dtype == np.float32
    assert np.isfinite(vector).all()
    assert all(number.startswith(f"{name}_") for number in extractor.names)


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
def test_each_number_of_an_inner_layer_is_that_of_its_name(name):
    signal, geometry = tone(0.4037), PASE_FREE[name]
    extractor = build(Recipe(name, ["std", "mean"], layers=encoders_extractors.LAYERS[name]))
    with torch.inference_mode():
        layers = checkpoint.untrained(geometry, seed=0).layers(torch.from_numpy(signal)[None, None], geometry.layers)

    numbers = dict(zip(extractor.names, extractor.vector(signal).tolist(), strict=True))

    assert len(numbers) == 2 * sum(geometry.layers.values())
    for layer, frames in layers.items():
        prefix = f"{name}_" if layer == "output" else f"{name}_{layer}_"
        for statistic, values in (("mean", frames[0].mean(dim=1)), ("std", frames[0].std(dim=1, correction=0))):
            found = [numbers[f"{prefix}{channel:03d}_{statistic}"] for channel in range(len(values))]
            np.testing.assert_allclose(found, values, atol=1e-5, err_msg=layer)


@pytest.mark.parametrize("name", FREE)
def test_the_signal_is_left_as_it_is(extractors, name):
    signal = tone(0.3)
    before = signal.copy()

    extractors[name].vector(signal)

    np.testing.assert_array_equal(signal, before)


@pytest.mark.parametrize("name", FREE)
def test_the_same_recipe_gives_the_same_bytes(extractors, name):
    again = build(Recipe(name))

    assert again.vector(tone(0.3)).tobytes() == extractors[name].vector(tone(0.3)).tobytes()
    assert again.fingerprint == extractors[name].fingerprint


@pytest.mark.parametrize("name", FREE)
def test_what_went_before_leaves_no_trace(extractors, name):
    first = extractors[name].vector(tone(0.3))
    extractors[name].vector(tone(0.4, 110.0))

    assert extractors[name].vector(tone(0.3)).tobytes() == first.tobytes()


@pytest.mark.parametrize("name", FREE)
def test_the_shortest_signal_is_taken_and_a_shorter_one_refused(extractors, name):
    extractor = extractors[name]
    signal = tone(1.0)[: extractor.minimum_samples]

    assert np.isfinite(extractor.vector(signal)).all()
    with pytest.raises(InputError, match=f"at least {signal.size} samples .* for {name}, found {signal.size - 1}"):
        extractor.vector(signal[:-1])


def test_numbers_that_are_not_finite_are_refused():
    broken = Extractor("broken", ("one",), "{}", 1, lambda signal: np.array([np.nan], np.float32))

    with pytest.raises(InputError, match="finite numbers from broken"):
        broken.vector(tone(0.1))


@pytest.fixture
def short_windows(monkeypatch):
    """Windows of a second, of signals longer than a second and a half."""
    for name, samples in (("WHOLE", 24_000), ("WINDOW", 16_000), ("CONTEXT", 3200)):
        monkeypatch.setattr(encoders_extractors, name, samples)


@pytest.fixture(scope="module")
def long_memory(tmp_path_factory):
    """Weights of a PASE+ whose QRNN hardly forgets, as trained ones do in many units."""
    network = checkpoint.untrained(PASE_PLUS, seed=5)
    bias = network.rnn.layers[0].linear.bias
    with torch.no_grad():
        bias[512:1024] -= 6
    path = tmp_path_factory.mktemp("memory") / "weights.safetensors"
    checkpoint.save(network, path, torch.float32)
    return path


def whole(recipe, signal):
    """The vector of a signal that is encoded at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoders_extractors, "WHOLE", 2 * signal.size)
        return build(recipe).vector(signal)


@pytest.mark.parametrize("frames", pooling.FRAMES)
@pytest.mark.parametrize("samples", [24_160, 32_000, 32_160, 51_200])
def test_a_long_signal_in_windows_has_the_numbers_of_the_whole(long_memory, short_windows, samples, frames):
    swelling = np.linspace(0.01, 1, samples, dtype=np.float32) * tone(4.0)[:samples]  # so that not all is active
    recipe = Recipe("pase_plus", ["mean", "std"], weights=long_memory, layers=encoders_extractors.LAYERS["pase_plus"])
    recipe = dataclasses.replace(recipe, frames=frames)

    np.testing.assert_allclose(build(recipe).vector(swelling), whole(recipe, swelling), atol=1e-5)


@pytest.mark.parametrize("name", [*PASE_FREE, "mfcc"])
def test_every_frame_of_a_long_signal_counts_once(short_windows, name):
    signal = tone(3.5)
    recipe = Recipe(name, ["mean", "p10", "slope"])

    found, expected = build(recipe).vector(signal), whole(recipe, signal)

    if name == "mfcc":  # the whole has one frame more, half of it beyond the end
        np.testing.assert_allclose(found, expected, atol=1, rtol=0.05)
    else:
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("samples", [24_320, 32_000, 32_320, 51_200])
def test_frames_that_begin_at_their_hop_join_without_a_gap(short_windows, samples):
    def frames(signal, window):  # the first sample of each 400, as the self-supervised networks take them
        return np.lib.stride_tricks.sliding_window_view(signal, 400)[::320, 0][np.newaxis]

    recipe = Recipe("mfcc", ["mean", "min", "max", "slope", "delta_std"])
    extractor = encoders_extractors._pooled(recipe, frames, ["one"], 400, 320)
    ramp = np.arange(samples, dtype=np.float32)

    np.testing.assert_array_equal(extractor.vector(ramp), pooling.pool(frames(ramp, None), recipe.statistics))


def test_the_windows_of_a_long_signal_are_of_bounded_length(short_windows, monkeypatch):
    lengths, layers = [], PasePlus.layers

    def recorded(network, signal, *rest):
        lengths.append(signal.shape[-1])
        return layers(network, signal, *rest)

    monkeypatch.setattr(PasePlus, "layers", recorded)
    build(Recipe("pase_untrained")).vector(tone(3.5))
    assert lengths == [19_200, 22_400, 22_400, 11_200]


@pytest.mark.parametrize("name", ["pase_plus_untrained", "mfcc"])
def test_a_signal_of_the_longest_utterance_is_encoded_as_one(short_windows, extractors, name):
    signal = tone(1.5)
    assert signal.size == encoders_extractors.WHOLE

    assert extractors[name].vector(signal).tobytes() == whole(Recipe(name), signal).tobytes()


def test_windows_are_multiples_of_every_hop():
    assert encoders_extractors.WHOLE == 60 * 16_000
    for samples in (encoders_extractors.WINDOW, encoders_extractors.CONTEXT):
        for hop in (PASE_PLUS.hop, encoders_extractors.MFCC["hop_length"], encoders_extractors.SELF_SUPERVISED_HOP):
            assert samples % hop == 0


def test_mfcc_equal_the_formula(extractors):
    signal = tone(0.4)

    # 512 samples around every 160th, of which a Hann window of 400 sees the middle ones; the ends are reflected.
    padded = np.pad(signal.astype(float), 256, mode="reflect")
    window = np.pad(np.hanning(401)[:-1], 56)
    starts = range(0, padded.size - 512 + 1, 160)
    power = np.array([np.abs(np.fft.rfft(padded[start : start + 512] * window)) ** 2 for start in starts])
    edges_mel = np.linspace(*(2595 * math.log10(1 + hz / 700) for hz in (20, 8000)), 42)
    edges_hz = 700 * (10 ** (edges_mel / 2595) - 1)
    triangles = [np.interp(np.linspace(0, 8000, 257), edges_hz[i : i + 3], [0, 1, 0], 0, 0) for i in range(40)]
    decibels = 10 * np.log10(np.maximum(power @ np.transpose(triangles), 1e-10))
    decibels = np.maximum(decibels, decibels.max() - 80)
    cepstra = scipy.fft.dct(decibels, norm="ortho")[:, :20]

    def slope(values):  # of the regression line over nine frames, the ends repeated
        long = np.pad(values, ((4, 4), (0, 0)), mode="edge")
        return sum(k * long[4 + k : 4 + k + len(values)] for k in range(-4, 5)) / sum(k * k for k in range(-4, 5))

    orders = np.concatenate([cepstra, slope(cepstra), slope(slope(cepstra))], axis=1)
    expected = np.concatenate([orders.mean(axis=0), orders.std(axis=0)])
    np.testing.assert_allclose(extractors["mfcc"].vector(signal), expected, atol=2e-3)


def test_egemaps_hear_the_pitch(extractors):
    extractor = extractors["egemaps"]

    vector = dict(zip(extractor.names, extractor.vector(tone(1.0, pitch_hz=220.0)), strict=True))

    # 220 Hz is three octaves above 27.5 Hz.
    assert vector["egemaps_F0semitoneFrom27.5Hz_sma3nz_amean"] == pytest.approx(36, abs=0.1)


@pytest.mark.parametrize(("name", "numbers"), [("egemaps", 88), ("compare_2016", 6373)])
def test_opensmile_gives_its_published_number_of_functionals(extractors, name, numbers):
    import opensmile

    feature_set = {"egemaps": opensmile.FeatureSet.eGeMAPSv02, "compare_2016": opensmile.FeatureSet.ComParE_2016}[name]
    expected = opensmile.Smile(feature_set, opensmile.FeatureLevel.Functionals).process_signal(tone(0.5), 16_000)

    assert expected.shape == (1, numbers)
    np.testing.assert_array_equal(extractors[name].vector(tone(0.5)), expected.to_numpy(np.float32)[0])
    assert extractors[name].names == tuple(f"{name}_{column}" for column in expected.columns)


def test_compare_2016_hear_the_pitch(extractors):
    vector = dict(zip(extractors["compare_2016"].names, extractors["compare_2016"].vector(tone(1.0)), strict=True))

    assert vector["compare_2016_F0final_sma_amean"] == pytest.approx(220, abs=1)


def test_other_weights_give_other_vectors_and_another_fingerprint(extractors, weights):
    vectors, fingerprints = [extractors["pase_plus_untrained"].vector(tone(0.3))], set()
    for recipe in (Recipe("pase_plus_untrained", seed=1), Recipe("pase_plus", weights=weights)):
        extractor = build(recipe)
        fingerprints.add(extractor.fingerprint)
        vectors.append(extractor.vector(tone(0.3)))

    assert len({vector.tobytes() for vector in vectors}) == 3
    assert len(fingerprints | {extractors["pase_plus_untrained"].fingerprint}) == 3


def test_trained_weights_are_those_of_the_file(weights):
    trained = build(Recipe("pase_plus", weights=weights))

    same = build(Recipe("pase_plus_untrained", seed=5)).vector(tone(0.3))
    assert trained.vector(tone(0.3)).tobytes() == same.tobytes()
    assert trained.names[0] == "pase_plus_000_mean"


def test_the_fingerprint_is_of_the_weights_and_not_of_their_file(weights, tmp_path):
    published = tmp_path / "FE_e199.ckpt"
    torch.save(checkpoint.untrained(PASE_PLUS, seed=5).state_dict(), published)

    fingerprint = build(Recipe("pase_plus", weights=published)).fingerprint

    assert fingerprint == build(Recipe("pase_plus", weights=weights)).fingerprint
    assert str(tmp_path) not in fingerprint


def test_statistics_are_in_the_fingerprint_but_of_egemaps_which_do_not_use_them(extractors):
    for name, differs in (("mfcc", True), ("egemaps", False)):
        other = build(Recipe(name, statistics=["max"])).fingerprint
        assert (other != extractors[name].fingerprint) == differs, name


@pytest.mark.parametrize("name", ["pase_untrained", "mfcc"])
def test_active_frames_alone_are_pooled_where_that_is_asked(name):
    silence = np.zeros(8000, np.float32)
    signal = np.concatenate([silence, tone(1.0), silence])
    measured = {frames: build(Recipe(name, ["mean", "std"], frames=frames)).vector(signal) for frames in pooling.FRAMES}

    inside = build(Recipe(name, ["mean"])).vector(tone(1.0))
    distances = {frames: np.abs(vector[: inside.size] - inside).mean() for frames, vector in measured.items()}
    assert distances["active"] < 0.2 * distances["all"]


@pytest.mark.parametrize("name", FREE)
def test_of_a_steady_sound_all_frames_are_active(extractors, name):
    active = build(Recipe(name, frames="active"))

    assert active.vector(tone(0.5)).tobytes() == extractors[name].vector(tone(0.5)).tobytes()
    assert (active.fingerprint == extractors[name].fingerprint) == (name in ("egemaps", "compare_2016"))


def test_layers_are_in_the_fingerprint(extractors):
    other = build(Recipe("pase_plus_untrained", layers=["block1"]))

    assert json.loads(other.fingerprint)["layers"] == ["block1"]
    assert other.fingerprint != extractors["pase_plus_untrained"].fingerprint


def test_a_fingerprint_names_what_made_the_numbers(extractors):
    found = json.loads(extractors["mfcc"].fingerprint)

    assert found["extractor"] == "mfcc"
    assert found["statistics"] == ["mean", "std"]
    assert found["settings"]["hop_length"] == 160
    assert set(found["versions"]) == {"numpy", "soxr", "torch", "torchaudio"}


def module_of(tmp_path, source: str) -> ModuleType:
    path = tmp_path / f"module_{len(list(tmp_path.iterdir()))}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_words_about_the_code_leave_the_fingerprint_and_code_changes_it(tmp_path, monkeypatch):
    def fingerprint(source):
        monkeypatch.setattr(encoders_extractors, "CODE", (module_of(tmp_path, source),))
        return build(Recipe("mfcc")).fingerprint

    plain = fingerprint('"""One."""\n\n\ndef f():\n    """Two."""\n    return 1\n')

    assert fingerprint('"""Other."""\ndef f():\n    """Words."""\n    return 1  # why\n') == plain
    assert fingerprint("def f():\n    return 2\n") != plain


def test_the_code_in_the_fingerprint_is_all_that_the_extractors_import():
    found, todo = set(), ["ser.encoders.extractors"]
    while todo:
        name = todo.pop()
        found.add(name)
        for node in ast.walk(ast.parse(inspect.getsource(sys.modules[name]))):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "ser":
                members = [f"{node.module}.{alias.name}" for alias in node.names]
                modules = {member if member in sys.modules else node.module for member in members}
                todo += sorted(modules - found)

    # Neither wording an error nor writing a file decides a number.
    assert {module.__name__ for module in encoders_extractors.CODE} == found - {"ser.files.failures", "ser.files.whole"}


def test_a_fingerprint_brings_the_extractor_back(weights):
    recipes = [Recipe("pase_untrained", ["p90"], seed=3, layers=["output", "block2"])]
    recipes += [Recipe("pase_plus", weights=weights), Recipe("egemaps"), Recipe("mfcc", ["slope"], frames="active")]
    for recipe in recipes:
        extractor = build(recipe)

        again = rebuild(extractor.fingerprint, weights)

        assert again.names == extractor.names
        assert again.vector(tone(0.2)).tobytes() == extractor.vector(tone(0.2)).tobytes()


def test_weights_that_are_not_those_of_the_fingerprint_are_refused(weights, tmp_path):
    other = tmp_path / "other.safetensors"
    checkpoint.save(checkpoint.untrained(PASE_PLUS, seed=6), other, torch.float32)
    fingerprint = build(Recipe("pase_plus", weights=weights)).fingerprint

    with pytest.raises(InputError, match=r"they differ in weights \(.*other.safetensors\)"):
        rebuild(fingerprint, other)


def test_versions_and_code_that_are_not_those_of_the_fingerprint_are_refused(extractors):
    made = json.loads(extractors["mfcc"].fingerprint)
    old = made | {"code": "0", "versions": made["versions"] | {"torch": "1.0.0"}}

    with pytest.raises(InputError, match=r"they differ in code, versions; .*train it again"):
        rebuild(json.dumps(old))


def test_an_extractor_that_is_unknown_is_refused():
    with pytest.raises(InputError, match=r"expected an extractor out of pase_plus, .*found 'wav2vec'"):
        rebuild('{"extractor": "wav2vec"}')


def test_trained_weights_must_be_given():
    with pytest.raises(InputError, match=r"pase_plus needs its weights: .*--weights"):
        build(Recipe("pase_plus"))


def test_weights_that_are_cut_short_are_refused(weights, tmp_path):
    short = tmp_path / "short.safetensors"
    short.write_bytes(weights.read_bytes()[:100_000])

    with pytest.raises(InputError, match=r"short.safetensors: not a checkpoint, or cut short"):
        build(Recipe("pase_plus", weights=short))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_not_replaced_in_silence():
    with pytest.raises(InputError, match=r"expected a device that works, of cpu.*, found 'cuda:1': "):
        build(Recipe("pase_untrained", device="cuda:1"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_gives_the_numbers_of_the_cpu(extractors):
    for name in PASE_FREE:
        on_gpu = build(Recipe(name, device="cuda"))

        np.testing.assert_allclose(on_gpu.vector(tone(1.0)), extractors[name].vector(tone(1.0)), atol=1e-5)
        assert on_gpu.fingerprint == extractors[name].fingerprint


@pytest.mark.parametrize("device", ["gpu0", "", "cuda:-1", "cuda:99", "meta", "xpu", "hpu", "privateuseone"])
def test_a_device_that_is_not_there_is_refused_in_one_line(device):
    with pytest.raises(InputError, match=f"expected a device that works, of cpu.*, found '{device}': ") as error:
        build(Recipe("pase_untrained", device=device))
    assert "\n" not in str(error.value)
