"""Fetch a corpus that may be fetched freely, check it, and lay it out as its parser wants it.

Example: ``make corpus NAME=emodb ACCEPT=yes``. Not part of the pipeline: DVC runs nothing that reaches into the web.
"""

import argparse
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pooch
import requests

from fetching import archives
from ser.corpora.parsers import PARSERS
from ser.files import params
from ser.files.failures import InputError, one_line
from ser.files.whole import whole_folder

TIMEOUT_S = 60  # without a byte


@dataclass(frozen=True)
class Source:
    """A row of sources.yaml, which says what each key is."""

    title: str
    address: str
    licence: str
    citation: str
    unpacked_bytes: int
    keep: list[str]
    checksum: str | None = None
    unchecked: str | None = None
    bytes: int | None = None
    inside: str = ""

    def __post_init__(self):
        if (self.checksum is None) == (self.unchecked is None):
            raise ValueError("expected either a checksum or, under unchecked, why there is none")


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="corpus to fetch")
    parser.add_argument("--sources", type=Path, default=Path("fetching/sources.yaml"), help="what can be fetched")
    parser.add_argument("--raw", type=Path, default=Path("data/raw"), help="folder of the corpora")
    parser.add_argument("--accept-licence", action="store_true", help="say that you keep to the corpus' licence")
    parser.add_argument("--address", help="a mirror's address in place of the publisher's")
    arguments = parser.parse_args()
    with one_line("corpus"):
        source = params.read(arguments.sources, arguments.name, Source)
        print(f"{source.title}\nLicence: {source.licence}\nPlease cite: {source.citation}")
        if source.unchecked:
            print(f"No checksum: {source.unchecked}. The corpus' parser checks names and number of the files.")
        if not arguments.accept_licence:
            print("Nothing was fetched. Where you keep to the licence, add --accept-licence (make: ACCEPT=yes)")
            return
        count = fetch(arguments.name, source, arguments.raw, arguments.address or source.address)
        print(f"corpus: {count} utterances in {arguments.raw / arguments.name}")


def fetch(name: str, source: Source, raw: Path, address: str) -> int:
    """Fetch, check and unpack a corpus; the folder appears whole or not at all.

    Args:
        name: the corpus, which has a parser.
        source: its row.
        raw: the folder of the corpora.
        address: of the archive, http or https.

    Returns:
        How many utterances its parser reads.

    Raises:
        InputError: the folder is there already, the download fails or is not the archive expected, or the parser
            refuses what is in it.
    """
    target = raw / name
    if os.path.lexists(target):
        raise InputError(f"{target}: is there already; move it away first")
    if not address.startswith(("https://", "http://")):
        raise InputError(f"{address}: expected an address that begins with https:// or http://")
    with whole_folder(target) as folder, tempfile.TemporaryDirectory(dir=folder.parent) as making:
        archive = _download(address, source, Path(making))
        archives.unpack(archive, folder, source.keep, source.inside, source.unpacked_bytes)
        try:
            count = len(PARSERS[name](folder, False))
        except InputError as error:
            raise InputError(f"{address}: not the corpus that is expected: {error}") from error
    return count


def _download(address: str, source: Source, folder: Path) -> Path:
    downloader = pooch.HTTPDownloader(progressbar=True, timeout=TIMEOUT_S)
    try:
        path = Path(pooch.retrieve(address, source.checksum, "archive.zip", folder, downloader=downloader))
    except requests.RequestException as error:
        raise InputError(f"{address}: could not be fetched: {error}; try again, or name a mirror") from error
    except ValueError as error:  # pooch, of a wrong checksum
        raise InputError(
            f"{address}: not the archive that its publisher describes ({error}); try again, or name a mirror by "
            "--address"
        ) from error
    if source.bytes is not None and path.stat().st_size != source.bytes:
        raise InputError(f"{address}: expected {source.bytes} bytes, found {path.stat().st_size}; try again")
    return path


if __name__ == "__main__":
    main()
