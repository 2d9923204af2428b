"""SAVEE, the Surrey audio-visual expressed emotion database: English, four men.

Source: S. Haq and P. J. B. Jackson, 2009, http://kahlan.eps.surrey.ac.uk/savee; on request, for research. Examples: the
original ``AudioData/DC/a01.wav``, or, as Kaggle offers it, ``ALL/DC_a01.wav``: speaker, emotion, number. Names and
count are those of its Info.txt and of EmoBox' list, https://github.com/emo-box/EmoBox; the audio has not been tried.
"""

import re
from pathlib import Path

from ser.corpora import emotions
from ser.corpora.layout import audio_files, check_size
from ser.corpora.utterance import Utterance
from ser.files.failures import InputError

FILES = 480
NAME = re.compile(r"(?:.*/)?(?P<speaker>DC|JE|JK|KL)[_/](?P<emotion>sa|su|[adfhn])(?P<number>\d\d)")


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, in one of the two layouts.
        incomplete: whether files may be missing.

    Returns:
        One utterance a file, named as ``DC_a01``. Details: number (1 to 15, of neutral to 30).

    Raises:
        InputError: files are missing, lie there twice, or are not named as distributed.
    """
    files = audio_files(folder)
    utterances = {}
    for path in files:
        match = NAME.fullmatch(path.relative_to(folder).with_suffix("").as_posix())
        if not match:
            raise InputError(f"{path}: expected a name of SAVEE such as DC/a01.wav or DC_a01.wav; take the file out")
        name = f"{match['speaker']}_{match['emotion']}{match['number']}"
        if name in utterances:
            raise InputError(f"{path}: the same recording as {utterances[name].path}; delete one of the two copies")
        utterances[name] = Utterance(
            name=name,
            path=path,
            emotion=emotions.SAVEE[match["emotion"]],
            speaker=match["speaker"],
            gender="male",
            language="en",
            details={"number": int(match["number"])},
        )
    check_size(folder, "audio files", len(files), FILES, incomplete)
    return list(utterances.values())
