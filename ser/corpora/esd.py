"""ESD, the emotional speech database: ten speakers of Mandarin and ten of English read 350 sentences in five emotions.

Source: K. Zhou et al., ICASSP 2021 and Speech Communication 137, 2022;
    https://github.com/HLTSingapore/Emotional-Speech-Data.
Licence: for research, on request. Example: ``0011/Angry/0011_000351.wav``: speaker (0001 to 0010 Mandarin, 0011 to 0020
English), emotion, number, of which each emotion has its 350. Names and count are those of nkululeko's list of the
corpus, https://github.com/felixbur/nkululeko, genders those of its own ReadMe.txt; the audio has not been tried.
"""

import re
from pathlib import Path

from ser.corpora import emotions
from ser.corpora.layout import audio_files, check_size
from ser.corpora.naming import matched
from ser.corpora.utterance import Utterance
from ser.files.failures import InputError

FILES = 35_000
SENTENCES = 350
NAME = re.compile(r"(?P<speaker>00(?:0[1-9]|1\d|20))_(?P<number>\d{6})")
ORDER = ("Neutral", "Angry", "Happy", "Sad", "Surprise")  # of the numbers
FIRST_ENGLISH = 11
WOMEN = frozenset((1, 2, 3, 7, 9, 15, 16, 17, 18, 19))  # of the speakers; the others are men


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, with the folders ``0001`` to ``0020``.
        incomplete: whether files may be missing.

    Returns:
        One utterance a file. Details: sentence (its number in the language, the same in every emotion).

    Raises:
        InputError: files are missing, lie there twice, or are not named as distributed, or a folder's emotion is not
            the number's.
    """
    files = audio_files(folder)
    matches = matched(files, NAME, "ESD", "0011_000351.wav")
    check_size(folder, "audio files", len(files), FILES, incomplete)
    return [_utterance(path, match) for path, match in zip(files, matches, strict=True)]


def _utterance(path: Path, match: re.Match) -> Utterance:
    emotion, sentence = divmod(int(match["number"]) - 1, SENTENCES)
    if not 0 <= emotion < len(ORDER) or ORDER[emotion] not in path.parts:
        raise InputError(
            f"{path}: expected numbers of {SENTENCES} for each of {', '.join(ORDER)}, in a folder of that name, as "
            "0011/Angry/0011_000351.wav; unpack the corpus again, or sort a flat copy so"
        )
    speaker = int(match["speaker"])
    return Utterance(
        name=path.stem,
        path=path,
        emotion=emotions.ESD[ORDER[emotion]],
        speaker=match["speaker"],
        gender="female" if speaker in WOMEN else "male",
        language="en" if speaker >= FIRST_ENGLISH else "zh",
        details={"sentence": sentence + 1},
    )
