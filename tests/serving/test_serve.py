"""``ser serve`` as a person starts it: a real classifier, real processes, real signals."""

import argparse
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import httpx
import numpy as np
import pytest
import uvicorn
from websockets.sync.client import connect

from ser import audio, predictor
from ser.bundle import reading, writing
from ser.encoders.catalogue import build
from ser.encoders.recipe import Recipe
from ser.files.failures import InputError
from ser.learning import classifier, fitting
from ser.learning import recipe as learning_recipe
from ser.learning.classifier import TrainParams
from serving import chosen, limits, predict, serve, servers
from tests import builders

PARAMS = TrainParams(
    hidden=[8],
    dropout=0.0,
    learning_rate=0.01,
    weight_decay=0.01,
    batch_size=8,
    epochs=5,
    patience=5,
    normalisation="train",
    class_weights=True,
    seed=0,
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a classifier, trained on noise."""
    folder = tmp_path_factory.mktemp("models")
    extractor = build(Recipe("mfcc"))
    random = np.random.default_rng(0)
    vectors = random.normal(0, 30, (12, len(extractor.names))).astype(np.float32)
    emotions, parts = np.array(["happy", "sad"] * 6), np.array(["train"] * 8 + ["validation"] * 2 + ["test"] * 2)
    recipe = learning_recipe.Recipe(["happy", "sad"], PARAMS, extractor.fingerprint, "loso", 0)
    fitted, _ = fitting.fit(recipe, vectors, emotions, parts, np.array(list("aabbccddeeff")))
    classifier.save(fitted, folder / classifier.file_name("loso", 0))
    return folder


@pytest.fixture(scope="module")
def bundle(trained, tmp_path_factory):
    """A bundle of that classifier."""
    folder, model = tmp_path_factory.mktemp("bundle"), predictor.load(trained)
    known = builders.familiarity(len(model.extractor.names))
    writing.save(folder, model.classifiers[0], model.extractor, Path("none"), known, {}, {}, "# A card")
    return folder


def command(*arguments):
    return [sys.executable, "-c", "from serving.command import main; main()", "serve", *map(str, arguments)]


class Running:
    """``ser serve`` in a process of its own: its address, and its end."""

    def __init__(self, *arguments, **environment):
        self.process = subprocess.Popen(
            command("--port", 0, *arguments), stderr=subprocess.PIPE, text=True, env=os.environ | environment
        )
        self.before = []
        for line in self.process.stderr:
            self.before.append(line)
            if '"serving"' in line:
                self.url = json.loads(line)["url"].rstrip("/")
                break
        else:
            raise AssertionError("it ended before it served")

    def stop(self, number=signal.SIGTERM):
        """Give its exit code and the rest of its log."""
        self.process.send_signal(number)
        with self.process.stderr as lines:
            log = [json.loads(line) for line in lines]
        return self.process.wait(120), log


@pytest.mark.slow
def test_the_service_says_what_the_command_says(bundle, recording, tmp_path, capsys):
    running = Running("--model", bundle)
    content = recording(seconds=1.3, rate=44_100, channels=2, format="FLAC")
    (tmp_path / "tone.flac").write_bytes(content)
    predict.main([str(tmp_path / "tone.flac"), "--model", str(bundle), "--format", "json"])
    (expected,) = json.loads(capsys.readouterr().out)

    found = httpx.post(
        f"{running.url}/v1/predict?window=1", content=content, headers={"Content-Type": "audio/flac"}, timeout=120
    ).json()
    signal_1s = audio.load(tmp_path / "tone.flac")[:16_000]
    with connect(running.url.replace("http", "ws") + "/v1/stream?window=1", proxy=None, open_timeout=120) as stream:
        for half in np.split(signal_1s, 2):
            stream.send(np.round(half * 2**15).astype("<i2").tobytes())
            streamed = json.loads(stream.recv(timeout=120))
    code, log = running.stop()

    assert found["label"] == expected["prediction"]
    assert found["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-4)
    model = reading.load(bundle).predictor
    whole = dict(zip(model.labels, model.probabilities(model.extractor.vector(signal_1s)[np.newaxis])[0], strict=True))
    assert found["timeline"][0]["probabilities"] == pytest.approx(whole, abs=1e-4)
    assert streamed["probabilities"] == pytest.approx(whole, abs=1e-3), "16 bits are a little less than the file has"
    assert code == 0
    assert [line["event"] for line in log] == ["request", "stream", "ended"]
    assert all("unfamiliar" not in line for line in running.before), "a bundle knows what is unfamiliar"


@pytest.mark.slow
def test_several_processes_serve_at_one_address_and_count_together(trained, recording):
    running = Running("--models", trained, "--workers", 2)
    headers = {"Content-Type": "audio/wav"}
    for _ in range(6):
        with httpx.Client(timeout=200) as client:
            assert client.post(f"{running.url}/v1/predict", content=recording(), headers=headers).status_code == 200
    wanted = 'ser_requests_total{method="POST",route="/v1/predict",status="200"} 6.0'
    end, counts = time.monotonic() + 20, ""
    while wanted not in counts and time.monotonic() < end:  # an answer is counted after it was sent
        counts = httpx.get(f"{running.url}/metrics", timeout=60).text
    code, log = running.stop()

    assert wanted in counts
    assert code == 0
    assert [line["event"] for line in log].count("ended") == 1


@pytest.mark.slow
def test_a_request_under_way_is_answered_before_the_end(trained, recording):
    running = Running("--models", trained)
    content = recording(seconds=60)

    with httpx.Client(timeout=120) as client:
        request = client.build_request(
            "POST",
            f"{running.url}/v1/predict?window=1&hop=0.3",
            content=parts(content, lambda: running.process.send_signal(signal.SIGTERM)),
            headers={"Content-Type": "audio/wav"},
        )
        answer = client.send(request)

    assert answer.status_code == 200
    assert running.stop()[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_once_told_to_end_it_takes_nobody_in_while_requests_are_answered(trained, recording, workers):
    running, refused = Running("--models", trained, "--workers", workers), []
    content, where = recording(seconds=60), ("127.0.0.1", int(running.url.rpartition(":")[2]))

    def come_late():
        running.process.send_signal(signal.SIGTERM)
        end = time.monotonic() + 20
        while not refused and time.monotonic() < end:
            try:
                socket.create_connection(where, timeout=5).close()
                time.sleep(0.1)
            except ConnectionRefusedError:
                refused.append(running.process.poll())

    with httpx.Client(timeout=120) as client:
        answer = client.post(
            f"{running.url}/v1/predict",
            content=parts(content, come_late),
            headers={"Content-Type": "audio/wav"},
        )

    assert refused == [None], "it was refused while the service still ran"
    assert answer.status_code == 200
    assert running.stop()[0] == 0


@pytest.mark.slow
def test_a_worker_that_was_killed_is_replaced_with_a_line_and_none_outlives_the_process_that_watches_them(trained):
    running = Running("--models", trained, "--workers", 2)
    killed = workers(running)[0]
    os.kill(killed, signal.SIGKILL)
    assert select.select([running.process.stderr], [], [], 60)[0], "no line came"
    found = json.loads(running.process.stderr.readline())
    assert (found["level"], found["process"], found["exit_code"]) == ("warning", killed, -signal.SIGKILL)
    assert found["event"] == "a worker process ended or did not answer, and is replaced"
    assert httpx.get(f"{running.url}/health", timeout=60).status_code == 200

    left = workers(running)
    running.process.kill()
    until(lambda: not any(map(started_as, left)))
    code, log = running.stop()
    assert code == -signal.SIGKILL
    assert {line["process"] for line in log if "watches the workers ended" in line["event"]} == set(left)


def workers(running):
    """Give the process numbers of the two workers, once there are two, whether they serve or load."""

    def found():
        children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split()
        return [int(child) for child in children if "spawn_main" in started_as(child)]

    until(lambda: len(found()) == 2)
    return found()


def started_as(process):
    """Give the command line of a process; "" of one that has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process}/cmdline").read_text()
    return ""


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_signal_right_after_the_start_ends_the_service(trained, number, workers):
    running = Running("--models", trained, "--workers", workers)
    code, log = running.stop(number)
    assert (code, [line["event"] for line in log]) == (0, ["ended"])
    assert chosen.NEVER_UNFAMILIAR in running.before[-2]


def test_a_signal_before_the_server_runs_is_not_lost():
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    told = []
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in the background of a script
        server = servers.Server(uvicorn.Config(None), lambda: told.append("serving"))
        signal.raise_signal(signal.SIGINT)
        assert not server.should_exit
        server.handle_exit(signal.SIGINT, None)
        assert not server.should_exit, "uvicorn's own way to listen asks for it, too"
        signal.raise_signal(signal.SIGTERM)
        assert server.should_exit
        with socket.create_server(("127.0.0.1", 0)) as listener:
            server.run([listener])
        assert told == []
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def parts(content, then):
    """Send most of it, do something, and send the rest."""
    yield content[:-1000]
    time.sleep(0.5)
    then()
    time.sleep(1)
    yield content[-1000:]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--models", "nowhere"], "serve: nowhere: expected classifiers (.safetensors), found none; train them first"),
    ],
)
def test_what_cannot_be_served_is_one_line(trained, arguments, message):
    models = [] if "--models" in arguments else ["--models", str(trained)]
    with pytest.raises(SystemExit) as caught:
        serve.main([*arguments, *models])
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workers", "0"], "--workers: expected 1 to 1,000, found 0"),
        (["--port", "70000"], "--port: expected 0 to 65,535, found 70000"),
        (["--upload-s", "0"], "--upload-s: expected at least 0.1, found 0.0"),
        (["--threshold", "2"], "--threshold: expected 0 to 1, found 2.0"),
        (["--silence-db", "3"], "--silence-db: expected -120 to 0, found 3.0"),
        *(
            (
                ["--proxy", proxy],
                f"--proxy: expected IP addresses or networks, such as 127.0.0.1 or 10.0.0.0/8, found '{found}'; a name "
                "or a star would let everybody say who they are",
            )
            for proxy, found in [("*", "*"), ("localhost", "localhost"), ("127.0.0.1,nginx", "nginx"), ("", "")]
        ),
        (["--model", "a", "--models", "b"], "argument --models: not allowed with argument --model"),
    ],
)
def test_a_wrong_command_line_ends_with_exit_code_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        serve.main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"ser serve: error: {message}"


@pytest.mark.parametrize(("given", "expected"), [(None, 0.35), (0.0, 0.0), (0.9, 0.9)])
def test_the_threshold_is_the_models_unless_a_flag_says_otherwise(trained, tmp_path, given, expected):
    name = classifier.file_name("loso", 0)
    fitted = classifier.load(trained / name)
    fitted.recipe = replace(fitted.recipe, params=replace(PARAMS, abstain_below=0.35))
    classifier.save(fitted, tmp_path / name)
    parser = argparse.ArgumentParser()
    limits.add_flags(parser)
    known = {"models": tmp_path, "weights": None, "silence_db": -60.0, "any_sound": False, "threads": 1, "workers": 1}
    known |= {"host": "127.0.0.1", "proxy": None}
    options = argparse.Namespace(**vars(parser.parse_args([])) | known, threshold=given)
    assert serve.make(options).policy.threshold == expected


def test_short_keys_are_refused(monkeypatch):
    monkeypatch.setenv("SER_API_KEYS", "0123456789abcdef, short")
    with pytest.raises(ValueError, match="at least 16 characters"):
        serve.api_keys()
    monkeypatch.setenv("SER_API_KEYS", "0123456789abcdef, fedcba9876543210,")
    assert serve.api_keys() == ["0123456789abcdef", "fedcba9876543210"]


@pytest.mark.parametrize("sign", ["é", "ключ", " ", "\t"])
def test_keys_that_no_header_holds_are_refused(monkeypatch, sign):
    monkeypatch.setenv("SER_API_KEYS", f"0123456789abcdef{sign}0123456789")
    with pytest.raises(InputError, match="SER_API_KEYS: expected keys of letters, digits and signs of ASCII"):
        serve.api_keys()


def test_a_host_that_nobody_knows_or_a_port_that_is_taken_is_one_line(monkeypatch):
    def unknown(*_, **options):
        raise socket.gaierror(-2, "Name or service not known")

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"^--port: expected a free port, found {port} taken; .* take another"):
            serve._listen("127.0.0.1", port)
    with pytest.raises(InputError, match=r"^--host: expected an address of this machine, found 192\.0\.2\.1"):
        serve._listen("192.0.2.1", 0)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(InputError, match=r"^--host: expected an address or name .* found 'nohost\.invalid'"):
        serve._listen("nohost.invalid", 0)


def test_every_limit_is_a_flag_with_its_default(capsys):
    with pytest.raises(SystemExit):
        serve.main(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for name, default in asdict(limits.Limits()).items():
        assert limits.flag(name) in shown
        assert f"(default: {default:,})" in shown
