"""URDU: spontaneous speech in Urdu, from talk shows.

Source: S. Latif et al., "Cross Lingual Speech Emotion Recognition: Urdu vs. Western Languages", FIT 2018,
https://github.com/siddiquelatif/URDU-Dataset. Licence: for research only, by its README. Example:
``Angry/SM1_F1_A001.wav``: speaker (M for a man, F for a woman), file of the speaker, emotion and number. The README
tells of 38 speakers; the names are of 29, two of whom are one, and most have one emotion only.
"""

import re
from pathlib import Path

from ser.corpora import emotions
from ser.corpora.layout import audio_files, check_size
from ser.corpora.naming import matched
from ser.corpora.utterance import Utterance

FILES = 400
NAME = re.compile(r"(?P<speaker>S(?P<gender>[MF])\d+)_F\d+_(?P<emotion>[AHNS])\d+")
GENDERS = {"F": "female", "M": "male"}
ONE_PERSON = {"SF4": "SF1"}  # SF1_F4_H04 shares 1.7 s of its audio with SF4_F3_H019, and 1.3 s with SF4_F4_H020


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, with the folders ``Angry``, ``Happy``, ``Neutral`` and ``Sad``.
        incomplete: whether files may be missing.

    Returns:
        One utterance a file.

    Raises:
        InputError: files are missing, lie there twice, or are not named as distributed.
    """
    files = audio_files(folder)
    matches = matched(files, NAME, "URDU", "SM1_F1_A001.wav")
    check_size(folder, "audio files", len(files), FILES, incomplete)
    return [
        Utterance(
            name=path.stem,
            path=path,
            emotion=emotions.URDU[match["emotion"]],
            speaker=ONE_PERSON.get(match["speaker"], match["speaker"]),
            gender=GENDERS[match["gender"]],
            language="ur",
        )
        for path, match in zip(files, matches, strict=True)
    ]
