import os

import pytest

from ser.files.failures import InputError
from ser.machine import memory


def test_what_fits_passes():
    memory.require(2**20, "resamples 100")


def test_what_does_not_fit_is_refused_with_the_figure_and_who_asks():
    with pytest.raises(InputError) as error:
        memory.require(2**60, "train.hidden [1000000000]")
    assert str(error.value).startswith("train.hidden [1000000000]: expected to need no more than the ")
    assert str(error.value).endswith(" GiB of free memory, found that it takes 1,073,741,824.0 GiB; make it smaller")


def test_no_more_is_free_than_the_machine_has():
    assert 0 < memory.available() <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(("limit", "free"), [("2000000", 500_000), ("max", None)])
def test_a_container_has_what_it_was_given(tmp_path, monkeypatch, limit, free):
    monkeypatch.setattr(memory, "GROUP", tmp_path)
    before = memory.available()
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    (tmp_path / "memory.current").write_text("1700000\n")
    (tmp_path / "memory.stat").write_text("anon 1500000\ninactive_file 150000\nactive_file 50000\n")
    assert memory.available() == free if free else memory.available() > before / 2


def test_a_machine_that_does_not_tell_what_is_free_tells_what_it_has(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "PROCESSES", tmp_path / "absent")
    monkeypatch.setattr(memory, "GROUP", tmp_path)
    assert memory.available() == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
