"""MESD, the Mexican emotional speech database: Spanish of Mexico, single words by women, men and children.

Source: M. M. Duville, L. M. Alonso-Valerdi and D. I. Ibarra-Zarate, Data 6(12), 2021;
https://data.mendeley.com/datasets/cy34mh68j9. Licence: see there. Example: ``Anger_F_A_tarde.wav``: emotion,
voice (a woman's, a man's or C, a child's), list of words, word. Three women, two men and six children speak, but which
of them a file does not tell: speakers are unknown. Names and count are those of the lists of EmoBox and nkululeko,
https://github.com/emo-box/EmoBox and https://github.com/felixbur/nkululeko; the audio has not been tried.
"""

import re
from pathlib import Path

from ser.corpora import emotions
from ser.corpora.layout import audio_files, check_size
from ser.corpora.naming import matched
from ser.corpora.utterance import Utterance

FILES = 862
NAME = re.compile(rf"(?P<emotion>{'|'.join(emotions.MESD)})_(?P<voice>[CFM])_(?P<list>[AB])_(?P<word>[^\W\d]+)")
VOICES = {"C": "child", "F": "female", "M": "male"}


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, with its files at any depth.
        incomplete: whether files may be missing.

    Returns:
        One utterance a file, of an unknown speaker; the gender of children is unknown. Details: voice (child, female
        or male), list (A: the words are said in all emotions; B: each emotion has its own), word.

    Raises:
        InputError: files are missing, lie there twice, or are not named as distributed.
    """
    files = audio_files(folder)
    matches = matched(files, NAME, "MESD", "Anger_F_A_tarde.wav")
    check_size(folder, "audio files", len(files), FILES, incomplete)
    return [
        Utterance(
            name=path.stem,
            path=path,
            emotion=emotions.MESD[match["emotion"]],
            gender="" if match["voice"] == "C" else VOICES[match["voice"]],
            language="es",
            text=match["word"].replace("_", " "),
            details={"voice": VOICES[match["voice"]], "list": match["list"], "word": match["word"]},
        )
        for path, match in zip(files, matches, strict=True)
    ]
