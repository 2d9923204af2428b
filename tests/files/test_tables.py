import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ser.files import tables
from ser.files.failures import InputError
from ser.files.tables import Schema


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


SCHEMA = Schema(
    {
        "id": tables.text(),
        "kind": tables.word("a", "b", empty=True),
        "count": tables.whole(least=1),
        "raters": tables.whole(empty=True),
        "share": tables.number(0, 1, empty=True),
    },
    "make it again",
)
GOOD = {"id": ["x/1", "x/2"], "kind": ["a", ""], "count": [1, 2], "raters": [3, ""], "share": [0.25, ""]}


def checked(tmp_path, schema=SCHEMA, **changes):
    tables.write(pd.DataFrame(GOOD | changes), tmp_path / "table.csv")
    return tables.read_checked(tmp_path / "table.csv", schema)


def test_a_good_table_is_read_as_it_is(tmp_path):
    table = checked(tmp_path, room=["kitchen", "hall"])
    assert table["kind"].tolist() == ["a", ""]
    assert table["count"].dtype == np.int64
    assert table[["raters", "share"]].iloc[0].tolist() == [3, 0.25]
    assert table[["raters", "share"]].iloc[1].isna().all()
    assert table["room"].tolist() == ["kitchen", "hall"]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("id", "", "column id, row 3: expected some text, found an empty cell"),
        ("id", "x/1", "column id: expected no two rows alike, found 'x/1' in row 2 and row 3"),
        ("kind", "c", "column kind, row 3 (id x/2): expected one of a, b, found 'c'"),
        ("kind", "two\nlines", r"column kind, row 3 (id x/2): expected one of a, b, found 'two\nlines'"),
        ("kind", "c" * 99, f"found '{'c' * 60}...'"),
        ("count", "", "column count, row 3 (id x/2): expected a whole number of 1 or more, found an empty cell"),
        ("count", 0, "column count, row 3 (id x/2): expected a whole number of 1 or more, found 0"),
        ("count", 1.5, "column count, row 3 (id x/2): expected a whole number of 1 or more, found 1.5"),
        ("count", "two", "column count, row 3 (id x/2): expected a whole number of 1 or more, found 'two'"),
        ("count", 10**30, "column count, row 3 (id x/2): expected a whole number of 1 or more, found"),
        (
            "count",
            2**63,
            "column count, row 3 (id x/2): expected a whole number of 1 or more, found 9223372036854775808",
        ),
        ("raters", -1, "column raters, row 3 (id x/2): expected a whole number of 0 or more, found -1"),
        ("share", 1.01, "column share, row 3 (id x/2): expected a number from 0 to 1, found 1.01"),
        ("share", "inf", "column share, row 3 (id x/2): expected a number from 0 to 1, found inf"),
        ("share", "nan", "column share, row 3 (id x/2): expected a number from 0 to 1, found 'nan'"),
        ("share", "True", "column share, row 3 (id x/2): expected a number from 0 to 1, found 'True'"),
    ],
)
def test_a_bad_cell_is_refused_with_its_place_and_what_was_expected(tmp_path, column, value, message):
    with pytest.raises(InputError, match=re.escape(message)) as error:
        checked(tmp_path, **{column: [GOOD[column][0], value]})
    assert str(error.value).startswith(f"{tmp_path}/table.csv: column {column}")
    assert str(error.value).endswith("; make it again")
    assert "\n" not in str(error.value)


def test_a_column_of_truth_values_is_not_one_of_numbers(tmp_path):
    with pytest.raises(InputError, match=r"column share, row 2 \(id x/1\): expected a number from 0 to 1, found True"):
        checked(tmp_path, share=["True", "False"])


def test_rows_are_told_apart_by_the_whole_key(tmp_path):
    both = replace(SCHEMA, key=("kind", "count"))
    assert len(checked(tmp_path, both, kind=["a", "a"])) == 2
    with pytest.raises(
        InputError, match="column kind and count: expected no two rows alike, found 'a, 1' in row 2 and"
    ):
        checked(tmp_path, both, kind=["a", "a"], count=[1, 1])
    assert len(checked(tmp_path, replace(SCHEMA, key=()), id=["x/1", "x/1"])) == 2


def test_a_table_without_rows_is_refused_unless_it_may_be_empty(tmp_path):
    nothing = {name: [] for name in GOOD}
    with pytest.raises(InputError, match=r"table\.csv: expected rows, found none; make it again"):
        checked(tmp_path, **nothing)
    assert checked(tmp_path, replace(SCHEMA, filled=False), **nothing).empty


def test_numbers_are_those_of_a_plain_read_to_the_last_bit(tmp_path):
    shares = np.random.default_rng(0).uniform(size=500)
    pd.DataFrame({"id": np.arange(500).astype(str), "share": shares}).to_csv(tmp_path / "table.csv", index=False)
    schema = Schema({"id": tables.text(), "share": tables.number(0, 1)}, "")
    plain = tables.read(tmp_path / "table.csv", ["id", "share"], ["id"])
    assert tables.read_checked(tmp_path / "table.csv", schema).equals(plain)


def test_files_of_tasks_are_told_by_their_names_and_another_order_is_refused():
    paths = [Path("plots/fusion_words.csv"), Path("fusion_words_english.png"), Path("emodb.csv")]
    tasks = ["words", "words_english", "emodb"]
    assert tables.of_tasks(paths, tasks) == dict(zip(tasks, paths, strict=True))
    for wrong in (["words_english", "words", "emodb"], tasks[:2]):
        with pytest.raises(InputError, match="in this order, found words, words_english, emodb"):
            tables.of_tasks(paths, wrong)


def test_neighbouring_float32_come_back_as_they_were(tmp_path):
    numbers = (np.float32(0.1).view(np.int32) + np.arange(100, dtype=np.int32)).view(np.float32)
    tables.write(pd.DataFrame({"p": numbers}), tmp_path / "table.csv")
    assert (tables.read(tmp_path / "table.csv", ["p"])["p"].to_numpy(np.float32) == numbers).all()
