"""The corpora that have a parser of their own, by the name of their folder; any other is a user's own."""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ser.corpora import (
    aesdd,
    ased,
    cafe,
    crema_d,
    emodb,
    emov_db,
    emovo,
    esd,
    iemocap,
    jl,
    meld,
    mesd,
    msp_podcast,
    nemo,
    ravdess,
    savee,
    shemo,
    subesco,
    tess,
    turev,
    urdu,
)

PARSERS = {
    "aesdd": aesdd.parse,
    "ased": ased.parse,
    "cafe": cafe.parse,
    "crema_d": crema_d.parse,
    "emodb": emodb.parse,
    "emov_db": emov_db.parse,
    "emovo": emovo.parse,
    "esd": esd.parse,
    "iemocap": iemocap.parse,
    "jl": jl.parse,
    "meld": meld.parse,
    "mesd": mesd.parse,
    "msp_podcast": msp_podcast.parse,
    "nemo": nemo.parse,
    "ravdess": ravdess.parse,
    "savee": savee.parse,
    "shemo": shemo.parse,
    "subesco": subesco.parse,
    "tess": tess.parse,
    "turev": turev.parse,
    "urdu": urdu.parse,
}

# Their files' names, without suffix and with folders or without them.
NAMES = {
    "aesdd": aesdd.NAME,
    "ased": ased.NAME,
    "cafe": cafe.NAME,
    "crema_d": crema_d.NAME,
    "emodb": emodb.NAME,
    "emov_db": emov_db.PATH,
    "emovo": emovo.NAME,
    "esd": esd.NAME,
    "iemocap": iemocap.TURN,
    "jl": jl.NAME,
    "meld": meld.NAME,
    "mesd": mesd.NAME,
    "msp_podcast": msp_podcast.NAME,
    "nemo": nemo.NAME,
    "ravdess": ravdess.NAME,
    "savee": savee.NAME,
    "shemo": shemo.NAME,
    "subesco": subesco.NAME,
    "tess": tess.NAME,
    "turev": turev.NAME,
    "urdu": urdu.NAME,
}
# The tables that they may lack where they are declared incomplete, and what then stays blank.
BLANKS = {
    "crema_d": crema_d.blanks,
    "emodb": emodb.blanks,
    "iemocap": iemocap.blanks,
    "meld": meld.blanks,
    "msp_podcast": msp_podcast.blanks,
    "nemo": nemo.blanks,
}
RESEMBLING = 0.9  # the share of a folder's files that are named so where it holds the corpus, whatever else lies there

# What these corpora are also called, in small letters and digits alone.
ALIASES = {
    **{re.sub(r"[^a-z0-9]", "", name): name for name in PARSERS},
    **dict.fromkeys(("actedemotionalspeechdynamicdatabase",), "aesdd"),
    **dict.fromkeys(("asedv1",), "ased"),
    **dict.fromkeys(("crema", "cremad"), "crema_d"),
    **dict.fromkeys(("berlinemodb", "emodb2", "emodb20"), "emodb"),
    **dict.fromkeys(("emovdbsorted", "emov"), "emov_db"),
    **dict.fromkeys(("iemocapfullrelease",), "iemocap"),
    **dict.fromkeys(("jlcorpus",), "jl"),
    **dict.fromkeys(("meldraw",), "meld"),
    **dict.fromkeys(("mexicanemotionalspeechdatabase", "mexicanemotionalspeechdatabasemesd"), "mesd"),
    **dict.fromkeys(("msppodcast", "msppodcastpublish"), "msp_podcast"),
    **dict.fromkeys(("sharifemotionalspeechdatabase", "sharifemotionalspeechdataset"), "shemo"),
    **dict.fromkeys(("turevdb",), "turev"),
    **dict.fromkeys(("urdudataset",), "urdu"),
}


def named(folder: str) -> str:
    """Name the parser of a corpus by what its folder is called; ``""`` where there is none."""
    return ALIASES.get(re.sub(r"[^a-z0-9]", "", folder.lower()), "")


def resembling(paths: Iterable[str]) -> str:
    """Name the parser by whose corpus' names nearly all files are called; ``""`` where there is none.

    Args:
        paths: below the corpus' folder, with ``/``.
    """
    plain = [PurePosixPath(path).with_suffix("") for path in paths]
    for name, pattern in NAMES.items():
        found = sum(bool(pattern.fullmatch(path.name) or pattern.fullmatch(str(path))) for path in plain)
        if plain and found >= RESEMBLING * len(plain):
            return name
    return ""


def renaming(name: str) -> str:
    """Say how a corpus comes to its parser."""
    return f"rename the folder to '{name}', lay it out as data/raw/README.md says, and say `corpora: [{name}]`"


def blank(folder: Path) -> str:
    """Say which tables of a corpus declared incomplete are not there, and what therefore stays blank; else ``""``."""
    absent = defaultdict(list)
    for table, columns in BLANKS.get(folder.name, lambda folder: {})(folder).items():
        if not table.is_file():
            absent[columns].append(str(table.relative_to(folder)))
    said = [
        f"no {tables[0]}{f', nor {len(tables) - 1} more of that kind' if len(tables) > 1 else ''}, so blank: {columns}"
        for columns, tables in absent.items()
    ]
    return "; ".join([*said, "put there what you have of them"]) if said else ""
