"""wav2vec 2.0, HuBERT and WavLM, base size, pretrained on 960 hours of read English: the encoders to compare with.

torchaudio has the networks and downloads their weights, about 360 MB each, at the first use.

Sources: Baevski et al., "wav2vec 2.0", 2020, arXiv 2006.11477; Hsu et al., "HuBERT", 2021, arXiv 2106.07447; Chen et
al., "WavLM", 2022, arXiv 2110.13900.
"""

import contextlib
import http.client
import pickle
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
import torchaudio
from torch import Tensor
from torchaudio.models import Wav2Vec2Model
from torchaudio.pipelines import Wav2Vec2Bundle

from ser.encoders.encoder import Window, channel_names
from ser.encoders.network import NetworkEncoder
from ser.encoders.recipe import OUTPUT, Recipe
from ser.files.failures import InputError

TIMEOUT_S = 10.0  # of each step of the connection
# What torch raises for bytes that are no checkpoint; the unpickler stumbles over whatever it meets first.
UNREADABLE = (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, LookupError)


@dataclass(frozen=True)
class Pretrained:
    """A pretrained network.

    Attributes:
        bundle: what torchaudio knows of it.
        file: the name of its weights in torch's cache.
    """

    bundle: Wav2Vec2Bundle
    file: str


MODELS = {
    "wav2vec2_base": Pretrained(torchaudio.pipelines.WAV2VEC2_BASE, "wav2vec2_fairseq_base_ls960.pth"),
    "hubert_base": Pretrained(torchaudio.pipelines.HUBERT_BASE, "hubert_fairseq_base_ls960.pth"),
    "wavlm_base": Pretrained(torchaudio.pipelines.WAVLM_BASE, "wavlm_base.pth"),
}


class WeightsNotAvailable(InputError):  # noqa: N818
    """Weights that would have to be downloaded, and cannot be."""


def load(name: str) -> Wav2Vec2Model:
    """Load a pretrained network, from torch's cache or from the internet.

    Args:
        name: one of ``MODELS``.

    Returns:
        The network in evaluation mode, on the CPU.

    Raises:
        WeightsNotAvailable: the weights are not in the cache, and there is no connection to download them.
        InputError: the weights in the cache are damaged.
    """
    path = Path(torch.hub.get_dir(), "checkpoints", MODELS[name].file)
    cached = path.is_file()
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT_S)  # torch.hub waits for ever
    try:
        with contextlib.redirect_stdout(sys.stderr):  # that it downloads is no result
            return MODELS[name].bundle.get_model(dl_kwargs={"map_location": "cpu", "weights_only": True})
    except (OSError, http.client.HTTPException) as error:
        if cached:
            raise
        raise WeightsNotAvailable(
            f"the weights of {name} are not available: expected {path}, or a connection to download it ({error}); "
            f"run again where there is a network, or put the file there"
        ) from error
    except UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{path}: not the weights of {name}, or damaged ({reason}); delete it and run again"
        ) from error
    finally:
        socket.setdefaulttimeout(before)


class SelfSupervisedEncoder(NetworkEncoder):
    """The mean over a network's transformer layers.

    The last layer alone serves the pretraining's own task rather than the voice. SUPERB (Yang et al., 2021, arXiv
    2105.01051) weighs all layers by learned weights, which start equal; here they stay so.

    Raises:
        InputError: as ``load``; or there is no such device.
    """

    LAYERS: ClassVar = dict.fromkeys(MODELS, (OUTPUT,))
    PACKAGES = ("torchaudio",)
    minimum_samples = 400  # one frame of the convolutions
    hop = 320

    def __init__(self, recipe: Recipe, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(load(recipe.encoder), device)
        width = self.network.encoder.feature_projection.projection.out_features
        self.channels = channel_names(recipe, {OUTPUT: width})

    def encode(self, signal: Tensor, window: Window | None) -> Tensor:
        """Encode a signal: see ``NetworkEncoder``."""
        layers, _ = self.network.extract_features(signal[None])  # each (1, frames, channels)
        return torch.stack(layers).mean(dim=0)[0].T
