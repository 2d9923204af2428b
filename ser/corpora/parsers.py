"""The corpora that have a parser of their own, by the name of their folder; any other is a user's own."""

import re

from ser.corpora import (
    ased,
    cafe,
    crema_d,
    emodb,
    emovo,
    esd,
    iemocap,
    jl,
    msp_podcast,
    nemo,
    ravdess,
    savee,
    tess,
    turev,
    urdu,
)

PARSERS = {
    "ased": ased.parse,
    "cafe": cafe.parse,
    "crema_d": crema_d.parse,
    "emodb": emodb.parse,
    "emovo": emovo.parse,
    "esd": esd.parse,
    "iemocap": iemocap.parse,
    "jl": jl.parse,
    "msp_podcast": msp_podcast.parse,
    "nemo": nemo.parse,
    "ravdess": ravdess.parse,
    "savee": savee.parse,
    "tess": tess.parse,
    "turev": turev.parse,
    "urdu": urdu.parse,
}

# What these corpora are also called, in small letters and digits alone.
ALIASES = {
    **{re.sub(r"[^a-z0-9]", "", name): name for name in PARSERS},
    **dict.fromkeys(("asedv1",), "ased"),
    **dict.fromkeys(("crema", "cremad"), "crema_d"),
    **dict.fromkeys(("berlinemodb", "emodb2", "emodb20"), "emodb"),
    **dict.fromkeys(("iemocapfullrelease",), "iemocap"),
    **dict.fromkeys(("jlcorpus",), "jl"),
    **dict.fromkeys(("msppodcast", "msppodcastpublish"), "msp_podcast"),
    **dict.fromkeys(("turevdb",), "turev"),
    **dict.fromkeys(("urdudataset",), "urdu"),
}


def named(folder: str) -> str:
    """Name the parser of a corpus by what its folder is called; ``""`` where there is none."""
    return ALIASES.get(re.sub(r"[^a-z0-9]", "", folder.lower()), "")
