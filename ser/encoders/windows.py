"""Long signals: encoded in windows and pooled together, in memory that their length hardly changes."""

import numpy as np

from ser.audio import SAMPLING_RATE_HZ
from ser.encoders import pooling
from ser.encoders.encoder import Encoder, Window
from ser.encoders.recipe import Recipe

# Longer signals are encoded in windows, as memory grows with the signal (PASE+: 3 MB for each second). Up to a minute,
# the default of manifest.max_seconds, a signal is encoded as one.
# In samples; windows and context are multiples of every hop.
WHOLE = 60 * SAMPLING_RATE_HZ
WINDOW = 10 * SAMPLING_RATE_HZ
# On each side: PASE's convolutions reach 1,185 samples to each side of a frame, MFCC's derivatives 1,536.
CONTEXT = SAMPLING_RATE_HZ // 2


def pool(encoder: Encoder, recipe: Recipe, signal: np.ndarray) -> np.ndarray:
    """Encode a long signal in windows and pool their frames together.

    PASE's frames are those of the whole signal, but that skip connections do not drift: of a length that is no multiple
    of the hop the whole would average them by 159 samples rather than 160. MFCC's floor, 80 dB below the loudest, and
    the attention of the self-supervised networks are those of a window.

    Args:
        encoder: gives a frame for each hop.
        recipe: how to pool.
        signal: (samples,); the part of a hop at its end is left out.

    Returns:
        float32 (numbers,).
    """
    hop = encoder.hop
    count = signal.size // hop
    signal = signal[: count * hop]
    active = pooling.active(signal, count) if recipe.frames == "active" else np.ones(count, bool)
    pooled, window = pooling.Pool(recipe.statistics), Window()
    starts = range(0, signal.size - CONTEXT, WINDOW)  # the last takes what is too short for a window of its own
    for start in starts:
        before, stop = min(start, CONTEXT), signal.size if start == starts[-1] else start + WINDOW
        window.kept = slice(before // hop, (before + stop - start) // hop)
        frames = encoder.frames(signal[start - before : stop + CONTEXT], window)[:, window.kept]
        kept, given = active[start // hop : stop // hop], frames.shape[1]
        # wav2vec 2.0 and its like give no frame of the last hop: the one before stands for it.
        kept[given - 1] |= kept[given:].any()
        pooled.add(frames[:, kept[:given]])
    return pooled.vector()
