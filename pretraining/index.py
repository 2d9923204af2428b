"""List the speech of the second training for ``prepare``: public repositories, cloned side by side into one folder.

The shipped weights heard these recordings as Opus at about 15 kbit/s (models/pase_plus.md); this lists the originals.
"""

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ser.files import tables
from ser.files.failures import InputError, one_line


@dataclass(frozen=True)
class Source:
    """A corpus of speech.

    Attributes:
        address: of its repository, or of the page of its archives.
        version: the commit that was trained on, or the archive.
        files: which of its files are speech, below its folder.
        speaker: finds who speaks in a file's path, below its folder: the first group. Where it finds nobody, or is not
            given, the name of the folder stands for the speaker.
    """

    address: str
    version: str
    files: str
    speaker: str | None = None


# By the name of the folder. Licences: models/pase_plus.md.
SOURCES = {
    "EmoGator": Source(
        "https://github.com/fredbuhl/EmoGator",
        "51eeca515a95f168ab73391cd9e7c975ab964429",
        "data/mp3/*.mp3",
        r"(\d{6})-\d+-\d+\.mp3$",
    ),
    "LibriSpeech": Source(
        "https://www.openslr.org/12 and /31",
        "test-clean.tar.gz and train-clean-5.tar.gz",
        "*/*/*/*.flac",
        r"^[^/]+/(\d+)/",
    ),
    "dataset-voice-kathleen": Source(
        "https://github.com/rhasspy/dataset-voice-kathleen", "c51cb971036a127359b43c621f26ca5081eab13e", "data/*.wav"
    ),
    "dataset-voice-kerstin": Source(
        "https://github.com/rhasspy/dataset-voice-kerstin",
        "f73127135cf80d6ef52aef6af58c49774f4fd625",
        "verified/*.flac",
    ),
    "dataset-voice-nathalie": Source(
        "https://github.com/rhasspy/dataset-voice-nathalie",
        "3b3e91f39d13e2e681d8937575efb9bd3b3d8f5c",
        "verified/*.flac",
    ),
    "speech-to-intent-benchmark": Source(  # does not tell its speakers
        "https://github.com/Picovoice/speech-to-intent-benchmark",
        "47b1ca63afe4f08cb83e1f70fec16764879bd130",
        "data/speech/clean/*.wav",
    ),
    "wake-word-benchmark": Source(  # nor does this one: the keyword stands for them
        "https://github.com/Picovoice/wake-word-benchmark",
        "84919190fb1891bf0936dcb577d9268e467f876f",
        "audio/**/*.*",
        r"^audio/(.+)/[^/]+$",
    ),
}
SOUNDS = {".flac", ".mp3", ".wav"}


def main() -> None:
    """Find the speech of every source below the folder, and write its index."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="holds the clones, each under its own name")
    folder = parser.parse_args().folder
    with one_line("index"):
        table = index(folder)
        tables.write(table, folder / "index.csv")
        print(f"index: {len(table)} files of {table['corpus'].nunique()} corpora; see {folder / 'index.csv'}")


def index(folder: Path) -> pd.DataFrame:
    """List the files.

    Args:
        folder: holds the clones, each under its own name.

    Returns:
        Columns path (below the folder), corpus, speaker; sorted.

    Raises:
        InputError: a source is not there, or holds none of its files.
    """
    rows = []
    for name, source in SOURCES.items():
        paths = [path for path in (folder / name).glob(source.files) if path.suffix in SOUNDS]
        if not paths:
            raise InputError(
                f"{folder / name}: expected {source.files}, found none; get it from {source.address} "
                f"({source.version}) into that folder"
            )
        for path in paths:
            who = source.speaker and re.search(source.speaker, path.relative_to(folder / name).as_posix())
            rows.append(
                {"path": path.relative_to(folder).as_posix(), "corpus": name, "speaker": who[1] if who else name}
            )
    return pd.DataFrame(rows).sort_values("path", ignore_index=True)


if __name__ == "__main__":
    main()
