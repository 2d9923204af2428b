"""A block of params.yaml as a frozen dataclass, with every key checked."""

import dataclasses
import difflib
import math
import re
import types
import typing
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TypeVar

import yaml

from ser.files.failures import InputError
from ser.files.whole import check_file

Block = TypeVar("Block")

SEEDS = (0, 2**32 - 1)  # those that scikit-learn takes
COSTS = (1e-9, 1e9)  # of linear classifiers: beyond, their solvers overflow or do not end
LARGEST = 2**32 - 1  # of whole numbers: more than any key needs
LARGEST_FLOAT = 1e30  # of others: a float32 holds it, with room to reckon
# Where blocks and keys stood in the last release, and where they stand now.
MOVED = {
    "evaluate": "intervals",
    "bias.age_bands": "age_bands",
    **{
        f"{block}.{key}": f"intervals.{key}"
        for block in ("bias", "representation", "ambiguity")
        for key in ("resamples", "confidence", "seed", "minimum_speakers")
    },
}
del MOVED["ambiguity.resamples"]


def read(path: Path, block: str, kind: type[Block], **given) -> Block:
    """Read one block of a parameter file.

    Args:
        path: the YAML file.
        block: the name of the block: a top-level key.
        kind: a dataclass whose fields are the block's keys; a field is required unless it has a default. Its own
            ``__post_init__`` may raise ``ValueError`` for a value out of range. ``list[str]``, ``str``, and other
            annotations are allowed too, for a block that is one value. ``Annotated`` adds checks: functions that raise
            ``ValueError``.
        given: fields of the dataclass that stand in other blocks, and so may not stand in this one.

    Returns:
        The block as ``kind``.

    Raises:
        InputError: the file cannot be read, the block is missing, or a key is unknown, missing, ill-typed or out of
            range; the message names the file, the block and the key.
    """
    check_file(path, "params")
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: no UTF-8, no day of the calendar, too many digits
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise InputError(f"{path}: not valid YAML: nested too deeply") from error
    if not isinstance(document, dict):
        raise InputError(f"{path}: expected blocks of keys, found {document!r}")
    for former, now in MOVED.items():
        name, _, key = former.partition(".")
        if name in document and (not key or (isinstance(document[name], dict) and key in document[name])):
            raise InputError(f"{path}: expected '{now}', found its former name '{former}'; move it there")
    if block not in document:
        raise InputError(f"{path}: expected a block '{block}', found {', '.join(map(str, document))}")
    place = f"{path}: {block}"
    return _dataclass(document[block], kind, place, given) if given else _convert(document[block], kind, place)


def untold(path: Path, block: str, kind: type, given: Collection[str] = ()) -> list[str]:
    """Say which keys a block leaves to their defaults, a line each.

    Args:
        path: the YAML file, which ``read`` takes.
        block: the name of the block.
        kind: its dataclass.
        given: fields that stand in other blocks.
    """
    document, lines = yaml.load(path.read_text(encoding="utf-8"), _Loader), []
    for field in dataclasses.fields(kind):
        if field.name not in (document[block] or {}) and field.name not in given:
            default = field.default if field.default is not dataclasses.MISSING else field.default_factory()
            lines.append(
                f"{path}: {block}: expected the key '{field.name}', found none; without it {default} is taken, which "
                "may be another value than this version's params.yaml has: write it down"
            )
    return lines


def check_ranges(block, **ranges: tuple[float, float]) -> None:
    """Check keys of a block, in its ``__post_init__``.

    Args:
        block: the dataclass.
        ranges: by key, the least and the most that it may be; the most may be infinity.

    Raises:
        ValueError: one of them is outside.
    """
    for name, (least, most) in ranges.items():
        value = getattr(block, name)
        if not least <= value <= most:
            expected = f"{least} or more" if most == math.inf else f"{least} to {most}"
            raise ValueError(f"{name}: expected {expected}, found {value}")


def hint(wrong: object, known: Iterable) -> str:
    """Propose what may have been meant, as the end of a message; ``""`` where nothing is close."""
    close = difflib.get_close_matches(str(wrong), [str(key) for key in known], n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def _advice(text: str) -> str:
    """Say how a number that YAML takes for text is written; ``""`` for other text."""
    if re.fullmatch(r"[-+]?\d+e[-+]?\d+", text, re.IGNORECASE):
        return "; write it with a decimal point, as 1.0e-3"
    return "; write it without quotes" if re.fullmatch(r"[-+]?\d*\.?\d+", text) else ""


class _Loader(yaml.SafeLoader):
    """YAML in which no key stands twice: the later one would count, without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        """Make a mapping, as PyYAML does."""
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key that is no word", key.start_mark)
            if key.value in seen and key.value != "<<":
                raise yaml.constructor.ConstructorError(None, None, f"the key '{key.value}' twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _shortened(number: int) -> str:
    """Write a whole number, of however many digits: Python refuses to write more than some thousands."""
    return str(number) if number.bit_length() < 100 else f"one of {number.bit_length()} bits"


def _convert(value, kind, place: str):
    """Check a YAML value against an annotation; nested dataclasses are blocks within the block."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return _dataclass(value, kind, place, {})
    if origin is typing.Annotated:
        value = _convert(value, arguments[0], place)
        for check in kind.__metadata__:
            try:
                check(value)
            except ValueError as error:
                raise InputError(f"{place}: {error}") from error
        return value
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in arguments:
            return None
        (kind,) = [argument for argument in arguments if argument is not type(None)]
        return _convert(value, kind, place)
    if origin is typing.Literal:
        if value not in arguments or isinstance(value, bool):
            choices = ", ".join(map(str, arguments))
            raise InputError(f"{place}: expected one of {choices}, found {value!r}{hint(value, arguments)}")
        return value
    if origin in (list, tuple):
        if not isinstance(value, list):
            raise InputError(f"{place}: expected a list, found {value!r}")
        any_length = origin is list or arguments[-1] is Ellipsis
        kinds = [arguments[0]] * len(value) if any_length else arguments
        if len(value) != len(kinds):
            raise InputError(f"{place}: expected a list of {len(kinds)}, found {value!r}")
        members = zip(value, kinds, strict=True)
        return origin(_convert(member, of, f"{place}[{index}]") for index, (member, of) in enumerate(members))
    if origin is dict:
        if not isinstance(value, dict):
            raise InputError(f"{place}: expected a mapping, found {value!r}")
        return {
            _convert(key, arguments[0], f"{place}: a key"): _convert(member, arguments[1], f"{place}.{key}")
            for key, member in value.items()
        }
    if isinstance(value, int) and abs(value) > LARGEST:
        raise InputError(f"{place}: expected a whole number up to {LARGEST}, found {_shortened(value)}")
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{place}: expected a finite number, found {value!r}")
    if isinstance(value, float) and abs(value) > LARGEST_FLOAT:
        raise InputError(f"{place}: expected a number up to {LARGEST_FLOAT:g}, found {value!r}")
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        advice = _advice(value) if kind in (float, int) and isinstance(value, str) else ""
        if kind is str and not isinstance(value, (list, dict)):
            advice = "; put it in quotes"
        raise InputError(f"{place}: expected {kind.__name__}, found {value!r}{advice}")
    return value


def _dataclass(value, kind, place: str, given: dict):
    if not isinstance(value, dict):
        raise InputError(f"{place}: expected a block of keys, found {value!r}")
    fields = {field.name: field for field in dataclasses.fields(kind) if field.name not in given}
    annotations = typing.get_type_hints(kind, include_extras=True)
    for key in value:
        if key not in fields:
            raise InputError(f"{place}: unknown key '{key}'{hint(key, fields)} (known: {', '.join(fields)})")
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in value:
            raise InputError(f"{place}: the key '{name}' is missing")
    members = {key: _convert(member, annotations[key], f"{place}.{key}") for key, member in value.items()}
    try:
        return kind(**members, **given)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{place}: {error}") from error
