"""RAVDESS, the Ryerson audio-visual database of emotional speech and song; its audio-only speech is read here.

Source: S. R. Livingstone and F. A. Russo, PLoS ONE 13(5), 2018; https://zenodo.org/records/1188976,
``Audio_Speech_Actors_01-24.zip``. Licence: CC BY-NC-SA 4.0.
Example: ``Actor_12/03-01-06-01-02-01-12.wav``: modality 03 (audio only), channel 01 (speech), emotion 06 (fearful),
intensity 01 (normal), statement 02 ("dogs"), repetition 01, actor 12; odd actors are men, even ones women.
"""

import re
from pathlib import Path

from ser.corpora import emotions
from ser.corpora.layout import audio_files, check_size
from ser.corpora.naming import OTHERWISE, check_once
from ser.corpora.utterance import Utterance
from ser.files.failures import InputError

FILES = 1440
NAME = re.compile(
    r"03-01-(?P<emotion>0[1-8])-(?P<intensity>0[12])-(?P<statement>0[12])-(?P<repetition>0[12])-"
    r"(?P<actor>0[1-9]|1\d|2[0-4])"
)
OTHERS = {r"0[12]-\d\d-": "a video", r"03-02-": "a song"}  # beginnings of names in the corpus' other archives
INTENSITIES = {"01": "normal", "02": "strong"}
STATEMENTS = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, with the folders ``Actor_01`` to ``Actor_24``, at any depth.
        incomplete: whether files may be missing.

    Returns:
        One utterance a file. Details: intensity (normal or strong), statement and repetition (1 or 2).

    Raises:
        InputError: files are missing, lie there twice, or are not named as distributed.
    """
    files = audio_files(folder)
    utterances = [_utterance(path) for path in files]
    check_once(files)
    check_size(folder, "files of speech", len(files), FILES, incomplete)
    return utterances


def _utterance(path: Path) -> Utterance:
    match = NAME.fullmatch(path.stem)
    if not match:
        other = next((what for pattern, what in OTHERS.items() if re.match(pattern, path.stem)), "another file")
        raise InputError(
            f"{path}: expected the name of audio-only speech, such as 03-01-06-01-02-01-12.wav, found {other}; take "
            f"songs, videos and other files out of the folder{OTHERWISE}"
        )
    return Utterance(
        name=path.stem,
        path=path,
        emotion=emotions.RAVDESS[match["emotion"]],
        speaker=match["actor"],
        gender="male" if int(match["actor"]) % 2 else "female",
        language="en",
        text=STATEMENTS[match["statement"]],
        details={
            "intensity": INTENSITIES[match["intensity"]],
            "statement": int(match["statement"]),
            "repetition": int(match["repetition"]),
        },
    )
