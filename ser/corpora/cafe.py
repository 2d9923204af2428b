"""CaFE, the Canadian French emotional speech dataset: acted by six women and six men.

Source: P. Gournay, O. Lahaie and R. Lefebvre, ACM MMSys 2018; https://zenodo.org/records/1478765. Licence: CC BY-NC-SA
    4.0.
Example: ``Joie/Fort/04-J-2-1.wav``: actor (odd ones are men), emotion, intensity (1 weak, 2 strong), sentence. At 192
kHz the names of neutral files have no intensity: ``03-N-1.aiff``. Names, count and actors are those of EmoBox' list of
the corpus, https://github.com/emo-box/EmoBox; the audio has not been tried.
"""

import re
from pathlib import Path

from ser.corpora import emotions
from ser.corpora.layout import audio_files, check_size
from ser.corpora.naming import matched
from ser.corpora.utterance import Utterance

FILES = 936
NAME = re.compile(
    r"(?P<actor>0[1-9]|1[0-2])-(?:(?P<emotion>[CDJNPST])-(?P<intensity>[12])|(?P<neutral>N))-(?P<sentence>[1-6])"
)
AGES = dict(enumerate((46, 64, 18, 50, 22, 34, 15, 25, 42, 20, 35, 37), start=1))  # years, by actor
INTENSITIES = {"1": "weak", "2": "strong"}
SENTENCES = {
    "1": "Un cheval fou dans mon jardin",
    "2": "Deux ânes aigris au pelage brun",
    "3": "Trois cygnes aveugles au bord du lac",
    "4": "Quatre vieilles truies éléphantesques",
    "5": "Cinq pumas fiers et passionnés",
    "6": "Six ours aimants domestiqués",
}


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, with a folder for each emotion, at one sampling rate only.
        incomplete: whether files may be missing.

    Returns:
        One utterance a file. Details: intensity (weak or strong; neutral has none), sentence (its number).

    Raises:
        InputError: files are missing, lie there twice, or are not named as distributed.
    """
    files = audio_files(folder)
    matches = matched(files, NAME, "CaFE", "04-J-2-1.wav")
    check_size(folder, "audio files", len(files), FILES, incomplete)
    return [_utterance(path, match) for path, match in zip(files, matches, strict=True)]


def _utterance(path: Path, match: re.Match) -> Utterance:
    emotion = match["emotion"] or match["neutral"]
    intensity = {} if emotion == "N" else {"intensity": INTENSITIES[match["intensity"]]}
    return Utterance(
        name=path.stem,
        path=path,
        emotion=emotions.CAFE[emotion],
        speaker=match["actor"],
        gender="male" if int(match["actor"]) % 2 else "female",
        age=float(AGES[int(match["actor"])]),
        language="fr",
        text=SENTENCES[match["sentence"]],
        details={"sentence": int(match["sentence"])} | intensity,
    )
