import os

import pytest

from ser.corpora.walk import walk
from ser.files.failures import InputError


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_recordings_are_found_sorted_and_everything_else_is_counted(tmp_path):
    touch(tmp_path, "b/2.WAV", "a.mkv", "b/1.m4a", "b/notes.txt", "c.docx", "noname", "metadata.csv", "b/metadata.csv")
    touch(tmp_path, "._a.wav", "b/.hidden.mp3", ".DS_Store", ".git/one.wav")
    found = walk(tmp_path, ("metadata.csv",))
    assert [path.relative_to(tmp_path).as_posix() for path in found.files] == ["a.mkv", "b/1.m4a", "b/2.WAV"]
    assert found.hidden == 3
    assert found.others == {".txt": 1, ".docx": 1, "": 1, ".csv": 1}
    assert found.left_out() == "3 hidden, 4 of other kinds (1 without a suffix, 1 .csv, 1 .docx, 1 .txt)"


def test_recordings_that_are_in_a_cloud_alone_are_counted(tmp_path):
    touch(tmp_path, "a.wav", ".b.wav.icloud")
    assert walk(tmp_path).left_out() == "1 of other kinds (1 .icloud)"


def test_where_nothing_is_left_out_nothing_is_said(tmp_path):
    touch(tmp_path, "a.wav")
    assert walk(tmp_path).left_out() == ""


def test_links_to_nothing_and_pipes_are_named_like_other_recordings(tmp_path):
    (tmp_path / "lost.wav").symlink_to(tmp_path / "nowhere.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    assert [path.name for path in walk(tmp_path).files] == ["lost.wav", "pipe.wav"]


def test_links_to_folders_are_named_and_not_followed(tmp_path):
    touch(tmp_path, "real/a.wav")
    (tmp_path / "again").symlink_to(tmp_path)
    found = walk(tmp_path)
    assert found.links == [tmp_path / "again"]
    assert len(found.files) == 1


@pytest.fixture
def locked(tmp_path, monkeypatch):
    """A folder that cannot be listed; root can list all, so the system's answer is put in its place."""
    touch(tmp_path, "open/a.wav", "locked/b.wav")
    scandir = os.scandir

    def refuse(path):
        if os.path.basename(path) == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    return tmp_path


def test_a_folder_that_cannot_be_listed_is_named(locked):
    found = walk(locked)
    assert [path.name for path in found.files] == ["a.wav"]
    (fault,) = found.faults
    assert fault == f"{locked}/locked: expected a folder that can be listed, found one that cannot: Permission denied"


def test_where_the_folder_itself_cannot_be_listed_there_is_nothing_to_say(locked):
    with pytest.raises(InputError, match="locked: expected a folder that can be listed"):
        walk(locked / "locked")
