"""EMO-DB, the Berlin database of emotional speech: German, acted.

Source: F. Burkhardt et al., "A Database of German Emotional Speech", Interspeech 2005; http://emodb.bilderbar.info.
Licence: CC0. Example: ``wav/03a01Fa.wav``, that is speaker 03, sentence a01, F for happiness, take a.

``erkennung.txt`` holds the listening test: for each take, also those not released, the share of the listeners who
recognised the emotion and of those who found it natural. What the others heard it does not say, so there are no votes.
Its documentation speaks of 20 listeners; the shares of sentence b03 are multiples of 1/21, all others of 1/20.

Version 2.0 has all 816 takes, https://github.com/audeering/emodb/tree/main/2.0.0, and for ``erkennung.txt`` the tables
of audformat: ``db.emotion.csv`` with file, emotion and emotion.confidence, which is the share that recognised it. Its
laryngograms, in the folder ``laryngo``, are no speech and not read; its naturalness is not read either, since 2.0.0
gave it to the files in another order than theirs (``update.py``).
"""

import math
import re
from pathlib import Path

from ser.corpora import emotions
from ser.corpora.layout import audio_files, check_size, has_table, root
from ser.corpora.naming import OTHERWISE
from ser.corpora.utterance import Utterance
from ser.files import tables
from ser.files.failures import InputError

FILES = 535
FILES_2_0 = 816  # with the takes that fewer than 80 % of the listeners recognised
SPEAKERS = {
    "03": ("male", 31),
    "08": ("female", 34),
    "09": ("female", 21),
    "10": ("male", 32),
    "11": ("male", 26),
    "12": ("male", 30),
    "13": ("female", 32),
    "14": ("female", 35),
    "15": ("male", 25),
    "16": ("female", 31),
}
SENTENCES = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}
NAME = re.compile(
    rf"(?P<speaker>{'|'.join(SPEAKERS)})(?P<sentence>{'|'.join(SENTENCES)})"
    rf"(?P<emotion>[{''.join(emotions.EMODB)}])(?P<take>[a-z]?)"
)
JUDGEMENTS, CONFIDENCES = "erkennung.txt", "db.emotion.csv"
CONFIDENCE = tables.Schema(
    {"file": tables.text(), "emotion.confidence": tables.number(0, 1, empty=True)},
    "take the table as it was distributed, or leave the cell empty",
    key=("file",),
)
# "3  \t03a01Fa.wav\t90,00     \t75,00     ", in Latin-1 with non-breaking spaces: number, file, two shares in per cent.
JUDGEMENT = re.compile(r"\d+\s*\t\s*(\w+)\.wav\s*\t\s*(\d+,\d+)\s*\t\s*(\d+,\d+)\s*")


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, with the folder ``wav`` and ``erkennung.txt``, or, of version 2.0, ``db.emotion.csv``.
        incomplete: whether files may be missing.

    Returns:
        One utterance a file. Details: sentence (its code), take, and as shares of the listeners 0..1 recognition and
        naturalness.

    Raises:
        InputError: files or the listening test are missing, or a name or line is not as distributed.
    """
    inner = root(folder, "wav")
    files = audio_files(inner / "wav") or audio_files(inner)
    size = FILES if len(files) <= FILES else FILES_2_0
    check_size(folder, f"audio files in its folder wav ({FILES}, or {FILES_2_0} of 2.0)", len(files), size, incomplete)
    (table,) = blanks(folder)
    judgements = None
    if has_table(table, incomplete):
        judgements = _confidences(table) if table.name == CONFIDENCES else _judgements(table)
    return [_utterance(path, judgements) for path in files]


def blanks(folder: Path) -> dict[Path, str]:
    """Tell what stays blank without the corpus' table, which is that of version 2.0 where this alone is there."""
    inner = root(folder, "wav")
    judgements, confidences = inner / JUDGEMENTS, inner / CONFIDENCES
    alone = confidences.is_file() and not judgements.is_file()
    return {confidences if alone else judgements: "recognition and naturalness"}


def _utterance(path: Path, judgements: dict[str, dict[str, float]] | None) -> Utterance:
    match = NAME.fullmatch(path.stem)
    if not match:
        raise InputError(
            f"{path}: expected an EMO-DB name such as 03a01Fa.wav; take the file out of the folder{OTHERWISE}"
        )
    gender, age = SPEAKERS[match["speaker"]]
    emotion, sentence = emotions.EMODB[match["emotion"]], match["sentence"]
    details = {"sentence": sentence, "take": match["take"]}
    if judgements is not None:
        if path.stem not in judgements:
            raise InputError(
                f"{path}: not listed in the corpus' erkennung.txt or db.emotion.csv; is this file of EMO-DB?"
            )
        details |= judgements[path.stem]
    return Utterance(
        path.stem, path, emotion, match["speaker"], gender, float(age), "de", {}, SENTENCES[sentence], details
    )


def _judgements(path: Path) -> dict[str, dict[str, float]]:
    """Recognition and naturalness, 0..1, by file name without suffix."""
    judgements = {}
    lines = path.read_text(encoding="latin-1").splitlines()
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        match = JUDGEMENT.fullmatch(line.strip())
        if not match:
            raise InputError(
                f"{path}: line {number}: expected number, file and two percentages, found '{line.strip()}'"
            )
        name, *percentages = match.groups()
        shares = [round(float(value.replace(",", ".")) / 100, 4) for value in percentages]
        judgements[name] = dict(zip(("recognition", "naturalness"), shares, strict=True))
    return judgements


def _confidences(path: Path) -> dict[str, dict[str, float]]:
    """Recognition, 0..1, by file name without suffix, from a table of version 2.0; nothing where its cell is empty."""
    table = tables.read_checked(path, CONFIDENCE)
    shares = zip(table["file"], table["emotion.confidence"], strict=True)
    return {Path(file).stem: {} if math.isnan(share) else {"recognition": round(share, 4)} for file, share in shares}
