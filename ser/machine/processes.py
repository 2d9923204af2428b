"""Worker processes that end with the program, however that ends, and leave Ctrl-C to it."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from multiprocessing import get_context
from pickle import PicklingError

from joblib import Parallel

from ser.files.failures import InputError

POLL_S = 1.0


def parallel(tasks: Sequence, workers: int) -> Iterator:
    """Run tasks in processes of joblib, or here where one worker is enough.

    Args:
        tasks: made by ``joblib.delayed``.
        workers: processes.

    Yields:
        The results, in the order of the tasks.

    Raises:
        InputError: the disk is too full to hand the workers their data.
        concurrent.futures.BrokenExecutor: a worker was killed.
    """
    workers = max(1, workers)
    follow = {"initializer": _follow, "initargs": (os.getpid(),)} if workers > 1 else {}
    with _starting():
        results = Parallel(n_jobs=workers, return_as="generator", **follow)(tasks)
    with closing(results):
        try:
            yield from results
        except PicklingError as error:
            if "OSError" not in str(error.__cause__):
                raise
            raise InputError(
                "expected room for the data that the workers share, found none in joblib's temporary folder (/dev/shm "
                "or /tmp); free some, name a folder with room in JOBLIB_TEMP_FOLDER, or use --workers 1"
            ) from error


def map_in_order(
    function: Callable, *inputs: Sequence, workers: int, chunksize: int, prepare: Callable | None = None, arguments=()
) -> Iterator:
    """Call a function of a module in processes; where the results are no longer wanted, nothing more is begun.

    Args:
        function: what to call.
        inputs: as for ``map``.
        workers: processes.
        chunksize: how many calls a process gets at a time.
        prepare: called once in each process.
        arguments: its arguments.

    Yields:
        The results, in the order of the inputs.

    Raises:
        concurrent.futures.BrokenExecutor: a worker was killed.
    """
    # A forked process may hang in the thread pool that torch has started in its parent; a spawned one has its own.
    with _starting():
        pool = ProcessPoolExecutor(workers, get_context("spawn"), _begin, (os.getpid(), prepare, arguments))
    try:
        with _starting():
            results = pool.map(function, *inputs, chunksize=chunksize)
        yield from results
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _starting() -> Iterator[None]:
    """Start processes that do not hear Ctrl-C: a terminal sends it to all, and it is the parent that ends the work.

    One more is started with them, the tracker of joblib and multiprocessing, which removes what a program that was
    stopped has left behind. It does so in silence: that is its work, and nothing that a user can mend.
    """
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    former = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, [former, "ignore:resource_tracker:UserWarning"]))
    try:
        yield
    finally:
        if former is None:
            del os.environ["PYTHONWARNINGS"]
        else:
            os.environ["PYTHONWARNINGS"] = former
        signal.signal(signal.SIGINT, handler)


def _begin(parent: int, prepare: Callable | None, arguments: Sequence) -> None:
    _follow(parent)
    if prepare is not None:
        prepare(*arguments)


def _follow(parent: int) -> None:
    """Let this worker end when its parent has ended, even where that was killed."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_S)
    os._exit(1)
