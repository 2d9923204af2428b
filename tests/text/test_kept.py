import pytest

from ser.text.kept import Kept

MADE_BY = {"model": "made up"}
TOLD = {"a" * 64: ("en", "It rains."), "b" * 64: ("de", "Es regnet.\u2028"), "c" * 64: ("", "")}


@pytest.fixture
def path(tmp_path):
    """What was heard of three utterances."""
    path = tmp_path / "kept.jsonl"
    assert list(Kept(path, MADE_BY).keeping(TOLD, TOLD.values())) == list(TOLD.values())
    return path


def test_what_was_heard_is_there_again(path):
    assert Kept(path, MADE_BY).heard == TOLD


def test_what_others_heard_is_not(path):
    assert Kept(path, {"model": "another"}).heard == {}


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("damage", ["", '["aaa', "null", "7", "[]", '["d", "en"]', '["d", "en", null]', "\0" * 40])
def test_a_damaged_line_counts_as_not_heard(path, number, damage):
    lines = path.read_text(encoding="utf-8").split("\n")
    lines[number] = damage
    path.write_text("\n".join(lines), encoding="utf-8")

    found = Kept(path, MADE_BY)

    whole = {sha256: told for place, (sha256, told) in enumerate(TOLD.items(), 1) if place != number}
    assert found.heard == whole
    assert Kept(path, MADE_BY).heard == whole, "it was written anew without the line"


def test_a_last_line_that_was_cut_off_counts_as_not_heard(path):
    path.write_text(path.read_text(encoding="utf-8")[:-4], encoding="utf-8")
    assert list(Kept(path, MADE_BY).heard) == list(TOLD)[:2]
