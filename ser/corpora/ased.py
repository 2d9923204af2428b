"""ASED, the Amharic speech emotion dataset: read sentences, by 65 speakers of four dialects.

Source: E. A. Retta et al., ACM TALLIP 2022, https://doi.org/10.1145/3529759; https://github.com/Ethio2021/ASED_V1.
Licence: none is stated; ask the authors. Example: ``05Angry/a5-03-01-02-50.wav``, that is emotion and folder, sentence,
repetition, gender (01 female, 02 male) and speaker. One name begins with S for s.

Eight judges heard each recording; those that fewer than five accepted are not distributed, and no votes are. Four files
are there twice. At least 58 pairs more are one recording but for its last bits or an end: 54 of one speaker, four of
two speakers. f2-02-02-02-28 (fearful) and a5-01-02-02-28 (angry) are the same recording.
"""

import re
from pathlib import Path

from ser.corpora import emotions
from ser.corpora.layout import audio_files, check_size
from ser.corpora.naming import matched
from ser.corpora.utterance import Utterance

FILES = 2474
OWN = 5  # sentences of each emotion, the first; the others are said in all emotions
NAME = re.compile(
    r"(?P<emotion>[nfhsSa])[1-5]-(?P<sentence>0[1-7])-(?P<repetition>0[12])-(?P<gender>0[12])-(?P<speaker>\d\d)"
)
# The speakers with 01 in their names: 25, as many women as the corpus' description counts. Five of them (09, 15, 21,
# 23, 25) have one name each with 02, against 197 with 01.
WOMEN = frozenset(
    "01 03 05 07 09 11 13 15 17 19 21 23 25 27 29 31 33 35 37 43 47 48 49 58 62".split()  # noqa: SIM905
)


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, with the folders ``01Neutral`` to ``05Angry``.
        incomplete: whether files may be missing.

    Returns:
        One utterance a file. Details: sentence, ``a1`` to ``a5`` of those that belong to one emotion, by its letter,
        and ``6`` and ``7`` of those said in all; and repetition.

    Raises:
        InputError: files are missing, lie there twice, or are not named as distributed.
    """
    files = audio_files(folder)
    matches = matched(files, NAME, "ASED", "a5-03-01-02-50.wav")
    check_size(folder, "audio files", len(files), FILES, incomplete)
    return [
        Utterance(
            name=path.stem,
            path=path,
            emotion=emotions.ASED[match["emotion"]],
            speaker=match["speaker"],
            gender="female" if match["speaker"] in WOMEN else "male",
            language="am",
            details={"sentence": _sentence(match), "repetition": int(match["repetition"])},
        )
        for path, match in zip(files, matches, strict=True)
    ]


def _sentence(match: re.Match) -> str:
    """Tell a sentence from all others: the numbers 1 to 5 begin anew with each emotion."""
    number = int(match["sentence"])
    return f"{match['emotion'].lower()}{number}" if number <= OWN else f"{number}"
