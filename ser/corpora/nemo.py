"""nEMO: Polish, acted by nine speakers.

Source: I. Christop, LREC-COLING 2024, https://aclanthology.org/2024.lrec-main.1059; https://github.com/amu-cai/nEMO.
Licence: CC BY-NC-SA 4.0. Example: ``samples/EB0_anger_1.wav``: speaker, emotion, sentence. ``data.tsv`` tells for each
file its emotion, text, and the speaker's gender and age.
"""

import re
from pathlib import Path

from ser.corpora import cells, emotions, rows
from ser.corpora.layout import audio_files, check_size, has_table, root
from ser.corpora.naming import matched
from ser.corpora.utterance import Utterance
from ser.files.failures import InputError

FILES = 4481
NAME = re.compile(
    r"(?P<speaker>[A-Z]{2}\d)_(?P<emotion>anger|fear|happiness|neutral|sadness|surprised)_(?P<sentence>\d+)"
)
COLUMNS = ("file_id", "emotion", "raw_text", "speaker_id", "gender", "age")


def parse(folder: Path, incomplete: bool) -> list[Utterance]:
    """Read the corpus.

    Args:
        folder: the corpus, with the folder ``samples``, or the files in others, and ``data.tsv``.
        incomplete: whether files may be missing.

    Returns:
        One utterance a file. Details: sentence (its number).

    Raises:
        InputError: files or the table are missing, or are not as distributed.
    """
    inner = root(folder, "samples")
    files = audio_files(inner / "samples") or audio_files(inner)
    matches = matched(files, NAME, "nEMO", "EB0_anger_1.wav")
    check_size(folder, "audio files in its folder samples", len(files), FILES, incomplete)
    (table,) = blanks(folder)
    known = _table(table) if has_table(table, incomplete) else None
    return [_utterance(path, match, known, table) for path, match in zip(files, matches, strict=True)]


def blanks(folder: Path) -> dict[Path, str]:
    """Tell what stays blank without each of the corpus' tables."""
    return {root(folder, "samples") / "data.tsv": "gender, age and text"}


def _table(path: Path) -> dict[str, dict[str, str]]:
    """Its rows by file name without suffix, as copies may be FLAC; cells without the blanks around them."""
    table = rows.read(path)
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise InputError(f"{path}: expected the columns {', '.join(COLUMNS)}; missing: {', '.join(missing)}")
    told = [{name: cell.strip() for name, cell in row.items()} for row in table.cells]
    return {Path(row["file_id"]).stem: row for row in told}


def _utterance(path: Path, match: re.Match, known: dict | None, table: Path) -> Utterance:
    told = {}
    if known is not None:
        row = known.get(path.stem)
        if row is None:
            raise InputError(f"{path}: not listed in {table}; is this file of nEMO?")
        if (row["emotion"], row["speaker_id"]) != (match["emotion"], match["speaker"]):
            raise InputError(f"{table}: tells another emotion or speaker of {path.name} than its name; unpack it again")
        told = cells.fields(
            {"gender": row["gender"], "age": row["age"], "text": row["raw_text"]}, f"{table}: {path.name}"
        )
    return Utterance(
        name=path.stem,
        path=path,
        emotion=emotions.NEMO[match["emotion"]],
        speaker=match["speaker"],
        language="pl",
        **told | {"details": {"sentence": int(match["sentence"])}},
    )
