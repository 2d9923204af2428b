"""The feature file: the vectors of a corpus' utterances, and what made them.

One ``.npz`` file a corpus: ``ids`` (sorted), ``sha256`` of each one's audio, ``vectors`` float32 (utterances, numbers),
``names`` of the numbers, ``extractor``, the fingerprint of what made them (``ser.encoders.fingerprint``), and
``digest`` of all of these, so that no file that was changed, or put together by something else, is taken over. To read
it takes neither the encoder nor audio; ``ser.encoders.extraction`` makes it.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ser.files.failures import InputError
from ser.files.whole import whole_file

AGAIN = "run the stage features again"


@dataclass(frozen=True)
class Features:
    """Vectors of utterances.

    Attributes:
        ids: (utterances,).
        sha256: of each one's audio, (utterances,).
        vectors: float32 (utterances, numbers).
        names: of the numbers, (numbers,).
        extractor: the fingerprint of what made them.
    """

    ids: np.ndarray
    sha256: np.ndarray
    vectors: np.ndarray
    names: np.ndarray
    extractor: str


def read(folder: Path, manifest: pd.DataFrame) -> Features:
    """Read the vectors of all utterances of a manifest.

    Args:
        folder: the folder of the feature files.
        manifest: the utterances, with id, corpus and sha256.

    Returns:
        Their features, in the order of the manifest.

    Raises:
        InputError: a file is missing, left over or damaged; the files are of different extractors; or they do not hold
            exactly the manifest's utterances with the manifest's audio.
    """
    corpora = sorted(set(manifest["corpus"]))
    there = sorted(path.stem for path in folder.glob("*.npz"))
    if there != corpora:
        raise InputError(f"{folder}: expected features of {', '.join(corpora)}, found {', '.join(there)}; {AGAIN}")
    parts = [load(folder / f"{corpus}.npz") for corpus in corpora]
    if len({part.extractor for part in parts}) > 1:
        raise InputError(f"{folder}: the files of {', '.join(corpora)} are of different extractors; {AGAIN}")
    rows = {
        (name, sha): row for part in parts for name, sha, row in zip(part.ids, part.sha256, part.vectors, strict=True)
    }
    wanted = list(zip(manifest["id"], manifest["sha256"], strict=True))
    missing = [name for name, sha in wanted if (name, sha) not in rows]
    if missing or len(rows) > len(wanted):
        surplus = sorted({name for name, _ in rows.keys() - set(wanted)})
        raise InputError(
            f"{folder}: expected the {len(wanted)} utterances of the manifest, found {len(rows)} "
            f"({len(missing)} missing{_first(missing)}, {len(surplus)} surplus{_first(surplus)}); {AGAIN}"
        )
    return Features(
        np.array([name for name, _ in wanted]),
        np.array([sha for _, sha in wanted]),
        np.stack([rows[key] for key in wanted]),
        parts[0].names,
        parts[0].extractor,
    )


def load(path: Path, again: str = AGAIN) -> Features:
    """Read one feature file.

    Args:
        path: the ``.npz`` file.
        again: what to do where it cannot be had, in a few words.

    Returns:
        Its features.

    Raises:
        InputError: the file is missing, damaged or not a feature file: an array is missing, of another type or shape,
            or changed since the file was written, or a number is not finite.
    """
    # A damaged archive shows in many ways: a wrong checksum, a seek before its beginning, a flag for encryption.
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            features = Features(*(file[key] for key in ("ids", "sha256", "vectors", "names")), str(file["extractor"]))
            written = str(file["digest"])
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; {again}") from error
    except (zipfile.BadZipFile, OSError, RuntimeError, KeyError, EOFError, ValueError, TypeError) as error:
        raise InputError(f"{path}: damaged, or not a feature file ({error}); {again}") from error
    shape = (*features.ids.shape, *features.names.shape)
    if len(shape) != 2 or features.vectors.shape != shape or features.sha256.shape != features.ids.shape:
        raise InputError(f"{path}: expected {shape} numbers, found {features.vectors.shape}; {again}")
    if features.vectors.dtype != np.float32:
        raise InputError(f"{path}: expected float32 vectors, found {features.vectors.dtype}; {again}")
    if digest(features) != written:
        raise InputError(f"{path}: expected the digest {digest(features)} of its arrays, found {written}; {again}")
    bad = np.flatnonzero(~np.isfinite(features.vectors).all(axis=1))
    if len(bad):
        raise InputError(
            f"{path}: expected finite numbers, found others in {len(bad)} vectors, the first is that of "
            f"'{features.ids[bad[0]]}'; {again}"
        )
    return features


def check_extractor(place: Path, made: dict, wanted: str, what: str, again: str) -> None:
    """Check that vectors which train beside others were made as these were.

    Numerics, or a GPU's, decide the last digits alone, and may differ.

    Args:
        place: of the vectors, for the message.
        made: the fingerprint of what made them, parsed.
        wanted: that of what made the others.
        what: they are, in a word.
        again: what to do where they differ, in a few words.

    Raises:
        InputError: they were made in another way.
    """
    own = json.loads(wanted)
    differing = sorted(key for key in (made | own).keys() - {"numerics"} if made.get(key) != own.get(key))
    if differing:
        raise InputError(
            f"{place}: expected {what} by what made the features, found another encoder's: they differ in "
            f"{', '.join(differing)}; {again}"
        )


def digest(features: Features) -> str:
    """Give the SHA-256 of everything in a feature file, in hexadecimal digits."""
    words = (features.ids.tolist(), features.sha256.tolist(), features.names.tolist(), features.extractor)
    content = hashlib.sha256(json.dumps(words).encode())
    content.update(np.ascontiguousarray(features.vectors, "<f4"))
    return content.hexdigest()


def save(features: Features, path: Path) -> None:
    """Write one feature file, the same bytes for the same features.

    Args:
        features: what to write, sorted by id.
        path: the ``.npz`` file, written whole or not at all.
    """
    arrays = {name: getattr(features, name) for name in ("ids", "sha256", "vectors", "names")}
    arrays |= {"extractor": np.array(features.extractor), "digest": np.array(digest(features))}
    # Not np.savez: it streams, and how the zip format marks a stream changed between Python 3.11.2 and 3.11.7.
    with whole_file(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue())


def _first(names: Sequence[str]) -> str:
    return f", first {names[0]}" if names else ""
