import errno
import os
import signal
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest
import torch

from ser.files.failures import InputError, one_line

ROOT = Path(__file__).resolve().parents[2]
STOPS = [
    (signal.SIGINT, 130, "interrupted; no output is half-written, run it again"),
    (signal.SIGTERM, 143, "ended by SIGTERM; no output is half-written, run it again"),
    (signal.SIGHUP, 129, "ended by SIGHUP; no output is half-written, run it again"),
]


def test_a_users_error_ends_the_program_with_one_line_and_code_1_and_no_traceback():
    program = (
        "from ser.files.failures import InputError, one_line\n"
        "with one_line('manifest'):\n"
        "    raise InputError('data/raw/emodb: no such folder')\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "manifest: data/raw/emodb: no such folder\n"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (InputError("params.yaml: bad"), "split: params.yaml: bad"),
        (InputError("first\nsecond"), "split: first second"),
        (OSError(errno.ENOSPC, "No space left on device"), "split: [Errno 28] No space left on device"),
        (
            BrokenProcessPool("terminated abruptly"),
            "split: a worker process was killed, most often because memory ran out; run it again with fewer --workers "
            "(SER_WORKERS=1), or free memory",
        ),
    ],
)
def test_what_a_user_can_mend_becomes_one_line(error, message):
    with pytest.raises(SystemExit) as ended, one_line("split"):
        raise error
    assert ended.value.code == message


@pytest.mark.parametrize("error", [ValueError("ours"), KeyError("ours"), AssertionError("ours")])
def test_a_bug_of_ours_keeps_its_type_and_so_its_traceback(error):
    with pytest.raises(type(error), match="ours"), one_line("split"):
        raise error


def test_nothing_happens_where_nothing_fails():
    with one_line("split"):
        reached = True
    assert reached


def start(*arguments, **options):
    """Start a Python program and wait until it has said that it is ready."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    program = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **options,
    )
    assert program.stdout.readline() == "ready\n"
    return program


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code", "words"), STOPS)
def test_a_signal_ends_the_program_with_one_line_and_its_code_once_it_has_tidied_up(number, code, words):
    program = start(
        "-c",
        "import time\n"
        "from ser.files.failures import one_line\n"
        "with one_line('split'):\n"
        "    try:\n"
        "        print('ready', flush=True)\n"
        "        [time.sleep(0.1) for _ in range(600)]\n"
        "    finally:\n"
        "        print('tidying up', flush=True)\n"
        "        time.sleep(0.5)\n"
        "        print('tidy', flush=True)\n",
    )
    program.send_signal(number)
    assert program.stdout.readline() == "tidying up\n"
    program.send_signal(number)  # `timeout`, for one, sends it twice
    assert program.communicate(timeout=30) == ("tidy\n", f"split: {words}\n")
    assert program.returncode == code


def test_a_signal_that_is_ignored_stays_ignored():
    program = start(
        "-c",
        "import signal, time\n"
        "from ser.files.failures import one_line\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does\n"
        "with one_line('split'):\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(0.5)\n",
    )
    program.send_signal(signal.SIGHUP)
    assert program.communicate(timeout=30) == ("", "")
    assert program.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code", "words"), STOPS)
def test_a_signal_while_libraries_load_ends_the_program_with_one_line(tmp_path, number, code, words):
    package = tmp_path / "stages"
    package.mkdir()
    (package / "__init__.py").write_text((ROOT / "stages" / "__init__.py").read_text())
    # A library that makes an error of its own of whatever interrupts it, as extension modules do.
    (package / "train.py").write_text(
        "import time\n"
        "try:\n"
        "    print('ready', flush=True)\n"
        "    [time.sleep(0.1) for _ in range(600)]\n"
        "except BaseException as error:\n"
        "    raise ImportError('failed to import') from error\n"
    )
    program = start("-m", "stages.train", cwd=tmp_path)
    program.send_signal(number)
    assert program.communicate(timeout=30) == ("", f"train: {words}\n")
    assert program.returncode == code


@pytest.mark.parametrize("package", ["stages", "benchmarks", "pretraining"])
def test_every_package_of_stages_is_ready_for_a_signal_before_it_loads_anything_large(package):
    program = (
        f"import sys; sys.argv[0] = '-m'; import {package}; import signal\n"
        "assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL\n"
        "assert not {'numpy', 'torch', 'pandas', 'multiprocessing'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_a_package_of_stages_that_a_program_imports_leaves_its_signals_alone():
    program = (
        "import signal, stages; assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, 'not left alone'\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_ctrl_c_has_the_exit_code_of_a_shell(capsys):
    with pytest.raises(SystemExit, match="split: interrupted") as ended, one_line("split"):
        raise KeyboardInterrupt
    assert ended.value.code == 130
    assert capsys.readouterr().err == "split: interrupted; no output is half-written, run it again\n"


def test_signals_are_as_before_once_the_block_has_ended():
    before = [signal.getsignal(number) for number, _, _ in STOPS]
    with one_line("split"):
        assert signal.getsignal(signal.SIGTERM) is not before[1]
    assert [signal.getsignal(number) for number, _, _ in STOPS] == before


@pytest.mark.parametrize(
    ("allocate", "figure"),
    [
        (lambda: np.ones(10**17), "711. PiB"),
        (lambda: torch.ones(10**17), "400000000000000000 bytes"),
        (lambda: [0] * 2**60, "no figure is known"),
    ],
    ids=["numpy", "torch", "python"],
)
def test_want_of_memory_is_one_line_with_what_was_asked(allocate, figure):
    with pytest.raises(SystemExit, match=r"train: memory ran out .* 'train' of the params") as ended, one_line("train"):
        allocate()
    assert figure in ended.value.code
    assert "\n" not in ended.value.code


def test_another_runtime_error_is_a_bug():
    with pytest.raises(RuntimeError, match="shapes differ"), one_line("train"):
        raise RuntimeError("shapes differ")
