import errno
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ser.files.failures import InputError
from ser.files.whole import check_file, whole_file, whole_folder

ROOT = Path(__file__).resolve().parents[2]
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
        temporary.touch()
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


def test_an_error_within_the_folder_of_work_is_said_of_the_folder_that_is_to_be(tmp_path):
    with pytest.raises(OSError, match=r"'.*/models'") as caught, whole_folder(tmp_path / "models") as temporary:
        (temporary / "missing" / "a").write_text("")
    assert ".partial" not in str(caught.value)


def test_a_full_disk_is_said_of_the_file_that_did_not_fit(tmp_path):
    with pytest.raises(OSError, match=r"No space left on device: '.*/table\.csv'"), whole_file(tmp_path / "table.csv"):
        raise OSError(errno.ENOSPC, "No space left on device")


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


def start(program: str, folder: Path) -> subprocess.Popen:
    """Start a program in a folder and wait until it has said that it is ready."""
    lines = ["import os, signal, sys, time", "from pathlib import Path", "from ser.files.failures import one_line"]
    lines += ["from ser.files.whole import whole_file, whole_folder", "def wait():", "    print('ready', flush=True)"]
    lines += ["    time.sleep(60)", program]
    started = subprocess.Popen(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stdout.readline() == "ready\n"
    return started


FILE = """
with one_line('train'), whole_file(Path('table.csv')) as temporary:
    temporary.write_text('half'); wait()
"""
FOLDER = """
with one_line('train'), whole_folder(Path('models')) as temporary, whole_file(temporary / 'fold') as inner:
    inner.write_text('half'); wait()
"""


@pytest.mark.parametrize("program", [FILE, FOLDER])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_program_that_is_stopped_leaves_nothing(tmp_path, program, number):
    stopped = start(program, tmp_path)
    stopped.send_signal(number)
    assert stopped.communicate(timeout=30)[1].count("\n") == 1
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("program", [FILE, FOLDER])
def test_what_a_killed_program_leaves_is_deleted_by_the_next_one_that_writes_there(tmp_path, program):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "fold").write_text("old")
    killed = start(program, tmp_path)
    killed.kill()
    killed.communicate(timeout=30)
    (leftover,) = set(os.listdir(tmp_path)) - {"models"}
    assert leftover.startswith(".")
    assert leftover.endswith(".partial")
    with whole_file(tmp_path / "other.csv") as temporary:
        temporary.write_text("new")
    assert tree(tmp_path) == {"models/fold": "old", "other.csv": "new"}
    assert sorted(os.listdir(tmp_path)) == ["models", "other.csv"]


@pytest.mark.parametrize("program", [FILE, FOLDER])
def test_what_a_living_program_writes_is_left_alone(tmp_path, program):
    living = start(program, tmp_path)
    before = tree(tmp_path)
    with whole_file(tmp_path / "other.csv") as temporary:
        temporary.write_text("new")
    assert tree(tmp_path) == before | {"other.csv": "new"}
    living.kill()
    living.communicate(timeout=30)


def test_a_program_that_is_killed_between_the_two_renames_loses_nothing(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "fold").write_text("old")
    killed = start(
        """
rename = Path.rename
def once(path, target):
    rename(path, target)
    print('ready', flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
with whole_folder(Path('models')) as temporary:
    (temporary / 'fold').write_text('new')
    Path.rename = once
""",
        tmp_path,
    )
    killed.communicate(timeout=30)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "models").exists()
    with whole_file(tmp_path / "other.csv") as temporary:
        temporary.write_text("new")
    assert tree(tmp_path) == {"models/fold": "old", "other.csv": "new"}


@pytest.mark.parametrize("tool", ["git", "dvc"])
def test_git_and_dvc_overlook_what_is_not_whole_yet(tmp_path, tool):
    with whole_file(tmp_path / "table.csv") as temporary:
        temporary.touch()
        work = temporary.parent.name
    for folder in ("data/raw", "data/raw/emodb", "data/features", "models", "plots", "metrics"):
        command = [tool, "check-ignore", f"{folder}/{work}/table.csv"]
        if tool == "dvc":
            command = [sys.executable, "-m", *command]
        assert subprocess.run(command, cwd=ROOT, capture_output=True).returncode == 0, folder


def test_a_file_that_can_be_read_passes(tmp_path):
    (tmp_path / "a.wav").touch()
    check_file(tmp_path / "a.wav", "audio")


def test_what_is_no_file_is_named_for_what_it_is_and_nobody_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "lost").symlink_to(tmp_path / "nowhere")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fsencode(tmp_path / "socket"))
        for path, found in (
            (tmp_path / "pipe", "expected audio, found a pipe; give a file"),
            (tmp_path / "folder", "expected audio, found a folder; give a file"),
            (tmp_path / "socket", "expected audio, found a socket; give a file"),
            (Path("/dev/null"), "expected audio, found a device; give a file"),
            (
                tmp_path / "lost",
                f"expected audio, found a link to {tmp_path / 'nowhere'}, where there is no file; mend the link",
            ),
            (tmp_path / "absent", "no such file; expected audio"),
        ):
            with pytest.raises(InputError) as error:
                check_file(path, "audio")
            assert str(error.value) == f"{path}: {found}"


def test_a_file_that_may_not_be_read_is_not_called_missing(tmp_path, monkeypatch):
    def refuse(path, mode):
        raise PermissionError(errno.EACCES, "Permission denied")

    (tmp_path / "a.wav").touch()
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"a\.wav: expected audio, found .* cannot be read: Permission denied"):
        check_file(tmp_path / "a.wav", "audio")


def test_a_file_below_a_file_is_called_missing(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(InputError, match="no such file"):
        check_file(tmp_path / "a" / "b", "audio")
