"""SUBESCO, the SUST Bangla emotional speech corpus: ten actresses and ten actors, ten sentences in seven emotions.

Source: S. Sultana et al., PLoS ONE 16(4), 2021, https://doi.org/10.1371/journal.pone.0250173;
https://huggingface.co/datasets/sustcsenlp/bn_emotion_speech_corpus. Licence: CC BY 4.0. Example:
``F_02_MONIKA_S_1_NEUTRAL_5.wav``: gender, number and name of the speaker, sentence, emotion, take. One name has a
bracket too many. Names and count are those of EmoBox' list of the corpus, https://github.com/emo-box/EmoBox; the audio
has not been tried.
"""

import re
from pathlib import Path

from ser.corpora import emotions
from ser.corpora.layout import audio_files, check_size
from ser.corpora.naming import matched
from ser.corpora.utterance import Utterance

FILES = 7000
NAME = re.compile(
    r"(?P<speaker>(?P<gender>[FM])_(?:0[1-9]|10))_[A-Z]+_S_(?P<sentence>[1-9]|10)"
    rf"_(?P<emotion>{'|'.join(emotions.SUBESCO)})_(?P<take>[1-5])\]?"
)
GENDERS = {"F": "female", "M": "male"}


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, with its files at any depth.
        incomplete: whether files may be missing.

    Returns:
        One utterance a file. Details: sentence (its number), take.

    Raises:
        InputError: files are missing, lie there twice, or are not named as distributed.
    """
    files = audio_files(folder)
    matches = matched(files, NAME, "SUBESCO", "F_02_MONIKA_S_1_NEUTRAL_5.wav")
    check_size(folder, "audio files", len(files), FILES, incomplete)
    return [
        Utterance(
            name=path.stem.rstrip("]"),
            path=path,
            emotion=emotions.SUBESCO[match["emotion"]],
            speaker=match["speaker"],
            gender=GENDERS[match["gender"]],
            language="bn",
            details={"sentence": int(match["sentence"]), "take": int(match["take"])},
        )
        for path, match in zip(files, matches, strict=True)
    ]
