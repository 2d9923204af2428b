import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
# A program whose workers note who they are and then work for a minute.
JOBLIB = """
import os, sys, time
from pathlib import Path
from joblib import delayed
from ser.machine import processes
from ser.files.failures import one_line

def work(number):
    Path(f'{os.getpid()}.pid').touch()
    time.sleep(60)
    return number

if __name__ == '__main__':
    with one_line('train'):
        print(list(processes.parallel([delayed(work)(number) for number in range(4)], 2)))
"""
# What a worker of the pool has begun is waited for, and is short.
POOL = JOBLIB.replace(
    "processes.parallel([delayed(work)(number) for number in range(4)], 2)",
    "processes.map_in_order(work, range(100), workers=2, chunksize=1)",
).replace("sleep(60)", "sleep(2)")


def start(folder: Path, program: str) -> subprocess.Popen:
    (folder / "program.py").write_text(program)
    return subprocess.Popen(
        [sys.executable, "program.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def workers(folder: Path) -> list[int]:
    """Wait until both workers are at work."""
    for _ in range(600):
        found = [int(path.stem) for path in folder.glob("*.pid")]
        if len(found) == 2:
            return found
        time.sleep(0.1)
    raise TimeoutError("the workers have not begun")


def alive(session: int) -> list[str]:
    """All processes that the program has begun, directly or not: they are in its session."""
    found = subprocess.run(["ps", "-eo", "sess=,stat=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in found.splitlines()]
    return [" ".join(row) for row in rows if int(row[0]) == session and not row[1].startswith("Z")]


def ended(session: int) -> bool:
    for _ in range(100):
        if not alive(session):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("program", [JOBLIB.replace("60", "0"), POOL.replace("100", "4")], ids=["joblib", "pool"])
def test_results_come_in_order(tmp_path, program):
    assert start(tmp_path, program).communicate(timeout=60) == ("[0, 1, 2, 3]\n", "")


@pytest.mark.parametrize("program", [JOBLIB, POOL], ids=["joblib", "pool"])
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)]
)
@pytest.mark.parametrize("everybody", [False, True], ids=["parent", "group"])
def test_no_process_lives_on_when_the_program_is_stopped_or_killed(tmp_path, program, number, code, everybody):
    started = start(tmp_path, program)
    workers(tmp_path)
    (os.killpg if everybody else os.kill)(started.pid, number)  # a terminal and a batch system signal all of them
    _, error = started.communicate(timeout=20)
    assert started.returncode == code
    if number != signal.SIGKILL:
        assert error.count("\n") == 1, error
        assert error.startswith("train: ")
    assert ended(started.pid), alive(started.pid)


@pytest.mark.parametrize(
    ("program", "tracker", "kind"),
    [
        (JOBLIB, "joblib.externals.loky.backend.resource_tracker", "semlock"),
        (POOL, "multiprocessing.resource_tracker", "semaphore"),
    ],
    ids=["joblib", "pool"],
)
def test_what_a_stopped_program_has_left_is_removed_without_a_word(tmp_path, program, tracker, kind):
    # A program that ends just when it gives a semaphore back leaves the tracker a name that no longer stands for any.
    left = f"import atexit, {tracker}; atexit.register({tracker}.register, '/left', {kind!r})"
    started = start(tmp_path, program.replace("    with one_line", f"    {left}\n    with one_line"))
    workers(tmp_path)
    os.kill(started.pid, signal.SIGINT)
    assert started.communicate(timeout=20)[1] == "train: interrupted; no output is half-written, run it again\n"


@pytest.mark.parametrize("program", [JOBLIB, POOL], ids=["joblib", "pool"])
def test_a_worker_that_is_killed_ends_the_program_with_one_line(tmp_path, program):
    started = start(tmp_path, program)
    os.kill(workers(tmp_path)[0], signal.SIGKILL)
    _, error = started.communicate(timeout=60)
    assert started.returncode == 1
    assert error.startswith("train: a worker process was killed, most often because memory ran out; ")
    assert error.count("\n") == 1, error
    assert ended(started.pid), alive(started.pid)


def test_workers_that_cannot_be_handed_their_data_are_one_line(tmp_path):
    program = """
import numpy as np, resource
from joblib import delayed
from ser.machine import processes
from ser.files.failures import one_line

def work(array):
    return len(array)

if __name__ == '__main__':
    resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6))  # as good as a full disk
    with one_line('train'):
        print(list(processes.parallel([delayed(work)(np.ones(10**6))] * 2, 2)))
"""
    _, error = start(tmp_path, program).communicate(timeout=60)
    assert error.startswith("train: expected room for the data that the workers share, found none")
    assert error.count("\n") == 1, error
