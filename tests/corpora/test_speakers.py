from ser.corpora import speakers


def test_whole_numbers_as_pandas_writes_them_are_the_same_speaker():
    rows = [{"corpus": "c", "speaker": f"c/{name}"} for name in ("01", "1.0", "2", "1.5", "10")]
    assert speakers.fold(rows) == ["c/01 = c/1.0"]
    assert [row["speaker"] for row in rows] == ["c/01", "c/01", "c/2", "c/1.5", "c/10"]
