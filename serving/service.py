"""What the routes share: model, limits, counts, and the threads in which audio is decoded and encoded."""

import asyncio
import contextvars
import dataclasses
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

from fastapi import Request
from starlette.requests import ClientDisconnect, HTTPConnection

from ser.files.failures import InputError
from serving import gate
from serving.limits import Limits
from serving.metrics import Metrics
from serving.model import Model
from serving.policy import Policy
from serving.problems import Problem

Check = Callable[[], None]


class Service:
    """A worker process of the service.

    The event loop only moves bytes; what computes runs in threads, each with one recording or window at a time.

    Args:
        model: the model.
        limits: what is taken at most; a recording no longer than the model takes.
        policy: when to give no emotion.
        keys: the API keys; without any, everybody may come in.
        threads: how many recordings and windows are computed at once.
        at_home: whether it listens to this machine alone, and not for a proxy.
    """

    def __init__(
        self,
        model: Model,
        limits: Limits | None = None,
        policy: Policy | None = None,
        keys: Iterable[str] = (),
        threads: int = 1,
        at_home: bool = False,
    ):
        limits = limits or Limits()
        self.limits = dataclasses.replace(limits, duration_s=min(limits.duration_s, model.longest_s))
        self.model, self.policy = model, policy or Policy()
        self.metrics = Metrics()
        self.gate = gate.Gate(self.limits)
        self.keys = gate.Keys(keys, self.limits)
        self._at_home = at_home and not self.keys
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="compute")
        self._jobs: dict[Future, threading.Event] = {}  # under way or waiting, and what tells each to stop

    @contextmanager
    def admitted(self, kind: str, connection: HTTPConnection, key: str | None) -> Iterator[None]:
        """Hold a place for a recording or a stream.

        Args:
            kind: ``gate.RECORDINGS`` or ``gate.STREAMS``.
            connection: the request or WebSocket.
            key: the API key that came with it.

        Raises:
            Problem: it may not come in, or not now.
        """
        gate.check_origin(connection.headers, self._at_home)
        client = self.keys.check(key, gate.address(connection.client))
        try:
            with self.gate.enter(kind, client):
                self.metrics.inside(kind, self.gate.inside(kind))
                yield
        finally:
            self.metrics.inside(kind, self.gate.inside(kind))

    async def compute(self, kind: str, job: Callable[[Check], Any], request: Request | None = None) -> Any:
        """Run a job in a thread.

        Args:
            kind: for the counts.
            job: is given a function that it calls now and then, and that ends it when nobody waits for it any more.
            request: whose client waits, and may go away.

        Returns:
            What the job returns.

        Raises:
            Problem: ``busy``, after ``answer_s``, waiting included; ``unreadable``, for an ``InputError``; or what the
                job raises.
            ClientDisconnect: the client has gone away.
        """
        stop, computed_from = threading.Event(), []

        def check() -> None:
            if stop.is_set():
                raise Problem("busy", "nobody waits for this answer any more")

        def timed() -> Any:
            check()
            start = time.perf_counter()
            computed_from.append(start)
            try:
                return job(check)
            except InputError as error:
                raise Problem("unreadable", str(error)) from error
            finally:
                self.metrics.computing_seconds.labels(kind).observe(time.perf_counter() - start)

        submitted = self._threads.submit(contextvars.copy_context().run, timed)
        self._jobs[submitted] = stop
        submitted.add_done_callback(self._jobs.pop)
        future = asyncio.wrap_future(submitted)
        gone = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait({future, gone}, timeout=self.limits.answer_s, return_when=asyncio.FIRST_COMPLETED)
            if future.done():
                return future.result()
            if gone.done():
                raise ClientDisconnect
            raise self._late(time.perf_counter() - computed_from[0] if computed_from else 0)
        finally:
            stop.set()
            gone.cancel()
            if not future.cancel():
                # An error was reported, or is late.
                future.add_done_callback(lambda done: done.cancelled() or done.exception())

    def _late(self, computed_s: float) -> Problem:
        """Word that an answer was not there in time; to come again helps only who mostly waited for others."""
        expected = f"expected an answer within {self.limits.answer_s:g} s, found none"
        if computed_s > self.limits.answer_s / 2:
            return Problem("busy", f"{expected} after computing for {computed_s:.1f} s; send a shorter recording")
        return Problem("busy", f"{expected}, as others were before it; wait, then send it again", 10)

    def close(self) -> None:
        """Tell every job to stop, and wait until all have, ``shutdown_s`` at most."""
        jobs = dict(self._jobs)
        for stop in jobs.values():
            stop.set()
        self._threads.shutdown(wait=False, cancel_futures=True)
        wait(jobs, self.limits.shutdown_s)


async def _gone(request: Request | None) -> None:
    """Return when the client has gone away; its request has been read to the end."""
    if request is None:
        await asyncio.Event().wait()
    while (await request.receive())["type"] != "http.disconnect":
        pass
