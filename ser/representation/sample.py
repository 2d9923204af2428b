"""Which utterances of a large corpus are looked at: some of many speakers, because distances grow with the square."""

import numpy as np
import pandas as pd

from ser.representation.spaces import Space, View

EACH = 50  # utterances of a speaker: before more of one are taken, all speakers are


def drawn(speakers: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Draw speakers, and utterances of each, by chance.

    Up to ``EACH`` utterances a speaker are taken, of as many speakers as that allows; more of each where all speakers
    are. Utterances of unknown speakers are drawn only where nobody is known.

    Args:
        speakers: (utterances,); ``""`` for unknown.
        most: how many utterances.
        seed: of the draw.

    Returns:
        Positions, ascending; of all utterances where there are no more than ``most``.
    """
    if len(speakers) <= most:
        return np.arange(len(speakers))
    generator = np.random.default_rng(seed)
    shuffled = generator.permutation(len(speakers))
    if (speakers != "").any():
        shuffled = shuffled[speakers[shuffled] != ""]
        names, of = np.unique(speakers[shuffled], return_inverse=True)
        turn = generator.permutation(len(names))[of]  # of each utterance's speaker among the speakers
        place = pd.Series(of).groupby(of).cumcount()  # of each utterance among its speaker's
        # A speaker's first EACH before another's, then everybody's next, and so on.
        shuffled = shuffled[np.lexsort((turn, np.maximum(place - EACH + 1, 0)))]
    return np.sort(shuffled[:most])


def restricted(space: Space, rows: np.ndarray) -> Space:
    """Leave the drawn utterances, positions in the manifest, of each view."""
    kept = [np.isin(view.rows, rows) for view in space]
    return [View(view.rows[own], view.vectors[own]) for view, own in zip(space, kept, strict=True)]
