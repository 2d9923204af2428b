"""Errors of the service as problem details (RFC 9457): one line that says what was expected, found, and what to do."""

import difflib
import json
import math
import re
from collections.abc import Iterable, Sequence

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

MEDIA_TYPE = "application/problem+json"

# Name: status and title. The type of a problem is /problems/NAME; the titles stand at /problems.
KINDS = {
    "malformed": (400, "The request cannot be read"),
    "empty": (400, "There is no audio in the request"),
    "no-key": (401, "A valid API key is needed"),
    "other-origin": (403, "The page that asks is not at this service's address"),
    "not-found": (404, "There is nothing at this address"),
    "wrong-method": (405, "This address does not take this method"),
    "slow-upload": (408, "The upload took too long"),
    "too-large": (413, "The upload is too large"),
    "too-long": (413, "The recording is too long"),
    "wrong-type": (415, "This is not a type of audio"),
    "unreadable": (422, "The recording cannot be used"),
    "wrong-parameter": (422, "A parameter is unknown or out of its range"),
    "no-stream": (426, "This address takes a WebSocket's handshake alone"),
    "too-many": (429, "Too many requests from this client"),
    "broken": (500, "The service made an error"),
    "busy": (503, "The service is busy"),
}
# As everybody writes them: Python would read 16_000 and the digits of every script, too.
WHOLE, NUMBER = "[0-9]+", r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
SHOWN = 80  # characters of what a client sent
CLIENT_GONE = 499  # for log and counts alone, as nginx has it
BROKEN = "an error of the service, not of the request; its log tells more"
BY_STATUS = {400: "malformed", 404: "not-found", 405: "wrong-method"}


class Details(BaseModel):
    """Problem details, RFC 9457."""

    type: str = Field(description="which problem it is; the same for every occurrence", examples=["/problems/too-long"])
    title: str = Field(description="what it is in general")
    status: int = Field(description="the HTTP status")
    detail: str = Field(description="one line: what was expected, what was found, what to do")
    instance: str | None = Field(None, description="this very request, as the service's log names it")


class Problem(Exception):  # noqa: N818 - as RFC 9457 names it
    """An error for the client.

    Args:
        kind: one of ``KINDS``.
        detail: the line.
        retry_s: after how many seconds the same request may succeed; None where it will not.
        headers: to send with it.
    """

    def __init__(self, kind: str, detail: str, retry_s: float | None = None, headers: dict[str, str] | None = None):
        super().__init__(detail)
        self.kind, self.detail = kind, " ".join(detail.split())
        self.status, self.title = KINDS[kind]
        self.headers = dict(headers or {})
        if retry_s is not None:
            self.headers["Retry-After"] = str(max(1, math.ceil(retry_s)))

    def details(self, request_id: str | None = None) -> dict:
        """Give the problem details as a JSON object."""
        found = {"type": f"/problems/{self.kind}", "title": self.title, "status": self.status, "detail": self.detail}
        return found | ({"instance": f"urn:uuid:{request_id}"} if request_id else {})

    def response(self, request_id: str | None = None) -> Response:
        """Give the HTTP response."""
        return Response(json.dumps(self.details(request_id)), self.status, self.headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error of the application with problem details."""

    @app.exception_handler(Problem)
    async def expected(request: Request, problem: Problem) -> Response:
        return _respond(request, problem)

    @app.exception_handler(RequestValidationError)
    async def parameters(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"][1:]) or "the request"
        expected = first["msg"].removeprefix("Input should be ")
        line = f"{name}: expected {expected[:1].lower()}{expected[1:]}, found {shown(str(first.get('input')))}"
        return _respond(request, Problem("wrong-parameter", line))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        kind = BY_STATUS.get(error.status_code, "broken" if error.status_code >= 500 else "malformed")
        lines = {
            "not-found": f"expected one of the addresses in /openapi.json, found {shown(request.url.path)}",
            "wrong-method": f"expected {(error.headers or {}).get('Allow', 'another method')} at this address, found "
            f"{shown(request.method)}",
        }
        return _respond(request, Problem(kind, lines.get(kind, str(error.detail)), headers=error.headers))

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=CLIENT_GONE)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        return _respond(request, Problem("broken", BROKEN))


def shown(text: str) -> str:
    """Quote what a client sent: its first 80 characters, of others than printable ASCII the escapes."""
    cut = text[:SHOWN] + ("..." if len(text) > SHOWN else "")
    return ascii(cut)


def check_parameters(given: QueryParams, known: Sequence[str]) -> None:
    """Refuse a parameter of an address that it does not have, or a second value: ignored, it would seem heeded.

    Raises:
        Problem: ``wrong-parameter``.
    """
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name[:SHOWN], known, n=1)
            hint = f"; did you mean '{close[0]}'?" if close else "; leave it out"
            raise Problem("wrong-parameter", f"expected {', '.join(known)}; found {shown(name)}{hint}")
        values = given.getlist(name)
        if len(values) > 1:
            raise Problem("wrong-parameter", f"{name}: expected one value, found {len(values)}; leave the others out")


def check_number(name: str, text: str | None) -> None:
    """Refuse a parameter that is there and no number as everybody writes it.

    Raises:
        Problem: ``wrong-parameter``.
    """
    if text is not None and not re.fullmatch(NUMBER, text):
        raise Problem("wrong-parameter", f"{name}: expected a number, such as 2 or 0.5, found {shown(text)}")


def _respond(request: Request, problem: Problem) -> Response:
    request.state.problem = problem.kind
    return problem.response(getattr(request.state, "request_id", None))


def documented(kinds: Iterable[str]) -> dict[int | str, dict]:
    """Describe problems for OpenAPI, by their status."""
    found: dict[int | str, dict] = {}
    for kind in kinds:
        status, title = KINDS[kind]
        known = found.setdefault(status, {"description": title, "content": {MEDIA_TYPE: {"examples": {}}}})
        known["description"] = (
            known["description"] if title in known["description"] else f"{known['description']}; {title}"
        )
        known["content"][MEDIA_TYPE]["schema"] = {"$ref": "#/components/schemas/Details"}
        known["content"][MEDIA_TYPE]["examples"][kind] = {
            "value": {
                "type": f"/problems/{kind}",
                "title": title,
                "status": status,
                "detail": EXAMPLES.get(kind, title),
            }
        }
        if status in (429, 503):
            known["headers"] = {"Retry-After": {"description": "seconds to wait", "schema": {"type": "integer"}}}
    return found


EXAMPLES = {
    "too-long": "expected at most 120 s, found more; cut the recording into shorter ones",
    "unreadable": "expected audio, found a file that is cut off; copy or convert it again",
    "too-many": "expected at most 120 requests a minute from one client; wait, then send it again",
    "busy": "expected at most 32 recordings at once; wait, then send it again",
}
