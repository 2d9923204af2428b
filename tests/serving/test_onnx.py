"""One ONNX file says what the bundle says, by command and service, and without PyTorch."""

import json
import subprocess
import sys

import httpx
import numpy as np
import onnx
import pytest
import soundfile
import torch
from websockets.sync.client import connect

from ser.bundle import reading, writing
from ser.encoders import catalogue
from ser.encoders.recipe import Recipe
from ser.files.failures import InputError
from ser.learning import recipe as learning_recipe
from ser.learning.classifier import Classifier
from serving import export_onnx, predict
from serving.onnx_model import OnnxModel
from tests import builders

pytestmark = pytest.mark.slow

LABELS = ["happy", "sad", "angry"]
RATE = 16_000


def speech(seconds: float, seed: int = 0) -> np.ndarray:
    """Noise in syllables, with pauses that are no active frames."""
    generator, size = np.random.default_rng(seed), round(seconds * RATE)
    loud = 0.2 * generator.uniform(0, 1, size // 1600 + 1).repeat(1600)[:size] ** 4
    return (generator.normal(0, 1, size).cumsum() * 0.02 * loud + 1e-4 * generator.normal(0, 1, size)).astype(
        np.float32
    )


def make_bundle(folder, recipe, **params):
    """A bundle with random weights that is far from undecided."""
    extractor = catalogue.build(recipe)
    vectors = np.stack([extractor.vector(speech(1, seed)) for seed in range(6)])
    made = learning_recipe.Recipe(LABELS, builders.train_params(**params), extractor.fingerprint, "kfold", 5)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        model = Classifier(made, len(extractor.names), 2).eval()
        model.temperature = 0.6
        for network in model.networks:
            network.mean.copy_(torch.from_numpy(vectors.mean(axis=0)))
            network.scale.copy_(torch.from_numpy(vectors.std(axis=0) + 1e-3))
            network.layers[-1].weight.normal_(0, 0.5)
    known = builders.familiarity(len(extractor.names), vectors.mean(axis=0))
    writing.save(folder, model, extractor, folder, known, {}, {}, "# A card\n")
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    recipe = Recipe("pase_plus_untrained", ["mean", "std", "min", "max"], frames="active", seed=1)
    return make_bundle(tmp_path_factory.mktemp("bundle"), recipe, start="lda", abstain_below=0.4)


@pytest.fixture(scope="module")
def file(bundle, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "bundle.onnx"
    export_onnx.main(["--model", str(bundle), "--onnx", str(path)])
    return path


@pytest.fixture(scope="module")
def model(file):
    return OnnxModel(file)


@pytest.fixture(scope="module")
def trained(bundle):
    return reading.load(bundle).predictor


def expected(trained, signal):
    return trained.probabilities(trained.extractor.vector(signal)[np.newaxis])[0]


@pytest.mark.parametrize("samples", [471, 4800, 7999, 16_159, 16_160, 48_001, 100_003, 320_000])
def test_probabilities_are_those_of_pytorch_at_every_length(model, trained, samples):
    signal = speech(samples / RATE, samples)

    found, distance = model.hear(signal)

    np.testing.assert_allclose(found, expected(trained, signal), atol=1e-4)
    assert found.sum() == pytest.approx(1)
    (distance_wanted,) = trained.familiarity.distances(trained.extractor.vector(signal)[np.newaxis])
    assert distance == pytest.approx(distance_wanted, rel=1e-4)


def test_they_depend_on_the_signal_and_on_which_frames_are_active(model):
    signal = speech(2)
    paused = np.concatenate([signal, np.full(RATE, 1e-6, np.float32)])
    first, other = model.hear(signal).probabilities, model.hear(speech(2, 7)).probabilities

    assert np.abs(first - other).max() > 0.01
    np.testing.assert_allclose(model.hear(paused).probabilities, first, atol=0.05)


def test_a_signal_is_brought_to_the_level_of_the_bundle(tmp_path):
    made = make_bundle(tmp_path / "bundle", Recipe("pase_plus_untrained", frames="active", level=-26.0))
    export_onnx.main(["--model", str(made), "--onnx", str(tmp_path / "a.onnx")])
    model, trained = OnnxModel(tmp_path / "a.onnx"), reading.load(made).predictor
    loud = model.hear(speech(1.01)).probabilities

    np.testing.assert_allclose(loud, expected(trained, speech(1.01)), atol=1e-4)
    np.testing.assert_allclose(model.hear(0.1 * speech(1.01)).probabilities, loud, atol=1e-4)
    silence = np.zeros(RATE, np.float32)
    np.testing.assert_allclose(model.hear(silence).probabilities, expected(trained, silence), atol=1e-4)


def test_the_file_says_what_it_is(file, model, bundle):
    told = {entry.key: entry.value for entry in onnx.load(file).metadata_props}

    assert list(model.labels) == json.loads(told["labels"]) == LABELS
    assert (model.card, model.abstain_below) == ("# A card\n", 0.4)
    assert model.settings["features"] == "pase_plus_untrained"
    assert json.loads(told["description"]) == json.loads((bundle / "bundle.json").read_text())


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (470, "expected 471 samples or more at 16 kHz, found 470"),
        (61 * RATE, "expected at most 60 s, found 61 s; cut"),
    ],
)
def test_a_signal_that_is_too_short_or_too_long_is_refused(model, samples, message):
    with pytest.raises(InputError, match=message):
        model.hear(np.zeros(samples, np.float32))
    assert model.longest_s == 60


def test_command_service_and_stream_agree(file, model, bundle, start, tmp_path, capsys):
    signal = speech(1)
    soundfile.write(tmp_path / "a.wav", signal, RATE, subtype="FLOAT")
    found = []
    for path in (file, bundle):
        predict.main([str(tmp_path / "a.wav"), "--model", str(path), "--format", "json"])
        found.append(json.loads(capsys.readouterr().out)[0]["probabilities"])
    server = start(model)
    content, headers = (tmp_path / "a.wav").read_bytes(), {"Content-Type": "audio/wav"}
    found.append(httpx.post(f"{server.url}/v1/predict", content=content, headers=headers).json()["probabilities"])
    with connect(server.url.replace("http", "ws") + "/v1/stream?window=1", proxy=None) as stream:
        for half in np.split(signal, 2):
            stream.send(np.round(half * 2**15).astype("<i2").tobytes())
            streamed = json.loads(stream.recv())["probabilities"]

    for other in found[1:]:
        assert other == pytest.approx(found[0], abs=1e-4)
    assert streamed == pytest.approx(found[0], abs=0.02), "16 bits are a little less than the file has"


def test_pytorch_is_never_loaded(file, tmp_path):
    soundfile.write(tmp_path / "a.wav", speech(1), RATE)
    absent = "import sys; sys.modules |= dict.fromkeys(['torch', 'pandas', 'scipy', 'sklearn'])\n"
    arguments = [str(tmp_path / "a.wav"), "--timeline", "--model", str(file)]
    command = f"from serving import predict; predict.main({arguments!r})\n"
    service = (
        "import argparse; from serving import serve, limits, chosen, app\n"
        "parser = argparse.ArgumentParser(); chosen.add_flags(parser); limits.add_flags(parser)\n"
        f"options = parser.parse_args(['--model', {str(file)!r}])\n"
        "options.threads, options.workers, options.threshold = 1, 1, 0.5\n"
        "options.silence_db, options.any_sound, options.host, options.proxy = -60.0, False, '127.0.0.1', None\n"
        "app.build(lambda: serve.make(options)); print('built')\n"
    )

    ended = subprocess.run([sys.executable, "-c", absent + command + service], capture_output=True, text=True)

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "built"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no model", "expected a model in ONNX, found something else"),
        (b"", "expected a model in ONNX, found something else"),
        (None, "no such file; expected a model in ONNX"),
    ],
)
def test_what_is_no_model_is_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "a.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        OnnxModel(path)
    assert "\n" not in str(caught.value)


def test_another_format_is_refused(file, tmp_path):
    other = onnx.load(file)
    (entry,) = [entry for entry in other.metadata_props if entry.key == "format"]
    entry.value = "1"
    onnx.save(other, tmp_path / "a.onnx")
    with pytest.raises(InputError, match="expected a model of format 2, found format 1"):
        OnnxModel(tmp_path / "a.onnx")


@pytest.mark.parametrize(
    ("recipe", "params", "message"),
    [
        (Recipe("mfcc"), {}, "expected a bundle of PASE features for ONNX, found mfcc"),
        (Recipe("pase_untrained", ["median"]), {}, "expected statistics of mean, std, min, max for ONNX, found median"),
        (Recipe("pase_untrained"), {"normalisation": "speaker"}, "one that normalises by speaker"),
    ],
)
def test_what_has_no_form_in_onnx_is_refused(tmp_path, recipe, params, message):
    made = make_bundle(tmp_path, recipe, **params)
    with pytest.raises(SystemExit, match=f"^export_onnx: .*{message}"):
        export_onnx.main(["--model", str(made), "--onnx", str(tmp_path / "a.onnx")])
    assert not (tmp_path / "a.onnx").exists()
