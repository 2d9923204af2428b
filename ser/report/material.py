"""What the report reads: metrics, tables, pictures, sounds and settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from ser.files import tables
from ser.files.failures import InputError
from ser.report.schemas import CLIPS, SHARE, TABLES

PNG = b"\x89PNG\r\n\x1a\n"  # with which a picture begins


@dataclass(frozen=True)
class Material:
    """Everything that the report reads.

    Attributes:
        metrics: of each stage, by its name.
        tables: by name, as in ``TABLES``.
        pictures: PNG files, by name.
        sounds: FLAC files, by name.
        settings: the blocks of params.yaml, by name.
        versions: of the software, by name.
    """

    metrics: Mapping[str, dict]
    tables: Mapping[str, pd.DataFrame]
    pictures: Mapping[str, bytes]
    sounds: Mapping[str, bytes]
    settings: Mapping[str, Any]
    versions: Mapping[str, str]

    @property
    def several_corpora(self) -> bool:
        """Whether the utterances are of more than one corpus."""
        return len(self.get("manifest", "corpora") or ()) > 1

    def get(self, *keys: str) -> Any:
        """Look up metrics by stage and keys; None where there is no such figure."""
        value = self.metrics
        for key in keys:
            if key not in value:
                return None
            value = value[key]
        return value


def read_tables(paths: Mapping[str, Path], emotions: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Read the tables of ``TABLES``.

    Args:
        paths: by name.
        emotions: the label set.

    Raises:
        InputError: as ``ser.files.tables.read_checked``; or the audit lacks the row of an emotion in a group.
    """
    recalls = {f"recall_{emotion}": SHARE for emotion in emotions}
    groups = replace(TABLES["groups"], columns=TABLES["groups"].columns | recalls)
    schemas = TABLES | {"groups": groups}
    made = {name: _as_metrics(tables.read_checked(paths[name], schema)) for name, schema in schemas.items()}
    sizes = made["audit"].groupby(["attribute", "group"]).size()
    if sizes.nunique() > 1:
        attribute, group = sizes.idxmin()
        raise InputError(
            f"{paths['audit']}: expected {sizes.max()} emotions of each group, found {sizes.min()} of {attribute} "
            f"{group}; {TABLES['audit'].advice}"
        )
    return made


def _as_metrics(table: pd.DataFrame) -> pd.DataFrame:
    """Round numbers to the decimals of the metrics, so that a figure reads the same from either."""
    for name in table.select_dtypes("float"):
        table[name] = [round(value, tables.DECIMALS) for value in table[name].tolist()]
    return table


def read_files(paths: Mapping[str, Path]) -> dict[str, bytes]:
    """Read pictures or sounds.

    Raises:
        InputError: a file is missing, or is no picture though it is called so.
    """
    missing = [path for path in paths.values() if not path.is_file()]
    if missing:
        raise InputError(f"{missing[0]}: no such file; run the stage that makes it")
    contents = {name: path.read_bytes() for name, path in paths.items()}
    for name, path in paths.items():
        if path.suffix == ".png" and not contents[name].startswith(PNG):
            raise InputError(
                f"{path}: expected a PNG picture, found {len(contents[name]):,} bytes that are none; run the stage "
                "that makes it again"
            )
    return contents


def read_clips(folder: Path, ranking: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Path], dict[str, Path]]:
    """Read the table of clips, and find their files.

    Args:
        folder: of the table ``clips.csv`` and, of each utterance whose audio is at hand, ``1.png`` and ``1.flac``.
        ranking: the utterances by ambiguity.

    Returns:
        The table, the pictures and the sounds, by ``clip_name``.

    Raises:
        InputError: the table is missing or wrong, or of another ranking.
    """
    table = tables.read_checked(folder / "clips.csv", CLIPS)
    paths = ranking.set_index("rank")["path"]
    for row in table.itertuples():
        if paths.get(row.rank) != row.path:
            raise InputError(
                f"{folder / 'clips.csv'}: expected {paths.get(row.rank)} at rank {row.rank}, found {row.path}; "
                f"{CLIPS.advice}"
            )
    ranks = table.loc[table["seconds"].notna(), "rank"]
    pictures, sounds = ({clip_name(rank): folder / f"{rank}{end}" for rank in ranks} for end in (".png", ".flac"))
    return table, pictures, sounds


def clip_name(rank: int) -> str:
    """Name the clip of an utterance, among pictures and among sounds."""
    return f"clip {rank}"
