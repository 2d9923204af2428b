import math
import re

import pandas as pd
import pytest

from ser import manifest
from ser.files import tables
from ser.files.failures import InputError

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


PATH = "expected a path within the folder of the corpora, without '..', found"
NAME = "expected a name of letters, digits and the signs _ . -, found"
VOTES = """expected counts of raters as JSON, such as {"angry": 7, "sad": 3}, or nothing, found"""
JSON = "expected a JSON object, or nothing, found"


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("id", "", "expected some text, found an empty cell"),
        ("path", "", f"{PATH} an empty cell"),
        ("path", "../other/03_1.wav", f"{PATH} '../other/03_1.wav'"),
        ("path", "mine/../../03_1.wav", f"{PATH} 'mine/../../03_1.wav'"),
        ("path", "/etc/passwd", f"{PATH} '/etc/passwd'"),
        ("path", "mine//03_1.wav", f"{PATH} 'mine//03_1.wav'"),
        ("path", ".", f"{PATH} '.'"),
        ("corpus", "../x", f"{NAME} '../x'"),
        ("corpus", "/x", f"{NAME} '/x'"),
        ("corpus", "..", f"{NAME} '..'"),
        ("corpus", "", f"{NAME} an empty cell"),
        ("corpus", "mine/../../x", f"{NAME} 'mine/../../x'"),
        ("corpus", "my corpus", f"{NAME} 'my corpus'"),
        ("sha256", "0" * 65, "expected 64 hexadecimal digits, found '000"),
        ("emotion", "", "expected some text, found an empty cell"),
        ("age", "young", "expected an age in years, or nothing, found 'young'"),
        ("age", -3, "expected an age in years, or nothing, found -3"),
        ("age", 150, "expected an age in years, or nothing, found 150"),
        ("votes", "seven", f"{VOTES} 'seven'"),
        ("votes", "7", f"{VOTES} '7'"),
        ("votes", '{"angry": -7}', f"{VOTES} '{{\"angry\": -7}}'"),
        ("votes", '{"angry": 0.5}', f"{VOTES} '{{\"angry\": 0.5}}'"),
        ("votes", '{"angry": true}', f"{VOTES} '{{\"angry\": true}}'"),
        ("votes", '{"angry": 99999999999999999999}', f"{VOTES} '{{\"angry\": 99999999999999999999}}'"),
        ("details", "{", f"{JSON} '{{'"),
        ("details", "[1]", f"{JSON} '[1]'"),
        ("details", '{"recognition": NaN}', f"{JSON} '{{\"recognition\": NaN}}'"),
        ("details", "[" * 99999, f"{JSON} '[[[["),
        ("seconds", "abc", "expected a number above 0, found 'abc'"),
        ("seconds", 0, "expected a number above 0, found 0"),
        ("seconds", "", "expected a number above 0, found an empty cell"),
        ("seconds", "inf", "expected a number above 0, found inf"),
        ("sampling_rate", 16000.5, "expected a whole number of 1 or more, found 16000.5"),
        ("sampling_rate", 0, "expected a whole number of 1 or more, found 0"),
        ("sha256", "0" * 63, "expected 64 hexadecimal digits, found '000"),
        ("sha256", "Z" * 64, "expected 64 hexadecimal digits, found 'ZZZ"),
    ],
)
def test_a_cell_that_the_stage_manifest_never_writes_is_refused(tmp_path, column, value, message):
    second = ROW | {"id": "mine/angry/03_2", column: value}
    tables.write(pd.DataFrame([ROW, second]), tmp_path / "manifest.csv")
    place = f"column {column}, row 3" + (": " if column == "id" else " (id mine/angry/03_2): ")
    with pytest.raises(InputError, match=re.escape(f"manifest.csv: {place}{message}")) as error:
        manifest.read(tmp_path / "manifest.csv")
    assert str(error.value).endswith("; run the stage manifest again, or mend the table")


def test_an_id_that_stands_there_twice_is_refused(tmp_path):
    tables.write(pd.DataFrame([ROW, ROW]), tmp_path / "manifest.csv")
    with pytest.raises(InputError, match="column id: expected no two rows alike, found 'mine/angry/03_1' in row 2 and"):
        manifest.read(tmp_path / "manifest.csv")


def test_an_empty_manifest_is_refused(tmp_path):
    tables.write(pd.DataFrame(columns=manifest.COLUMNS), tmp_path / "manifest.csv")
    with pytest.raises(InputError, match="expected rows, found none; run the stage manifest again"):
        manifest.read(tmp_path / "manifest.csv")
