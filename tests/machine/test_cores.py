import argparse
import os

import pytest

from ser.machine import cores


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    monkeypatch.setattr(cores, "QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 2, 5}, raising=False)
    monkeypatch.delenv("SER_WORKERS", raising=False)


def test_cores_are_those_that_the_process_may_use(monkeypatch):
    assert cores.workers() == 3
    monkeypatch.delattr(os, "sched_getaffinity")  # as on macOS
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert cores.workers() == 7


@pytest.mark.parametrize(("told", "expected"), [("150000 100000", 2), ("max 100000", 3), ("900000 100000", 3)])
def test_a_container_has_the_share_that_it_was_given(told, expected):
    cores.QUOTA.write_text(f"{told}\n")
    assert cores.workers() == expected


def test_the_environment_decides_and_what_is_no_number_is_refused(monkeypatch, capsys):
    parser = argparse.ArgumentParser()
    monkeypatch.setenv("SER_WORKERS", "1")
    parser.add_argument("--workers", type=int, default=cores.workers())
    assert parser.parse_args([]).workers == 1
    monkeypatch.setenv("SER_WORKERS", "many")
    parser.set_defaults(workers=cores.workers())
    with pytest.raises(SystemExit):
        parser.parse_args([])
    assert "argument --workers: invalid int value: 'many'" in capsys.readouterr().err
