"""The feature sets of openSMILE, which are statistics over the whole signal.

eGeMAPSv02, the extended Geneva minimalistic acoustic parameter set, doi:10.1109/TAFFC.2015.2457417: 88 numbers.
ComParE_2016, the set of the Interspeech challenges, doi:10.3389/fpsyg.2013.00292: 6,373.

openSMILE is free for research and education; its licence does not allow use in commercial products.
"""

from pathlib import Path
from typing import ClassVar

import numpy as np

from ser.audio import SAMPLING_RATE_HZ
from ser.encoders.encoder import Encoder, Window
from ser.encoders.recipe import OUTPUT, Recipe

FEATURE_SETS = {"egemaps": "eGeMAPSv02", "compare_2016": "ComParE_2016"}


class OpenSmileEncoder(Encoder):
    """The functionals of one of openSMILE's feature sets."""

    LAYERS: ClassVar = dict.fromkeys(FEATURE_SETS, (OUTPUT,))
    PACKAGES = ("opensmile",)
    choices = ()
    minimum_samples = 960  # 60 ms, the window of its F0; below it openSMILE gives NaN
    hop = None

    def __init__(self, recipe: Recipe, weights: Path | None = None, device: str = "cpu") -> None:
        # Imported here, so that whoever may not use it never loads it; and it takes as long as all other encoders do.
        import opensmile

        feature_set = opensmile.FeatureSet[FEATURE_SETS[recipe.encoder]]
        self.smile = opensmile.Smile(feature_set, opensmile.FeatureLevel.Functionals)
        self.channels = [f"{recipe.encoder}_{feature}" for feature in self.smile.feature_names]

    def frames(self, signal: np.ndarray, window: Window | None = None) -> np.ndarray:
        """Encode a signal as one frame: see ``Encoder``."""
        return self.smile.process_signal(signal, SAMPLING_RATE_HZ).to_numpy(np.float32).T
