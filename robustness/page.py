"""Put the tables of all tasks onto one page."""

import argparse
from pathlib import Path

from ser.benchmarks.tasks import Task
from ser.files import params
from ser.files.failures import one_line
from ser.files.whole import whole_file
from ser.learning.recipe import TrainParams
from ser.robustness import page
from ser.robustness.comparison import Marks
from ser.scores.intervals import IntervalParams


def main() -> None:
    """Read the tables; write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "pipeline", "page"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--tables", type=Path, nargs="+", required=True, help="of the tasks, in the params' order")
    options = parser.parse_args()
    with one_line("page"):
        tasks = params.read(options.params, "tasks", dict[str, Task])
        marks = params.read(options.params, "marks", Marks)
        below = params.read(options.pipeline, "train", TrainParams).abstain_below
        intervals = params.read(options.pipeline, "intervals", IntervalParams)
        scored = page.named(options.tables, list(tasks))
        with whole_file(options.page) as temporary:
            temporary.write_text(page.page(scored, marks, below, intervals), encoding="utf-8")
        print(f"page: {page.finding(scored)} See {options.page}")


if __name__ == "__main__":
    main()
