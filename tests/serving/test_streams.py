"""The WebSocket: what a stream is answered with, and what ends it."""

import base64
import json
import logging
import socket
import struct
import time
import tracemalloc
from contextlib import suppress

import httpx
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from serving.streams import Tail

HALF = 8000  # samples
KEY = "0123456789abcdef"
HANDSHAKE = b"\r\n".join(
    [
        b"GET /v1/stream HTTP/1.1",
        b"Host: 127.0.0.1",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        b"Sec-WebSocket-Version: 13\r\n\r\n",
    ]
)


def pcm(seconds, level=0.9, rate=16_000):
    tone = level * np.sin(2 * np.pi * 220 * np.arange(round(seconds * rate)) / rate)
    return (tone * 32767).astype("<i2").tobytes()


def open_stream(server, query="", **options):
    return connect(f"ws://127.0.0.1:{server.port}/v1/stream{query}", proxy=None, open_timeout=20, **options)


def answer(stream):
    return json.loads(stream.recv(timeout=20))


def closed(stream):
    """Read to the end: the last message, and the code."""
    last = None
    while True:
        try:
            last = stream.recv(timeout=20)
        except ConnectionClosed as end:
            return json.loads(last) if last else None, end.rcvd.code


def test_an_answer_comes_every_half_second_for_the_last_seconds(start, loudness):
    model = loudness()
    server = start(model)
    with open_stream(server, "?window=1") as stream:
        found = []
        for level in (0.9, 0.9, 0.9, 0.0, 0.0, 0.0):
            stream.send(pcm(0.5, level))
            found.append(answer(stream))

    assert [(part["start_s"], part["end_s"]) for part in found] == [
        (0, 0.5),
        (0, 1),
        (0.5, 1.5),
        (1, 2),
        (1.5, 2.5),
        (2, 3),
    ]
    assert [part["answer"] for part in found] == ["loud", "loud", "loud", "quiet", "silence", "silence"]
    assert {part["skipped"] for part in found} == {0}
    assert [signal.size for signal in model.heard] == [HALF, 2 * HALF, 2 * HALF, 2 * HALF]


def test_the_stream_and_the_file_are_heard_alike(start, loudness, recording):
    model = loudness()
    server = start(model)
    samples = np.random.default_rng(0).normal(0, 0.1, 3 * HALF)
    data = (samples * 32767).astype("<i2")
    with open_stream(server, "?window=1.5") as stream:
        for part in np.array_split(data, 3):
            stream.send(part.tobytes())
            answer(stream)

    np.testing.assert_array_equal(model.heard[-1], data / np.float32(2**15))


def test_another_sampling_rate_is_resampled(start, loudness):
    model = loudness()
    with open_stream(start(model), "?sampling_rate=48000") as stream:
        stream.send(pcm(0.6, rate=48_000))
        found = answer(stream)

    assert found["end_s"] == 0.5
    assert found["probabilities"]["loud"] == pytest.approx(0.9 / 2**0.5, abs=0.01)
    spectrum = np.abs(np.fft.rfft(model.heard[0] * np.hanning(HALF)))
    assert np.argmax(spectrum) * 2 == pytest.approx(220, abs=2)


def test_what_comes_faster_than_it_can_be_answered_for_is_passed_over_and_told(start, loudness):
    with open_stream(start(loudness(seconds=0.5), threads=1)) as stream:
        for _ in range(8):
            stream.send(pcm(0.5))
        found = [answer(stream)]
        while found[-1]["end_s"] < 4:
            found.append(answer(stream))

    assert len(found) < 8
    assert sum(1 + part["skipped"] for part in found) == 8


@pytest.mark.parametrize(
    ("message", "kind", "code"),
    [("text", "wrong-type", 1003), (b"123", "malformed", 1007)],
)
def test_what_is_not_samples_ends_the_stream_with_one_line(server, message, kind, code):
    with open_stream(server) as stream:
        stream.send(message)
        problem, found = closed(stream)

    assert (problem["type"], found) == (f"/problems/{kind}", code)
    assert len(problem["detail"].splitlines()) == 1


@pytest.mark.parametrize("message", [bytes(1_000_000), [bytes(100_000)] * 10], ids=["whole", "in fragments"])
def test_an_oversized_message_ends_the_stream(server, message):
    with open_stream(server) as stream:
        with suppress(ConnectionClosed):
            stream.send(message)
        assert closed(stream) == (None, 1009)


def test_a_client_that_reads_only_after_a_long_oversized_message_still_finds_the_code(server):
    length = 50_000_000  # more than the buffers of both sockets hold
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(HANDSHAKE)
        heard = client.makefile("rb")
        while heard.readline() != b"\r\n":
            pass
        client.sendall(struct.pack("!BBQ4x", 0x82, 0xFF, length) + bytes(length))
        opcode, _, code = struct.unpack("!BBH", heard.read(4))
        heard.read()

    assert (opcode, code) == (0x88, 1009)


def test_empty_messages_do_no_harm(server):
    with open_stream(server) as stream:
        stream.send(b"")
        stream.send(pcm(0.5))
        assert answer(stream)["end_s"] == 0.5


def test_a_stream_without_audio_is_ended(start):
    with open_stream(start(stream_idle_s=0.3)) as stream:
        problem, code = closed(stream)

    assert (problem["type"], code) == ("/problems/slow-upload", 1008)


def test_empty_messages_are_no_audio(start):
    with open_stream(start(stream_idle_s=0.5)) as stream:
        begin = time.monotonic()
        with suppress(ConnectionClosed):
            while time.monotonic() < begin + 10:
                stream.send(b"")
                time.sleep(0.1)
        problem, code = closed(stream)

    assert time.monotonic() - begin < 9
    assert (problem["type"], code) == ("/problems/slow-upload", 1008)


def test_a_stream_ends_after_its_time(start):
    with open_stream(start(stream_s=0.5)) as stream:
        problem, _ = closed(stream)

    assert problem["detail"] == "expected at most 0.5 s in one stream"


def test_the_place_of_a_client_that_vanished_is_free_again(start):
    server = start(client_streams=1, streams=1, stream_idle_s=5)
    stream = open_stream(server)
    stream.socket.shutdown(2)
    end = time.monotonic() + 20
    while server.service.gate.inside("streams") and time.monotonic() < end:
        time.sleep(0.05)
    assert not server.service.gate.inside("streams")

    with open_stream(server) as again:
        again.send(pcm(0.5))
        assert answer(again)["skipped"] == 0


def test_a_model_that_fails_ends_the_stream(start, loudness):
    from ser.files.failures import InputError

    with open_stream(start(loudness(fault=InputError("expected more")))) as stream:
        stream.send(pcm(0.5))
        problem, code = closed(stream)

    assert (problem["type"], problem["detail"], code) == ("/problems/unreadable", "expected more", 1008)


def test_an_error_of_the_service_ends_the_stream_and_is_told_and_logged(start, loudness, caplog):
    caplog.set_level(logging.INFO, "ser.serve")
    server = start(loudness(fault=ZeroDivisionError("inside")))
    with open_stream(server) as stream:
        stream.send(pcm(0.5))
        problem, code = closed(stream)
    end = time.monotonic() + 20
    while not any(record.exc_info for record in caplog.records) and time.monotonic() < end:
        time.sleep(0.05)

    assert (problem["type"], code) == ("/problems/broken", 1011)
    assert "inside" not in problem["detail"]
    assert [record.fields["code"] for record in caplog.records if record.getMessage() == "stream"] == [1011]
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError]


def test_a_parameter_that_the_stream_does_not_have_is_refused(server):
    with pytest.raises(InvalidStatus) as caught:
        open_stream(server, "?sample_rate=48000")
    found = json.loads(caught.value.response.body)
    assert (found["status"], found["detail"]) == (
        422,
        "expected sampling_rate, window; found 'sample_rate'; did you mean 'sampling_rate'?",
    )


@pytest.mark.parametrize(
    "query", ["?sampling_rate=7999", "?sampling_rate=x", "?sampling_rate=1e9", "?window=0", "?window=nan", "?window=11"]
)
def test_parameters_out_of_range_are_refused_at_the_handshake(server, query):
    with pytest.raises(InvalidStatus) as caught:
        open_stream(server, query)
    assert caught.value.response.status_code == 422
    assert caught.value.response.headers["Content-Type"] == "application/problem+json"
    assert json.loads(caught.value.response.body)["type"] == "/problems/wrong-parameter"


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("?sampling_rate=16_000", "sampling_rate: expected a whole number, such as 16000, found '16_000'"),
        ("?sampling_rate=16000.0", "sampling_rate: expected a whole number, such as 16000, found '16000.0'"),
        (
            "?sampling_rate=%D9%A1%D9%A6%D9%A0%D9%A0%D9%A0",  # 16000 in Arabic digits
            r"sampling_rate: expected a whole number, such as 16000, found '\u0661\u0666\u0660\u0660\u0660'",
        ),
        (f"?sampling_rate={'1' * 5000}", f"sampling_rate: expected 8,000 to 192,000, found '{'1' * 80}...'"),
        ("?window=%D9%A3", r"window: expected a number, such as 2 or 0.5, found '\u0663'"),
        ("?window=1_0", "window: expected a number, such as 2 or 0.5, found '1_0'"),
        ("?window=11", "window: expected 1 to 10, found '11'"),
        ("?window=2&window=3", "window: expected one value, found 2; leave the others out"),
    ],
)
def test_a_parameter_is_one_number_as_everybody_writes_it(server, query, line):
    with pytest.raises(InvalidStatus) as caught:
        open_stream(server, query)
    assert (caught.value.response.status_code, json.loads(caught.value.response.body)["detail"]) == (422, line)


@pytest.mark.parametrize("query", ["?window=2.", "?window=1e0&sampling_rate=016000", "?window=10"])
def test_a_number_may_be_written_in_every_usual_way(server, query):
    with open_stream(server, query) as stream:
        stream.send(pcm(0.5))
        assert answer(stream)["end_s"] == 0.5


def test_an_address_without_a_stream_is_a_problem(server):
    with pytest.raises(InvalidStatus) as caught:
        connect(f"ws://127.0.0.1:{server.port}/v1/strem", proxy=None, open_timeout=20)
    found = json.loads(caught.value.response.body)
    assert (caught.value.response.status_code, found["type"]) == (404, "/problems/not-found")
    assert found["detail"] == "expected the stream at /v1/stream, found '/v1/strem'"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_asks_for_the_stream_without_a_handshake_is_told_of_it(server, method):
    found = httpx.request(method, f"{server.url}/v1/stream")
    assert (found.status_code, found.headers["Content-Type"]) == (426, "application/problem+json")
    assert (found.headers["Upgrade"], found.headers["Connection"]) == ("websocket", "Upgrade")
    if method == "GET":
        assert found.json()["type"] == "/problems/no-stream"
        assert found.json()["detail"].startswith("expected a WebSocket's handshake, found a request without one")


def refused(server, **options):
    with pytest.raises(InvalidStatus) as caught:
        open_stream(server, **options)
    return caught.value.response.status_code


def test_a_refused_stream_is_no_error_in_the_log(server, caplog):
    assert refused(server, query="?window=0") == 422
    end = time.monotonic() + 1
    while time.monotonic() < end:  # it would come after the answer
        time.sleep(0.05)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_key_comes_in_the_header_or_among_the_protocols(start):
    server = start(keys=[KEY])
    coded = base64.urlsafe_b64encode(KEY.encode()).decode().rstrip("=")

    assert refused(server) == 401
    assert refused(server, subprotocols=["ser.v1", "ser.key.x"]) == 401
    with open_stream(server, additional_headers={"Authorization": f"Bearer {KEY}"}) as stream:
        assert stream.subprotocol is None
    with open_stream(server, subprotocols=["ser.v1", f"ser.key.{coded}"]) as stream:
        assert stream.subprotocol == "ser.v1"


def test_the_page_of_another_site_gets_no_stream(server):
    assert refused(server, origin="http://elsewhere.example") == 403


def test_more_streams_than_one_client_or_all_may_have(start):
    server = start(client_streams=1)
    with open_stream(server):
        assert refused(server) == 429
    server = start(streams=1)
    with open_stream(server):
        assert refused(server) == 503


def test_streams_are_counted(start):
    server = start()
    with open_stream(server) as stream:
        stream.send(pcm(0.5))
        answer(stream)
        lines = httpx.get(f"{server.url}/metrics").text.splitlines()

    assert 'ser_inside{kind="streams"} 1.0' in lines
    assert 'ser_answers_total{answer="loud",kind="streams"} 1.0' in lines


def test_the_tail_keeps_no_more_than_it_needs():
    tail = Tail(16_000, 1.0)
    for _ in range(100):
        tail.push(pcm(0.37))
    signal, start, skipped = tail.take()

    assert (start, skipped) == (36 * 16_000, 73)
    assert signal.size == 16_000


@pytest.mark.parametrize("samples", [1, 997, 16_000, 131_072])
def test_the_tail_is_the_end_of_what_came_however_it_was_cut(samples):
    data = np.random.default_rng(0).integers(-(2**15), 2**15, 2 * 131_072 + 5, "<i2")[-max(30_000, 2 * samples) :]
    tail = Tail(16_000, 1.0)
    for first in range(0, data.size, samples):
        tail.push(data[first : first + samples].tobytes())
    signal, start, _ = tail.take()

    assert start == data.size // HALF * HALF - 2 * HALF
    np.testing.assert_array_equal(signal, data[start : start + 2 * HALF] / np.float32(2**15))


def test_a_tail_of_the_largest_messages_takes_little_memory():
    message = bytes(262_144)
    tracemalloc.start()
    try:
        tail = Tail(8_000, 10.0)
        for _ in range(64):  # 1 MiB each, resampled
            tail.push(message)
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < 2 * 2**20
    assert most < 8 * 2**20
