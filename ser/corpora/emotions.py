"""The emotions' words, and what each corpus calls them."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from ser.files.failures import InputError
from ser.files.params import hint

WORDS = (
    "angry",
    "happy",
    "sad",
    "neutral",
    "fearful",
    "disgusted",
    "surprised",
    "bored",
    "calm",
    "excited",
    "frustrated",
    "contemptuous",
    "other",  # an emotion that has no word here
    "undecided",  # IEMOCAP, MSP-Podcast: no emotion was heard by most of the raters, or the label is withheld
)


def _plain(name: str) -> str:
    """A name without accents."""
    return "".join(sign for sign in unicodedata.normalize("NFD", name) if not unicodedata.combining(sign))


# What folders, tables and raters call them beside WORDS themselves. Compared in lower case, with a blank for - and _.
# They are the words of the corpora of EmoBox (https://github.com/emo-box/EmoBox) and of the copies that Kaggle offers.
SYNONYMS = {
    **dict.fromkeys(("anger", "ang", "rage"), "angry"),
    **dict.fromkeys(("happiness", "happyness", "joy", "joyful", "hap"), "happy"),
    **dict.fromkeys(("sadness",), "sad"),
    **dict.fromkeys(("neutrality", "neutral state", "neu"), "neutral"),
    **dict.fromkeys(("fear", "afraid", "anxiety", "anxious", "scared", "fea"), "fearful"),
    **dict.fromkeys(("disgust", "dis"), "disgusted"),
    **dict.fromkeys(("surprise", "sur", "ps", "pleasant surprise", "pleasant surprised", "suprised"), "surprised"),
    **dict.fromkeys(("boredom", "boredem", "boredome", "bordom"), "bored"),
    **dict.fromkeys(("calmness",), "calm"),
    **dict.fromkeys(("excitement", "exc"), "excited"),
    **dict.fromkeys(("frustration", "fru"), "frustrated"),
    **dict.fromkeys(("contempt",), "contemptuous"),
    **dict.fromkeys(("no agreement", "xxx"), "undecided"),
    # French, German, Italian, Portuguese and Spanish, as folders of corpora in these languages are called.
    **dict.fromkeys(("colère", "en colère", "ärger", "wut", "wütend", "rabbia", "arrabbiato"), "angry"),
    **dict.fromkeys(("raiva", "enojo", "enojado", "enfado", "ira"), "angry"),
    **dict.fromkeys(("joie", "heureux", "freude", "glücklich", "gioia", "felice"), "happy"),
    **dict.fromkeys(("alegria", "alegría", "felicidad", "felicidade", "feliz"), "happy"),
    **dict.fromkeys(("tristesse", "trauer", "traurig", "traurigkeit", "tristezza", "tristeza", "triste"), "sad"),
    **dict.fromkeys(("neutre", "neutralität", "neutro", "neutralità", "neutrale", "neutra"), "neutral"),
    **dict.fromkeys(("peur", "angst", "paura", "medo", "miedo"), "fearful"),
    **dict.fromkeys(("dégoût", "ekel", "disgusto", "nojo", "asco"), "disgusted"),
    **dict.fromkeys(("überraschung", "sorpresa", "surpresa"), "surprised"),
    **dict.fromkeys(("ennui", "langeweile", "noia", "tédio", "aburrimiento"), "bored"),
    # Emotions, and manners of speaking, that have no word here; an index keeps their names as the detail label.
    **dict.fromkeys(
        (
            *("oth", "amused", "amusement", "apologetic", "assertive", "concerned", "disappointment"),
            *("encouraging", "enthusiasm", "enthusiastic", "pain", "pleasure", "sarcastic", "sleepy", "sleepiness"),
            *(
                "worried",
                "guilt",
                "achievement",
                "drunk",
                "whisper",
                "whispered",
                "concern",
                "peace",
                "power",
                "question",
            ),
        ),
        "other",
    ),
}
# Compared without accents, too, as folders are often called, and with ae, oe, ue for ä, ö, ü.
PLAIN = {
    _plain(written): meaning
    for name, meaning in SYNONYMS.items()
    for written in (name, name.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue"))
}
ABBREVIATION = 3  # letters at most of a synonym that may mean something else: dis, disgust or disprezzo

EMODB = {  # the sixth character of a file name: the German word's first letter (Wut, Langeweile, Ekel, Angst, ...)
    "W": "angry",
    "L": "bored",
    "E": "disgusted",
    "A": "fearful",
    "F": "happy",
    "T": "sad",
    "N": "neutral",
}

RAVDESS = {  # the third number of a file name
    "01": "neutral",
    "02": "calm",
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fearful",
    "07": "disgusted",
    "08": "surprised",
}

IEMOCAP = {  # what most raters heard, as the files of EmoEvaluation put it
    "ang": "angry",
    "hap": "happy",
    "exc": "excited",
    "sad": "sad",
    "neu": "neutral",
    "fru": "frustrated",
    "fea": "fearful",
    "dis": "disgusted",
    "sur": "surprised",
    "oth": "other",
    "xxx": "undecided",
}

IEMOCAP_RATERS = {  # what one rater heard; raters could also name an emotion of their own, which counts as other
    "anger": "angry",
    "happiness": "happy",
    "excited": "excited",
    "sadness": "sad",
    "neutral": "neutral",
    "neutral state": "neutral",
    "frustration": "frustrated",
    "fear": "fearful",
    "disgust": "disgusted",
    "surprise": "surprised",
    "other": "other",
}

MSP_PODCAST = {  # what most raters heard
    "A": "angry",
    "C": "contemptuous",
    "D": "disgusted",
    "F": "fearful",
    "H": "happy",
    "N": "neutral",
    "O": "other",
    "S": "sad",
    "U": "surprised",
    "X": "undecided",
}

CREMA_D = {  # the third part of a file name; its first letter heads the column of votes
    "ANG": "angry",
    "DIS": "disgusted",
    "FEA": "fearful",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}

ASED = {"n": "neutral", "f": "fearful", "h": "happy", "s": "sad", "S": "sad", "a": "angry"}  # the first letter

NEMO = {  # the second part of a file name
    "anger": "angry",
    "fear": "fearful",
    "happiness": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprised": "surprised",
}

EMOVO = {  # the first part: disgusto, gioia, neutrale, paura, rabbia, sorpresa, tristezza
    "dis": "disgusted",
    "gio": "happy",
    "neu": "neutral",
    "pau": "fearful",
    "rab": "angry",
    "sor": "surprised",
    "tri": "sad",
}

CAFE = {  # the second part: colère, dégoût, joie, neutre, peur, surprise, tristesse
    "C": "angry",
    "D": "disgusted",
    "J": "happy",
    "N": "neutral",
    "P": "fearful",
    "S": "surprised",
    "T": "sad",
}

TESS = {  # the third part; ps is pleasant surprise
    "angry": "angry",
    "disgust": "disgusted",
    "fear": "fearful",
    "happy": "happy",
    "neutral": "neutral",
    "ps": "surprised",
    "sad": "sad",
}

SAVEE = {  # the letters before the number
    "a": "angry",
    "d": "disgusted",
    "f": "fearful",
    "h": "happy",
    "n": "neutral",
    "sa": "sad",
    "su": "surprised",
}

URDU = {"A": "angry", "H": "happy", "N": "neutral", "S": "sad"}  # the third part's letter

TUREV = {"kz": "angry", "hl": "sad", "sk": "calm", "mt": "happy"}  # the second part: kızgın, hüzünlü, sakin, mutlu

AESDD = {"a": "angry", "d": "disgusted", "f": "fearful", "h": "happy", "s": "sad"}  # the first letter

EMOV_DB = {"amused": "other", "anger": "angry", "disgust": "disgusted", "neutral": "neutral", "sleepiness": "other"}

MELD = {  # the column Emotion
    "anger": "angry",
    "disgust": "disgusted",
    "fear": "fearful",
    "joy": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprise": "surprised",
}

MESD = {  # the first part
    "Anger": "angry",
    "Disgust": "disgusted",
    "Fear": "fearful",
    "Happiness": "happy",
    "Neutral": "neutral",
    "Sadness": "sad",
}

SHEMO = {"A": "angry", "F": "fearful", "H": "happy", "N": "neutral", "S": "sad", "W": "surprised"}  # the fourth letter

SUBESCO = {  # the last but one part
    "ANGRY": "angry",
    "DISGUST": "disgusted",
    "FEAR": "fearful",
    "HAPPY": "happy",
    "NEUTRAL": "neutral",
    "SAD": "sad",
    "SURPRISE": "surprised",
}

ESD = {"Angry": "angry", "Happy": "happy", "Neutral": "neutral", "Sad": "sad", "Surprise": "surprised"}  # the folder

JL = {  # the second part; the secondary emotions beside anxiety have no word here
    "angry": "angry",
    "anxious": "fearful",
    "apologetic": "other",
    "assertive": "other",
    "concerned": "other",
    "encouraging": "other",
    "excited": "excited",
    "happy": "happy",
    "neutral": "neutral",
    "sad": "sad",
}


NONE_OF_ITS_OWN: Mapping[str, str] = MappingProxyType({})  # of a corpus that calls emotions as others do


def word(name: str, own: Mapping[str, str] = NONE_OF_ITS_OWN) -> str | None:
    """Give the word for an emotion's name, or None where it is unknown.

    Args:
        name: as a folder, a file or a table calls it.
        own: what a corpus calls emotions by codes or words of its own, which count more; to our words.

    Example:
        >>> word("Anger"), word("sad"), word("melancholy")
        ('angry', 'sad', None)
        >>> word("03", {"03": "happy"})
        'happy'
    """
    name = unicodedata.normalize("NFC", name).strip()
    if name in own:
        return own[name]
    name = re.sub(r"[\s_-]+", " ", name).strip().lower()
    return name if name in WORDS else PLAIN.get(_plain(name))


def check_label_set(emotions: Sequence[str]) -> None:
    """Check the label set that the user chose.

    Args:
        emotions: the words of the label set.

    Raises:
        InputError: fewer than two words, a word that is unknown, or one that stands twice.
    """
    for emotion in emotions:
        if emotion not in WORDS:
            close = word(emotion) or next(iter(difflib.get_close_matches(emotion, WORDS, n=1)), None)
            hint = f"; did you mean '{close}'?" if close else ""
            raise InputError(f"emotions: expected some of {', '.join(WORDS)}, found '{emotion}'{hint}")
    if len(set(emotions)) < max(2, len(emotions)):
        raise InputError(f"emotions: expected two words or more, each once, found {', '.join(emotions) or 'none'}")


def check_merge(merge: Mapping[str, str], emotions: Iterable[str]) -> None:
    """Check the words that the user counts as others, such as ``{"excited": "happy"}``.

    Args:
        merge: from a word to the word that it is counted as.
        emotions: the words of the label set.

    Raises:
        InputError: a word is unknown, is itself merged again, or is merged away although the label set holds it.
    """
    for merged, kept in merge.items():
        for name in (merged, kept):
            if name not in WORDS:
                raise InputError(
                    f"manifest.merge: expected some of {', '.join(WORDS)}, found '{name}'{hint(name, WORDS)}"
                )
        if kept in merge:
            raise InputError(
                f"manifest.merge: '{merged}' becomes '{kept}', which is merged as well; name its last word"
            )
        if merged in emotions:
            raise InputError(
                f"manifest.merge: '{merged}' becomes '{kept}', but is in `emotions`; take it out of one of the two"
            )
