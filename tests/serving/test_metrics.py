"""The counts of several worker processes together."""

import os
import shutil
import subprocess
import sys

import pytest

from serving import metrics

WORKER = """
from serving.metrics import Metrics
counts = Metrics()
counts.inside("recordings", 3)
counts.skipped.inc(2)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where worker processes put their counts together; one has ended with three recordings under way."""
    monkeypatch.setenv(metrics.SHARED, str(tmp_path))
    subprocess.run([sys.executable, "-c", WORKER], check=True)
    return tmp_path


def test_a_worker_that_has_ended_has_nothing_under_way_but_what_it_counted_stays(folder):
    lines = metrics.Metrics().text().decode().splitlines()

    assert not [line for line in lines if line.startswith("ser_inside")]
    assert "ser_skipped_answers_total 2.0" in lines


def test_what_workers_that_run_have_under_way_is_added_up(folder, monkeypatch):
    def kill(process, signal):
        assert signal == 0, "nobody may be hurt"
        if process == 1:
            raise PermissionError
        if process != os.getpid():
            raise ProcessLookupError

    (left,) = folder.glob("gauge_live*.db")
    for process in (1, os.getpid()):
        shutil.copyfile(left, folder / f"gauge_livesum_{process}.db")
    monkeypatch.setattr(os, "kill", kill)

    assert 'ser_inside{kind="recordings"} 6.0' in metrics.Metrics().text().decode().splitlines()


def test_two_workers_may_take_the_same_dead_one_away(folder, monkeypatch):
    mark = metrics.multiprocess.mark_process_dead

    def twice(process, path):
        mark(process, path)
        raise FileNotFoundError

    monkeypatch.setattr(metrics.multiprocess, "mark_process_dead", twice)

    assert b"ser_skipped_answers_total 2.0" in metrics.Metrics().text()
