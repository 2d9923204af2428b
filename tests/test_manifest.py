import math

import pandas as pd
import pytest

from ser import manifest, tables
from ser.failures import InputError

ROW = {
    "id": "mine/angry/03_1",
    "path": "mine/angry/03_1.wav",
    "corpus": "mine",
    "speaker": "03",
    "gender": "",
    "age": math.nan,
    "language": "",
    "emotion": "angry",
    "votes": '{"angry": 7, "sad": 3}',
    "text": 'None, "NA" and null; ja, doch: äöü',
    "seconds": 1.5,
    "sampling_rate": 16000,
    "sha256": "0" * 64,
    "details": "",
}


def test_a_manifest_comes_back_as_it_was_written(tmp_path):
    table = pd.DataFrame([ROW])
    tables.write(table, tmp_path / "manifest.csv")
    back = manifest.read(tmp_path / "manifest.csv")
    assert tuple(back.columns) == manifest.COLUMNS
    (row,) = back.to_dict("records")
    assert math.isnan(row.pop("age"))
    assert row == {key: value for key, value in ROW.items() if key != "age"}


def test_what_looks_like_a_number_or_a_missing_value_stays_text(tmp_path):
    row = ROW | {"speaker": "007", "sha256": "1" * 64, "text": "NA", "gender": "null"}
    tables.write(pd.DataFrame([row]), tmp_path / "manifest.csv")
    back = manifest.read(tmp_path / "manifest.csv").iloc[0]
    assert [back[name] for name in ("speaker", "sha256", "text", "gender")] == ["007", "1" * 64, "NA", "null"]


def test_a_table_that_is_no_manifest_is_refused(tmp_path):
    (tmp_path / "manifest.csv").write_text("id,path\n1,2\n")
    with pytest.raises(InputError, match=r"manifest\.csv: expected the columns id, path, corpus"):
        manifest.read(tmp_path / "manifest.csv")
