"""TurEV-DB: Turkish words, acted by six speakers.

Source: S. F. Canpolat et al., "Turkish Emotion Voice Database (TurEV-DB)", SLTU-CCURL 2020,
https://github.com/Xeonen/TurEV-DB. Licence: CC BY-NC-ND 4.0 by its README, GPL-3.0 by its file LICENSE. Example:
``Sound Source/Calm/1984_sk_eger.wav``: speaker, emotion (sk for calm), word. Which speakers are women is not published.
A word lasts a second; speaker 1157 is angry or sad only.
"""

import re
from pathlib import Path

from ser.corpora import emotions
from ser.corpora.layout import audio_files, check_size, root
from ser.corpora.naming import matched
from ser.corpora.utterance import Utterance

FILES = 1735
NAME = re.compile(r"(?P<speaker>\d{4})_(?P<emotion>kz|hl|sk|mt)_(?P<word>.+)")


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, with the folder ``Sound Source``; beside it a clone has filtered copies, which are left out.
        incomplete: whether files may be missing.

    Returns:
        One utterance a file. Details: word, in letters of ASCII.

    Raises:
        InputError: files are missing, lie there twice, or are not named as distributed.
    """
    inner = root(folder, "Sound Source")
    files = audio_files(inner / "Sound Source") or audio_files(inner)
    matches = matched(files, NAME, "TurEV-DB", "1984_sk_eger.wav")
    check_size(folder, "audio files", len(files), FILES, incomplete)
    return [
        Utterance(
            name=path.stem,
            path=path,
            emotion=emotions.TUREV[match["emotion"]],
            speaker=match["speaker"],
            language="tr",
            text=match["word"],
            details={"word": match["word"]},
        )
        for path, match in zip(files, matches, strict=True)
    ]
