"""EMOVO: Italian, acted by three women and three men.

Source: G. Costantini et al., "EMOVO Corpus: an Italian Emotional Speech Database", LREC 2014. Licence: free, stated
    nowhere.
Example: ``f1/gio-f1-b1.wav``: emotion, actor (f for a woman, m for a man), sentence. Names and count are those of
EmoBox' list of the corpus, https://github.com/emo-box/EmoBox; the audio has not been tried.
"""

import re
from pathlib import Path

from ser.corpora import emotions
from ser.corpora.layout import audio_files, check_size
from ser.corpora.naming import matched
from ser.corpora.utterance import Utterance

FILES = 588
NAME = re.compile(
    r"(?P<emotion>dis|gio|neu|pau|rab|sor|tri)-(?P<speaker>[fm][123])-(?P<sentence>b[1-3]|l[1-4]|n[1-5]|d[12])"
)


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, with the folders ``f1`` to ``m3``.
        incomplete: whether files may be missing.

    Returns:
        One utterance a file. Details: sentence (its code).

    Raises:
        InputError: files are missing, lie there twice, or are not named as distributed.
    """
    files = audio_files(folder)
    matches = matched(files, NAME, "EMOVO", "gio-f1-b1.wav")
    check_size(folder, "audio files", len(files), FILES, incomplete)
    return [
        Utterance(
            name=path.stem,
            path=path,
            emotion=emotions.EMOVO[match["emotion"]],
            speaker=match["speaker"],
            gender="female" if match["speaker"].startswith("f") else "male",
            language="it",
            details={"sentence": match["sentence"]},
        )
        for path, match in zip(files, matches, strict=True)
    ]
