"""EmoV-DB, the emotional voices database: English, four speakers read sentences of CMU Arctic in five manners.

Source: A. Adigwe et al., arXiv 1806.09514; https://github.com/numediart/EmoV-DB, https://openslr.org/115. Licence: for
non-commercial purposes. Examples: ``bea_Amused/amused_1-28_0001.wav``, each archive in a folder of its own name, or
``bea/Amused/amused_1-28_0001.wav``: speaker, emotion, span of an annotation, sentence. Names and count are those of
nkululeko's list of the corpus, https://github.com/felixbur/nkululeko, of which EmoBox' lacks six; the audio has not
been tried. ``cmuarctic.data``, which some copies hold, tells the words.
"""

import re
from pathlib import Path

from ser.corpora import emotions
from ser.corpora.layout import audio_files, check_size
from ser.corpora.naming import OTHERWISE
from ser.corpora.utterance import Utterance
from ser.files.failures import InputError

FILES = 6893
GENDERS = {"bea": "female", "jenie": "female", "josh": "male", "sam": "male"}
PATH = re.compile(  # without suffix; the speaker stands in a folder alone
    rf"(?:.*/)?(?P<speaker>{'|'.join(GENDERS)})(?:[_/](?:Amused|Angry|Disgusted|Neutral|Sleepy))?/"
    rf"(?P<emotion>{'|'.join(emotions.EMOV_DB)})_[\d_-]+_(?P<sentence>\d{{4}})",
    re.IGNORECASE,
)
# Files whose sentence lies outside the span in their name, while another file of that span has the number and none has
# the right one: by speaker and name without suffix. Others who use the corpus rename the first five so, too; the last
# is by its duration and the lists alone. Of other files it is the span that is wrong.
MISNUMBERED = {
    "bea_anger_197-224_0024": "0224",
    "bea_neutral_113-140_0014": "0114",
    "bea_neutral_113-140_0015": "0115",
    "josh_amused_197-224_0023": "0223",
    "josh_amused_225_252_0026": "0226",
    "sam_sleepiness_281-308_0387": "0287",
}
WORDS = re.compile(r'\( arctic_a(\d{4}) "(.*)" \)')  # a line of cmuarctic.data; those of arctic_b are not spoken


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, in one of the two layouts.
        incomplete: whether files may be missing.

    Returns:
        One utterance a file, named as ``bea_amused_1-28_0001``. Details: label (the corpus' word, as amused and sleepy
        have none here), sentence (its number in CMU Arctic).

    Raises:
        InputError: files are missing, lie there twice, or are not named as distributed.
    """
    files = audio_files(folder)
    texts = _texts(folder)
    utterances = {}
    for path in files:
        match = PATH.fullmatch(path.relative_to(folder).with_suffix("").as_posix())
        if not match:
            raise InputError(
                f"{path}: expected a name of EmoV-DB such as bea_Amused/amused_1-28_0001.wav; put the file into a "
                f"folder of its speaker, or take the file out{OTHERWISE}"
            )
        label, speaker = match["emotion"].lower(), match["speaker"].lower()
        name = f"{speaker}_{path.stem}"
        if name in utterances:
            raise InputError(f"{path}: the same recording as {utterances[name].path}; delete one of the two copies")
        sentence = MISNUMBERED.get(name.lower(), match["sentence"])
        utterances[name] = Utterance(
            name=name,
            path=path,
            emotion=emotions.EMOV_DB[label],
            speaker=speaker,
            gender=GENDERS[speaker],
            language="en",
            text=texts.get(sentence, ""),
            details={"label": label, "sentence": int(sentence)},
        )
    check_size(folder, "audio files", len(files), FILES, incomplete)
    return list(utterances.values())


def _texts(folder: Path) -> dict[str, str]:
    """The words by the sentence's number; nothing where the corpus has no ``cmuarctic.data``."""
    found = [*folder.glob("cmuarctic.data"), *folder.glob("*/cmuarctic.data")]
    return dict(WORDS.findall(found[0].read_text(encoding="utf-8", errors="replace"))) if found else {}
