import errno
import subprocess
import sys

import pytest

from ser.failures import InputError, one_line


def test_a_users_error_ends_the_program_with_one_line_and_code_1_and_no_traceback():
    program = (
        "from ser.failures import InputError, one_line\n"
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
        (KeyboardInterrupt(), "split: interrupted; no output is half-written, run it again"),
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
