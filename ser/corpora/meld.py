"""MELD, the multimodal EmotionLines dataset: English, scenes of the series Friends, each utterance a video.

Source: S. Poria et al., "MELD: A Multimodal Multi-Party Dataset for Emotion Recognition in Conversations", ACL 2019;
https://github.com/declare-lab/MELD. Licence: GPL-3.0 for the tables, none stated for the videos. Example:
``train_splits/dia0_utt0.mp4``, dialogue 0, utterance 0, of which a row of ``train_sent_emo.csv`` tells emotion, speaker
and words; the same for dev and test. Tables and names are those of the source and of EmoBox' list of the corpus,
https://github.com/emo-box/EmoBox; the audio has not been tried.

The distribution has faults. Of dev dia110_utt7 there is no video, and train dia125_utt3 is damaged. Nine videos of dev
and test have no row. In test, videos named ``final_videos_test...`` stand beside those of the same utterances; the
authors advise to ignore both kinds (issue 22), while some users found that the former fit the words better. Some videos
are cut wrongly and last minutes.

A speaker is a character, which may be a role, such as Woman, that several people played. The six main characters speak
five utterances of six, in all three parts.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from ser.corpora import cells, emotions
from ser.corpora.layout import audio_files, check_size
from ser.corpora.naming import OTHERWISE
from ser.corpora.utterance import Utterance
from ser.files import tables
from ser.files.failures import InputError

UTTERANCES = 13_708
PARTS = ("train", "dev", "test")
ABSENT = frozenset({"dev_dia110_utt7", "train_dia125_utt3"})  # without video, or with a damaged one
NAME = re.compile(r"(?:final_videos_test)?dia\d+_utt\d+")
COLUMNS = ("Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID", "Season", "Episode")
GENDERS = {
    **dict.fromkeys(("Monica", "Phoebe", "Rachel"), "female"),
    **dict.fromkeys(("Chandler", "Joey", "Ross"), "male"),
}
# Two names of one person: other spellings, parts within the series, and Ursula, whom Phoebe's actress plays.
ONE_PERSON = {
    "Dr. Drake Remoray": "Joey",
    "Dr. Leedbetter": "Dr. Ledbetter",
    "Phoebe Sr": "Phoebe Sr.",
    "Ursula": "Phoebe",
}
SEVERAL = re.compile(r"All|Both|Her-Friends|The Guys|.+ and .+")  # people at once
QUOTES = str.maketrans("\x85\x91\x92\x93\x94\x96\x97", "…‘’“”–—")  # which older tables have in the code of Windows


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, with the videos, or their sound, in folders with train, dev or test in their names, and the
            tables, both at any depth.
        incomplete: whether utterances may be missing.

    Returns:
        One utterance a file, named as ``train_dia0_utt0``. Those of several people at once, and files without a row,
        are ``undecided``, without speaker. Details: split (the corpus' own part), label (the corpus' word), character
        (as the table tells it), sentiment, dialogue, season, episode.

    Raises:
        InputError: files or tables are missing, lie there twice, or are not as distributed.
    """
    files = _files(folder)
    if not files:
        check_size(folder, "files of utterances", 0, UTTERANCES - len(ABSENT), incomplete)
    told = {name: row for part in PARTS for name, row in _table(folder, part, incomplete).items()}
    check_size(folder, "utterances in its tables", len(told), UTTERANCES, incomplete)
    silent = sorted(told.keys() - files.keys() - ABSENT)
    if silent and not incomplete:
        raise InputError(
            f"{folder}: no file for {len(silent)} of {len(told)} utterances of its tables, such as {silent[0]}; unpack "
            "the corpus again, or name it in manifest.allow_incomplete"
        )
    return [_utterance(name, path, told.get(name)) for name, path in files.items()]


def _files(folder: Path) -> dict[str, Path]:
    """The files by part and name."""
    files: dict[str, Path] = {}
    for path in audio_files(folder):
        above = reversed(path.relative_to(folder).parts[:-1])
        part = next((part for name in above for part in PARTS if part in re.split("[^a-z]", name.lower())), "")
        if not part or not NAME.fullmatch(path.stem):
            raise InputError(
                f"{path}: expected a name of MELD such as train_splits/dia0_utt0.mp4, in a folder of train, dev or "
                f"test; take the file out of the folder{OTHERWISE}"
            )
        name = f"{part}_{path.stem}"
        if name in files:
            raise InputError(f"{path}: the same recording as {files[name]}; delete one of the two copies")
        files[name] = path
    return files


def blanks(folder: Path) -> dict[Path, str]:
    """Tell what stays blank without each of the corpus' tables."""
    return {
        path: f"emotion, speaker and text of {part}"
        for part in PARTS
        for path in _found(folder, part) or [folder / f"{part}_sent_emo.csv"]
    }


def _found(folder: Path, part: str) -> list[Path]:
    return sorted(folder.glob(f"**/{part}_sent_emo.csv"))


def _table(folder: Path, part: str, incomplete: bool) -> dict[str, Mapping]:
    """The rows of a part, with ``part``, by the names of their files."""
    found = _found(folder, part)
    if len(found) > 1:
        raise InputError(
            f"{folder}: expected one table {part}_sent_emo.csv, found {' and '.join(map(str, found))}; keep one"
        )
    if not found:
        if incomplete:
            return {}
        raise InputError(f"{folder}: expected one table {part}_sent_emo.csv, found none; it comes with the corpus")
    table = tables.read(found[0], COLUMNS, text=COLUMNS)
    odd = table.loc[~table["Emotion"].isin(emotions.MELD), "Emotion"]
    if len(odd):
        raise InputError(
            f"{found[0]}: expected one of {', '.join(emotions.MELD)} as Emotion, found '{odd.iloc[0]}'; take the table "
            "as it was distributed"
        )
    rows = {f"{part}_dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}": row for row in table.to_dict("records")}
    if len(rows) < len(table):
        raise InputError(f"{found[0]}: an utterance stands there twice; take the table as it was distributed")
    return rows


def _utterance(name: str, path: Path, row: Mapping | None) -> Utterance:
    details = {"split": name.partition("_")[0]}
    if row is None:
        return Utterance(name=name, path=path, emotion="undecided", language="en", details=details)
    character = row["Speaker"].translate(QUOTES).strip()
    several = SEVERAL.fullmatch(character)
    person = character.partition("/")[0]  # Joey/Drake is Joey, who plays Drake
    speaker = "" if several else ONE_PERSON.get(person, person)
    return Utterance(
        name=name,
        path=path,
        emotion="undecided" if several else emotions.MELD[row["Emotion"]],
        speaker=speaker,
        gender=GENDERS.get(speaker, ""),
        language="en",
        text=" ".join(row["Utterance"].translate(QUOTES).split()),
        details=details
        | {
            "label": row["Emotion"],
            "character": character,
            "sentiment": row["Sentiment"],
            "dialogue": f"{details['split']} {row['Dialogue_ID']}",
            "season": cells.value(row["Season"]),
            "episode": cells.value(row["Episode"]),
        },
    )
