"""All systems on all folds, and what words score where their meaning says nothing."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import recall_score

from ser.fusion import systems
from ser.fusion.folds import SENTENCES, Fold
from ser.fusion.task import FusionParams

Progress = Callable[..., Iterable]


def predict(
    folds: Sequence[Fold],
    voice: np.ndarray,
    words: np.ndarray,
    manifest: pd.DataFrame,
    emotions: Sequence[str],
    params: FusionParams,
    progress: Progress = lambda items, total: items,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train every system on every fold and predict its test utterances.

    Args:
        folds: as ``ser.fusion.folds.make`` gives them.
        voice: vectors of the voice, (utterances, numbers).
        words: vectors of what is said, likewise.
        manifest: the utterances.
        emotions: the label set.
        params: what is trained, and how.
        progress: wraps the folds, with ``total``: ``tqdm``, for one.

    Returns:
        Predictions: folds (their kind), system, truth, prediction, speaker. And folds, fold and weight of the words.
    """
    codes = pd.Index(emotions).get_indexer(manifest["emotion"])
    voice, words = voice.astype(np.float64), words.astype(np.float64)
    tables, weights = [], []
    for fold in progress(folds, total=len(folds)):
        found, weight = systems.predict(fold, voice, words, codes, params)
        weights.append((fold.kind, fold.number, weight))
        asked = manifest.loc[fold.tested, ["speaker", "emotion"]].rename(columns={"emotion": "truth"})
        tables += [
            asked.assign(folds=fold.kind, system=name, prediction=np.array(emotions)[guess])
            for name, guess in found.items()
        ]
    return pd.concat(tables, ignore_index=True), pd.DataFrame(weights, columns=["folds", "fold", "weight"])


def meaning(
    folds: Sequence[Fold],
    words: np.ndarray,
    said: pd.Series,
    manifest: pd.DataFrame,
    params: FusionParams,
    progress: Progress = lambda items, total: items,
) -> dict[str, float]:
    """Test whether what is said tells the emotion, whoever says it: on sentences that nobody learned from.

    All who say a sentence say the same words: there are as many cases as sentences, not as speakers. If words had
    nothing to do with emotions, the sentences of a language could as well have each other's vectors. So vectors are
    exchanged among sentences, which leaves who says which sentence in which emotion as it is, ties included; the share
    of the exchanges after which words score at least as well as they do, themselves counted, is the p-value
    (B. Phipson and G. Smyth, 2010).

    Words that were heard differ from one who says a sentence to the next. An utterance then gets the vector of one in
    which the other sentence is said, drawn among those in its own emotion where there are any, each as seldom twice as
    can be: what is misheard in an emotion stays with it, so that the test is of the sentences alone. (Where emotions
    are tied to sentences it cannot be: ``ser.fusion.claim`` refuses there.)

    Args:
        folds: of which those that keep sentences apart are looked at.
        words: vectors, (utterances, numbers).
        said: the sentence of each utterance.
        manifest: the utterances.
        params: how many exchanges.
        progress: wraps the exchanges, with ``total``: ``tqdm``, for one.

    Returns:
        ``p``; ``null_uar``, the mean UAR after exchanges.
    """
    apart = [fold for fold in folds if fold.kind == SENTENCES]
    names, codes = np.unique(manifest["emotion"], return_inverse=True)
    first = said.drop_duplicates()
    places = pd.Index(first).get_indexer(said)
    vectors = words.astype(np.float64)
    languages = manifest["language"].to_numpy()[first.index]
    rng, takes = np.random.default_rng(params.seed), np.random.default_rng([params.seed, 1])
    in_sentence = [np.flatnonzero(places == place) for place in range(len(first))]
    in_emotion = [[rows[codes[rows] == code] for code in range(len(names))] for rows in in_sentence]

    kind = params.words_classifier

    def uar(own: np.ndarray) -> float:
        guess = np.empty(len(codes), dtype=int)
        for fold in apart:
            guess[fold.tested] = systems.scores(own, codes, fold.learns, fold.tested, kind).argmax(axis=1)
        return recall_score(names[codes], names[guess], average="macro")

    def exchanged(order: np.ndarray) -> np.ndarray:
        taken = np.empty(len(codes), dtype=int)
        for place, other in enumerate(order):
            for code, own in enumerate(in_emotion[place]):
                alike = in_emotion[other][code]
                taken[own] = np.resize(takes.permutation(alike if len(alike) else in_sentence[other]), len(own))
        return vectors[taken]

    observed, drawn = uar(vectors), []
    for _ in progress(range(params.permutations), total=params.permutations):
        order = np.arange(len(first))
        for language in np.unique(languages):
            (members,) = np.nonzero(languages == language)
            order[members] = rng.permutation(members)
        drawn.append(uar(exchanged(order)))
    reached = sum(value >= observed - 1e-12 for value in drawn)
    return {"p": (1 + reached) / (1 + params.permutations), "null_uar": float(np.mean(drawn))}
