"""How many processes or threads a program starts at a time, where nobody says."""

import math
import os
from pathlib import Path

VARIABLE = "SER_WORKERS"
QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container, as seen from the inside


def workers() -> int | str:
    """Give the default of ``--workers``: what ``SER_WORKERS`` says, for ``argparse`` to read, or ``allotted``."""
    return os.environ.get(VARIABLE) or allotted()


def allotted() -> int:
    """Count the cores that this process may use, as a container, a batch system or ``taskset`` allots them."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if QUOTA.exists():
        quota, period = QUOTA.read_text().split()
        if quota.isdecimal():
            cores = min(cores, math.ceil(int(quota) / int(period)))
    return cores
