"""A recording out of the body of a request, as it comes in: never read whole first, never written to a disk."""

import asyncio
from collections.abc import Callable

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from serving.limits import Limits
from serving.problems import Problem, shown
from serving.recording import Recording

PART = "file"  # the name of the part of a form that holds the recording
OTHER_TYPES = ("application/octet-stream", "application/ogg")
FORM = "multipart/form-data"
MOST_PARTS = 16  # of a form: each costs time, whatever its size


async def receive(request: Request, limits: Limits) -> Recording:
    """Receive a recording.

    Args:
        request: its body is the file, or a form with the file in it.
        limits: ``upload_bytes``, ``idle_s`` and ``upload_s``.

    Returns:
        The recording, to be closed by the caller. Names of files are not looked at.

    Raises:
        Problem: ``wrong-type``, ``too-large``, ``slow-upload``, ``malformed`` or ``empty``.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    check_type(kind.decode("latin-1").lower())
    _check_encoding(", ".join(request.headers.getlist("content-encoding")))
    announced = request.headers.get("content-length", "")
    if announced.isdecimal():
        _check_size(int(announced), limits)
    recording = Recording()
    try:
        form = Form(options.get(b"boundary", b""), recording.write) if kind.lower() == FORM.encode() else None
        await _read(request, limits, form.feed if form else recording.write)
        if form:
            form.end()
        if not recording.size:
            raise Problem("empty", "expected a recording in the body of the request, found no bytes")
    except BaseException:
        recording.close()
        raise
    return recording


def check_type(kind: str) -> None:
    """Refuse a type that cannot be a recording.

    Raises:
        Problem: ``wrong-type``.
    """
    if not (kind.startswith(("audio/", "video/")) or kind in (*OTHER_TYPES, FORM)):
        raise Problem(
            "wrong-type",
            f"expected Content-Type audio/..., video/..., {', '.join(OTHER_TYPES)} or {FORM}, found "
            f"{shown(kind) if kind else 'none'}; name the type of the recording",
        )


def _check_encoding(given: str) -> None:
    if given.strip().lower() not in ("", "identity"):
        raise Problem(
            "wrong-type",
            f"expected no Content-Encoding, found {shown(given)}; send the recording as it is (FLAC, MP3 and Opus are "
            "small)",
            headers={"Accept-Encoding": "identity"},
        )


def _check_size(size: int, limits: Limits) -> None:
    if size > limits.upload_bytes:
        raise Problem(
            "too-large",
            f"expected at most {limits.upload_bytes:,} bytes, found more; compress the recording (FLAC, MP3, Opus), or "
            "cut it into shorter ones",
        )


async def _read(request: Request, limits: Limits, take: Callable[[bytes], None]) -> None:
    loop, size = asyncio.get_running_loop(), 0
    try:
        async with asyncio.timeout(limits.upload_s), asyncio.timeout(limits.idle_s) as idle:
            async for chunk in request.stream():
                size += len(chunk)
                _check_size(size, limits)
                take(chunk)
                idle.reschedule(loop.time() + limits.idle_s)
    except TimeoutError as error:
        raise Problem(
            "slow-upload",
            f"expected bytes every {limits.idle_s:g} s and the whole recording within {limits.upload_s:g} s; send it "
            "again, or compress it",
        ) from error


class Form:
    """The part ``PART`` of a form, as it comes in.

    Args:
        boundary: between its parts.
        take: called with the bytes of that part.

    Raises:
        Problem: ``malformed``, here and in its methods.
    """

    def __init__(self, boundary: bytes, take: Callable[[bytes], None]):
        self._take, self._parts, self._found, self._inside, self._ended = take, 0, 0, False, False
        self._name, self._value, self._headers = b"", b"", {}
        callbacks = {
            "on_part_begin": self._begin_part,
            "on_header_field": self._field,
            "on_header_value": self._header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._begin_content,
            "on_part_data": self._content,
            "on_end": self._end,
        }
        if not boundary:
            raise Problem("malformed", f"expected {FORM} with a boundary, found none")
        try:
            self._parser = MultipartParser(boundary, callbacks)
        except FormParserError as error:
            raise _malformed() from error

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the form."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _malformed() from error

    def end(self) -> None:
        """Say that there are no more."""
        if not self._ended:
            raise _malformed()
        if not self._found:
            raise Problem("malformed", f"expected one part named '{PART}' in the form, found none")

    def _begin_part(self) -> None:
        self._headers = {}
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise Problem(
                "malformed", f"expected at most {MOST_PARTS} parts in the form, found more; send '{PART}' alone"
            )

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _begin_content(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._inside = options.get(b"name") == PART.encode()
        self._found += self._inside
        if self._found > 1:
            raise Problem("malformed", f"expected one part named '{PART}' in the form, found two; send one at a time")

    def _content(self, data: bytes, start: int, end: int) -> None:
        if self._inside:
            self._take(data[start:end])

    def _end(self) -> None:
        self._ended = True


def _malformed() -> Problem:
    return Problem("malformed", f"expected a whole form ({FORM}), found one that is damaged or cut off; send it again")
