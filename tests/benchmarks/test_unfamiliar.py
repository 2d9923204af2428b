import numpy as np
import pandas as pd
import soundfile

from benchmarks import unfamiliar
from ser.confidence.familiarity import FamiliarityParams
from ser.encoders import catalogue
from ser.encoders.recipe import Recipe


def test_speech_in_noise_is_less_familiar_than_as_recorded(tmp_path):
    extractor = catalogue.build(Recipe("mfcc", frames="active"))
    rows, vectors = [], []
    for speaker in range(6):
        for take in range(8):
            generator = np.random.default_rng([speaker, take])
            steps = np.cumsum(80 + 10 * speaker + 20 * generator.random(8000)) / 16_000
            signal = (0.3 * np.sin(2 * np.pi * steps) * np.hanning(8000)).astype(np.float32)
            soundfile.write(tmp_path / f"{speaker}_{take}.wav", signal, 16_000, subtype="FLOAT")
            rows.append((f"mine/{speaker}_{take}", f"{speaker}_{take}.wav", str(speaker), "ab"[take % 2]))
            vectors.append(extractor.vector(signal))
    table = pd.DataFrame(rows, columns=["id", "path", "speaker", "emotion"])
    shares = unfamiliar.distorted(
        table, np.stack(vectors), tmp_path, 3, extractor, FamiliarityParams(false_alarms=0.05)
    )
    assert list(shares) == ["as recorded", "pink_20", "pink_10", "pink_0", "telephone_3400"]
    assert shares["as recorded"] < 0.4
    assert shares["pink_0"] == 1.0
