import numpy as np
import pandas as pd
import pytest

from ser import tables
from ser.failures import InputError


def table_of(tmp_path, content: bytes):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    return tables.read(path, ["path", "speaker"], text=["path", "speaker"])


def test_what_was_written_is_read_back(tmp_path):
    written = pd.DataFrame(
        {
            "id": ["a/1", "a/2", "a/3"],
            "text": ['he said "no", twice', "", "zwei\nZeilen, ä"],
            "fold": [0, 1, 2],
            "p_happy": np.array([1 / 3, 1e-20, np.nan], np.float32),
        }
    )
    tables.write(written, tmp_path / "table.csv")
    read = tables.read(tmp_path / "table.csv", written.columns, text=["id", "text"])
    for name in ("id", "text", "fold"):
        assert read[name].tolist() == written[name].tolist()
    np.testing.assert_array_equal(read["p_happy"].to_numpy(np.float32), written["p_happy"])


def test_the_bytes_are_those_of_a_plain_csv(tmp_path):
    tables.write(pd.DataFrame({"id": ["a"], "age": [np.nan], "p": [0.5]}, index=[7]), tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_bytes() == b"id,age,p\na,,0.5\n"


def test_float32_and_the_same_number_as_float64_give_the_same_bytes(tmp_path):
    numbers = np.random.default_rng(0).uniform(-1, 1, 100).astype(np.float32)
    tables.write(pd.DataFrame({"p": numbers}), tmp_path / "single.csv")
    tables.write(pd.DataFrame({"p": numbers.astype(np.float64)}), tmp_path / "double.csv")
    assert (tmp_path / "single.csv").read_bytes() == (tmp_path / "double.csv").read_bytes()


def test_text_columns_stay_text_and_missing_cells_are_empty(tmp_path):
    table = table_of(tmp_path, b"path,speaker\na.wav,03\nb.wav,\nc.wav,NA\n")
    assert table["speaker"].tolist() == ["03", "", "NA"]


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path):
    table = table_of(tmp_path, b"\xef\xbb\xbfpath,speaker\r\na.wav,03\r\n")
    assert table.to_dict("records") == [{"path": "a.wav", "speaker": "03"}]


def test_further_columns_are_kept(tmp_path):
    assert table_of(tmp_path, b"path,room,speaker\na.wav,kitchen,03\n")["room"].tolist() == ["kitchen"]


def test_a_table_without_rows_is_a_table(tmp_path):
    assert len(table_of(tmp_path, b"path,speaker\n")) == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a UTF-8 CSV table with a header, found No columns"),
        (b"\xff\xfe\x00", "expected a UTF-8 CSV table with a header, found 'utf-8' codec can't decode"),
        (b'path,speaker\n"a.wav,03\n', "found Error tokenizing data"),
        (b"path,speaker\na.wav,03\nb.wav,03,x\n", "Expected 2 fields in line 3, saw 3"),
        (b"path,speaker\na.wav,03,x\n", "expected 2 cells a row as in the header, found more"),
        (b"path;speaker\na.wav;03\n", "found path;speaker; missing: path, speaker"),
        (b"path,age\na.wav,30\n", "expected the columns path, speaker, found path, age; missing: speaker"),
    ],
)
def test_what_is_no_such_table_is_refused_with_the_file_and_what_was_found(tmp_path, content, message):
    with pytest.raises(InputError, match=message) as error:
        table_of(tmp_path, content)
    assert str(error.value).startswith(f"{tmp_path}/table.csv: ")
    assert "\n" not in str(error.value)


def test_a_missing_file_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv: no such file; run the stage that makes it"):
        tables.read(tmp_path / "none.csv", ["path"])
