"""Calls on a Dask cluster: two worker processes here, in the place of other machines."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from ser import audio
from ser.encoders import cluster, extraction
from ser.encoders.recipe import Recipe
from ser.files.failures import InputError
from ser.pase import checkpoint
from ser.pase.encoder import PASE_PLUS

pytest.importorskip("distributed", reason="needs Dask: pip install -r requirements-cluster.txt")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]

START = """
import sys, time
from ser.machine import numerics
{fix}
from distributed import LocalCluster
if __name__ == "__main__":
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    print(cluster.scheduler_address, flush=True)
    sys.stdin.read()
"""
PREPARED = []


@contextmanager
def starting(folder: Path):
    """Give a function that starts a scheduler with two workers, in a process of their own; gives it and the address."""
    running = []

    def begin(fix="numerics.fix()"):
        (folder / "local.py").write_text(START.format(fix=fix))
        places = {"PYTHONPATH": str(Path.cwd())}  # workers import this module by its name
        environment = {key: value for key, value in os.environ.items() if fix or key != "MKL_CBWR"} | places
        process = subprocess.Popen(
            [sys.executable, folder / "local.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
            start_new_session=True,
        )
        running.append(process)
        return process, process.stdout.readline().strip()

    try:
        yield begin
    finally:
        for process in running:
            process.stdin.close()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            process.stdout.close()


@pytest.fixture
def start(tmp_path):
    """Start what the test ends."""
    with starting(tmp_path) as begin:
        yield begin


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The address of a scheduler for the tests that leave it and its workers whole."""
    with starting(tmp_path_factory.mktemp("cluster")) as begin:
        yield begin()[1]


def square(number):
    time.sleep(0.02 * (number % 3))
    return number**2


def die_once(folder, number):
    """End the worker the first time that the number 5 comes."""
    mark = Path(folder) / "died"
    if number == 5 and not mark.exists():
        mark.touch()
        os._exit(1)
    return number


def die(path):
    if "bad" in path:
        os._exit(1)
    return path


def remember(word):
    PREPARED.append(word)


def remembered(number):
    return (*PREPARED, number)


def open_absent(path):
    raise FileNotFoundError(path)


def wait(number):
    time.sleep(0.3)
    return number


def test_results_come_in_the_order_of_the_inputs(address):
    assert list(cluster.map_in_order(square, range(20), address=address)) == [number**2 for number in range(20)]


def test_each_worker_is_prepared_once(address):
    options = {"address": address, "prepare": remember, "arguments": ("ready",)}
    assert list(cluster.map_in_order(remembered, range(8), **options)) == [("ready", number) for number in range(8)]


def test_what_a_killed_worker_had_is_done_by_another(start, tmp_path):
    _, address = start()
    assert list(cluster.map_in_order(die_once, [str(tmp_path)] * 12, range(12), address=address)) == list(range(12))
    assert (tmp_path / "died").exists()


def test_a_file_that_kills_every_worker_is_named(start):
    _, address = start()
    with pytest.raises(InputError, match=r"^bad\.wav: every worker that took it ended .* leave the file out"):
        list(cluster.map_in_order(die, ["good.wav", "bad.wav"], address=address))


def test_a_scheduler_that_goes_away_is_said_so(start):
    process, address = start()
    results = cluster.map_in_order(wait, range(50), address=address)
    assert next(results) == 0
    os.killpg(process.pid, signal.SIGKILL)
    with pytest.raises(InputError, match="the scheduler has gone away; start it again, and run this again"):
        list(results)


def test_what_the_function_raises_is_not_taken_for_the_schedulers_end(address):
    with pytest.raises(FileNotFoundError, match=r"absent\.wav"):
        list(cluster.map_in_order(open_absent, ["absent.wav"], address=address))


def test_where_no_scheduler_answers_one_line_says_so(monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE_S", 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(InputError, match=f"--scheduler tcp://127.0.0.1:{port}: expected a Dask scheduler, found none"):
        list(cluster.map_in_order(square, [1], address=f"tcp://127.0.0.1:{port}"))
    with pytest.raises(InputError, match="expected an address such as tcp://host:8786, found another"):
        list(cluster.map_in_order(square, [1], address="host"))


def test_workers_with_other_numerics_are_refused(start):
    _, address = start(fix="")
    with pytest.raises(
        InputError, match=r"expected workers with the numerics 'portable', found 'those of .*docs/cluster\.md"
    ):
        list(cluster.map_in_order(square, [1], address=address))


def test_vectors_have_the_bytes_that_they_have_without_a_cluster(start, tmp_path):
    rows = []
    for number in range(12):
        path = tmp_path / "raw/c" / f"{number:02d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.random.default_rng(number).normal(0, 0.1, 6000), 16_000)
        rows.append((f"c/{number:02d}", f"c/{number:02d}.wav", "c", audio.digest(*audio.decode(path))))
    manifest = pd.DataFrame(rows, columns=["id", "path", "corpus", "sha256"])
    _, address = start()
    recipe = Recipe("pase_plus_untrained", seed=3)
    extraction.compute(manifest, tmp_path / "raw", tmp_path / "here", recipe)
    done = extraction.compute(manifest, tmp_path / "raw", tmp_path / "there", recipe, scheduler=address)
    assert done.encoded == 12
    assert (tmp_path / "there/c.npz").read_bytes() == (tmp_path / "here/c.npz").read_bytes()


def test_workers_that_make_other_vectors_are_refused(start, tmp_path, monkeypatch):
    soundfile.write(tmp_path / "one.wav", np.random.default_rng(0).normal(0, 0.1, 6000), 16_000)
    rows = [("c/one", "one.wav", "c", audio.digest(*audio.decode(tmp_path / "one.wav")))]
    manifest = pd.DataFrame(rows, columns=["id", "path", "corpus", "sha256"])
    _, address = start()
    recipe, weights = Recipe("pase_plus"), tmp_path / "encoder.safetensors"
    checkpoint.save(checkpoint.untrained(PASE_PLUS, seed=1), weights)
    extraction.compute(manifest, tmp_path, tmp_path / "first", recipe, weights, scheduler=address)
    checkpoint.save(checkpoint.untrained(PASE_PLUS, seed=2), weights)  # the same file: what is in memory is not enough
    extraction.compute(manifest, tmp_path, tmp_path / "there", recipe, weights, scheduler=address)
    extraction.compute(manifest, tmp_path, tmp_path / "here", recipe, weights)
    assert (tmp_path / "there/c.npz").read_bytes() == (tmp_path / "here/c.npz").read_bytes()

    monkeypatch.setattr("ser.encoders.fingerprint.version", lambda package: "0")
    with pytest.raises(
        InputError, match=r"found one that differs in versions \(numpy, soxr, torch\); give all the same"
    ):
        extraction.compute(manifest, tmp_path, tmp_path / "refused", recipe, weights, scheduler=address)


def test_workers_are_not_asked_for_vectors_of_a_gpu(tmp_path, monkeypatch):
    manifest = pd.DataFrame([("c/one", "one.wav", "c", "0")], columns=["id", "path", "corpus", "sha256"])
    built = extraction.catalogue.build(Recipe("pase_plus_untrained"))
    built.encoder.device = "cuda"
    monkeypatch.setattr(extraction.catalogue, "build", lambda *given: built)
    with pytest.raises(InputError, match="--scheduler: its workers encode on their CPUs, found --device cuda"):
        extraction.compute(manifest, tmp_path, tmp_path, built.recipe, device="cuda", scheduler="tcp://127.0.0.1:1")
