"""A service with a model that costs nothing, on a port of its own, and recordings to send to it."""

import io
import socket
import threading
import time
from functools import partial

import numpy as np
import pytest
import soundfile
import uvicorn

from ser.files.failures import InputError
from serving import serve
from serving.app import build
from serving.limits import Limits
from serving.model import Heard
from serving.service import Service

GENEROUS = {"rate_per_minute": 1e6, "burst": 10_000, "client_requests": 32}
START_S = 30


class Loudness:
    """A model for tests: the louder, the more probably ``loud``; it can be made to take its time."""

    labels = ("quiet", "loud")
    abstain_below, longest_s = 0.5, float("inf")
    card = "# Loudness\n\nNot a model of emotions.\n\n- a test\n\n## Scores\n\n| | UAR |\n|---|---|\n| loud | 0.5 |"

    def __init__(self, seconds=0.0, fault=None, hold=None, distance=None):
        self.settings = {"features": "loudness", "shortest_s": 0.025}
        self.seconds, self.fault, self.hold, self.heard = seconds, fault, hold, []
        self.distance = distance

    def hear(self, signal):
        self.heard.append(signal)
        if self.fault:
            raise self.fault
        if signal.size < 400:
            raise InputError(f"expected at least 400 samples, found {signal.size}")
        time.sleep(self.seconds)
        if self.hold:
            self.hold.wait(START_S)
        loud = min(1.0, float(np.sqrt(np.mean(signal**2))))
        return Heard(np.array([1 - loud, loud]), self.distance)

    def stream(self):
        return lambda signal, start: self.hear(signal)


class Server:
    """A service in a thread. Attributes: ``url``, ``port``, ``service``."""

    def __init__(self, service):
        self.service = service
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server = uvicorn.Server(serve.config(partial(build, lambda: service), service.limits))
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],))
        self._thread.start()
        end = time.monotonic() + START_S
        while not self._server.started:
            assert time.monotonic() < end, "the service did not start"
            time.sleep(0.01)

    def stop(self):
        self._server.should_exit = True
        self._thread.join(START_S)
        self._listener.close()
        assert not self._thread.is_alive(), "the service did not stop"


@pytest.fixture(scope="session")
def loudness():
    return Loudness


@pytest.fixture
def start():
    """Start a service: ``start(model=..., keys=..., threads=..., **limits)``; generous limits unless named."""
    servers = []

    def run(model=None, keys=(), threads=2, policy=None, **limits):
        service = Service(model or Loudness(), Limits(**GENEROUS | limits), policy, keys, threads)
        servers.append(Server(service))
        return servers[-1]

    yield run
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def server():
    """A service with generous limits, for all tests of a module."""
    running = Server(Service(Loudness(), Limits(**GENEROUS, upload_s=10, idle_s=10), threads=2))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def recording():
    """Make the bytes of a recording: ``recording(seconds, rate, channels, format, level)``, a tone."""

    def make(seconds=1.0, rate=16_000, channels=1, format="WAV", level=0.5, **options):
        times_s = np.arange(round(seconds * rate)) / rate
        tone = level * np.sin(2 * np.pi * 220 * times_s)
        file = io.BytesIO()
        soundfile.write(file, np.repeat(tone[:, np.newaxis], channels, axis=1), rate, format=format, **options)
        return file.getvalue()

    return make
