"""The conditions that are measured: a distortion at a level, and the material that it takes."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import librosa
import numpy as np

from ser import audio
from ser.corpora.walk import walk
from ser.files.failures import InputError
from ser.robustness.catalogue import DISTORTIONS, FILES, RECORDINGS, RESPONSES, Distortion
from ser.robustness.vectors import CLEAN

NAME = re.compile(r"[A-Za-z0-9][\w-]*")  # of conditions, which names files
FILES_ARE = {RECORDINGS: "recorded noise", RESPONSES: "recorded impulse responses"}


@dataclass(frozen=True)
class Choice:
    """What the params say of conditions, under a name.

    Attributes:
        levels: of the distortion, a condition each.
        distortion: its name in the catalogue; by default that of the conditions.
        recordings: their folder, from the folder of noises on, for the distortions ``recording`` and ``response``.
        leave_out: corpora not to measure it on, to save time.
    """

    levels: list[float]
    distortion: str = ""
    recordings: str = ""
    leave_out: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Condition:
    """A distortion at a level.

    Attributes:
        kind: the name that the params give it.
        distortion: its name in the catalogue; ``CLEAN`` for none.
        level: of the distortion.
        recordings: their folder, from the folder of noises on, or ``""``.
        left_out: whether the params leave it out.
    """

    kind: str
    distortion: str
    level: float = 0.0
    recordings: str = ""
    left_out: bool = False

    @property
    def name(self) -> str:
        """Such as ``pink_10``."""
        return self.kind if self.distortion == CLEAN else f"{self.kind}_{self.level:g}"

    @property
    def of(self) -> Distortion:
        """The distortion."""
        return DISTORTIONS[self.distortion]

    def obstacle(self, noises: Path) -> str:
        """Say why it cannot be measured here, in a few words; ``""`` where it can be."""
        if self.distortion == CLEAN:
            return ""
        if self.left_out:
            return "left out in the params, to save time"
        if self.of.package and find_spec(self.of.package) is None:
            return f"{self.of.package} is not installed: pip install -r requirements-robustness.txt"
        folder = noises / self.recordings
        if self.of.material in FILES and not (folder.is_dir() and walk(folder).files):
            return f"no recordings in {folder}"
        return ""

    def sounds(self, noises: Path) -> Sequence[np.ndarray]:
        """Read the recordings that it takes, each float32 (samples,), mono at 16 kHz.

        Raises:
            InputError: one of them cannot be read, or is silent.
        """
        folder = noises / self.recordings
        return responses(folder) if self.of.material == RESPONSES else recordings(folder)


def listed(block: Mapping[str, Choice], corpus: str) -> list[Condition]:
    """List the conditions of a block of the params for a corpus, the clean one first.

    Raises:
        InputError: a name is none for a file, a distortion is not in the catalogue, a level is outside its range or
            there twice, or recordings are named where none are taken, or not named where they are.
    """
    found = [Condition(CLEAN, CLEAN)]
    for kind, choice in block.items():
        name, place = choice.distortion or kind, f"conditions.{kind}"
        if not NAME.fullmatch(kind):
            raise InputError(f"conditions: expected names of letters, digits and the signs _ -, found '{kind}'")
        if name not in DISTORTIONS:
            close = "".join(f"; did you mean '{other}'?" for other in difflib.get_close_matches(name, DISTORTIONS, 1))
            raise InputError(f"{place}: expected a distortion out of {', '.join(DISTORTIONS)}, found '{name}'{close}")
        of = DISTORTIONS[name]
        if not choice.levels or len({f"{level:g}" for level in choice.levels}) < len(choice.levels):
            raise InputError(f"{place}.levels: expected at least one, each once, found {choice.levels}")
        for level in choice.levels:
            if of.only and level not in of.only:
                offered = ", ".join(f"{one:g}" for one in of.only)
                raise InputError(f"{place}.levels: expected some of {offered} {of.level} for {name}, found {level:g}")
            if not of.least <= level <= of.most:
                raise InputError(
                    f"{place}.levels: expected {of.level}, {of.least:g} to {of.most:g} for {name}, found {level:g}"
                )
        if (of.material in FILES) != bool(choice.recordings):
            expected = f"a folder of {FILES_ARE[of.material]}" if of.material in FILES else "none"
            raise InputError(
                f"{place}.recordings: expected {expected} for {name}, found '{choice.recordings or 'nothing'}'"
            )
        found += [
            Condition(kind, name, level, choice.recordings, corpus in choice.leave_out) for level in choice.levels
        ]
    return found


@cache
def recordings(folder: Path) -> Sequence[np.ndarray]:
    """Read the recordings of a noise, less the silence at their ends.

    Raises:
        InputError: one of them cannot be read, or is silent.
    """
    return [librosa.effects.trim(audio.load(path, allow_silence=False), top_db=30)[0] for path in walk(folder).files]


@cache
def responses(folder: Path) -> Sequence[np.ndarray]:
    """Read impulse responses whole, for what they lose is theirs.

    Raises:
        InputError: one of them cannot be read, or is silent.
    """
    return [audio.load(path, allow_silence=False) for path in walk(folder).files]
