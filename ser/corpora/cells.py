"""What a cell of a user's table says: a speaker, an age, a language, a further value, or that something is unknown."""

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping

import iso639

from ser.files.failures import InputError

FIELDS = ("speaker", "gender", "age", "text", "language")  # of Utterance
NAMES = ("sentence", "session", "split")  # further columns whose cells are names, though they look like numbers
# Ways to write that something is not known, in lower case: nobody is called so.
UNKNOWN = frozenset({"", "-", "--", "nan", "na", "n/a", "n.a.", "#n/a", "<na>", "nat", "none", "null", "unknown"})
# Further ways to write that nobody knows who speaks, in lower case, with blanks for _ and without brackets.
NOBODY = frozenset(
    {
        *("-1", ".", "n/d", "unk", "unknown speaker", "speaker unknown", "no speaker", "anonymous", "anon", "missing"),
        *("unspecified", "undefined", "not available", "not known", "unbekannt", "inconnu", "desconocido"),
        *("desconhecido", "sconosciuto", "onbekend"),
    }
)
QUESTION_MARKS = re.compile(r"\?+")
NO_TEXT = frozenset({"", "nan", "NaN", "NA", "N/A", "#N/A", "<NA>"})  # "None" and "unknown" can be said
GENDERS = {
    **dict.fromkeys(("f", "female", "females", "w", "woman", "women", "fem", "girl", "girls", "weiblich"), "female"),
    **dict.fromkeys(("femme", "femmes", "mujer", "mujeres", "mulher", "mulheres", "donna", "donne"), "female"),
    **dict.fromkeys(("femenino", "feminino", "féminin", "femminile", "female_feminine"), "female"),
    **dict.fromkeys(("m", "male", "males", "man", "men", "masc", "boy", "boys", "männlich", "maennlich"), "male"),
    **dict.fromkeys(("h", "homme", "hommes", "hombre", "hombres", "homens", "uomini"), "male"),
    **dict.fromkeys(("homem", "uomo", "masculino", "masculin", "maschile", "male_masculine"), "male"),
}
# Where these stand, m is mujer or mulher.
MEN_WITH_H = frozenset({"h", "homme", "hombre", "homem"})
# Signs that no table can hold in a cell: line ends, tabs and what else controls a printer.
CONTROL = re.compile(r"\s*[\x00-\x1f\x7f]+\s*")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
AGE_BAND = re.compile(r"(\d{1,3})\s*(?:-|–|—|~|～|to)\s*(\d{1,3})")
DECADE = re.compile(r"(\d0)(?:'?s)")
DECADES = ("twenties", "thirties", "fourties", "fifties", "sixties", "seventies", "eighties", "nineties")
# As Common Voice tells ages, whose forties have a u.
AGES = {"teens": "13-19", "forties": "40s"} | {name: f"{20 + 10 * at}s" for at, name in enumerate(DECADES)}
# A language's code, with a way of writing and a region or without them: de, deu, de-DE, zh_Hans, zh-Hans-CN.
CODE = re.compile(r"([a-z]{2,3})(?:[-_][a-z]{4})?(?:[-_](?:[a-z]{2}|\d{3}))?", re.IGNORECASE)
# Usual names of languages that ISO 639 calls otherwise, and the one code of Chinese that is nearly always meant.
LANGUAGES = {
    **{"greek": "el", "farsi": "fa", "bangla": "bn", "odia": "or", "mandarin": "zh", "cmn": "zh"},
    **{"slovene": "sl", "frisian": "fy"},
}
WHOLE = re.compile(r"0*(\d{1,18})(?:\.0+)?")  # a number, as tables write it with zeros before it, or as 1.0
WIDEST_BAND = 10  # years between the ends of an age band, above which its middle says little


def told(text: str) -> str:
    """Give the text of a cell without blanks around it, or ``""`` where it says that something is unknown."""
    text = text.strip()
    return "" if text.lower() in UNKNOWN or QUESTION_MARKS.fullmatch(text) else text


def speaker(text: str) -> str:
    """Give the name of a speaker, or ``""`` where it says that nobody knows who speaks."""
    name = told(text)
    name = re.sub(r"^-1\.0+$", "-1", name)  # as pandas writes -1 beside missing cells
    return "" if re.sub(r"[\s_]+", " ", name.strip("<>[]()").lower()) in NOBODY else name


def genders(column: Iterable[str]) -> Mapping[str, str]:
    """Tell what the words of a whole column of genders mean: beside H, for hombre, M is mujer.

    Nobody knows what M is beside V (a woman in Spanish, a man in Dutch), or F beside N (a man in Hungarian).

    Example:
        >>> genders(["H", "M"])["m"], genders(["F", "M"])["m"]
        ('female', 'male')
    """
    words = {told(unicodedata.normalize("NFC", text)).lower() for text in column}
    if {"m", "v"} <= words and "f" not in words:
        return {word: meant for word, meant in GENDERS.items() if word != "m"}
    if {"f", "n"} <= words and "m" not in words:
        return {word: meant for word, meant in GENDERS.items() if word != "f"}
    if not words & MEN_WITH_H:
        return GENDERS
    if "m" in words and any(GENDERS.get(word) == "female" and not word.startswith("m") for word in words):
        return {word: meant for word, meant in GENDERS.items() if word != "m"}  # F, H and M: nobody knows
    return {**GENDERS, "m": "female"}


def fields(
    row: Mapping[str, str], place: str, decimal_comma: bool = False, genders: Mapping[str, str] = GENDERS
) -> dict:
    """Read the columns that ``Utterance`` has fields for; all others become its details.

    Args:
        row: cells by column, all text, without the columns path, emotion and votes.
        place: of the row, for messages.
        decimal_comma: whether further numbers are written 0,5.
        genders: what words of the column gender mean.

    Returns:
        Keyword arguments of ``Utterance``. Where an age was told as a band, the detail ``age_band`` keeps its words.

    Raises:
        InputError: an age cannot be understood.
    """
    row = {name: CONTROL.sub(" ", text) for name, text in row.items()}
    known: dict = {"speaker": speaker(row["speaker"])} if "speaker" in row else {}
    details = {}
    if "language" in row:
        known["language"] = language(told(row["language"]))
    if "text" in row:
        known["text"] = "" if row["text"].strip() in NO_TEXT else row["text"].strip()
    if "gender" in row:
        gender = told(unicodedata.normalize("NFC", row["gender"]))
        known["gender"] = genders.get(gender.lower(), gender)
    if told(row.get("age", "")):
        known["age"], band = age(told(row["age"]), place)
        details |= {"age_band": band} if band else {}
    for column, text in row.items():
        if column not in FIELDS and told(text):
            number = decimal_comma and DECIMAL_COMMA.fullmatch(text)
            if column in NAMES:
                details[column] = named(text)
            else:
                details[column] = float(text.replace(",", ".")) if number else value(text)
    return {**known, "details": details}


def age(text: str, place: str) -> tuple[float, str]:
    """Read an age in years, or a narrow band of ages, which counts as its middle.

    Args:
        text: such as ``31``, ``31.5``, ``31,5``, ``25-30``, ``20s`` (20 to 29) or ``twenties``.
        place: of the cell, for the message.

    Returns:
        The age in years, and the band's words, or ``""`` where it was no band.

    Raises:
        InputError: it is no age, or a band wider than ``WIDEST_BAND``.
    """
    text = AGES.get(text.lower(), text)
    band, decade = AGE_BAND.fullmatch(text), DECADE.fullmatch(text.lower())
    if band or decade:
        low, high = map(int, band.groups()) if band else (int(decade[1]), int(decade[1]) + 9)
        if low <= high <= low + WIDEST_BAND and high < 150:
            return (low + high) / 2, text
        raise InputError(
            f"{place}: expected an age in years, or a band of {WIDEST_BAND} years at most, found '{text}', whose "
            "middle says little; leave the cell empty, and keep the band in a column of another name"
        )
    try:
        years = float(text.replace(",", ".") if DECIMAL_COMMA.fullmatch(text) else text)
    except ValueError:
        years = math.nan
    if not 0 < years < 150:
        raise InputError(
            f"{place}: expected an age in years, found '{text}'; leave it empty where it is unknown, or call the "
            "column otherwise, such as birth_year"
        )
    return years, ""


def language(text: str) -> str:
    """Give the ISO 639-1 code of a language; what has none, and words that name no language, stay as they are.

    Example:
        >>> [language(text) for text in ("deu", "ger", "German", "german", "de-DE", "yue", "Klingonese")]
        ['de', 'de', 'de', 'de', 'de', 'yue', 'Klingonese']
    """
    if text.lower() in LANGUAGES:
        return LANGUAGES[text.lower()]
    code = CODE.fullmatch(text)
    for name in (code[1].lower() if code else text, text.title()):
        try:
            return iso639.Lang(name).pt1 or text
        except (iso639.exceptions.InvalidLanguageValue, iso639.exceptions.DeprecatedLanguageValue):
            continue
    return text


def named(text: str) -> int | str:
    """Give a cell that names a sentence, a session or a part: sentences 1.1 and 1.10 are two, 01 and 1.0 are both 1.

    Returns:
        A whole number where it is written as one, else the text.
    """
    whole = WHOLE.fullmatch(text.strip())
    return int(whole[1]) if whole else text.strip()


def value(text: str):
    """Give a cell of a further column: a number, truth value, list or object where it reads as one, else text."""
    if text in ("True", "False"):  # as pandas writes them
        return text == "True"
    try:
        read = json.loads(text)
        json.dumps(read, allow_nan=False)
    except (ValueError, RecursionError):
        return text
    return read if isinstance(read, bool | int | float | list | dict) else text
