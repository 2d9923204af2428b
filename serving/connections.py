"""Connections that do not wait for ever, and whose client sees why they end: HTTP, and the WebSocket of a stream."""

import asyncio
import sys

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from serving.problems import MEDIA_TYPE, Problem

NOT_HTTP = "expected a request in HTTP/1.1, found something else"
FAULTS = {  # how h11 begins to say what is wrong
    "Missing mandatory Host": "expected a header Host, found none; send the name that the address has",
    "Found multiple Host": "expected one header Host, found several; send one",
    "bad Content-Length": "expected Content-Length as a whole number of at most 20 digits, found another value",
    "conflicting Content-Length": "expected one Content-Length, found several that differ; send one",
    "multiple Transfer-Encoding": "expected one header Transfer-Encoding, found several; send one",
    "Only Transfer-Encoding": "expected Transfer-Encoding: chunked or none, found another one",
    "illegal chunk header": "expected the size of a chunk in hexadecimal digits, found something else",
    "malformed chunk footer": "expected the end of a line after a chunk, found something else; is its size right?",
    "illegal header line": "expected headers as NAME: VALUE, a line each, found a line that is none",
    "continuation line": "expected headers as NAME: VALUE, a line each, found a line that is none",
    "Receive buffer too long": "expected a head of at most 16 KiB, found a longer one; send fewer or shorter headers",
}


class Connection(H11Protocol):
    """A connection of uvicorn's, with limits that uvicorn has none for.

    ``limits`` are those of the application. A head that does not end within ``head_s`` closes the connection; so does
    a body that goes on for as long after its refusal: closed at once, the client would see a reset and not the answer.
    """

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.limits = self.config.limits
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Take the connection, where there are not too many."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self._refuse(Problem("busy", "expected fewer connections; wait, then try again", 2))
        else:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read, and look whether a head or a body is still to end."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Look whether a body is still to end."""
        super().on_response_complete()
        self._watch()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand a stream's handshake over; one with a body is refused, for which uvicorn would wait for ever."""
        if event.method != b"GET" or {name for name, _ in self.headers} & {b"content-length", b"transfer-encoding"}:
            self._cancel()
            self._refuse(Problem("malformed", "expected a WebSocket's handshake by GET without a body, found another"))
        else:
            super().handle_websocket_upgrade(event)

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP; uvicorn calls it while it handles h11's error."""
        told = str(sys.exception())
        self._cancel()
        self._refuse(
            Problem("malformed", next((line for fault, line in FAULTS.items() if told.startswith(fault)), NOT_HTTP))
        )

    def _refuse(self, problem: Problem) -> None:
        body = problem.response().body
        headers = [("content-type", MEDIA_TYPE), ("content-length", str(len(body))), ("connection", "close")]
        headers += [(name.lower(), value) for name, value in problem.headers.items()]
        for event in (
            h11.Response(status_code=problem.status, headers=headers),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event))
        self.transport.close()

    def _watch(self) -> None:
        theirs, ours = self.conn.their_state, self.conn.our_state
        waiting = theirs is h11.IDLE or (theirs is h11.SEND_BODY and ours in (h11.DONE, h11.MUST_CLOSE))
        if not waiting:
            self._cancel()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.limits.head_s, self.transport.close)

    def _cancel(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None


class StreamConnection(WebSocketsSansIOProtocol):
    """A WebSocket of uvicorn's that lets its client read why it is closed.

    uvicorn closes at once after a message that it cannot take (too long, not of the protocol). What the client was
    still sending is then answered by a reset, for which many drop what they had not read yet: the close frame. Here
    the server ends its own side only, and reads on and forgets until the client ends its own, for ``close_timeout``
    seconds at most (RFC 6455, sections 7.1.1 and 7.1.7).
    """

    def data_received(self, data: bytes) -> None:
        """Read, unless a message that cannot be taken has ended the stream."""
        if self.conn.parser_exc is None:
            super().data_received(data)

    def handle_parser_exception(self) -> None:
        """Send the close frame that says what cannot be taken, and end this side."""
        sent = self.conn.close_sent
        self.queue.put_nowait({"type": "websocket.disconnect", "code": sent.code, "reason": sent.reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.write_eof()
        self.close_sent = True
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.close)
