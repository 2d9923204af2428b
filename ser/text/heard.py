"""The vectors of what speech recognition heard."""

from dataclasses import replace

import numpy as np
import pandas as pd

from ser.features import Features
from ser.files.failures import InputError
from ser.text import vectors


def encode(manifest: pd.DataFrame, heard: pd.DataFrame, model: str) -> Features:
    """Make the vectors of what was heard, by a sentence model; where nothing was heard, all numbers are 0.

    Args:
        manifest: the utterances of a task.
        heard: transcripts of at least these, as ``ser.text.transcripts.read`` gives them.
        model: the folder of a sentence-transformers model, or ``packaged``.

    Returns:
        Vectors in the order of the manifest.

    Raises:
        InputError: fewer than two different texts were heard, or the model is missing or none.
    """
    text = heard.set_index("id")["text"].loc[manifest["id"]].to_numpy(str)
    spoken = text != ""
    if not spoken.any():
        raise InputError(
            f"words heard: expected words, found none in all {len(text)} utterances; listen to some, or choose another "
            "transcription.model"
        )
    known = vectors.by_model(manifest[spoken].assign(text=text[spoken]), model)
    numbers = np.zeros((len(text), len(known.names)), np.float32)
    numbers[spoken] = known.vectors
    ids, sha256 = (manifest[column].to_numpy(str) for column in ("id", "sha256"))
    return replace(known, ids=ids, sha256=sha256, vectors=numbers)
