"""JL corpus: New Zealand English, two women and two men, five primary and five secondary emotions.

Source: J. James, L. Tian and C. Watson, Interspeech 2018; https://github.com/tli725/JL-Corpus. Licence: CC0.
Example: ``Raw JL corpus (unchecked and unannotated)/JL(wav+txt)/male1_angry_10a_1.wav``: speaker, emotion, sentence
with a letter, number. Names and count are those of EmoBox' list of the corpus, https://github.com/emo-box/EmoBox; the
audio has not been tried.
"""

import re
from pathlib import Path

from ser.corpora import emotions
from ser.corpora.layout import audio_files, check_size
from ser.corpora.naming import matched
from ser.corpora.utterance import Utterance

FILES = 2400
WORDS = "|".join(emotions.JL)
PRIMARY = ("angry", "excited", "happy", "neutral", "sad")
NAME = re.compile(
    rf"(?P<speaker>(?P<gender>female|male)[12])_(?P<emotion>{WORDS})_(?P<sentence>\d+)(?P<series>[ab])_(?P<take>[12])"
)


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, with the raw recordings only.
        incomplete: whether files may be missing.

    Returns:
        One utterance a file. Details: label (the corpus' word, as five of its emotions have none here), sentence, take.

    Raises:
        InputError: files are missing, lie there twice, or are not named as distributed.
    """
    files = audio_files(folder)
    matches = matched(files, NAME, "the JL corpus", "male1_angry_10a_1.wav")
    check_size(folder, "audio files", len(files), FILES, incomplete)
    return [
        Utterance(
            name=path.stem,
            path=path,
            emotion=emotions.JL[match["emotion"]],
            speaker=match["speaker"],
            gender=match["gender"],
            language="en",
            details={
                "label": match["emotion"],
                "sentence": _sentence(match),
                "series": match["series"],
                "take": int(match["take"]),
            },
        )
        for path, match in zip(files, matches, strict=True)
    ]


def _sentence(match: re.Match) -> str:
    """Tell a sentence from all others: the primary emotions share theirs, each secondary one has a list of its own."""
    shared = match["emotion"] in PRIMARY
    return match["sentence"] if shared else f"{match['emotion']} {match['sentence']}"
