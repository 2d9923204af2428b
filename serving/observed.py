"""What is done around every request: a number, a log line, counts, and headers that keep browsers careful."""

import asyncio
import time
import uuid

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving import logs
from serving.metrics import Metrics
from serving.problems import CLIENT_GONE, Problem

METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
ENDED = Problem("busy", "expected an answer before the service ended, found none; send it again once it is back", 10)


class Observed:
    """An application with a log line and counts for each request; of streams ``serving.streams`` tells itself.

    Args:
        app: the application.
        metrics: where to count.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics):
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        start, status, request_id = time.perf_counter(), 0, str(uuid.uuid4())
        method = scope.get("method", "GET")
        if method == "HEAD":  # as GET; the server sends the headers alone
            scope = scope | {"method": "GET"}
        state = scope.setdefault("state", {})
        state["request_id"] = request_id

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in (HEADERS | {"X-Request-ID": request_id}).items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._app(scope, receive, observed)
        except asyncio.CancelledError:  # uvicorn's, once shutdown_s are over; passed on, it would be an error of ours
            if scope["type"] != "http" or status:
                raise
            state["problem"] = ENDED.kind
            await ENDED.response(request_id)(scope, receive, observed)
        finally:
            if scope["type"] == "http" or status:
                self._tell(scope, method, status or CLIENT_GONE, time.perf_counter() - start)

    def _tell(self, scope: Scope, method: str, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")  # not the path: it may be the name of a file
        method = method if method in METHODS else "other"
        self._metrics.requests.labels(method, route, status).inc()
        self._metrics.request_seconds.labels(route).observe(seconds)
        if route not in ("/health", "/ready", "/metrics"):
            logs.event(
                "request",
                method=method,
                route=route,
                status=status,
                duration_ms=round(1000 * seconds, 1),
                request_id=scope["state"]["request_id"],
                **({"problem": scope["state"]["problem"]} if "problem" in scope["state"] else {}),
            )
