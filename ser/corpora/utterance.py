"""What a parser tells of one recording: what stands in names and tables, not what is in the audio."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Utterance:
    """One recording of a corpus.

    Attributes:
        name: unique in the corpus.
        path: the audio file.
        emotion: one of ``ser.corpora.emotions.WORDS``.
        speaker: unique in the corpus, or ``""`` where the corpus does not say.
        gender: ``female``, ``male``, another word of the corpus, or ``""``.
        age: years, or None.
        language: ISO 639-1 code, or ``""``.
        votes: how many raters heard each emotion; those that nobody heard are left out.
        text: the words spoken, or ``""``.
        details: whatever else the corpus distributes, as JSON values.
    """

    name: str
    path: Path
    emotion: str
    speaker: str = ""
    gender: str = ""
    age: float | None = None
    language: str = ""
    votes: Mapping[str, int] = field(default_factory=dict)
    text: str = ""
    details: Mapping = field(default_factory=dict)
