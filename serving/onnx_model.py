"""A bundle as one ONNX file, run by ONNX Runtime alone: no PyTorch is needed."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, InvalidProtobuf

from ser.audio import SAMPLING_RATE_HZ
from ser.files.failures import InputError
from ser.files.whole import check_file
from serving.model import Heard

FORMAT = "2"  # of the metadata; another one is refused
SIGNAL, PROBABILITIES, DISTANCE = "signal", "probabilities", "distance"  # of the graph
UNREADABLE = (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf)  # for bytes that are no model
KEYS = ("labels", "settings", "abstain_below", "minimum_samples", "maximum_samples")  # of the metadata, in JSON


class OnnxModel:
    """A model as ``serving.model.Model`` says.

    Args:
        path: the file, of ``python -m serving.export_onnx``.

    Raises:
        InputError: there is none, or it is not such a file, or of another format.
    """

    def __init__(self, path: Path):
        check_file(path, "a model in ONNX, of python -m serving.export_onnx")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # the service computes recordings side by side
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
            told = self._session.get_modelmeta().custom_metadata_map
        except UNREADABLE as error:
            raise InputError(f"{path}: expected a model in ONNX, found something else; export it again") from error
        if told.get("format") != FORMAT:
            found = told.get("format", "none")
            raise InputError(f"{path}: expected a model of format {FORMAT}, found format {found}; export it again")
        self.labels, self.settings, self.abstain_below, self._least, self._most = (
            json.loads(told[key]) for key in KEYS
        )
        self.longest_s = self._most / SAMPLING_RATE_HZ
        self.card = told["card"]

    def hear(self, signal: np.ndarray) -> Heard:
        """Hear a signal, as ``Model`` says."""
        if signal.size < self._least:
            raise InputError(f"expected {self._least:,} samples or more at 16 kHz, found {signal.size:,}; leave it out")
        if signal.size > self._most:
            raise InputError(
                f"expected at most {self.longest_s:g} s, found {signal.size / SAMPLING_RATE_HZ:g} s; cut it into "
                "windows or shorter recordings, or take the bundle itself"
            )
        probabilities, distance = self._session.run([PROBABILITIES, DISTANCE], {SIGNAL: signal})
        return Heard(probabilities, float(distance))

    def stream(self) -> Callable[[np.ndarray, int], Heard]:
        """Begin a stream, as ``Model`` says: the file holds the whole path, so each window is encoded anew."""
        return lambda signal, start: self.hear(signal)
