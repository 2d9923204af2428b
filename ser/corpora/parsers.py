"""The corpora that have a parser of their own, by the name of their folder; any other is a user's own."""

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
