"""AESDD, the acted emotional speech dynamic database: Greek, six actors.

Source: N. Vryzas et al., Journal of the Audio Engineering Society 66(6), 2018;
http://m3c.web.auth.gr/research/aesdd-speech-emotion-recognition. Licence: none is stated.
Example: ``anger/a03 (4).wav``: emotion, utterance (20 each, one of them made up by the actor: number 20, by its
durations), speaker. Nine names have an a or b at the end or a 0 before the speaker. Names and count are those of the
lists of EmoBox and nkululeko, https://github.com/emo-box/EmoBox and https://github.com/felixbur/nkululeko, what they
mean is told by the corpus' README; the audio has not been tried. Which speakers are women is not published: three of
the first five.
"""

import re
from pathlib import Path

from ser.corpora import emotions
from ser.corpora.layout import audio_files, check_size
from ser.corpora.naming import matched
from ser.corpora.utterance import Utterance

FILES = 604
IMPROVISED = 20
DAMAGED = "s05 (3)"  # distributed, but in neither list
NAME = re.compile(
    r"(?P<emotion>[adfhs])(?P<sentence>0[1-9]|1\d|20) \(0?(?P<speaker>[1-6])\)[ab]?"  # the last is a second take
)


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, with its files at any depth.
        incomplete: whether files may be missing.

    Returns:
        One utterance a file. Details: sentence (the number of the utterance; of one that was made up, ``IMPROVISED``,
        also emotion and speaker, for each of them is another sentence).

    Raises:
        InputError: files are missing, lie there twice, or are not named as distributed.
    """
    files = audio_files(folder)
    matches = matched(files, NAME, "AESDD", "a03 (4).wav")
    check_size(folder, "audio files", sum(path.stem != DAMAGED for path in files), FILES, incomplete)
    return [
        Utterance(
            name=path.stem,
            path=path,
            emotion=emotions.AESDD[match["emotion"]],
            speaker=match["speaker"],
            language="el",
            details={"sentence": _sentence(match)},
        )
        for path, match in zip(files, matches, strict=True)
    ]


def _sentence(match: re.Match) -> int | str:
    number = int(match["sentence"])
    return f"{number} {match['emotion']} {match['speaker']}" if number == IMPROVISED else number
