"""Sentences: what is said, whoever says it; and folds that keep them apart as they keep speakers apart."""

import unicodedata
import warnings

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from ser.files.failures import InputError
from ser.manifest import detail
from ser.splits.names import LEFT_OUT


def named(manifest: pd.DataFrame, wanted: str) -> pd.Series:
    """Name each utterance's sentence.

    It is the manifest's text, in lower case and with single blanks; of texts that differ in signs, blanks and the
    writing of accents alone, the first. Where a corpus does not tell the words but numbers its sentences (``details``:
    ``sentence``), it is that number with corpus and language.

    Args:
        manifest: the utterances.
        wanted: what asks for sentences, for the message.

    Returns:
        Names in the order of the manifest; the same name is the same sentence.

    Raises:
        InputError: an utterance has neither text nor number.
    """
    names = _names(manifest)
    unknown = manifest.loc[names == "", "id"]
    if len(unknown):
        raise InputError(
            f"{wanted}: expected the sentence of every utterance, found neither text nor number of {len(unknown)} of "
            f"{len(manifest)}, such as '{unknown.iloc[0]}'; add a column text to the corpus' metadata.csv, or keep "
            "speakers alone apart"
        )
    return names


def known(manifest: pd.DataFrame) -> pd.Series | None:
    """Name each utterance's sentence, as ``named``; None where there is one without."""
    names = _names(manifest)
    return None if (names == "").any() else names


def unheard(manifest: pd.DataFrame, tested: pd.DataFrame, wanted: str) -> np.ndarray:
    """Tell which utterances say what no other ones say that are tested on.

    Args:
        manifest: the utterances.
        tested: the other ones.
        wanted: as for ``named``.

    Returns:
        (utterances,) of bool.

    Raises:
        InputError: a text is not known, as numbers of sentences do not compare; or there are none.
    """
    both = pd.concat([tested, manifest], ignore_index=True)
    if mute := sorted(set(both.loc[both["text"] == "", "corpus"])):
        raise InputError(
            f"{wanted}: expected the text of every utterance, as split.sentences is disjoint, found some without in "
            f"{', '.join(mute)}; add a column text to the corpus' table, leave a corpus out, or choose any"
        )
    names = named(both, wanted)
    new = ~names[len(tested) :].isin(names[: len(tested)]).to_numpy()
    if not new.any():
        raise InputError(
            f"{wanted}: expected sentences that are not tested on, as split.sentences is disjoint, found none; leave "
            "these corpora out, or choose any"
        )
    return new


def _names(manifest: pd.DataFrame) -> pd.Series:
    """Each utterance's sentence, ``""`` where it has neither text nor number."""
    words = manifest["text"].str.split().str.join(" ").str.casefold()
    alike = words.map(lambda text: " ".join(written_alike(text)) or text)
    words = words.groupby(alike).transform("first")
    codes = detail(manifest, "sentence")
    places = manifest["corpus"] + "/" + manifest["language"] + "/" + codes.astype(str)
    return words.where(words != "", places.where(codes.notna(), ""))


def written_alike(text: str) -> list[str]:
    """Give the words of a text as texts are compared: lower case, without signs, accents written in one way."""
    plain = unicodedata.normalize("NFC", text).casefold().replace("'", "").replace("’", "")
    return "".join(sign if unicodedata.category(sign)[0] in "LMN" else " " for sign in plain).split()


def crossed(
    rows: pd.DataFrame, sentences: pd.Series, tests: list[np.ndarray], groups: int, seed: int
) -> list[np.ndarray]:
    """Cut the test part of each fold by sentences, so that every utterance is still tested once.

    Sentences are put into groups, stratified by language and emotion. A fold tests the sentences of one group by the
    speakers of one test part; where these speakers say none of them, there is no such fold.

    Args:
        rows: the corpus.
        sentences: of each row.
        tests: positions of the test utterances, for each group of speakers.
        groups: how many groups of sentences; one a sentence where there are fewer sentences.
        seed: of the groups.

    Returns:
        Positions of the test utterances of each fold, speakers first.

    Raises:
        InputError: there is a single sentence, or an emotion has a single one.
    """
    for emotion, said in sentences.groupby(rows["emotion"]).unique().items():
        if len(said) == 1:
            raise InputError(
                f"split.sentences disjoint: the emotion '{emotion}' has the single sentence '{said[0]}', which cannot "
                "both train and test; leave it out of `emotions`, or choose split.sentences any"
            )
    pieces = grouped(rows, sentences, groups, seed)
    cells = [np.intersect1d(test, piece) for test in tests for piece in pieces]
    return [cell for cell in cells if len(cell)]


def grouped(rows: pd.DataFrame, sentences: pd.Series, groups: int, seed: int | None) -> list[np.ndarray]:
    """Put sentences into groups, stratified by language and emotion.

    Args:
        rows: the utterances.
        sentences: of each row.
        groups: how many; one a sentence where there are fewer sentences.
        seed: of the groups; None for those that need no draw.

    Returns:
        Positions of the utterances of each group; no group where there is a single sentence.
    """
    number = min(groups, sentences.nunique())
    if number < 2:
        return []
    strata = rows["language"] + "|" + rows["emotion"]
    if strata.value_counts().max() < number:  # as the cut demands
        strata = pd.Series("all", index=rows.index)
    splitter = StratifiedGroupKFold(number, shuffle=seed is not None, random_state=seed)
    with warnings.catch_warnings():
        # Expected: a stratum with fewer utterances than groups is spread over as many as it has.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return [group for _, group in splitter.split(rows, strata, sentences)]


def free(rows: pd.DataFrame, sentences: pd.Series, test: np.ndarray, place: str) -> np.ndarray:
    """Find what may train and validate beside a test part: other sentences by other speakers.

    Args:
        rows: the corpus.
        sentences: of each row.
        test: positions of the test utterances.
        place: protocol and fold, for the message.

    Returns:
        Their positions.

    Raises:
        InputError: an emotion is not among them.
    """
    known = rows["speaker"].isin(rows["speaker"].iloc[test]) | sentences.isin(sentences.iloc[test])
    found = np.flatnonzero(~known)
    lost = sorted(set(rows["emotion"]) - set(rows["emotion"].iloc[found]))
    if lost:
        raise InputError(
            f"{place}, sentences disjoint: no other speaker says another sentence in the emotion '{lost[0]}'; raise "
            "split.sentence_groups, leave it out of `emotions`, or choose split.sentences any"
        )
    return found


def drawn(rows: pd.DataFrame, sentences: pd.Series, test: np.ndarray, instead_of: np.ndarray, seed: int) -> np.ndarray:
    """Draw other sentences than a test part's by anybody, its speakers among them.

    Args:
        rows: the corpus.
        sentences: of each row.
        test: positions of the test utterances.
        instead_of: positions as from ``free``; as many of each emotion are drawn.
        seed: of the draw.

    Returns:
        Their positions, sorted.
    """
    generator = np.random.default_rng(seed)
    others = np.flatnonzero(~sentences.isin(sentences.iloc[test]))
    wanted = rows["emotion"].iloc[instead_of].value_counts().sort_index()
    by_emotion = [others[rows["emotion"].iloc[others] == emotion] for emotion in wanted.index]
    chosen = [generator.choice(some, number, replace=False) for some, number in zip(by_emotion, wanted, strict=True)]
    return np.sort(np.concatenate(chosen))


def as_few(manifest: pd.DataFrame, parts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw as many utterances of each speaker and emotion as a fold learns from, of whatever sentence.

    Args:
        manifest: the utterances.
        parts: (utterances,) of a fold that keeps speakers and sentences apart.
        rng: draws.

    Returns:
        (utterances,) parts: the same test part; who trains and who validates stays the same, too.
    """
    learns = np.isin(parts, ("train", "validation"))
    speakers = manifest["speaker"].to_numpy()
    validating = np.isin(speakers, speakers[parts == "validation"])
    free = np.flatnonzero(~np.isin(speakers, speakers[parts == "test"]))
    found = np.where(parts == "test", "test", LEFT_OUT).astype(object)
    for cell in manifest.iloc[free].groupby(["speaker", "emotion"]).indices.values():
        drawn = rng.choice(free[cell], size=learns[free[cell]].sum(), replace=False)
        found[drawn] = np.where(validating[drawn], "validation", "train")
    return found
