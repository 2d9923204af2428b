"""TESS, the Toronto emotional speech set: English, two actresses say 200 words after "Say the word".

Source: M. K. Pichora-Fuller and K. Dupuis, 2020, https://doi.org/10.5683/SP2/E8H2MF. Licence: CC BY-NC-ND 4.0.
Example: ``OAF_angry/OAF_back_angry.wav``: actress (OAF is 64 years old, YAF 26), word, emotion (ps for pleasant
surprise). Kaggle's copy holds everything twice, and one name there begins with OA.
"""

import re
from pathlib import Path

from ser.corpora import emotions
from ser.corpora.layout import audio_files, check_size
from ser.corpora.naming import matched
from ser.corpora.utterance import Utterance

FILES = 2800
NAME = re.compile(r"(?P<actress>OA|YA)F?_(?P<word>[a-z]+)_(?P<emotion>angry|disgust|fear|happy|neutral|ps|sad)")
AGES = {"OA": 64.0, "YA": 26.0}


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, with its files at any depth.
        incomplete: whether files may be missing.

    Returns:
        One utterance a file. Details: word.

    Raises:
        InputError: files are missing, lie there twice, or are not named as distributed.
    """
    files = audio_files(folder)
    matches = matched(files, NAME, "TESS", "OAF_back_angry.wav")
    check_size(folder, "audio files", len(files), FILES, incomplete)
    return [
        Utterance(
            name=path.stem,
            path=path,
            emotion=emotions.TESS[match["emotion"]],
            speaker=f"{match['actress']}F",
            gender="female",
            age=AGES[match["actress"]],
            language="en",
            text=f"Say the word {match['word']}",
            details={"word": match["word"]},
        )
        for path, match in zip(files, matches, strict=True)
    ]
