"""What raters heard: votes of each utterance, and how far raters agree.

Votes count raters by emotion; the words go beyond the label set where raters were offered more. Some corpora distribute
no votes but the share of listeners who recognised the emotion (EMO-DB's ``recognition``). That is an agreement as well,
though nobody knows what the others heard, so it has neither entropy nor a distribution.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ser.manifest import detail
from ser.scores.intervals import Bootstrap, IntervalParams

RECOGNITION = "recognition"  # in the manifest's details: share of listeners who recognised the emotion, 0 to 1


@dataclass(frozen=True)
class VotesParams(IntervalParams):
    """What counts as a majority, and how intervals are made.

    Attributes:
        majority: an utterance is ambiguous if no emotion has more than this share of its votes, 0 to 1.
    """

    majority: float

    def __post_init__(self):
        super().__post_init__()
        if not 0 < self.majority < 1:
            raise ValueError(f"majority: expected a share between 0 and 1, such as 0.5, found {self.majority}")


def recognition(manifest: pd.DataFrame) -> np.ndarray:
    """Look up the share of listeners who recognised the emotion.

    Args:
        manifest: utterances, with ``details``.

    Returns:
        Shares (utterances,), 0 to 1; NaN where the corpus distributes none.
    """
    told = detail(manifest, RECOGNITION)
    shares = (share if isinstance(share, int | float) and 0 <= share <= 1 else np.nan for share in told)
    return np.array(list(shares), dtype=float)


def counts(manifest: pd.DataFrame) -> pd.DataFrame:
    """Count the votes of each utterance.

    Args:
        manifest: utterances, with ``id`` and ``votes``.

    Returns:
        Votes, int64, by id and emotion, for all emotions that anybody heard, in alphabetical order. Zeros alone stand
        for no votes.
    """
    rows = [json.loads(text) if text else {} for text in manifest["votes"]]
    words = sorted({word for row in rows for word in row})
    table = [[row.get(word, 0) for word in words] for row in rows]
    return pd.DataFrame(
        np.array(table, dtype=np.int64).reshape(len(rows), len(words)), pd.Index(manifest["id"], name="id"), words
    )


def statistics(votes: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """Say of each utterance how far its raters agree.

    Args:
        votes: as ``counts`` gives them.
        labels: each utterance's emotion.

    Returns:
        By id; all but ``raters`` and ``heard`` are missing where there are no votes, and all but these and ``agrees``
        where a single rater voted:

        - ``raters``: how many voted
        - ``entropy``: of the shares of the votes, in bits, from 0 for one voice. Few raters cannot show more than
          log2(raters), so compare numbers of like many raters.
        - ``majority_share``: share of the votes of the most voted emotion, 0 to 1
        - ``tied``: 1 where two emotions or more have the most votes, else 0
        - ``agrees``: 1 where the label is the one most voted emotion, else 0
        - ``label_share``: share of the votes that the label has, 0 to 1
        - ``heard``: the most voted emotion other than the label, the first in the alphabet of several, or ``""``
    """
    matrix = votes.to_numpy()
    raters = matrix.sum(axis=1)
    voted, several = raters > 0, raters > 1
    shares = matrix[voted] / raters[voted, None]
    words = np.asarray(votes.columns, dtype=object)
    most = shares == shares.max(axis=1, keepdims=True, initial=0)
    is_label = words[None] == np.asarray(labels, dtype=object)[voted, None]
    others = np.where(is_label, 0, shares)
    table = pd.DataFrame({"raters": raters}, index=votes.index)
    table.loc[voted, "entropy"] = -np.sum(shares * np.log2(np.where(shares > 0, shares, 1)), axis=1) + 0.0
    table.loc[voted, "majority_share"] = shares.max(axis=1, initial=0)
    table.loc[voted, "tied"] = (most.sum(axis=1) > 1).astype(float)
    table.loc[voted, "agrees"] = ((most & is_label).any(axis=1) & (most.sum(axis=1) == 1)).astype(float)
    table.loc[voted, "label_share"] = np.where(is_label, shares, 0).sum(axis=1)
    # Nobody agrees with a single rater, or differs, and one voice is no share.
    table.loc[~several, ["entropy", "majority_share", "tied", "label_share"]] = np.nan
    table["heard"] = ""
    if voted.any():
        table.loc[voted, "heard"] = np.where(others.max(axis=1) > 0, words[others.argmax(axis=1)], "")
    return table


def coincidences(votes: np.ndarray) -> np.ndarray:
    """Count pairs of votes on the same utterance, each rater of an utterance having the same weight.

    Args:
        votes: counts (utterances, emotions). A single vote makes no pair.

    Returns:
        The coincidence matrix (emotions, emotions) of K. Krippendorff, "Computing Krippendorff's alpha-reliability",
        2011. Matrices of two corpora add up to that of both.
    """
    votes = votes[votes.sum(axis=1) > 1].astype(float)
    weights = 1 / (votes.sum(axis=1) - 1)
    return (votes * weights[:, None]).T @ votes - np.diag(weights @ votes)


def alpha(coincidence: np.ndarray) -> np.ndarray:
    """Compute Krippendorff's alpha for nominal data: 1 for perfect agreement, 0 for none beyond chance.

    Args:
        coincidence: matrices (..., emotions, emotions), as ``coincidences`` gives them.

    Returns:
        Alpha (...), at most 1; NaN where one emotion has all votes, or where there is no pair.
    """
    marginals = coincidence.sum(axis=-1)
    total = marginals.sum(axis=-1)
    observed = total - np.trace(coincidence, axis1=-2, axis2=-1)
    expected = total**2 - np.sum(marginals**2, axis=-1)  # times (total - 1)
    defined = expected > 0
    return np.where(defined, 1 - (total - 1) * observed / np.where(defined, expected, 1), np.nan)


def alpha_with_interval(votes: pd.DataFrame, speakers: Sequence[str], params: IntervalParams) -> dict[str, float]:
    """Compute Krippendorff's alpha with an interval over speakers.

    Args:
        votes: as ``counts`` gives them.
        speakers: each utterance's speaker; ``""`` where unknown.
        params: how intervals are made.

    Returns:
        ``alpha``, ``alpha_low``, ``alpha_high``; what cannot be computed is left out.
    """
    matrix, speakers = votes.to_numpy(), np.asarray(speakers)
    names = np.unique(speakers)
    stack = np.stack([coincidences(matrix[speakers == name]) for name in names])
    value = float(alpha(stack.sum(axis=0)))
    if np.isnan(value):
        return {}
    bootstrap = Bootstrap.of(names, params)
    return {"alpha": value} | bootstrap.interval(alpha(np.tensordot(bootstrap.weights, stack, axes=1)), "alpha_")


def summary(
    votes: pd.DataFrame, labels: Sequence[str], speakers: Sequence[str], params: VotesParams
) -> dict[str, float]:
    """Describe the votes of a corpus.

    Args:
        votes: as ``counts`` gives them; utterances without votes of several raters are left out.
        labels: each utterance's emotion.
        speakers: each utterance's speaker; ``""`` where unknown.
        params: the majority, and how alpha's interval is made.

    Returns:
        ``utterances`` with several raters; ``raters``, ``entropy`` (bits) and ``majority_share``, means over these; and
        as shares of them: ``tied`` (several emotions have the most votes), ``below_half`` (none has half of the votes),
        ``ambiguous``, ``agrees`` (the label alone has the most votes); ``alpha`` with its interval. Nothing without
        such utterances.
    """
    voted = votes.to_numpy().sum(axis=1) > 1
    if not voted.any():
        return {}
    table = statistics(votes[voted], np.asarray(labels)[voted])
    share = table["majority_share"]
    means = {name: float(table[name].mean()) for name in ("raters", "entropy", "majority_share", "tied", "agrees")}
    return {
        "utterances": len(table),
        **means,
        "below_half": float((share < 0.5).mean()),
        "ambiguous": float((share <= params.majority).mean()),
        **alpha_with_interval(votes[voted], np.asarray(speakers)[voted], params),
    }
