"""The service over HTTP, as a program uses it."""

import asyncio
import io
import json
import logging
import socket
import threading
import time

import av
import httpx
import numpy as np
import pytest
import soundfile

from ser import audio
from serving.policy import Policy
from serving.problems import Problem
from serving.service import Service

KEY = "0123456789abcdef"


def send(server, content, query="", kind="audio/wav", **headers):
    headers = {"Content-Type": kind} | headers
    return httpx.post(f"{server.url}/v1/predict{query}", content=content, headers=headers, timeout=30)


def problem(answer, status, kind):
    """Check that an answer is problem details in one line; give that line."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    found = answer.json()
    assert (found["type"], found["status"]) == (f"/problems/{kind}", status)
    assert found["instance"] == f"urn:uuid:{answer.headers['X-Request-ID']}"
    assert len(found["detail"].splitlines()) == 1
    return found["detail"]


def test_a_recording_is_answered_for(server, recording):
    answer = send(server, recording(seconds=1.5, level=0.9))

    found = answer.json()
    assert answer.status_code == 200
    assert found["answer"] == found["label"] == "loud"
    assert found["probabilities"] == pytest.approx({"loud": 0.9 / 2**0.5, "quiet": 1 - 0.9 / 2**0.5}, abs=1e-3)
    assert found["confidence"] == found["probabilities"]["loud"]
    assert (found["duration_s"], found["threshold"], found["timeline"]) == (1.5, 0.5, None)


@pytest.mark.parametrize(
    ("format", "kind"),
    [("WAV", "audio/wav"), ("FLAC", "audio/flac"), ("OGG", "application/ogg"), ("MP3", "audio/mpeg")],
)
def test_the_model_hears_what_the_pipeline_reads_from_the_same_file(start, recording, loudness, tmp_path, format, kind):
    model = loudness()
    content = recording(rate=44_100, channels=2, format=format)
    (tmp_path / "file").write_bytes(content)

    send(start(model), content, kind=kind)

    np.testing.assert_array_equal(model.heard[0], audio.load(tmp_path / "file"))


@pytest.mark.parametrize(
    ("container", "codec", "kind"), [("webm", "libopus", "video/webm"), ("mp4", "aac", "audio/mp4")]
)
def test_what_browsers_and_telephones_record_is_answered_for(server, container, codec, kind):
    times_s = np.arange(48_000) / 48_000
    tone = av.AudioFrame.from_ndarray(np.sin(2 * np.pi * 220 * times_s)[np.newaxis].astype(np.float32), "fltp", "mono")
    tone.sample_rate = 48_000
    file = io.BytesIO()
    with av.open(file, "w", format=container) as writer:
        stream = writer.add_stream(codec, rate=48_000, layout="mono")
        for frame in (tone, None):
            writer.mux(stream.encode(frame))

    found = send(server, file.getvalue(), kind=kind).json()

    assert found["duration_s"] == pytest.approx(1, abs=0.05)
    assert found["probabilities"]["loud"] == pytest.approx(0.5**0.5, abs=0.1)


def test_a_form_is_answered_for_as_the_file_itself(server, recording):
    content = recording()

    for name in ("a.wav", "../../etc/passwd", "x" * 3000, 'quote".wav', "ü\x00.wav"):
        found = httpx.post(f"{server.url}/v1/predict", files={"other": b"1", "file": (name, content)}, timeout=30)
        assert found.json() == send(server, content).json()


def test_a_timeline_has_an_answer_for_each_window(server, recording):
    loud, quiet = recording(level=0.95), recording(level=0.1)
    signal = np.concatenate([soundfile.read(io.BytesIO(part))[0] for part in (loud, quiet, loud)])
    file = io.BytesIO()
    soundfile.write(file, signal, 16_000, format="WAV")

    found = send(server, file.getvalue(), "?window=1&hop=1").json()

    assert [(part["start_s"], part["end_s"], part["answer"]) for part in found["timeline"]] == [
        (0, 1, "loud"),
        (1, 2, "quiet"),
        (2, 3, "loud"),
    ]


@pytest.mark.parametrize(("window", "starts"), [(0.5, [0, 0.5, 1, 1.5, 2]), (1.2, [0, 1, 1.3])])
def test_without_a_hop_windows_are_a_second_apart_or_a_shorter_window(server, recording, window, starts):
    found = send(server, recording(seconds=2.5), f"?window={window}").json()

    assert [part["start_s"] for part in found["timeline"]] == starts


def test_silence_and_doubt_are_told_from_emotions(start, recording):
    server = start(policy=Policy(threshold=0.7))

    assert send(server, recording(level=0)).json()["answer"] == "silence"
    assert send(server, recording(level=0.9)).json()["answer"] == "uncertain"


@pytest.mark.parametrize(
    ("query", "expected", "found"),
    [
        ("?window=0.1", "window: expected greater than or equal to 0.5", "'0.1'"),
        ("?window=nan", "window: expected a finite number", "'nan'"),
        ("?window=31", "window: expected less than or equal to 30", "'31'"),
        ("?window=x%1b", "window: expected a valid number", r"'x\x1b'"),
        ("?window=" + "x" * 1000, "window: expected a valid number", f"'{'x' * 80}...'"),
        ("?window=1&hop=0", "hop: expected greater than or equal to 0.1", "'0'"),
        ("?window=1&hop=inf", "hop: expected a finite number", "'inf'"),
        ("?window=1&hop=2", "hop: expected at most the window, 1 s", "2 s"),
        ("?hop=1", "hop: expected window beside it", "none; add it"),
        ("?windw=1", "expected window, hop; found 'windw'", "'windw'; did you mean 'window'?"),
        ("?threshold=0.9", "expected window, hop;", "'threshold'; leave it out"),
        ("?window=2&window=3", "window: expected one value", "2; leave the others out"),
        ("?window=1&hop=1&hop=1", "hop: expected one value", "2; leave the others out"),
        ("?window=1_0", "window: expected a number, such as 2 or 0.5", "'1_0'"),
        ("?window=%202", "window: expected a number, such as 2 or 0.5", "' 2'"),
    ],
)
def test_parameters_out_of_range_are_named_with_what_was_found(server, recording, query, expected, found):
    line = problem(send(server, recording(), query), 422, "wrong-parameter")
    assert line.startswith(expected)
    assert line.endswith(f" found {found}")


def test_a_timeline_with_too_many_windows_is_refused(start, recording):
    answer = send(start(windows=10), recording(seconds=3), "?window=0.5&hop=0.1")

    assert problem(answer, 422, "wrong-parameter") == "hop: expected at most 10 windows, found 26; take a longer hop"


def test_a_timeline_whose_windows_are_too_long_together_is_refused_before_they_are_heard(start, recording, loudness):
    model = loudness()
    server = start(model, timeline_s=20)
    line = problem(send(server, recording(seconds=10), "?window=5&hop=1"), 422, "wrong-parameter")

    assert line == (
        "window and hop: expected windows of at most 20 s together, found 6 of 30 s; take a longer hop or a "
        "shorter window"
    )
    assert model.heard == []
    assert httpx.get(f"{server.url}/v1/model").json()["limits"]["timeline_s"] == 20
    assert send(server, recording(seconds=10), "?window=5&hop=2").status_code == 200


def test_health_readiness_and_model_are_told(server):
    assert httpx.get(f"{server.url}/health").json() == {"status": "ok"}
    assert httpx.get(f"{server.url}/ready").json() == {"status": "ready"}
    found = httpx.get(f"{server.url}/v1/model").json()
    assert found["labels"] == ["quiet", "loud"]
    assert found["limits"]["duration_s"] == 120
    assert found["card"].startswith("# Loudness")


def test_what_is_longer_than_the_model_takes_is_too_long(start, recording, loudness):
    model = loudness()
    model.longest_s = 2.0
    server = start(model)

    assert httpx.get(f"{server.url}/v1/model").json()["limits"]["duration_s"] == 2
    line = problem(send(server, recording(seconds=3)), 413, "too-long")
    assert line == "expected at most 2 s, found more; cut the recording into shorter ones"
    assert send(server, recording(seconds=2, rate=44_100)).status_code == 200


def test_metrics_count_requests_answers_and_audio(start, recording):
    server = start()
    send(server, recording(seconds=2, level=0.9))
    send(server, b"")

    lines = httpx.get(f"{server.url}/metrics").text.splitlines()
    for line in (
        'ser_requests_total{method="POST",route="/v1/predict",status="200"} 1.0',
        'ser_requests_total{method="POST",route="/v1/predict",status="400"} 1.0',
        'ser_answers_total{answer="loud",kind="recordings"} 1.0',
        'ser_audio_seconds_total{kind="recordings"} 2.0',
        'ser_inside{kind="recordings"} 0.0',
    ):
        assert line in lines


def test_the_log_has_no_file_names_keys_or_addresses(start, recording, caplog):
    caplog.set_level(logging.INFO, "ser.serve")
    server = start(keys=[KEY])
    headers = {"Authorization": f"Bearer {KEY}"}
    httpx.post(f"{server.url}/v1/predict", files={"file": ("private.wav", recording())}, headers=headers, timeout=30)
    httpx.get(f"{server.url}/private.wav?private=private")

    def lines():
        return [record.fields for record in caplog.records if record.name == "ser.serve"]

    until(lambda: len(lines()) == 2)  # a line is written once its answer has been sent
    fields = lines()
    assert [(line["route"], line["status"]) for line in fields] == [("/v1/predict", 200), ("other", 404)]
    for word in ("private", KEY, "127.0.0.1"):
        assert word not in json.dumps(fields)


def test_a_key_is_needed_where_there_are_keys(start, recording):
    server = start(keys=[KEY, "fedcba9876543210"])

    assert problem(send(server, recording()), 401, "no-key").endswith("found none")
    assert send(server, recording(), Authorization=f"Bearer {KEY}").status_code == 200
    assert send(server, recording(), Authorization=f"bearer {KEY}").status_code == 200
    problem(send(server, recording(), Authorization=f"Basic {KEY}"), 401, "no-key")


@pytest.mark.parametrize("path", ["/", "/health", "/ready", "/v1/model", "/metrics"])
def test_the_headers_alone_are_given_where_that_is_asked(server, path):
    whole, headers = httpx.get(server.url + path), httpx.head(server.url + path)

    assert headers.status_code == whole.status_code == 200
    assert headers.content == b""
    assert headers.headers["Content-Type"] == whole.headers["Content-Type"]
    assert int(headers.headers["Content-Length"]) > 0


def test_addresses_and_methods_that_are_not_there_are_problems(server):
    assert problem(httpx.get(f"{server.url}/v2/predict"), 404, "not-found").endswith("found '/v2/predict'")
    answer = httpx.get(f"{server.url}/v1/predict")
    assert problem(answer, 405, "wrong-method") == "expected POST at this address, found 'GET'"
    assert answer.headers["Allow"] == "POST"
    problem(httpx.get(f"{server.url}/problems/none"), 404, "not-found")
    assert httpx.head(f"{server.url}/v1/predict").status_code == 405


def test_the_type_of_a_problem_is_an_address_that_tells_what_it_is(server, recording):
    found = send(server, b"").json()

    told = httpx.get(server.url + found["type"]).json()
    assert told == {key: found[key] for key in ("type", "title", "status")}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_of_ours_is_a_problem_that_tells_nothing_of_the_inside(start, recording, loudness):
    answer = send(start(loudness(fault=RuntimeError("inside"))), recording())

    assert "inside" not in problem(answer, 500, "broken")


def test_every_answer_tells_browsers_to_be_careful(server):
    for address in ("/", "/page.js", "/v1/model", "/nothing"):
        headers = httpx.get(server.url + address).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_nothing_of_a_recording_is_written_to_a_disk(server, recording, tmp_path, monkeypatch):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    big = recording(seconds=100)
    assert len(big) > 2**21, "more than Starlette's own forms keep in memory"

    assert httpx.post(f"{server.url}/v1/predict", files={"file": big}, timeout=60).status_code == 200


def test_the_process_answers_while_it_computes(start, recording, loudness):
    model = loudness(hold=threading.Event())
    server = start(model, threads=1)
    thread = threading.Thread(target=send, args=(server, recording()))
    thread.start()
    until(lambda: model.heard)

    assert httpx.get(f"{server.url}/health", timeout=20).status_code == 200
    assert thread.is_alive()
    model.hold.set()
    thread.join()


def test_when_all_places_are_taken_the_service_says_so_and_when_to_come_again(start, recording, loudness):
    model = loudness(hold=threading.Event())
    server = start(model, requests=1)
    thread = threading.Thread(target=send, args=(server, recording()))
    thread.start()
    until(lambda: model.heard)

    busy, ready = send(server, recording()), httpx.get(f"{server.url}/ready", timeout=20)
    model.hold.set()
    thread.join()
    for answer in (busy, ready):
        problem(answer, 503, "busy")
        assert int(answer.headers["Retry-After"]) >= 1
    assert send(server, recording()).status_code == 200


def test_an_answer_that_takes_too_long_is_given_up(start, recording, loudness):
    answer = send(start(loudness(seconds=1.5), answer_s=0.3), recording())

    assert "within 0.3 s, found none after computing for" in problem(answer, 503, "busy")
    assert "Retry-After" not in answer.headers, "it would take as long again"


def test_who_waited_for_others_is_told_to_come_again(start, recording, loudness):
    model = loudness(hold=threading.Event())
    server = start(model, threads=1, answer_s=1)
    first = threading.Thread(target=send, args=(server, recording()))
    first.start()
    until(lambda: model.heard)
    answer = send(server, recording())
    model.hold.set()
    first.join()

    assert "within 1 s, found none, as others were before it" in problem(answer, 503, "busy")
    assert int(answer.headers["Retry-After"]) >= 1


def test_who_waits_no_longer_is_not_computed_for(start, recording, loudness):
    model = loudness(hold=threading.Event())
    server = start(model, threads=1)
    content = recording()
    head = f"POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Type: audio/wav\r\nContent-Length: {len(content)}\r\n\r\n"
    first = threading.Thread(target=send, args=(server, content))
    first.start()
    until(lambda: model.heard)
    with socket.create_connection(("127.0.0.1", server.port)) as gone:
        gone.sendall(head.encode() + content)
        until(lambda: server.service.gate.inside("recordings") == 2)
    until(lambda: server.service.gate.inside("recordings") == 1)
    model.hold.set()
    first.join()
    send(server, content)

    assert len(model.heard) == 2


def test_at_the_end_jobs_are_told_to_stop_and_waited_for(loudness):
    ended = []

    def job(check):
        end = time.monotonic() + 5
        try:
            while time.monotonic() < end:
                check()
                time.sleep(0.01)
        finally:
            time.sleep(0.2)
            ended.append(time.monotonic() < end)

    async def run():
        service = Service(loudness())
        task = asyncio.create_task(service.compute("recordings", job))
        await asyncio.sleep(0.1)
        service.close()
        assert ended == [True]
        with pytest.raises(Problem, match="nobody waits"):
            await task

    asyncio.run(run())


def test_who_still_waits_when_the_service_ends_is_told_to_come_again(start, recording, loudness, caplog):
    caplog.set_level(logging.INFO, "ser.serve")
    model, answers = loudness(hold=threading.Event()), []
    server = start(model, shutdown_s=1)
    thread = threading.Thread(target=lambda: answers.append(send(server, recording())))
    thread.start()
    until(lambda: model.heard)
    server.stop()
    model.hold.set()
    thread.join()

    assert "before the service ended" in problem(answers[0], 503, "busy")
    assert int(answers[0].headers["Retry-After"]) >= 1
    assert [record.fields["status"] for record in caplog.records if record.getMessage() == "request"] == [503]
    assert 'route="/v1/predict",status="503"} 1.0' in server.service.metrics.text().decode()
    assert not [record for record in caplog.records if record.exc_info], "it is no error"


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
