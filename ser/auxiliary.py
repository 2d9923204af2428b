"""The stage ``auxiliary``: which other corpora train beside the chosen ones, and what it left of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ser import features, manifest
from ser.files import tables
from ser.files.failures import InputError
from ser.learning.choices import Auxiliary

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


def read(folder: Path, chosen: pd.DataFrame, extractor: str) -> Auxiliary:
    """Read what the stage ``auxiliary`` made.

    Args:
        folder: its output.
        chosen: the manifest of the chosen corpora.
        extractor: the fingerprint of what made their vectors.

    Returns:
        The utterances, maybe none.

    Raises:
        InputError: a file is missing, left over or damaged; another extractor made the vectors; or a corpus, or audio,
            is among the chosen, too, so that what is tested on would train.
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
    features.check_extractor(folder, json.loads(found.extractor), extractor, "vectors", AGAIN)
    return Auxiliary(utterances, found.vectors)
