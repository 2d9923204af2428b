"""A tiny Whisper model file, written by hand after the format's description."""

import struct
from pathlib import Path

import numpy as np
import pytest

WIDTH, INNER, BLOCKS, HEADS, POSITIONS = 8, 16, 2, 2, 50


@pytest.fixture
def tensors() -> dict[str, np.ndarray]:
    """The encoder's tensors as CTranslate2 names them, and one of a decoder, which nobody asks for."""
    draw = np.random.default_rng(0)
    shapes = {"conv1/weight": (WIDTH, 80, 3), "conv1/bias": (WIDTH,)}
    shapes |= {"conv2/weight": (WIDTH, WIDTH, 3), "conv2/bias": (WIDTH,)}
    for block in range(BLOCKS):
        for part, first, second in (("self_attention", 3 * WIDTH, WIDTH), ("ffn", INNER, INNER)):
            name = f"layer_{block}/{part}"
            shapes |= {f"{name}/layer_norm/gamma": (WIDTH,), f"{name}/layer_norm/beta": (WIDTH,)}
            shapes |= {f"{name}/linear_0/weight": (first, WIDTH), f"{name}/linear_0/bias": (first,)}
            shapes |= {f"{name}/linear_1/weight": (WIDTH, second), f"{name}/linear_1/bias": (WIDTH,)}
    shapes |= {"layer_norm/gamma": (WIDTH,), "layer_norm/beta": (WIDTH,)}
    shapes |= {"position_encodings/encodings": (POSITIONS, WIDTH)}
    found = {f"encoder/{name}": draw.normal(0, 0.3, shape).astype("<f2") for name, shape in shapes.items()}
    return found | {"encoder/num_heads": np.array(HEADS, "<i2"), "decoder/scale": np.array([1.0], "<f4")}


@pytest.fixture
def write(tmp_path):
    """Write a model file: little-endian; every string with its length and a zero byte at its end."""

    def text(string: str) -> bytes:
        return struct.pack("<H", len(string) + 1) + string.encode() + b"\0"

    def written(tensors: dict[str, np.ndarray], version: int = 6, model: str = "WhisperSpec") -> Path:
        kinds = {"<f4": 0, "|i1": 1, "<i2": 2, "<i4": 3, "<f2": 4}
        content = struct.pack("<I", version) + text(model) + struct.pack("<II", 3, len(tensors))
        for name, array in tensors.items():
            content += text(name) + struct.pack("<B", array.ndim) + struct.pack(f"<{array.ndim}I", *array.shape)
            content += struct.pack("<BI", kinds[array.dtype.str], array.nbytes) + array.tobytes()
        path = tmp_path / "model.bin"
        path.write_bytes(content + struct.pack("<I", 0))  # no aliases
        return path

    return written
