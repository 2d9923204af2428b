"""The bundled corpus: synthetic emotional speech whose truths are planted, and therefore known.

It is there to try the pipeline without a download, and so that figures can be checked against what was planted: who
spoke, how strongly, which emotions were blended, what raters would hear, and that one gender expresses less than the
other. With the 24 voices of the default not every planted effect is large enough to be shown.
**It is synthetic: espeak-ng speaks, and tables of ``voice`` say what an emotion sounds like. No figure measured on it
supports a claim about people, emotions or genders.**

It is made in two steps: ``plan`` draws a table of utterances, ``voice.render`` turns one row of it into samples and
looks at nothing but that row. So another fact can be planted by editing the table between them.
"""

import json
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ser.files.params import SEEDS, check_ranges
from ser.synthesis.sentences import LANGUAGES, TELLING, TEXTS
from ser.synthesis.voice import CUES, MANNERS

GENDERS = ("female", "male")

EMOTIONS = tuple(MANNERS)
# Standard deviation between speakers, as large as it takes for the emotions to overlap.
VOICE_SPREAD = np.array([0.06, 1.5, 0.13, 1.6, 0.65, 2.2])

# Women and men speak with the same variants of espeak-ng and differ in these two numbers alone: a longer vocal tract,
# which lowers all formants, and a lower pitch. espeak-ng's own men and women also differ in how lively they are, and
# then one gender's emotions would be plainer than the other's with nothing planted.
VARIANTS = ("f1", "f2", "f3", "f4", "f5", "Annie")
FORMANTS = {"female": 1.0, "male": 0.85}
PITCH = {"female": 0.0, "male": -9.0}  # semitones
FORMANT_SPREAD = 0.05  # between the speakers of one gender: of the natural logarithm
AGES = (22, 66)
AGE_CUES = np.array([-0.03, -0.3, 0.0, 0.0, 0.0, 0.0])  # per decade from the middle of AGES: slower and lower

INTENSITIES = (0.6, 1.0)
DOMINANT_SHARES = (0.55, 0.65)  # of the emotion that gives an ambiguous utterance its label

# How often a simulated rater hears the emotion that is there: at strength 0 and at strength 1. What is heard otherwise:
RECOGNISED = (0.55, 0.95)
MISHEARD = {
    "angry": {"neutral": 0.6, "happy": 0.3, "sad": 0.1},
    "happy": {"neutral": 0.6, "angry": 0.3, "sad": 0.1},
    "neutral": {"sad": 0.5, "happy": 0.3, "angry": 0.2},
    "sad": {"neutral": 0.8, "angry": 0.1, "happy": 0.1},
}

UTTERANCES_AT_MOST = 10**6  # a thousand hours
RATERS_AT_MOST = 10**6


@dataclass(frozen=True)
class SynthesisParams:
    """What is planted in the bundled corpus.

    Attributes:
        seed: of everything that is drawn.
        speakers: a multiple of four: half of each gender, and half of each gender in each language.
        utterances_per_emotion: of each speaker, who says the same sentences in every emotion.
        ambiguous_share: share of the utterances that blend two emotions, 0 to 1.
        raters: simulated votes per utterance.
        expressivity: of ``female`` and ``male``, 0 to 1: the part of an emotion's manner that the voice shows.
        words_share: share of the utterances whose words tell the emotion, too, 0 to 1.
        sentences: ``shared``: the same in every emotion; ``tied``: every emotion has its own, which say nothing of it.
    """

    seed: int
    speakers: int
    utterances_per_emotion: int
    ambiguous_share: float
    raters: int
    expressivity: dict[str, float]
    words_share: float = 0.0
    sentences: Literal["shared", "tied"] = "shared"

    def __post_init__(self) -> None:
        cells = len(GENDERS) * len(LANGUAGES)
        check_ranges(self, seed=SEEDS, utterances_per_emotion=(1, UTTERANCES_AT_MOST), raters=(1, RATERS_AT_MOST))
        if self.speakers < cells or self.speakers % cells:
            raise ValueError(
                f"speakers: expected a multiple of {cells} (genders by languages) above 0, found {self.speakers}"
            )
        utterances = self.speakers * len(EMOTIONS) * self.utterances_per_emotion
        if utterances > UTTERANCES_AT_MOST:
            raise ValueError(
                f"speakers, utterances_per_emotion: expected at most {UTTERANCES_AT_MOST:,} utterances in all, "
                f"found {utterances:,}"
            )
        for name in ("ambiguous_share", "words_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: expected 0 to 1, found {getattr(self, name)}")
        if sorted(self.expressivity) != sorted(GENDERS):
            found = ", ".join(self.expressivity) or "nothing"
            raise ValueError(f"expressivity: expected {' and '.join(GENDERS)}, found {found}")
        for gender, value in self.expressivity.items():
            if not 0 <= value <= 1:
                raise ValueError(f"expressivity.{gender}: expected 0 to 1, found {value}")


def plan(params: SynthesisParams) -> pd.DataFrame:
    """Draw the table of utterances.

    Every kind of choice has random numbers of its own, so that a comparison changes one thing: another number of raters
    leaves the audio as it is, another expressivity changes only how strong the emotions are and what raters hear.

    Args:
        params: what to plant.

    Returns:
        One row per utterance, sorted by ``utterance``, its unique name, such as ``"f01_003"``.

        - who: ``speaker``, ``gender``, ``age`` (years), ``language``, ``variant`` (of espeak-ng), ``formants`` (a
          factor), ``voice`` ((6,), in the units of ``CUES``)
        - what: ``text``, ``emotion`` (the label), ``blend`` (share by emotion: what is heard), ``ambiguous`` (0 or 1),
          ``intensity`` (0.6 to 1), ``strength`` (intensity times expressivity), ``seed`` (of the utterance's chance)
        - what raters hear: ``votes`` (count by emotion)
    """
    streams = np.random.SeedSequence(params.seed).spawn(6)
    voices, texts, blends, chance, raters, words = (np.random.default_rng(stream) for stream in streams)
    rows = []
    for speaker in _speakers(params.speakers, voices):
        sentences = texts.permutation(TEXTS[speaker["language"]])
        for number, emotion in enumerate(EMOTIONS):
            # By the order of the table where tied, so that a sentence is of one emotion whoever speaks.
            tied = [text for text in sentences if text in TEXTS[speaker["language"]][number :: len(EMOTIONS)]]
            said = tied if params.sentences == "tied" else sentences
            for take in range(params.utterances_per_emotion):
                rows.append(speaker | {"emotion": emotion, "text": str(said[take % len(said)])})
    table = pd.DataFrame(rows)
    _let_words_tell(table, params.words_share, words)
    numbers = table.groupby("speaker").cumcount() + 1
    table.insert(
        0, "utterance", [f"{name}_{number:03d}" for name, number in zip(table["speaker"], numbers, strict=True)]
    )
    table["blend"] = _blends(table, params.ambiguous_share, blends)
    table["ambiguous"] = (table["blend"].map(len) > 1).astype(int)
    table["intensity"] = blends.uniform(*INTENSITIES, size=len(table)).round(2)
    table["strength"] = table["intensity"] * table["gender"].map(params.expressivity)
    table["seed"] = chance.integers(2**32, size=len(table))
    table["votes"] = [_votes(row, params.raters, raters) for row in table.itertuples()]
    return table.sort_values("utterance", ignore_index=True)


def _speakers(count: int, rng: np.random.Generator) -> list[dict]:
    """Draw a woman and a man for each age in each language; their voices have nothing in common but the variant."""
    per_cell = count // (len(GENDERS) * len(LANGUAGES))
    speakers = []
    for language in LANGUAGES:
        for variant, age in enumerate(rng.permutation(np.linspace(*AGES, per_cell).round())):
            number = len(speakers) // len(GENDERS) + 1
            for gender in GENDERS:
                voice = VOICE_SPREAD * rng.standard_normal(len(CUES)) + AGE_CUES * (age - np.mean(AGES)) / 10
                voice[CUES.index("pitch")] += PITCH[gender]
                speakers.append(
                    {
                        "speaker": f"{gender[0]}{number:02d}",
                        "gender": gender,
                        "age": int(age),
                        "language": language,
                        "variant": VARIANTS[variant % len(VARIANTS)],
                        "formants": FORMANTS[gender] * float(np.exp(FORMANT_SPREAD * rng.standard_normal())),
                        "voice": voice,
                    }
                )
    return speakers


def _let_words_tell(table: pd.DataFrame, words_share: float, rng: np.random.Generator) -> None:
    """Put a sentence that tells the emotion into the given share of the utterances of each language and emotion."""
    for (language, emotion), cell in table.groupby(["language", "emotion"]).indices.items():
        chosen = rng.choice(cell, size=round(words_share * len(cell)), replace=False)
        table.loc[chosen, "text"] = rng.choice(TELLING[language][emotion], size=len(chosen))


def _blends(table: pd.DataFrame, ambiguous_share: float, rng: np.random.Generator) -> list[dict[str, float]]:
    """Blend the given share of the utterances of each gender and emotion with one other emotion each."""
    blends = [{emotion: 1.0} for emotion in table["emotion"]]
    for (_, emotion), cell in table.groupby(["gender", "emotion"]).indices.items():
        others = [other for other in EMOTIONS if other != emotion]
        for row in rng.choice(cell, size=round(ambiguous_share * len(cell)), replace=False):
            share = round(rng.uniform(*DOMINANT_SHARES), 2)
            blends[row] = {emotion: share, str(rng.choice(others)): round(1 - share, 2)}
    return blends


def _votes(row, raters: int, rng: np.random.Generator) -> dict[str, int]:
    """Let each rater attend to one emotion of the blend, and recognise it the better, the stronger it is."""
    heard = dict.fromkeys(EMOTIONS, 0.0)
    for emotion, share in row.blend.items():
        strength = 1.0 if emotion == "neutral" else row.strength
        recognised = np.interp(strength, (0, 1), RECOGNISED)
        heard[emotion] += share * recognised
        for other, part in MISHEARD[emotion].items():
            heard[other] += share * (1 - recognised) * part
    counts = rng.multinomial(raters, list(heard.values()))
    return {emotion: int(count) for emotion, count in zip(heard, counts, strict=True) if count}


def metadata(table: pd.DataFrame) -> pd.DataFrame:
    """Describe the plan as the metadata.csv of a corpus of emotion folders.

    Args:
        table: the plan.

    Returns:
        The columns path (``<emotion>/<utterance>.wav``), speaker, gender, age, text, language, votes, intensity,
        ambiguous and blend, in the plan's order; votes and blend are JSON objects with sorted keys.
    """
    return pd.DataFrame(
        {
            "path": table["emotion"] + "/" + table["utterance"] + ".wav",
            **{column: table[column] for column in ("speaker", "gender", "age", "text", "language")},
            "votes": table["votes"].map(_json),
            "intensity": table["intensity"],
            "ambiguous": table["ambiguous"],
            "blend": table["blend"].map(_json),
        }
    )


def _json(shares: dict) -> str:
    return json.dumps(shares, sort_keys=True, separators=(",", ":"))
