"""SAVEE, the Surrey audio-visual expressed emotion database: English, four men.

Source: S. Haq and P. J. B. Jackson, 2009, http://kahlan.eps.surrey.ac.uk/savee; on request, for research. Examples: the
original ``AudioData/DC/a01.wav``, or, as Kaggle offers it, ``ALL/DC_a01.wav``: speaker, emotion, number.

Of the 15 sentences of an emotion three are said in all of them, two are meant for it and said neutrally, too, ten are
its own. Which numbers these are the corpus does not tell; a recogniser's transcripts of all files do, and every speaker
has the same: 1 to 3, then 4 and 5. The recordings of KL are some 20 dB softer than those of the three others.
"""

import re
from pathlib import Path

from ser.corpora import emotions
from ser.corpora.layout import audio_files, check_size
from ser.corpora.naming import OTHERWISE
from ser.corpora.utterance import Utterance
from ser.files.failures import InputError

FILES = 480
COMMON = 3  # sentences of every emotion, the first ones; neutral has them again after its own 15
MEANT = ("a", "d", "f", "su", "sa", "h")  # the emotions whose fourth and fifth neutral then has, in its order
NAME = re.compile(r"(?:.*/)?(?P<speaker>DC|JE|JK|KL)[_/](?P<emotion>sa|su|[adfhn])(?P<number>\d\d)")


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, in one of the two layouts.
        incomplete: whether files may be missing.

    Returns:
        One utterance a file, named as ``DC_a01``. Details: number (1 to 15, of neutral to 30), sentence (the same for
        the same words).

    Raises:
        InputError: files are missing, lie there twice, or are not named as distributed.
    """
    files = audio_files(folder)
    utterances = {}
    for path in files:
        match = NAME.fullmatch(path.relative_to(folder).with_suffix("").as_posix())
        if not match:
            raise InputError(
                f"{path}: expected a name of SAVEE such as DC/a01.wav or DC_a01.wav; take the file out{OTHERWISE}"
            )
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
            details={"number": int(match["number"]), "sentence": _sentence(match["emotion"], int(match["number"]))},
        )
    check_size(folder, "audio files", len(files), FILES, incomplete)
    return list(utterances.values())


def _sentence(emotion: str, number: int) -> str:
    """Name a sentence by the first place where it stands: ``1`` to ``3``, or as ``a04``."""
    if emotion == "n" and number > 15:
        place = number - 15
        if place > COMMON:
            meant, second = divmod(place - COMMON - 1, 2)
            return f"{MEANT[meant]}{4 + second:02}"
        number = place
    return str(number) if number <= COMMON else f"{emotion}{number:02}"
