"""Put the tables of all tasks onto one page of Markdown, and with their pictures onto one of HTML."""

import argparse
import os
from pathlib import Path

from ser.benchmarks.tasks import Task
from ser.files import params, tables
from ser.files.failures import one_line
from ser.files.whole import whole_file
from ser.learning.recipe import TrainParams
from ser.report import rendering
from ser.robustness import chapter, page
from ser.robustness.comparison import Marks
from ser.scores.intervals import IntervalParams


def main() -> None:
    """Read the tables and pictures; write the pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "pipeline", "template", "page", "report"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--tables", type=Path, nargs="+", required=True, help="of the tasks, in the params' order")
    parser.add_argument("--pictures", type=Path, nargs="+", required=True, help="of the tasks, likewise")
    options = parser.parse_args()
    with one_line("page"):
        tasks = params.read(options.params, "tasks", dict[str, Task])
        marks = params.read(options.params, "marks", Marks)
        below = params.read(options.pipeline, "train", TrainParams).abstain_below
        intervals = params.read(options.pipeline, "intervals", IntervalParams)
        scored = page.named(options.tables, list(tasks))
        drawn = tables.of_tasks(options.pictures, list(tasks))
        places = {task: os.path.relpath(path, options.page.parent) for task, path in drawn.items()}
        with whole_file(options.page) as temporary:
            temporary.write_text(page.page(scored, marks, below, intervals, places), encoding="utf-8")
        pictures = {task: path.read_bytes() for task, path in drawn.items()}
        sections = chapter.sections(scored, marks, below, intervals)
        with whole_file(options.report) as temporary:
            html = rendering.chapter(chapter.TITLE, sections, pictures, options.template.read_text(encoding="utf-8"))
            temporary.write_text(html, encoding="utf-8", newline="\n")
        told = "; ".join(f"{task}: {said[0]}" for task, said in page.findings(scored).items())
        print(f"page: {told}; see {options.page}")


if __name__ == "__main__":
    main()
