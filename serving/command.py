"""The command ``ser``: what a person asks of the trained pipeline."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version

OURS = ("ser", "serving")


def main(arguments: Sequence[str] | None = None) -> None:
    """Hand the arguments to the subcommand that they name; each has a ``--help`` of its own.

    Raises:
        SystemExit: with one line, where a package is not installed.
    """
    parser = argparse.ArgumentParser(prog="ser", description="What a person asks of the trained pipeline.")
    parser.add_argument("--version", action=Version, help="print the version and end")
    parser.add_argument(
        "subcommand",
        choices=("predict", "serve"),
        metavar="{predict,serve}",  # an error says this word, not the first
        help="predict: the emotion of audio files; serve: an HTTP service; each has its own --help",
    )
    _open_streams()
    first, rest = (sys.argv[1:2], sys.argv[2:]) if arguments is None else (arguments[:1], arguments[1:])
    subcommand = parser.parse_args(first).subcommand
    if arguments is None:
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
                signal.signal(number, partial(_end, subcommand))  # until the subcommand listens itself
    try:
        # Here, for loading PyTorch takes seconds that a wrong word need not cost.
        if subcommand == "predict":
            from serving import predict as chosen
        else:
            from serving import serve as chosen
        chosen.main(rest)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if not package or package in OURS:
            raise
        raise SystemExit(
            f"{subcommand}: expected the package '{package}', found it not installed; pip install -r "
            "requirements-serve.txt -r requirements.txt (the first is enough for a model in ONNX)"
        ) from error


class Version(argparse.Action):
    """A flag that prints the package's version; it is looked up only then."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str):
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_) -> None:
        """Print it and end."""
        print(f"ser {version('ser')}")
        parser.exit()


def _end(program: str, number: int, _frame) -> None:
    """End by a signal with one line; not by an exception, of which a library that loads makes another."""
    what = "interrupted" if number == signal.SIGINT else "ended by SIGTERM"
    os.write(2, f"{program}: {what}\n".encode())
    os._exit(128 + number)


def _open_streams() -> None:
    """Put something in place of a closed standard error, as of a job without one; refuse to answer to nobody.

    Raises:
        SystemExit: standard output is closed.
    """
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 (as long as the program)
    if sys.stdout is None:
        raise SystemExit("ser: expected an open standard output, found it closed; send it to a file, or to /dev/null")
