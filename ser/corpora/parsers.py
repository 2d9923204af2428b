"""The corpora that have a parser of their own, by the name of their folder; any other is one of emotion folders."""

from ser.corpora import crema_d, emodb, iemocap, ravdess

PARSERS = {
    "crema_d": crema_d.parse,
    "emodb": emodb.parse,
    "iemocap": iemocap.parse,
    "ravdess": ravdess.parse,
}
