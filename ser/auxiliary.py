"""The stage ``auxiliary``: which other corpora train beside the chosen ones, and what it left of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.preprocessing import StandardScaler, normalize

from ser import features, manifest
from ser.features import Features
from ser.files import tables
from ser.files.failures import InputError
from ser.learning.choices import Auxiliary

# Cosine of two PASE+ vectors, standardised by the chosen corpora. Of 16,360 recordings of five corpora no two of
# different ones have more than 0.89; copies of single words that were coded anew have 0.98 in 19 cases of 20.
ALIKE = 0.95
AT_ONCE = 1000  # utterances that are compared at a time
TABLE, REJECTED = "manifest.csv", "rejected.csv"  # beside the feature files
AGAIN = "run the stage auxiliary again"


@dataclass(frozen=True)
class AuxiliaryParams:
    """The block ``auxiliary`` of params.yaml.

    Attributes:
        corpora: folders of ``data/raw``; maybe none.
    """

    corpora: list[str]

    def check(self, corpora: Sequence[str]) -> None:
        """Refuse a corpus that stands here twice, or among the corpora that are tested on.

        Raises:
            InputError: one does.
        """
        if both := sorted(set(self.corpora) & set(corpora)):
            raise InputError(
                f"auxiliary.corpora: '{both[0]}' is among `corpora`, too, where its speakers test; take it out of one"
            )
        if len(set(self.corpora)) < len(self.corpora):
            raise InputError(f"auxiliary.corpora: expected each once, found {', '.join(self.corpora)}")


def read(folder: Path, chosen: pd.DataFrame, own: Features) -> Auxiliary:
    """Read what the stage ``auxiliary`` made.

    Args:
        folder: its output.
        chosen: the manifest of the chosen corpora.
        own: their features, in its order.

    Returns:
        The utterances, maybe none.

    Raises:
        InputError: a file is missing, left over or damaged; another extractor made the vectors; or a corpus, audio or,
            of PASE+, nearly the same vector is among the chosen, too, so that what is tested on would train.
    """
    utterances = tables.read_checked(folder / TABLE, replace(manifest.SCHEMA, advice=AGAIN, filled=False))
    if utterances.empty:
        return Auxiliary(utterances, np.empty((0, 0), np.float32))
    AuxiliaryParams(sorted(set(utterances["corpus"]))).check(sorted(set(chosen["corpus"])))
    both = utterances[["id", "sha256"]].merge(chosen[["id", "sha256"]], on="sha256", suffixes=("", "_chosen"))
    if len(both):
        first = both.iloc[0]
        raise InputError(
            f"auxiliary.corpora: expected audio that is not tested on, found {len(both)} utterances that are, such as "
            f"'{first['id']}', which is '{first['id_chosen']}'; leave one of the two corpora out"
        )
    found = features.read(folder, utterances)
    made = json.loads(found.extractor)
    features.check_extractor(folder, made, own.extractor, "vectors", AGAIN)
    if made.get("encoder") == "pase_plus":
        _check_unlike(found, own)
    return Auxiliary(utterances, found.vectors)


def _check_unlike(found: Features, own: Features) -> None:
    """Refuse vectors that are nearly those of recordings that are tested on, as of copies that were coded anew.

    They are found in recordings that are too short for ``ser.corpora.shared_audio``.
    """
    scaler = StandardScaler().fit(own.vectors)
    tested, pairs = normalize(scaler.transform(own.vectors)), []
    for start in range(0, len(found.ids), AT_ONCE):
        cosines = normalize(scaler.transform(found.vectors[start : start + AT_ONCE])) @ tested.T
        nearest = cosines.argmax(axis=1)
        pairs += [
            (found.ids[start + row], own.ids[nearest[row]]) for row in np.flatnonzero(cosines.max(axis=1) >= ALIKE)
        ]
    if pairs:
        raise InputError(
            f"auxiliary.corpora: expected speech that is not tested on, found {len(pairs)} vectors that are nearly "
            f"those of some that is, such as that of '{pairs[0][0]}' and that of '{pairs[0][1]}', as if it were the "
            "same recording coded anew; leave one of the two corpora out"
        )
