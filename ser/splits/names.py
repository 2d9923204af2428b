"""The names of the protocols, and which of them the figures speak of."""

from collections.abc import Iterable

from ser.files.failures import InputError

RANDOM = "random"  # the only protocol that lets a speaker train and test; the contrast beside the chosen one
PREDEFINED = "predefined"  # by a corpus' own parts
SINGLE = ("holdout", PREDEFINED)  # of a single fold, which tests some of the utterances
LEFT_OUT = "left_out"  # the part of what a fold neither learns from nor tests
UNKNOWN_TRAIN = PREDEFINED  # in which utterances of unknown speakers may train, on the word of the corpus
PROTOCOLS = (*SINGLE, "kfold", "loso", "sessions", RANDOM)
INDEPENDENT = "speaker_independent"  # in metrics: whichever protocol stands beside ``random``


def chosen(protocols: Iterable[str]) -> str:
    """Find the protocol that the figures speak of: the one beside ``random``, or ``random`` where it stands alone.

    Raises:
        InputError: there is more than one beside ``random``.
    """
    beside = sorted(set(protocols) - {RANDOM})
    if len(beside) > 1:
        raise InputError(f"expected one protocol beside '{RANDOM}', found {', '.join(beside)}; run `dvc repro`")
    return beside[0] if beside else RANDOM


def with_warning(protocol: str) -> str:
    """Write a protocol; of ``random``, also that it overstates."""
    return f"{protocol} (test speakers are in training as well)" if protocol == RANDOM else protocol
