"""Refuse what this machine's memory cannot hold, before the operating system kills the program for it."""

import os
from pathlib import Path

from ser.files.failures import InputError

PROCESSES = Path("/proc/meminfo")
GROUP = Path("/sys/fs/cgroup")  # of a container, as seen from the inside


def require(needed: int, asked_by: str) -> None:
    """Check that memory suffices.

    Args:
        needed: bytes.
        asked_by: the parameter that asks for them and its value, for the message.

    Raises:
        InputError: there is less.
    """
    free = available()
    if needed > free:
        raise InputError(
            f"{asked_by}: expected to need no more than the {free / 2**30:.1f} GiB of free memory, found that it takes "
            f"{needed / 2**30:,.1f} GiB; make it smaller"
        )


def available() -> int:
    """Give the bytes that a program can have without swapping: those of the machine, or of the container it is in."""
    free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if PROCESSES.exists():  # Linux
        rows = dict(line.split(":") for line in PROCESSES.read_text().splitlines())
        free = int(rows["MemAvailable"].split()[0]) * 1024
    most, used = GROUP / "memory.max", GROUP / "memory.current"
    if most.exists() and (limit := most.read_text().strip()).isdecimal():
        kinds = dict(line.split() for line in (GROUP / "memory.stat").read_text().splitlines())
        cached = int(kinds["active_file"]) + int(kinds["inactive_file"])  # of files, given back when wanted
        free = min(free, max(int(limit) - int(used.read_text()) + cached, 0))
    return free
