"""Calls on the workers of a cluster that Dask schedules, their results in order: other machines, the same numbers."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from typing import Any

from ser.files.failures import InputError
from ser.machine import numerics

SCHEMES = ("tcp://", "tls://")
PATIENCE_S = 10  # for a scheduler to answer
LOST = (CancelledError, OSError, TimeoutError)  # what Dask raises where the scheduler has gone

_prepared: tuple | None = None  # of a worker: what it was last prepared by, and with what


def map_in_order(
    function: Callable,
    *inputs: Sequence,
    address: str,
    prepare: Callable | None = None,
    arguments: tuple = (),
    say: Callable[[str], None] = lambda remark: None,
) -> Iterator:
    """Call a function of a module once for each of the inputs, on whatever workers there are.

    A worker that ends is replaced by another, to which its calls go. Workers may join and leave meanwhile.

    Args:
        function: what to call.
        inputs: as for ``map``.
        address: of the scheduler, ``tcp://host:8786``.
        prepare: called in each worker before its first call.
        arguments: its arguments.
        say: takes the remark that there is no worker yet.

    Yields:
        The results, in the order of the inputs.

    Raises:
        InputError: Dask is not installed; no scheduler answers at the address, or it goes away; a worker computes with
            other numerics than this process; or a call ended as many workers as the scheduler allows, three. Or what
            the function raises.
    """
    try:
        from distributed import Client
        from distributed.scheduler import KilledWorker
    except ImportError as error:
        raise InputError("--scheduler needs Dask; install it: pip install -r requirements-cluster.txt") from error
    if not address.startswith(SCHEMES):
        raise InputError(f"--scheduler {address}: expected an address such as tcp://host:8786, found another")
    try:
        client = Client(address, timeout=PATIENCE_S, set_as_default=False)
    except OSError as error:
        raise InputError(
            f"--scheduler {address}: expected a Dask scheduler, found none within {PATIENCE_S} s; start one (dask "
            "scheduler), or give the address that it prints"
        ) from error
    with client:
        if not client.scheduler_info()["workers"]:
            say(f"--scheduler {address}: it has no workers yet; waiting for one")
        call = _Call(function, prepare, arguments, numerics.name())
        futures = client.map(call, *inputs, pure=False)
        for position, future in enumerate(futures):
            try:
                result = future.result()
            except KilledWorker as error:
                what = ", ".join(str(values[position]) for values in inputs[:1])
                raise InputError(
                    f"{what}: every worker that took it ended before it was done, the last at "
                    f"{error.last_worker.address}; look into that worker's log (memory?), and leave the file out if it "
                    "is to blame"
                ) from error
            except LOST as error:
                if future.status == "error":  # the function's own
                    raise
                raise InputError(
                    f"--scheduler {address}: the scheduler has gone away; start it again, and run this again: what was "
                    "done is kept"
                ) from error
            future.release()
            yield result


class _Call:
    """What a worker runs.

    Args:
        function: what to call.
        prepare: what to call before.
        arguments: of ``prepare``.
        wanted: the numerics of the process that asks.
    """

    def __init__(self, function: Callable, prepare: Callable | None, arguments: tuple, wanted: str) -> None:
        self.function, self.prepare, self.arguments, self.wanted = function, prepare, arguments, wanted

    def __call__(self, *values: Any) -> Any:
        global _prepared
        if numerics.name() != self.wanted:
            raise InputError(
                f"--scheduler: expected workers with the numerics '{self.wanted}', found '{numerics.name()}'; start "
                "them as docs/cluster.md says"
            )
        if self.prepare is not None and _prepared != (self.prepare, self.arguments):
            self.prepare(*self.arguments)
            _prepared = (self.prepare, self.arguments)
        return self.function(*values)
