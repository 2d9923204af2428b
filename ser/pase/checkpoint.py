"""Weights of an encoder, from and to a file: all of them or an error, never half a checkpoint."""

import pickle
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as serialised
from torch import Tensor

from ser.files.failures import InputError
from ser.files.whole import check_file, whole_file
from ser.pase.encoder import PASE_PLUS, Geometry, PasePlus

# What the readers raise for bytes that are no checkpoint; the unpickler stumbles over whatever it meets first.
UNREADABLE = (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, LookupError, OSError)


def untrained(geometry: Geometry = PASE_PLUS, seed: int = 0) -> PasePlus:
    """Make an encoder with random weights, the floor that a trained one has to beat.

    Args:
        geometry: its sizes.
        seed: the same seed gives the same weights.

    Returns:
        The encoder in evaluation mode.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PasePlus(geometry).eval()


def load(path: Path, geometry: Geometry = PASE_PLUS) -> PasePlus:
    """Load an encoder.

    Args:
        path: a ``.safetensors`` file of ours, or a PyTorch ``state_dict`` such as the published ``FE_e199.ckpt``.
        geometry: the sizes that the file must have.

    Returns:
        The encoder in evaluation mode, in float32 on the CPU.

    Raises:
        InputError: the file is missing, unreadable, cut short, not a checkpoint, or of another architecture; the
            message names the first keys that are missing, surplus or misshapen.
    """
    encoder = PasePlus(geometry)
    found = _tensors(path)
    expected = encoder.state_dict()
    faults = [f"missing {key}" for key in expected if key not in found]
    faults += [f"surplus {key}" for key in found if key not in expected]
    faults += [
        f"misshapen {key}: expected {_shape(expected[key])}, found {_shape(found[key])}"
        for key in expected
        if key in found and found[key].shape != expected[key].shape
    ]
    if faults:
        more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise InputError(
            f"{path}: not the weights of this encoder ({geometry.channels} numbers a frame): "
            f"{'; '.join(faults[:3])}{more}; give the file that belongs to it"
        )
    damaged = [key for key, tensor in found.items() if not tensor.isfinite().all()]
    if damaged:
        raise InputError(f"{path}: {damaged[0]} holds numbers that are not finite; the file is damaged, get it again")
    encoder.load_state_dict({key: tensor.to(expected[key].dtype) for key, tensor in found.items()})
    return encoder.eval()


def save(encoder: PasePlus, path: Path, dtype: torch.dtype = torch.float16) -> None:
    """Save an encoder as safetensors.

    Args:
        encoder: the encoder.
        path: the file, written whole or not at all.
        dtype: how to store what is floating-point.

    Raises:
        ValueError: a weight does not fit into ``dtype``.
    """
    tensors = {
        key: (tensor.to("cpu", dtype) if tensor.is_floating_point() else tensor.cpu()).contiguous()
        for key, tensor in encoder.state_dict().items()
    }
    for key, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise ValueError(f"{key} does not fit into {dtype}")
    with whole_file(path) as temporary:
        temporary.write_bytes(serialised(tensors))


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"


def _tensors(path: Path) -> dict[str, Tensor]:
    check_file(path, "the encoder's weights (.safetensors, or FE_e199.ckpt)")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        # What torch says of a pickle that is not trusted ends in advice to trust it.
        told = str(error) and not isinstance(error, pickle.UnpicklingError)
        reason = str(error).splitlines()[0] if told else type(error).__name__
        raise InputError(f"{path}: not a checkpoint, or cut short ({reason}); get the file again") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{path}: expected a state_dict (names to tensors), found {type(state).__name__}")
    return state
