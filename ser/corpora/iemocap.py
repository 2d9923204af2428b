"""IEMOCAP, the interactive emotional dyadic motion capture database: English dialogues of two actors, five sessions.

Source: C. Busso et al., Language Resources and Evaluation 42(4), 2008; https://sail.usc.edu/iemocap. Licence: on
request, for research. Example: ``Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_M003.wav``, a turn of the man of
session 1; the letter after the session says who wore the motion capture, not who speaks.

``SessionN/dialog/EmoEvaluation/<dialog>.txt`` holds for each turn a head line with the label that most raters gave (xxx
where there is none) and the mean valence, activation and dominance (1..5), then a line per rater, who may name several
emotions: ``C-E2:<tab>Neutral; Anger;<tab>(comment)``; C-F1 and C-M1 are the actors about themselves.
"""

import re
from collections import Counter
from pathlib import Path

from ser.corpora import emotions
from ser.corpora.layout import audio_files, check_size, has_table, root
from ser.corpora.utterance import Utterance
from ser.files.failures import InputError

SESSIONS = 5
EVALUATIONS, TRANSCRIPTIONS = "dialog/EmoEvaluation", "dialog/transcriptions"  # of each session
# Turns per label of the complete corpus, 10,039 together; angry, happy with excited, sad, neutral are the usual 5,531.
TURNS = {
    "angry": 1103,
    "happy": 595,
    "excited": 1041,
    "sad": 1084,
    "neutral": 1708,
    "frustrated": 1849,
    "surprised": 107,
    "fearful": 40,
    "disgusted": 2,
    "other": 3,
    "undecided": 2507,
}
TURN = re.compile(r"Ses(?P<session>0[1-5])[FM]_(?P<kind>impro|script)\w+_(?P<sex>[FM])\w+")
HEAD = re.compile(
    r"\[(?P<start>[\d.]+) - (?P<end>[\d.]+)\]\s+(?P<turn>\S+)\s+(?P<label>[a-z]{3})\s+"
    r"\[(?P<valence>[\d.]+), (?P<activation>[\d.]+), (?P<dominance>[\d.]+)\]"
)
RATER = re.compile(r"C-(?P<rater>[EFM]\d+):\s*(?P<labels>[^(]*?)\s*(?:\(.*)?")
TRANSCRIPT = re.compile(r"(?P<turn>Ses\S+) \[[\d.]+-[\d.]+\]:? *(?P<text>.*)")
GENDERS = {"F": "female", "M": "male"}


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, with the folders ``Session1`` to ``Session5``.
        incomplete: whether sessions, turns or transcripts may be missing.

    Returns:
        One utterance a turn. The votes are of the raters, not of the actors; a rater who named two emotions counts for
        both, so that there may be more votes than raters. Details: session (1..5), dialog, improvised, raters (each
        one's words, in ours), self (the actors' own), valence, activation, dominance (means, 1..5).

    Raises:
        InputError: something is missing or is not as distributed.
    """
    sessions = _sessions(folder)
    if not any((session / EVALUATIONS).is_dir() for session in sessions) and audio_files(folder):
        raise InputError(
            f"{folder}: expected SessionN/{EVALUATIONS}, which tells the emotions, found none; flat copies have lost "
            "it: unpack the corpus as it was distributed, or give the folder another name, folders of emotions and a "
            "metadata.csv with speakers (data/raw/README.md)"
        )
    check_size(folder, "sessions", len(sessions), SESSIONS, incomplete)
    utterances = [utterance for session in sessions for utterance in _session(session, incomplete)]
    check_size(folder, "turns", len(utterances), sum(TURNS.values()), incomplete)
    counts = Counter(utterance.emotion for utterance in utterances)
    for emotion, expected in TURNS.items():
        if len(utterances) == sum(TURNS.values()) and counts[emotion] != expected:
            raise InputError(
                f"{folder}: expected {expected} turns labelled {emotion}, found {counts[emotion]}; the files of "
                "EmoEvaluation were changed: unpack the corpus again"
            )
    return utterances


def blanks(folder: Path) -> dict[Path, str]:
    """Tell what stays blank without each of the corpus' tables."""
    return {
        session / TRANSCRIPTIONS / evaluation.name: "text"
        for session in _sessions(folder)
        for evaluation in _evaluations(session)
    }


def _sessions(folder: Path) -> list[Path]:
    names = [f"Session{number}" for number in range(1, SESSIONS + 1)]
    inner = root(folder, *names)
    return [path for name in names if (path := inner / name).is_dir()]


def _evaluations(session: Path) -> list[Path]:
    # Names that begin with a dot are leftovers of a Mac's file system in the distributed archive.
    return sorted((session / EVALUATIONS).glob("Ses*.txt"))


def _session(session: Path, incomplete: bool) -> list[Utterance]:
    audio = {path.stem: path for path in audio_files(session / "sentences" / "wav")}
    utterances = []
    for evaluation in _evaluations(session):
        texts = _transcripts(session / TRANSCRIPTIONS / evaluation.name, incomplete)
        for turn in _turns(evaluation):
            if turn["turn"] in audio:
                path = audio.pop(turn["turn"])
                utterances.append(_utterance(path, turn, evaluation.stem, texts.get(path.stem, "")))
            elif not incomplete:
                raise InputError(
                    f"{evaluation}: no audio file for the turn {turn['turn']} below {session / 'sentences' / 'wav'}; "
                    "unpack the corpus again, or name it in manifest.allow_incomplete"
                )
    if audio and not incomplete:
        raise InputError(
            f"{next(iter(audio.values()))}: no file of {session / EVALUATIONS} has this turn, nor "
            f"{len(audio) - 1} others; unpack the corpus again, or name it in manifest.allow_incomplete"
        )
    return utterances


def _turns(evaluation: Path) -> list[dict]:
    """The turns of one dialogue: the head line's parts, and the words of the ``raters`` and of the actors, ``self``."""
    turns = []
    for line in evaluation.read_text(encoding="latin-1").splitlines():
        if match := HEAD.match(line):
            if not TURN.fullmatch(match["turn"]) or match["label"] not in emotions.IEMOCAP:
                raise InputError(
                    f"{evaluation}: expected a turn such as Ses01F_impro01_M003 and its label, found '{line}'"
                )
            turns.append({**match.groupdict(), "raters": {}, "self": {}})
        elif turns and (match := RATER.fullmatch(line.strip())):
            words = [label.strip().lower() for label in match["labels"].split(";") if label.strip()]
            group = "raters" if match["rater"].startswith("E") else "self"
            turns[-1][group][match["rater"]] = [emotions.IEMOCAP_RATERS.get(word, "other") for word in words]
    return turns


def _transcripts(path: Path, incomplete: bool) -> dict[str, str]:
    """The words of each turn of one dialogue."""
    if not has_table(path, incomplete):
        return {}
    matches = map(TRANSCRIPT.match, path.read_text(encoding="latin-1").splitlines())
    return {match["turn"]: match["text"].strip() for match in matches if match}


def _utterance(path: Path, turn: dict, dialog: str, text: str) -> Utterance:
    match = TURN.fullmatch(path.stem)
    return Utterance(
        name=path.stem,
        path=path,
        emotion=emotions.IEMOCAP[turn["label"]],
        speaker=f"Ses{match['session']}{match['sex']}",
        gender=GENDERS[match["sex"]],
        language="en",
        votes=Counter(word for words in turn["raters"].values() for word in words),
        text=text,
        details={
            "session": int(match["session"]),
            "dialog": dialog,
            "improvised": match["kind"] == "impro",
            "raters": turn["raters"],
            "self": turn["self"],
            **{name: float(turn[name]) for name in ("valence", "activation", "dominance")},
        },
    )
