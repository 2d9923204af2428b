"""A PyTorch network as an encoder: on its device, known by the digest of its weights."""

import hashlib
from abc import abstractmethod

import numpy as np
import torch
from torch import Tensor, nn

from ser.encoders.encoder import Encoder, Window
from ser.files.failures import InputError


class NetworkEncoder(Encoder):
    """An encoder that runs a network; a kind of it loads the network and writes ``encode``.

    Args:
        network: in evaluation mode, on the CPU.
        device: where it is to run.

    Raises:
        InputError: there is no such device.
    """

    def __init__(self, network: nn.Module, device: str) -> None:
        self.digest = digest(network)
        self.place = usable(device)
        self.device = self.place.type
        self.network = network.to(self.place)

    @abstractmethod
    def encode(self, signal: Tensor, window: Window | None) -> Tensor:
        """Encode a signal: (samples,) to (channels, frames), both on the device."""

    def frames(self, signal: np.ndarray, window: Window | None = None) -> np.ndarray:
        """Encode a signal: see ``Encoder``."""
        # Without TF32 a GPU gives the CPU's numbers to about six digits, with it to three.
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            return self.encode(torch.from_numpy(signal).to(self.place), window).cpu().numpy()


def usable(name: str) -> torch.device:
    """Find a device, and try it.

    Raises:
        InputError: there is no such device, or it does not work.
    """
    try:
        device = torch.device(name)
        torch.ones(1, device=device).sum().item()
    except (RuntimeError, AssertionError, ImportError) as error:  # each kind of device says no in a way of its own
        present = ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
        present += ["mps"] * torch.backends.mps.is_available()
        reason = f"{error}".partition("\n")[0][:100]
        raise InputError(f"expected a device that works, of {', '.join(present)}, found '{name}': {reason}") from error
    return device


def digest(network: nn.Module) -> str:
    """Hash the weights themselves, so that it does not matter how they were stored."""
    made = hashlib.sha256()
    for key, tensor in sorted(network.state_dict().items()):
        made.update(key.encode() + tensor.numpy().tobytes())
    return made.hexdigest()
