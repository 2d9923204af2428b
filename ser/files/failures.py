"""Say in one line what a user can mend or has stopped, and leave every other error its traceback.

This module is imported before anything that takes long to load, so it imports nothing of that kind.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager

# Ctrl-C; what `kill`, a batch system or a shutdown sends; and what a closed terminal sends.
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class InputError(ValueError):
    """Something that the user can mend: a file, a folder, a parameter.

    The message is one line: what was expected, what was found, where, and what to do.
    """


class Stopped(KeyboardInterrupt):
    """A signal that ends the program: as Ctrl-C does, so that all that tidies up after Ctrl-C tidies up after it too.

    Args:
        number: one of ``SIGNALS``.
    """

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number


@contextmanager
def one_line(program: str) -> Iterator[None]:
    """End the program with one line where the user can mend the cause, or has stopped it.

    An ``InputError``, an ``OSError`` (a full disk, a missing permission), want of memory and a worker process that was
    killed become a ``SystemExit`` with the message and exit code 1. So do Ctrl-C, SIGTERM and SIGHUP, with the exit
    code that shells give them: 128 and the signal's number, 130 for Ctrl-C, 143 for SIGTERM. Anything else is a bug of
    ours and keeps its traceback.

    Args:
        program: the name to put before the message, such as ``"manifest"``.

    Raises:
        SystemExit: with the one line, which is printed to standard error.
    """
    former = _listen(_stop)
    try:
        yield
    except (InputError, OSError) as error:
        told = str(error)
        if isinstance(error, OSError) and error.strerror and error.filename is not None:
            told = f"{os.fsdecode(error.filename)}: {error.strerror[:1].lower()}{error.strerror[1:]}"
        raise SystemExit(f"{program}: {' '.join(told.splitlines())}") from error
    except BrokenExecutor as error:
        raise SystemExit(
            f"{program}: a worker process was killed, most often because memory ran out; run it again with fewer "
            f"--workers (SER_WORKERS=1), or free memory"
        ) from error
    except (MemoryError, RuntimeError) as error:
        if not _out_of_memory(error):
            raise
        found = " ".join(str(error).splitlines()[:1]) or "no figure is known"
        raise SystemExit(
            f"{program}: memory ran out ({found}); make the numbers in the block '{program}' of the params smaller, "
            "use fewer --workers, or a machine with more memory"
        ) from error
    except KeyboardInterrupt as error:
        number = error.number if isinstance(error, Stopped) else signal.SIGINT
        ended = SystemExit(f"{program}: {_words(number)}")
        print(ended, file=sys.stderr)
        ended.code = 128 + number
        raise ended from error
    finally:
        for number, handler in former.items():
            if signal.getsignal(number) is _stop:  # after a stop it stays ignored, to the end of the program
                signal.signal(number, handler)


def one_line_while_loading(package: str) -> None:
    """Let a signal end ``python -m PACKAGE.MODULE`` with one line, too, in the seconds in which it loads its libraries.

    Called in the package's ``__init__``. Where the package is imported by anything else nothing happens.

    Args:
        package: the name to put before the message where the command does not say the module.
    """

    def end(number: int, _frame) -> None:
        # Not an exception: while a library loads, it would come out as whatever that makes of it.
        name = sys.orig_argv[sys.orig_argv.index("-m") + 1].rpartition(".")[2] if "-m" in sys.orig_argv else package
        os.write(2, f"{name}: {_words(number)}\n".encode())
        os._exit(128 + number)

    if sys.argv[0] == "-m":  # as long as Python looks for the module
        _listen(end)


def _words(number: int) -> str:
    what = "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"
    return f"{what}; no output is half-written, run it again"


def _listen(handler: Callable) -> dict:
    """Set the handler of all signals that are not ignored, as by ``nohup``; give the former ones."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    former = {number: signal.getsignal(number) for number in SIGNALS}
    former = {number: known for number, known in former.items() if known not in (signal.SIG_IGN, None)}
    for number in former:
        signal.signal(number, handler)
    return former


def _stop(number: int, _frame) -> None:
    for other in SIGNALS:  # more of them would only disturb the tidying up
        signal.signal(other, signal.SIG_IGN)
    raise Stopped(number)


def _out_of_memory(error: Exception) -> bool:
    """Tell whether NumPy or PyTorch, on the CPU or a GPU, could not get memory."""
    names = (type(error).__name__, str(error))
    return isinstance(error, MemoryError) or any("OutOfMemory" in name or "can't allocate" in name for name in names)
