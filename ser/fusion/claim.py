"""Whether "words help" may be said of a corpus: what the sentences alone give away, and the verdict.

Where a sentence is said in one emotion only, who knows the sentence has the emotion, without the voice and without any
sense of what is said. Folds that keep speakers alone apart then credit the words with it. So the claim rests on folds
that keep sentences apart as well, as ``ser.bias.refusals`` rests claims about people on what the data can carry.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from ser.bias import audit
from ser.fusion.folds import SENTENCES, SPEAKERS
from ser.fusion.task import VOICE, WORDS, FusionParams
from ser.scores import words as written
from ser.splits import oracle


@dataclass(frozen=True)
class Verdict:
    """What may be said.

    Attributes:
        helps: whether "words help" may be said.
        refused: whether it must not be said, though the usual folds or the sentences alone suggest it, or nothing
            was measured that could say it.
        reason: in a sentence.
    """

    helps: bool
    refused: bool
    reason: str

    @property
    def words(self) -> str:
        """Say it: yes, refused or no, and the reason."""
        return f"{'yes' if self.helps else 'refused' if self.refused else 'no'}: {self.reason}"


def examine(manifest: pd.DataFrame, said: pd.Series) -> dict[str, float]:
    """Measure how far sentences and emotions go together, before anything is trained.

    Args:
        manifest: the utterances.
        said: the sentence of each.

    Returns:
        ``sentences``, how many; ``one_emotion_share``, the share of the utterances whose sentence is said in one
        emotion only; ``sentence_oracle_uar``, of the best guess by the sentence alone, and
        ``sentence_oracle_uar_by_chance`` (``ser.splits.oracle``); ``chance_uar``; ``tied``, 1 where they are tied;
        ``association``, Cramer's V corrected for chance (left out where it cannot be had).
    """
    alone = manifest["emotion"].groupby(said).transform("nunique") == 1
    together = audit.association(said, manifest["emotion"])
    return {
        "sentences": said.nunique(),
        "one_emotion_share": float(alone.mean()),
        **oracle.figures(manifest["emotion"], said, "sentence"),
        "chance_uar": oracle.chance(manifest),
        "tied": int(oracle.tie(manifest["emotion"], said) != ""),
    } | ({} if together is None else {"association": together})


def at_chance(figures: Mapping[str, float], chance: float) -> dict[str, int]:
    """Check that words alone score no higher than chance on known sentences, as they must where all say the same.

    Args:
        figures: of words alone, on folds that keep speakers alone apart.
        chance: the UAR of a guess that knows nothing.

    Returns:
        ``words_at_chance``: 1 where the interval of the UAR reaches down to chance, else 0; nothing without interval.
    """
    return {"words_at_chance": int(figures["uar_low"] <= chance)} if "uar_low" in figures else {}


def verdict(
    figures: Mapping[str, Mapping[str, Mapping[str, float]]],
    sentences: Mapping[str, float],
    meaning: Mapping[str, float],
    obstacle: str,
    params: FusionParams,
    heard: bool = False,
) -> Verdict:
    """Decide whether "words help" may be said.

    It may where, on folds that keep speakers and sentences apart, both together score higher than the voice by an
    interval over speakers, and words alone score higher than exchanged ones by a test over sentences. It is refused
    where only folds that keep speakers alone apart suggest it, or emotions are tied to sentences, and where there are
    no intervals or nothing was fused. Words that were heard of tied sentences are always refused: what is misheard in
    an emotion then cannot be told from what the sentence says. Intervals are judged as they are shown
    (``ser.scores.words.rounded``).

    Args:
        figures: by kind of folds and system, as ``ser.fusion.table.nested`` gives them.
        sentences: of ``examine``.
        meaning: of ``ser.fusion.run.meaning``.
        obstacle: why there are no intervals, or ``""``.
        params: which system stands for both, and the confidence.
        heard: whether the words are what speech recognition heard.
    """
    tie = (
        "emotion is tied to the sentence: the best guess by the sentence alone has "
        f"{oracle.words(sentences['sentence_oracle_uar'], sentences['sentence_oracle_uar_by_chance'])}"
    )
    if obstacle:
        return Verdict(False, True, f"no interval: {obstacle}")
    if not params.fused:
        return Verdict(False, True, tie if sentences["tied"] else "nothing was fused")
    usual, apart = (figures[kind][params.fused] for kind in (SPEAKERS, SENTENCES))
    gain = written.estimate(apart, "gain", sign=True)
    apparent = written.estimate(usual, "gain", sign=True)
    means = meaning["p"] <= written.level(params.intervals.confidence)
    sure = written.rounded(apart["gain_low"]) > 0
    if sure and means and not (heard and sentences["tied"]):
        also = f"; the {apparent} of folds that keep speakers alone apart is not what counts, as {tie}"
        return Verdict(True, False, f"on sentences that nobody learned from, {gain}{also if sentences['tied'] else ''}")
    lower = ", which is lower" if written.rounded(apart["gain_high"]) < 0 else ""
    voice, alone = (written.number(figures[SENTENCES][name]["uar"]) for name in (VOICE, WORDS))
    instead = (
        f"on sentences that nobody learned from, words alone score {alone} ({written.number(meaning['null_uar'])} with "
        f"sentences exchanged, {written.p_value(meaning['p'])}), and both together score {gain} beside the voice's "
        f"{voice}{lower}"
    )
    if sentences["tied"]:
        misheard = "; what is misheard by emotion cannot be told from it" if heard else ""
        return Verdict(False, True, f"{tie}{misheard}; {instead}")
    if written.rounded(usual["gain_low"]) > 0:
        where = "is not shown to come from what the sentences say" if sure else "is not shown on other sentences"
        return Verdict(False, True, f"the {apparent} of folds that keep speakers alone apart {where}; {instead}")
    return Verdict(False, False, instead)
