"""ShEMO, the Sharif emotional speech database: Persian, of radio plays, 31 women and 56 men.

Source: O. Mohamad Nezami, P. Jamshid Lou and M. Karami, Language Resources and Evaluation 53, 2019;
https://github.com/pariajm/sharif-emotional-speech-dataset. Licence: for academic purposes. Example:
``female/F03S02.wav``: gender and number of the speaker, emotion (W for surprise), number. Names and count are those of
nkululeko's list of the corpus, https://github.com/felixbur/nkululeko; the audio has not been tried.

The words are those of ``final text/F03S02.ort``, in the older archive of transcripts. The newer ``shemo.json`` is not
read: it gives other emotions to some utterances and numbers them anew, so that a name there may be another's file.
"""

import re
from pathlib import Path

from ser.corpora import emotions
from ser.corpora.layout import audio_files, check_size
from ser.corpora.naming import matched
from ser.corpora.utterance import Utterance

FILES = 3000
NAME = re.compile(r"(?P<speaker>(?P<gender>[FM])\d\d)(?P<emotion>[AFHNSW])\d\d")
GENDERS = {"F": "female", "M": "male"}
DIRECTIONS = str.maketrans("", "", "\u200e\u200f")  # marks of writing from left or right


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, with its files at any depth.
        incomplete: whether files may be missing.

    Returns:
        One utterance a file.

    Raises:
        InputError: files are missing, lie there twice, or are not named as distributed.
    """
    files = audio_files(folder)
    matches = matched(files, NAME, "ShEMO", "F03S02.wav")
    check_size(folder, "audio files", len(files), FILES, incomplete)
    texts = {path.stem: path for path in folder.glob("**/final text/*.ort")}
    return [
        Utterance(
            name=path.stem,
            path=path,
            emotion=emotions.SHEMO[match["emotion"]],
            speaker=match["speaker"],
            gender=GENDERS[match["gender"]],
            language="fa",
            text=_text(texts[path.stem]) if path.stem in texts else "",
        )
        for path, match in zip(files, matches, strict=True)
    ]


def _text(path: Path) -> str:
    words = path.read_text(encoding="utf-8-sig", errors="replace")
    return " ".join(words.translate(DIRECTIONS).split())
