"""MSP-Podcast: English, turns of podcasts, not acted, each judged by five raters or more.

Source: R. Lotfian and C. Busso, IEEE Transactions on Affective Computing 10(4), 2019; C. Busso et al., arXiv
2509.09791; https://lab-msp.com. Licence: on request, for research. Example: ``Audios/MSP-PODCAST_0001_0008.wav``, a
turn of the first podcast.

``Labels/labels_consensus.csv`` has a row a turn: the letter of the emotion that most raters heard (X where there is
none), mean arousal, valence and dominance (1..7), speaker, gender, and the part: Train, Development, Test1 or Test2. In
training many speakers are ``Unknown``. ``Labels/labels_detailed.csv`` has a row for what each rater heard. The labels
of Test3 are withheld; ``Partition.txt`` lists its turns. Older releases write ``Partitions.txt``, ``labels`` or
``label``, and ``labels_concensus.csv``.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ser.corpora import cells, emotions, naming
from ser.corpora.layout import audio_files, has_table, root
from ser.corpora.naming import OTHERWISE
from ser.corpora.utterance import Utterance
from ser.files import tables
from ser.files.failures import InputError

NAME = re.compile(r"MSP-PODCAST_(?P<podcast>\d+)_[\d_]+")
AUDIO = ("Audios", "Audio")
MEANS = {"EmoAct": "arousal", "EmoVal": "valence", "EmoDom": "dominance"}
SAID = ("FileName", "EmoClass", "SpkrID", "Gender", "Split_Set")
WITHHELD = "Test3"  # the part whose labels nobody has


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus, laid out as release 1.12 is.

    Args:
        folder: the corpus, with the folders ``Audios``, ``Labels`` and, for the words, ``Transcripts``.
        incomplete: whether turns, ``labels_detailed.csv`` or ``Partition.txt`` may be missing.

    Returns:
        One utterance a turn. The votes are of each rater's primary emotion. Details: split (the corpus' own part),
        podcast, arousal, valence, dominance (means, 1..7). Turns of Test3 are ``undecided``.

    Raises:
        InputError: a table is missing or is not as distributed, or turns and labels do not match.
    """
    folder = root(folder, *AUDIO)
    files = audio_files(folder / AUDIO[0]) or audio_files(folder / AUDIO[1])
    naming.check_once(files)
    audio = {f"{path.stem}.wav": path for path in files}  # as the tables name them, whatever they were converted to
    if not audio:
        raise InputError(
            f"{folder}: expected 1 turn or more in its folder Audios, beside Labels/labels_consensus.csv, found 0; "
            f"{'move the turns into that folder' if audio_files(folder) else 'unpack the corpus again'}"
        )
    place = _labels(folder)
    consensus = place / _present(place, "labels_consensus.csv", "labels_concensus.csv")  # before release 1.11
    detailed, partition = blanks(folder)
    if not consensus.is_file():
        raise InputError(f"{consensus}: no such file; it comes with the corpus: add it")
    labels = _consensus(consensus)
    withheld = _withheld(partition, incomplete) if audio.keys() - labels.keys() else set()
    silent, unlabelled = sorted(labels.keys() - audio.keys()), sorted(audio.keys() - labels.keys() - withheld)
    if silent and not incomplete:
        raise InputError(
            f"{folder / 'Audios'}: no audio for {len(silent)} of {len(labels)} turns of {consensus}, such as "
            f"{silent[0]}; unpack the corpus again, or name it in manifest.allow_incomplete"
        )
    if unlabelled and not incomplete:
        raise InputError(
            f"{consensus}: no label for {len(unlabelled)} of {len(audio)} turns of {folder / 'Audios'}, such as "
            f"{unlabelled[0]}, which {partition} does not put into {WITHHELD}; take audio and labels of "
            "the same release, or name the corpus in manifest.allow_incomplete"
        )
    votes = _votes(detailed) if has_table(detailed, incomplete) else {}
    if votes and not votes.keys() & labels.keys():
        raise InputError(
            f"{detailed}: expected turns of {consensus}, found none, the first is {next(iter(votes))}; take both "
            "tables of the same release"
        )
    for name in audio.keys() - labels.keys():
        labels[name] = {"EmoClass": "X", "Split_Set": WITHHELD if name in withheld else ""}
    return [_utterance(path, labels[name], votes.get(name, {}), folder) for name, path in audio.items()]


def blanks(folder: Path) -> dict[Path, str]:
    """Tell what stays blank without each of the corpus' tables."""
    folder = root(folder, *AUDIO)
    return {
        _labels(folder) / "labels_detailed.csv": "votes",
        folder / _present(folder, "Partition.txt", "Partitions.txt"): "split of turns without a label",
    }


def _labels(folder: Path) -> Path:
    return folder / _present(folder, "Labels", "labels", "label")


def _present(folder: Path, *names: str) -> str:
    """The first of these names that the folder has, or else the first of all."""
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    return next((name for name in names if name in there), names[0])


def _consensus(path: Path) -> dict[str, dict]:
    """What ``labels_consensus.csv`` says of each turn, by the file's name."""
    table = tables.read(path, (*SAID, *MEANS), text=SAID)
    table = table[table["Split_Set"] != WITHHELD]  # should a release list them
    odd = table[~table["EmoClass"].isin(emotions.MSP_PODCAST)]
    if len(odd):
        raise InputError(
            f"{path}: expected one of the letters {', '.join(emotions.MSP_PODCAST)} as EmoClass, found "
            f"'{odd['EmoClass'].iloc[0]}' of {odd['FileName'].iloc[0]}"
        )
    twice = table.loc[table["FileName"].duplicated(), "FileName"]
    if len(twice):
        raise InputError(f"{path}: {twice.iloc[0]} stands there twice; take the table as it was distributed")
    try:
        table[list(MEANS)] = table[list(MEANS)].astype(float)
        if np.isinf(table[list(MEANS)]).any(axis=None):
            raise ValueError("an infinite one")
    except ValueError as error:
        raise InputError(f"{path}: expected numbers as {', '.join(MEANS)}, found: {error}") from error
    return {row["FileName"]: row for row in table.to_dict("records")}


def _withheld(path: Path, incomplete: bool) -> set[str]:
    """The turns of ``WITHHELD``: lines such as ``Test3; MSP-PODCAST_1234_0001.wav``."""
    if not has_table(path, incomplete):
        return set()
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return {name for line in lines if WITHHELD in line for name in re.findall(r"MSP-PODCAST_\w+\.wav", line)}


def _votes(path: Path) -> Mapping[str, Counter]:
    """How many raters heard each emotion, by the file's name.

    A rater's words stand in a column of their own or, in some releases, as the second part of EmoDetail:
    ``WORKER00000001; Angry; Angry,Annoyed; A:6; V:2; D:6;``. What a rater put into words of their own is other.
    """
    table = tables.read(path, ("FileName",), text=("FileName", "EmoClass_Major", "EmoDetail"))
    if "EmoClass_Major" in table:
        heard = table["EmoClass_Major"]
    elif "EmoDetail" in table:
        heard = table["EmoDetail"].str.split(";", n=2).map(lambda parts: parts[min(1, len(parts) - 1)])
    else:
        raise InputError(f"{path}: expected a column EmoClass_Major or EmoDetail, found {', '.join(table.columns)}")
    told = heard.map(cells.told)
    words = {name: emotions.word(name) for name in told.unique() if name}
    if words and not any(words.values()):
        raise InputError(
            f"{path}: expected emotions such as Angry and Neutral, found {', '.join(list(words)[:3])}; take the table "
            "as it was distributed"
        )
    counts = defaultdict(Counter)
    for name, rated in zip(table["FileName"], told, strict=True):
        if rated:
            counts[name][words[rated] or "other"] += 1
    return counts


def _utterance(path: Path, label: Mapping, votes: Mapping[str, int], folder: Path) -> Utterance:
    match = NAME.fullmatch(path.stem)
    if not match:
        raise InputError(
            f"{path}: expected a name such as MSP-PODCAST_0001_0008.wav; take the file out of the folder{OTHERWISE}"
        )
    words = folder / "Transcripts" / f"{path.stem}.txt"
    speaker, gender, part = (cells.told(label.get(column, "")) for column in ("SpkrID", "Gender", "Split_Set"))
    means = {name: label[column] for column, name in MEANS.items() if not math.isnan(label.get(column, math.nan))}
    return Utterance(
        name=path.stem,
        path=path,
        emotion=emotions.MSP_PODCAST[label["EmoClass"]],
        speaker=speaker,
        gender=cells.GENDERS.get(gender.lower(), gender),
        language="en",
        votes=votes,
        text=" ".join(words.read_text(encoding="utf-8", errors="replace").split()) if words.is_file() else "",
        details={"podcast": match["podcast"], **({"split": part} if part else {}), **means},
    )
