"""ShEMO, the Sharif emotional speech database: Persian, of radio plays, 31 women and 56 men.

Source: O. Mohamad Nezami, P. Jamshid Lou and M. Karami, Language Resources and Evaluation 53, 2019;
https://github.com/pariajm/sharif-emotional-speech-dataset. Licence: for academic purposes. Example:
``female/F03S02.wav``: gender and number of the speaker, emotion (W for surprise), number. Names and count are those of
nkululeko's list of the corpus, https://github.com/felixbur/nkululeko; the audio has not been tried.

The words are those of ``modified_shemo.json`` (https://github.com/aliyzd95/modified_shemo), where it lies there: the
corpus' own transcripts, each given to its recording by speech recognition. Not read are these transcripts themselves
(``F03S02.ort``), of which 283 are named after another recording or none, and ``shemo.json``, which numbers anew.

Of 163 recordings the transcript, once found, is named for another emotion than the recording. The emotion here is that
of the recording's name, and the detail ``emotion_of_text`` the other one. Who repaired the names found that a network
trained on the other recordings agrees more with the text's (accuracy 0.72) than with the recording's (0.34).
"""

import re
from collections.abc import Mapping
from pathlib import Path

from ser.corpora import emotions, rows
from ser.corpora.layout import audio_files, check_size
from ser.corpora.naming import matched
from ser.corpora.utterance import Utterance
from ser.files.failures import InputError

FILES = 3000
NAME = re.compile(r"(?P<speaker>(?P<gender>[FM])\d\d)(?P<emotion>[AFHNSW])\d\d")
GENDERS = {"F": "female", "M": "male"}
WORDS = "modified_shemo.json"
DIRECTIONS = str.maketrans("", "", "\u200e\u200f")  # marks of writing from left or right


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, with its files at any depth.
        incomplete: whether files may be missing.

    Returns:
        One utterance a file. Details: emotion_of_text, where the transcript is of another emotion.

    Raises:
        InputError: files are missing, lie there twice, or are not named as distributed, or the words cannot be read.
    """
    files = audio_files(folder)
    matches = matched(files, NAME, "ShEMO", "F03S02.wav")
    check_size(folder, "audio files", len(files), FILES, incomplete)
    texts = _texts(folder)
    return [
        Utterance(
            name=path.stem,
            path=path,
            emotion=emotions.SHEMO[match["emotion"]],
            speaker=match["speaker"],
            gender=GENDERS[match["gender"]],
            language="fa",
            **_told(texts.get(path.stem, {}), emotions.SHEMO[match["emotion"]]),
        )
        for path, match in zip(files, matches, strict=True)
    ]


def _texts(folder: Path) -> dict[str, dict[str, str]]:
    """What ``modified_shemo.json`` says of each recording, by its name; nothing where it is missing."""
    found = sorted(folder.glob(f"**/{WORDS}"))
    if len(found) > 1:
        raise InputError(f"{folder}: expected one {WORDS}, found {found[0]} and {found[1]}; keep one")
    if not found:
        return {}
    table = rows.read(found[0])
    if absent := {"speech_name", "transcript", "emotion"} - set(table.columns):
        raise InputError(f"{found[0]}: expected {', '.join(sorted(absent))} of each recording, found none of them")
    return {row["speech_name"]: row for row in table.cells}


def _told(row: Mapping[str, str], emotion: str) -> dict:
    """Text and details of an utterance."""
    heard = emotions.word(row.get("emotion", ""))
    return {
        "text": " ".join(row.get("transcript", "").translate(DIRECTIONS).split()),
        "details": {"emotion_of_text": heard} if heard and heard != emotion else {},
    }
