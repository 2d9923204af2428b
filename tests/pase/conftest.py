import torch

from ser.pase import checkpoint
from ser.pase.encoder import Geometry, PasePlus

TINY = Geometry(maps=(8, 8, 16, 16, 24, 24, 32, 32), channels=16, qrnn_units=32)


def encoder(geometry: Geometry) -> PasePlus:
    """An encoder whose every number matters: running statistics and slopes are not their initial values."""
    made, generator = checkpoint.untrained(geometry, seed=2), torch.Generator().manual_seed(3)
    for name, tensor in made.state_dict().items():
        if "running_var" in name or name.endswith("norm.weight"):
            tensor.uniform_(0.5, 1.5, generator=generator)
        elif "running_mean" in name or name.endswith(("norm.bias", "act.weight")):
            tensor.uniform_(-0.1, 0.3, generator=generator)
    return made


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
