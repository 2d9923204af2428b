"""Other forms of the PASE+ encoder, of the same weights, to compare it with."""

import copy
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn import functional

from ser.pase.encoder import SAMPLING_RATE_HZ, PasePlus, average_to
from serving.export_onnx import Recurrence

NAMES = ("trained", "reference", "onnx", "compile")


class Reference(nn.Module):
    """The encoder of the same weights in the reference's form: skips convolved at full rate, a loop over frames."""

    def __init__(self, encoder: PasePlus) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, signal: Tensor) -> Tensor:
        """(batch, 1, samples) -> (batch, channels, frames)."""
        frames, skips = signal, []
        for block, skip in zip(self.encoder.blocks, [*self.encoder.denseskips, None], strict=True):
            frames = block(frames)
            if skip is not None:
                skips.append(skip(frames))
        output = self.encoder.W(self.recur(frames))
        for skipped in skips:
            output = output + average_to(skipped, output.shape[-1])
        return self.encoder.norm_out(output)

    def recur(self, frames: Tensor) -> Tensor:
        """Run the QRNN: (batch, inputs, frames) -> (batch, units, frames)."""
        before = functional.pad(frames, (1, 0))[..., :-1]
        gates = self.encoder.rnn.layers[0].linear(torch.cat([frames, before], dim=1).transpose(1, 2))
        z, f, o = gates.transpose(1, 2).chunk(3, dim=1)
        z, f, state, states = torch.tanh(z), torch.sigmoid(f), torch.zeros_like(z[..., 0]), []
        for frame in range(z.shape[-1]):
            state = f[..., frame] * z[..., frame] + (1 - f[..., frame]) * state
            states.append(state)
        return torch.sigmoid(o) * torch.stack(states, dim=-1)


def onnx(encoder: PasePlus, folder: Path) -> Callable[[Tensor], np.ndarray]:
    """Export the encoder as ``serving.export_onnx`` does with a bundle, and run it in ONNX Runtime, one thread."""
    exported = copy.deepcopy(encoder)
    exported.rnn = Recurrence(exported.rnn.layers[0])
    sizes = {0: torch.export.Dim("batch", min=1, max=64), 2: torch.export.Dim("samples", min=4800, max=60 * 16_000)}
    example = torch.zeros(2, 1, SAMPLING_RATE_HZ)
    program = torch.onnx.export(exported, (example,), dynamic_shapes=(sizes,), dynamo=True, verbose=False)
    program.save(folder / "encoder.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / "encoder.onnx", options, ["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda signal: session.run(None, {name: signal.numpy()})[0]


def others(encoder: PasePlus, names: Sequence[str], folder: Path) -> tuple[dict[str, Callable], str]:
    """Give other forms of the encoder, those of ``NAMES`` that are asked for and are here; and why one is not."""
    forms, missing = {}, ""
    if "trained" in names:
        forms["form that is trained"] = encoder
    if "reference" in names:
        forms["reference form"] = Reference(encoder)
    if "onnx" in names:
        forms["ONNX Runtime"] = onnx(encoder, folder)
    if "compile" in names:
        compiled = torch.compile(copy.deepcopy(encoder), dynamic=False)
        try:
            compiled(torch.zeros(1, 1, SAMPLING_RATE_HZ))
            forms["torch.compile"] = compiled
        except RuntimeError as error:  # PyTorch's, where a compiler is missing or does not work
            missing = "torch.compile: " + " ".join(str(error).split())[:100]
    return forms, missing
