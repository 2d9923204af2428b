"""uvicorn's server, in one process or several: it hears a signal from its making on, and says when it serves."""

import os
import signal
import socket
import threading
from collections.abc import Callable
from multiprocessing import connection, parent_process

import uvicorn
from uvicorn.server import HANDLED_SIGNALS
from uvicorn.supervisors import Multiprocess

from serving import logs


class Server(uvicorn.Server):
    """A server in this process; signals that were ignored when it was made, as in a script's background, stay so.

    Args:
        configured: uvicorn's configuration.
        told: called once it serves.
    """

    def __init__(self, configured: uvicorn.Config, told: Callable[[], None]):
        super().__init__(configured)
        self._told = told
        self._ignored = {number for number in HANDLED_SIGNALS if signal.getsignal(number) is signal.SIG_IGN}
        # uvicorn itself listens once it runs; before, they would be lost.
        for number in set(HANDLED_SIGNALS) - self._ignored:
            signal.signal(number, self.handle_exit)

    def handle_exit(self, sig: int, frame) -> None:
        """End by a signal."""
        if sig not in self._ignored:
            super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        if not self.should_exit:
            self._told()


class Servers(Multiprocess):
    """Several processes that serve, and this one that watches them.

    Args:
        configured: uvicorn's configuration.
        sockets: at which they listen.
        told: called once one of them serves.
    """

    def __init__(self, configured: uvicorn.Config, sockets: list[socket.socket], told: Callable[[], None]):
        super().__init__(configured, sockets)
        self._told: Callable[[], None] | None = told

    def terminate_all(self) -> None:
        """Tell all processes to end, and take nobody in meanwhile: a socket listens until its last holder closes it."""
        for listener in self.sockets:
            listener.close()
        super().terminate_all()

    def keep_subprocess_alive(self) -> None:
        """Replace processes that ended or hang."""
        former = list(self.processes)
        super().keep_subprocess_alive()
        for old, new in zip(former, self.processes, strict=True):
            if new is not old:
                words = "a worker process ended or did not answer, and is replaced"
                logs.event(words, level=30, process=old.pid, exit_code=old.exitcode)
        if self._told and not self.should_exit.is_set() and any(process.is_ready() for process in self.processes):
            self._told()
            self._told = None


def end_with_parent() -> None:
    """End this process as SIGTERM does once the one that watches it is gone; nothing, where nobody watches it."""
    if parent := parent_process():
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    connection.wait([sentinel])
    logs.event("the process that watches the workers ended; this worker ends, too", level=30, process=os.getpid())
    os.kill(os.getpid(), signal.SIGTERM)
