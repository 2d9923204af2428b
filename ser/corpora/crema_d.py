"""CREMA-D, the crowd-sourced emotional multimodal actors dataset: English, acted, judged by 2,443 raters.

Source: H. Cao et al., IEEE Transactions on Affective Computing 5(4), 2014;
https://github.com/CheyneyComputerScience/CREMA-D. Licence: ODbL 1.0, contents DbCL 1.0.
Example: ``AudioWAV/1001_IEO_HAP_LO.wav``: actor 1001, sentence IEO, HAP for happy, low level.

``processedResults/tabulatedVotes.csv`` holds three rows a clip, told apart by the first digit of the row's number: what
raters heard in the voice alone (1), saw in the face alone (2), and took from both (3).
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

CLIPS = 7442
FOLDER = "AudioWAV"
NAME = re.compile(r"(?P<actor>\d{4})_(?P<sentence>[A-Z]{3})_(?P<emotion>[A-Z]{3})_(?P<level>[A-Z]{2})")
MISNAMED = {"1040_ITH_SAD_X": "1040_ITH_SAD_XX"}  # so named in older copies of the audio, never in the tables
# Raters were given other recordings in place of these (the corpus' README, notes on its audio and video files), so the
# votes are not of these; the audio itself is right. 1076_MTI_SAD_XX, the fourth, is silent.
UNHEARD = frozenset({"1064_IEO_DIS_MD", "1064_TIE_SAD_XX", "1076_MTI_NEU_XX"})
LEVELS = {"LO": "low", "MD": "medium", "HI": "high", "XX": "unspecified"}
SENTENCES = {
    "IEO": "It's eleven o'clock.",
    "TIE": "That is exactly what happened.",
    "IOM": "I'm on my way to the meeting.",
    "IWW": "I wonder what this is about.",
    "TAI": "The airplane is almost full.",
    "MTI": "Maybe tomorrow it will be cold.",
    "IWL": "I would like a new alarm clock.",
    "ITH": "I think I have a doctor's appointment.",
    "DFA": "Don't forget a jacket.",
    "ITS": "I think I've seen this before.",
    "TSI": "The surface is slick.",
    "WSI": "We'll stop in a couple of minutes.",
}
VOTES = {code[0]: word for code, word in emotions.CREMA_D.items()}  # the columns that count votes
MODALITIES = {"1": "voice", "2": "face", "3": "audiovisual"}
ADVICE = "take the table as it was distributed"
ACTORS = tables.Schema(
    {"ActorID": tables.text(), "Age": tables.number(0, 150, empty=True)}
    | dict.fromkeys(("Sex", "Race", "Ethnicity"), tables.text(empty=True)),
    ADVICE,
    key=("ActorID",),
)
RATINGS = tables.Schema(
    dict.fromkeys(VOTES, tables.whole())
    | {"fileName": tables.text(), "meanEmoResp": tables.number(0, 100, empty=True)},
    ADVICE,
    key=(),
)


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, with the folder ``AudioWAV``, ``VideoDemographics.csv`` and
            ``processedResults/tabulatedVotes.csv``.
        incomplete: whether files may be missing.

    Returns:
        One utterance a clip; the emotion is the intended one, the votes are of those who heard the voice alone.
        Details: intensity (the intended level), sentence (its code), race, ethnicity, voice_level (mean rated level,
        0..100), face_votes, audiovisual_votes. Of ``UNHEARD`` clips there are no votes.

    Raises:
        InputError: clips or tables are missing, or are not as distributed.
    """
    inner = root(folder, FOLDER)
    files = audio_files(inner / FOLDER) or audio_files(inner)
    check_size(folder, f"audio files in its folder {FOLDER}", len(files), CLIPS, incomplete)
    actors_csv, votes_csv = blanks(folder)
    actors = read_actors(actors_csv) if has_table(actors_csv, incomplete) else None
    votes = read_votes(votes_csv) if has_table(votes_csv, incomplete) else None
    return [_utterance(path, actors, votes) for path in files]


def blanks(folder: Path) -> dict[Path, str]:
    """Tell what stays blank without each of the corpus' tables."""
    inner = root(folder, FOLDER)
    return {
        inner / "VideoDemographics.csv": "gender, age, race and ethnicity",
        inner / "processedResults" / "tabulatedVotes.csv": "votes and rated level",
    }


def read_actors(path: Path) -> dict[str, dict]:
    """Read VideoDemographics.csv: by actor, age (years), gender, race and ethnicity."""
    table = tables.read_checked(path, ACTORS)
    return {
        row.ActorID: {"age": float(row.Age), "gender": row.Sex.lower(), "race": row.Race, "ethnicity": row.Ethnicity}
        for row in table.itertuples()
    }


def read_votes(path: Path) -> dict[tuple[str, str], tuple[dict[str, int], float]]:
    """Read tabulatedVotes.csv: by clip and modality, raters per emotion and their mean level, 0..100 or NaN."""
    table = tables.read_checked(path, RATINGS)
    modalities = table.iloc[:, 0].astype(str).str[0].map(MODALITIES)
    counts = [
        {word: int(count) for word, count in zip(VOTES.values(), row, strict=True) if count}
        for row in table[list(VOTES)].itertuples(index=False)
    ]
    return dict(
        zip(
            zip(table["fileName"], modalities, strict=True),
            zip(counts, table["meanEmoResp"].round(4).tolist(), strict=True),
            strict=True,
        )
    )


def _utterance(path: Path, actors: dict | None, votes: dict | None) -> Utterance:
    name = MISNAMED.get(path.stem, path.stem)
    match = NAME.fullmatch(name)
    if (
        not match
        or match["sentence"] not in SENTENCES
        or match["emotion"] not in emotions.CREMA_D
        or match["level"] not in LEVELS
    ):
        raise InputError(
            f"{path}: expected a CREMA-D name such as 1001_IEO_HAP_LO.wav; take the file out of the folder{OTHERWISE}"
        )
    details = {"intensity": LEVELS[match["level"]], "sentence": match["sentence"]}
    heard, actor = {}, {}
    if actors is not None:
        if match["actor"] not in actors:
            raise InputError(f"{path}: the actor {match['actor']} is not listed in the corpus' VideoDemographics.csv")
        actor = actors[match["actor"]]
        details |= {"race": actor["race"], "ethnicity": actor["ethnicity"]}
    if votes is not None and name not in UNHEARD:
        if any((name, modality) not in votes for modality in MODALITIES.values()):
            raise InputError(f"{path}: the corpus' tabulatedVotes.csv lacks its votes by voice, face or both")
        heard, level = votes[name, "voice"]
        details |= {
            **({} if math.isnan(level) else {"voice_level": level}),
            "face_votes": votes[name, "face"][0],
            "audiovisual_votes": votes[name, "audiovisual"][0],
        }
    return Utterance(
        name=name,
        path=path,
        emotion=emotions.CREMA_D[match["emotion"]],
        speaker=match["actor"],
        gender=actor.get("gender", ""),
        age=actor.get("age"),
        language="en",
        votes=heard,
        text=SENTENCES[match["sentence"]],
        details=details,
    )
