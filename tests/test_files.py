import errno
import os
import stat

import pytest

from ser.files import whole_file, whole_folder

FAILURES = [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), ValueError("a bug")]


def tree(folder):
    """Every file below a folder with its text: what a listing would show, hidden files too."""
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_file_is_there_whole_after_the_block_and_nothing_lies_beside_it(tmp_path):
    with whole_file(tmp_path / "new" / "table.csv") as temporary:
        temporary.write_text("a,b\n")
        assert not (tmp_path / "new" / "table.csv").exists()
    assert tree(tmp_path) == {"new/table.csv": "a,b\n"}


def test_the_temporary_file_keeps_the_suffix_that_some_writers_look_at(tmp_path):
    with whole_file(tmp_path / "vectors.npz") as temporary:
        assert temporary.suffix == ".npz"


def test_a_file_can_be_read_by_others(tmp_path):
    with whole_file(tmp_path / "table.csv") as temporary:
        temporary.write_text("a\n")
    assert stat.S_IMODE((tmp_path / "table.csv").stat().st_mode) == 0o644


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_a_failure_in_the_middle_leaves_the_old_file_and_no_temporary_one(tmp_path, failure):
    (tmp_path / "table.csv").write_text("old\n")

    def write_half():
        with whole_file(tmp_path / "table.csv") as temporary:
            temporary.write_text("ha")
            raise failure

    with pytest.raises(type(failure)):
        write_half()
    assert tree(tmp_path) == {"table.csv": "old\n"}


def test_a_disk_that_is_full_only_when_the_bytes_are_flushed_leaves_the_old_file(tmp_path, monkeypatch):
    (tmp_path / "table.csv").write_text("old\n")

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"), whole_file(tmp_path / "table.csv") as temporary:
        temporary.write_text("new\n")
    assert tree(tmp_path) == {"table.csv": "old\n"}


def test_a_failure_where_nothing_stood_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="a bug"), whole_file(tmp_path / "table.csv"):
        raise ValueError("a bug")
    assert tree(tmp_path) == {}


def test_a_folder_replaces_the_old_one_whole(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "leftover").write_text("old")
    with whole_folder(tmp_path / "models") as temporary:
        (temporary / "fold").write_text("new")
        assert tree(tmp_path / "models") == {"leftover": "old"}
    assert tree(tmp_path) == {"models/fold": "new"}
    assert os.listdir(tmp_path) == ["models"]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_a_failure_in_the_middle_leaves_the_old_folder_and_no_temporary_one(tmp_path, failure):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "fold").write_text("old")

    def write_half():
        with whole_folder(tmp_path / "models") as temporary:
            (temporary / "fold").write_text("ha")
            raise failure

    with pytest.raises(type(failure)):
        write_half()
    assert tree(tmp_path) == {"models/fold": "old"}
    assert os.listdir(tmp_path) == ["models"]


def test_the_old_folder_comes_back_where_the_last_step_fails(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "fold").write_text("old")
    with pytest.raises(FileNotFoundError), whole_folder(tmp_path / "models") as temporary:
        temporary.rmdir()  # so that there is nothing to put in place
    assert tree(tmp_path) == {"models/fold": "old"}
    assert os.listdir(tmp_path) == ["models"]
