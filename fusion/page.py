"""Tell what words add to the voice, of all tasks: on one page of Markdown, and with pictures on one of HTML."""

import argparse
import os
from pathlib import Path

from ser.files import params, tables
from ser.files.failures import one_line
from ser.files.whole import whole_file
from ser.fusion import chapter, page
from ser.fusion.table import COLUMNS
from ser.fusion.task import FusionParams, FusionTask
from ser.report import rendering
from ser.text import word_errors


def main() -> None:
    """Read tables and pictures of all tasks; write the pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, required=True)
    parser.add_argument("--tables", type=Path, required=True, nargs="+", help="in the order of the tasks in the params")
    parser.add_argument("--pictures", type=Path, required=True, nargs="+", help="likewise")
    parser.add_argument("--word-errors", type=Path, default=[], nargs="+", help="of the corpora whose words were heard")
    for name in ("template", "page", "report"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    with one_line("page"):
        asked = params.read(options.params, "tasks", dict[str, FusionTask])
        settings = params.read(options.params, "fusion", FusionParams)
        model = params.read(options.params, "sentence_model", str)
        found = {
            task: tables.read(path, COLUMNS, text=("folds", "system", "note"))
            for task, path in tables.of_tasks(options.tables, list(asked)).items()
        }
        misheard = [
            tables.read(path, word_errors.COLUMNS, text=("corpus", "by", "group")) for path in options.word_errors
        ]
        errors = {rates["corpus"].iloc[0]: rates for rates in misheard}
        drawn = tables.of_tasks(options.pictures, list(asked))
        places = {task: os.path.relpath(path, options.page.parent) for task, path in drawn.items()}
        with whole_file(options.page) as temporary:
            temporary.write_text(page.write(found, asked, settings, errors, model, places), encoding="utf-8")
        pictures = {task: path.read_bytes() for task, path in drawn.items()}
        told = chapter.sections(found, asked, settings, errors, model)
        with whole_file(options.report) as temporary:
            html = rendering.chapter(chapter.TITLE, told, pictures, options.template.read_text(encoding="utf-8"))
            temporary.write_text(html, encoding="utf-8", newline="\n")
        print(f"page: {len(found)} tasks; {options.page}")


if __name__ == "__main__":
    main()
