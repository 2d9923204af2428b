"""The corpora that have a parser of their own, by the name of their folder; any other is a user's own."""

import re

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
