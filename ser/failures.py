"""Say in one line what a user can mend, and leave every other error its traceback."""

from collections.abc import Iterator
from contextlib import contextmanager


class InputError(ValueError):
    """Something that the user can mend: a file, a folder, a parameter.

    The message is one line: what was expected, what was found, where, and what to do.
    """


@contextmanager
def one_line(program: str) -> Iterator[None]:
    """End the program with one line and exit code 1 where the user can mend the cause.

    An ``InputError``, an ``OSError`` (a full disk, a missing permission) and Ctrl-C become a ``SystemExit`` with the
    message; anything else is a bug of ours and keeps its traceback.

    Args:
        program: the name to put before the message, such as ``"manifest"``.

    Raises:
        SystemExit: with the one line, which Python prints to standard error.
    """
    try:
        yield
    except (InputError, OSError) as error:
        raise SystemExit(f"{program}: {' '.join(str(error).splitlines())}") from error
    except KeyboardInterrupt as error:
        raise SystemExit(f"{program}: interrupted; no output is half-written, run it again") from error
