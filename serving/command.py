"""The command ``ser``: what a person asks of the trained pipeline."""

import argparse
import sys
from collections.abc import Sequence

OURS = ("ser", "serving")


def main(arguments: Sequence[str] | None = None) -> None:
    """Hand the arguments to the subcommand that they name; each has a ``--help`` of its own.

    Raises:
        SystemExit: with one line, where a package is not installed.
    """
    parser = argparse.ArgumentParser(prog="ser", description=__doc__)
    parser.add_argument(
        "subcommand", choices=("predict", "serve"), help="predict: the emotion of audio files; serve: an HTTP service"
    )
    first, rest = (sys.argv[1:2], sys.argv[2:]) if arguments is None else (arguments[:1], arguments[1:])
    subcommand = parser.parse_args(first).subcommand
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
