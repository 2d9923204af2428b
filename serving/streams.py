"""The WebSocket: 16-bit PCM in; every half second an answer for the last seconds out."""

import asyncio
import base64
import binascii
import json
import re
import time
from functools import partial

import numpy as np
import soxr
from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect

from ser.audio import SAMPLING_RATE_HZ
from serving import gate, logs
from serving.answers import answer
from serving.problems import BROKEN, WHOLE, Problem, check_number, check_parameters, shown
from serving.service import Service

PROTOCOL, KEY_PROTOCOL = "ser.v1", "ser.key."  # a browser can send a key to a WebSocket only among the protocols
HOP = SAMPLING_RATE_HZ // 2  # an answer for every half second
PIECES = 64  # that came, before they are joined
FRAME = 160  # samples; windows are whole frames, so that a model may keep those of the window before
RATES_HZ = (8_000, 192_000)
WINDOWS_S = (1, 10)
PARAMETERS = ("sampling_rate", "window")
UNSUPPORTED, NOT_SAMPLES, POLICY, ERROR = 1003, 1007, 1008, 1011  # codes of RFC 6455, section 7.4


class Tail:
    """The end of a stream: as much of it as the next window needs.

    Args:
        rate_hz: of what comes in.
        window_s: of a window.
    """

    def __init__(self, rate_hz: int, window_s: float):
        self._window = round(window_s * SAMPLING_RATE_HZ / FRAME) * FRAME
        self._needed = self._window + HOP  # a window ends up to a hop before the end
        self._resampler = None
        if rate_hz != SAMPLING_RATE_HZ:
            self._resampler = soxr.ResampleStream(rate_hz, SAMPLING_RATE_HZ, 1, dtype="float32")
        self._pieces = [np.empty(0, np.float32)]  # the newest samples; joined now and then, as messages may be tiny
        self._heard = 0  # samples that came in, at 16 kHz
        self._answered = 0  # of these, up to the last answer

    def push(self, data: bytes) -> bool:
        """Take little-endian 16-bit samples; tell whether an answer is due.

        Raises:
            Problem: these are not whole samples.
        """
        if len(data) % 2:
            raise Problem("malformed", f"expected whole 16-bit samples in each message, found {len(data)} bytes")
        samples = np.frombuffer(data, "<i2").astype(np.float32) / 2**15
        if self._resampler:
            samples = self._resampler.resample_chunk(samples)
        self._heard += samples.size
        self._pieces.append(samples)
        if len(self._pieces) > PIECES or sum(piece.size for piece in self._pieces) > 2 * self._needed:
            self._join()
        return self._heard - self._answered >= HOP

    def take(self) -> tuple[np.ndarray, int, int]:
        """Take the newest window that is due.

        Returns:
            The signal; where it begins in the stream, in samples at 16 kHz; and how many windows were passed over,
            because more audio came in than there was time to answer for.
        """
        end = self._heard // HOP * HOP
        skipped = (end - self._answered) // HOP - 1
        self._answered = end
        kept = self._join()
        stop = kept.size - (self._heard - end)
        signal = kept[max(0, stop - self._window) : stop]
        return signal, end - signal.size, skipped

    def _join(self) -> np.ndarray:
        joined = np.concatenate(self._pieces)[-self._needed :]
        self._pieces = [joined.copy()]  # a view would hold what is no longer needed
        return self._pieces[0]


async def serve(websocket: WebSocket, service: Service) -> None:
    """Serve a stream from its handshake to its end."""
    request_id = websocket.state.request_id
    try:
        check_parameters(websocket.query_params, PARAMETERS)
        rate_hz = int(_parameter(websocket, "sampling_rate", SAMPLING_RATE_HZ, RATES_HZ, whole=True))
        window_s = _parameter(websocket, "window", 3.0, WINDOWS_S)
        with service.admitted(gate.STREAMS, websocket, _key(websocket)):
            offered = websocket.scope["subprotocols"]
            await websocket.accept(PROTOCOL if PROTOCOL in offered else None)
            start, code, tail = time.perf_counter(), ERROR, Tail(rate_hz, window_s)
            try:
                async with asyncio.timeout(service.limits.stream_s):
                    await _converse(websocket, service, tail)
            except WebSocketDisconnect as gone:
                code = gone.code
            except TimeoutError:
                code = await _end(
                    websocket, Problem("slow-upload", f"expected at most {service.limits.stream_s:g} s in one stream")
                )
            except Problem as problem:
                code = await _end(websocket, problem)
            except Exception:
                await _end(websocket, Problem("broken", BROKEN))
                raise  # for the server's log
            finally:
                seconds = round(time.perf_counter() - start, 1)
                logs.event("stream", duration_s=seconds, code=code, request_id=request_id)
    except Problem as problem:
        websocket.state.problem = problem.kind
        await websocket.send_denial_response(problem.response(request_id))


async def refuse(websocket: WebSocket) -> None:
    """Answer the handshake at an address where there is no stream."""
    path = websocket.url.path
    websocket.scope["route"] = None  # for the counts: there is none
    problem = Problem("not-found", f"expected the stream at /v1/stream, found {shown(path)}")
    await websocket.send_denial_response(problem.response(websocket.state.request_id))


async def _converse(websocket: WebSocket, service: Service, tail: Tail) -> None:
    due = asyncio.Event()
    listening = asyncio.create_task(_listen(websocket, service, tail, due))
    answering = asyncio.create_task(_answer(websocket, service, tail, due))
    try:
        done, _ = await asyncio.wait({listening, answering}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (listening, answering):
            task.cancel()
        await asyncio.gather(listening, answering, return_exceptions=True)


async def _listen(websocket: WebSocket, service: Service, tail: Tail, due: asyncio.Event) -> None:
    loop, idle_s = asyncio.get_running_loop(), service.limits.stream_idle_s
    try:
        async with asyncio.timeout(idle_s) as idle:
            while True:
                message = await websocket.receive()
                if message["type"] == "websocket.disconnect":
                    raise WebSocketDisconnect(message.get("code") or 1005)
                if message.get("bytes") is None:
                    raise Problem("wrong-type", "expected binary messages of 16-bit samples, found text")
                if message["bytes"]:  # an empty message is no audio
                    idle.reschedule(loop.time() + idle_s)
                    if tail.push(message["bytes"]):
                        due.set()
                await asyncio.sleep(0)  # others' turn: what has come already is received without waiting
    except TimeoutError as error:
        raise Problem("slow-upload", f"expected audio every {idle_s:g} s, found none") from error


async def _answer(websocket: WebSocket, service: Service, tail: Tail, due: asyncio.Event) -> None:
    hear = service.model.stream()
    while True:
        await due.wait()
        due.clear()
        signal, start, skipped = tail.take()
        measure = partial(hear, start=start)
        found = await service.compute(
            gate.STREAMS,
            lambda _, signal=signal, measure=measure: answer(service.model, signal, service.policy, measure),
        )
        times = {"start_s": start / SAMPLING_RATE_HZ, "end_s": (start + signal.size) / SAMPLING_RATE_HZ}
        service.metrics.audio_seconds.labels(gate.STREAMS).inc(0.5 * (1 + skipped))
        service.metrics.answers.labels(gate.STREAMS, found["answer"]).inc()
        service.metrics.skipped.inc(skipped)
        await websocket.send_text(json.dumps({**times, "skipped": skipped, **found}))


async def _end(websocket: WebSocket, problem: Problem) -> int:
    """Tell the client what is wrong, and close."""
    code = {"malformed": NOT_SAMPLES, "wrong-type": UNSUPPORTED, "broken": ERROR}.get(problem.kind, POLICY)
    try:
        await websocket.send_text(json.dumps(problem.details(websocket.state.request_id)))
        await websocket.close(code, problem.title)
    except (RuntimeError, WebSocketDisconnect):  # it has gone away meanwhile
        pass
    return code


def _parameter(
    websocket: WebSocket, name: str, default: float, bounds: tuple[float, float], whole: bool = False
) -> float:
    text = websocket.query_params.get(name)
    if text is None:
        return default
    low, high = bounds
    if whole and not re.fullmatch(WHOLE, text):
        raise Problem("wrong-parameter", f"{name}: expected a whole number, such as {default}, found {shown(text)}")
    check_number(name, text)
    if not low <= float(text) <= high:
        raise Problem("wrong-parameter", f"{name}: expected {low:,} to {high:,}, found {shown(text)}")
    return float(text)


def _key(websocket: WebSocket) -> str | None:
    """Give the API key, out of the header or, as browsers send it, out of the protocols."""
    scheme, _, key = websocket.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return key.strip()
    for protocol in websocket.scope["subprotocols"]:
        if protocol.startswith(KEY_PROTOCOL):
            text = protocol.removeprefix(KEY_PROTOCOL)
            try:
                return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
            except (binascii.Error, UnicodeDecodeError):
                return None
    return None
