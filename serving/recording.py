"""A recording of a client, from bytes to a signal, in memory alone: nothing is written to a disk."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Self

import numpy as np

from ser.corpora import channels
from ser.files.failures import InputError
from serving.limits import Limits
from serving.problems import Problem


class Recording:
    """The bytes of an audio file, in a file of Linux that lies in memory and has no name (``memfd_create``).

    Closed by ``close`` or at the end of a ``with`` block.
    """

    def __init__(self):
        self.size = 0
        self._file = os.memfd_create("recording")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        """Let go of the memory."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self.size += len(data)
        while data:
            data = data[os.write(self._file, data) :]

    def signal(self, limits: Limits, check: Callable[[], None] = lambda: None) -> np.ndarray:
        """Decode it.

        Args:
            limits: ``duration_s`` and ``samples`` end the decoding as soon as they are passed.
            check: called now and then; what it raises ends the decoding.

        Returns:
            float32 (samples,), mono at 16 kHz.

        Raises:
            Problem: ``empty``, ``too-long`` or ``unreadable``.
        """
        if not self.size:
            raise Problem("empty", "expected a recording in the body of the request, found no bytes")
        decoded = {"seconds": 0.0, "samples": 0}

        def watch(block: np.ndarray, rate: int) -> None:
            check()
            decoded["seconds"] += len(block) / rate
            decoded["samples"] += block.size
            if decoded["seconds"] > limits.duration_s:
                raise Problem(
                    "too-long",
                    f"expected at most {limits.duration_s:g} s, found more; cut the recording into shorter ones",
                )
            if decoded["samples"] > limits.samples:
                raise Problem(
                    "too-long",
                    f"expected at most {limits.samples:,} samples over all channels, found more; convert the recording "
                    "to mono at 16 kHz, or cut it into shorter ones",
                )

        path = Path(f"/proc/self/fd/{self._file}")
        try:
            return channels.load(path, watch)
        except InputError as error:
            raise Problem("unreadable", str(error).removeprefix(f"{path}: ")) from error
