import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import jensenshannon

from ser.ambiguity import bands
from ser.ambiguity.doubt import AmbiguityParams
from ser.scores.intervals import Bootstrap

PARAMS = AmbiguityParams(
    resamples=400,
    confidence=0.95,
    seed=0,
    minimum_speakers=3,
    majority=0.5,
    bands=(0.5,),
    neighbours=5,
    leave_out=0.2,
)


def test_the_interval_of_a_distance_is_that_of_utterances_pooled_over_drawn_speakers():
    speakers = np.array(list("aaaaaaaabbbccdde"))
    sure = np.linspace(0.1, 0.9, len(speakers))
    people = pd.DataFrame({"id": [f"c/{n:02d}" for n in range(16)], "truth": "sad", "prediction": "sad", "fold": 0})
    people = people.assign(speaker=speakers, protocol="kfold", p_happy=1 - sure, p_sad=sure)
    heard = pd.DataFrame({"happy": 1, "sad": 3}, people["id"])
    table = pd.DataFrame({"majority_share": 0.75, "recognition": np.nan}, index=people["id"])
    found = bands.by_agreement(table, people, heard, ["happy", "sad"], PARAMS).iloc[1]
    each = np.array([jensenshannon([1 - p, p], [0.25, 0.75], base=2) for p in sure])
    bootstrap = Bootstrap.of(sorted(set(speakers)), PARAMS)
    pooled = [
        np.mean(np.concatenate([np.tile(each[speakers == name], int(n)) for name, n in zip("abcde", row, strict=True)]))
        for row in bootstrap.weights
    ]
    assert (found["distance_low"], found["distance_high"]) == pytest.approx(bootstrap.bounds(np.array(pooled)))
