"""Write the page that tells what words add to the voice, of all tasks."""

import argparse
from pathlib import Path

from ser.files import params, tables
from ser.files.failures import InputError, one_line
from ser.files.whole import whole_file
from ser.fusion import page
from ser.fusion.table import COLUMNS
from ser.fusion.task import FusionParams, FusionTask


def main() -> None:
    """Read the tables of all tasks; write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, required=True)
    parser.add_argument("--tables", type=Path, required=True, nargs="+", help="in the order of the tasks in the params")
    parser.add_argument("--page", type=Path, required=True)
    options = parser.parse_args()
    with one_line("page"):
        asked = params.read(options.params, "tasks", dict[str, FusionTask])
        settings = params.read(options.params, "fusion", FusionParams)
        if len(asked) != len(options.tables):
            raise InputError(f"tasks: expected a table of each of {', '.join(asked)}, found {len(options.tables)}")
        found = [tables.read(path, COLUMNS, text=("folds", "system", "note")) for path in options.tables]
        with whole_file(options.page) as temporary:
            temporary.write_text(page.write(dict(zip(asked, found, strict=True)), asked, settings), encoding="utf-8")
        print(f"page: {len(found)} tasks; {options.page}")


if __name__ == "__main__":
    main()
