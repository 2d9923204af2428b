"""Recordings that all have one length: a copy of the corpus that was cut or padded, unless it was recorded so."""

from collections import Counter, defaultdict
from collections.abc import Sequence

FEWEST, SHARE = 20, 0.9  # recordings of one length, and their share of the corpus, that are no coincidence
# Corpora that differ in length as distributed, which was measured: none has one length in half of its recordings.
DIFFER = frozenset({"ased", "crema_d", "emodb", "nemo", "ravdess", "turev"})


def remarks(rows: Sequence[dict]) -> list[str]:
    """Say of which corpora (nearly) all recordings last equally long, to the sample.

    Args:
        rows: of the manifest, each with its ``corpus`` and, not rounded, ``seconds``.
    """
    lengths: dict[str, Counter] = defaultdict(Counter)
    for row in rows:
        lengths[row["corpus"]][row["seconds"]] += 1
    said = []
    for corpus, found in lengths.items():
        ((seconds, count),) = found.most_common(1)
        if count >= FEWEST and count >= SHARE * found.total():
            known = ", while they differ in length as distributed" if corpus in DIFFER else ""
            said.append(
                f"{corpus}: {count} of {found.total()} recordings last exactly {seconds:.7g} s{known}: if these are "
                "copies that were cut or padded, what was cut off is not heard; take the originals, if there are any"
            )
    return said
