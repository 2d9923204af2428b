"""Rank the systems over corpora of different people: a table, a page, a picture, metrics."""

import argparse
from pathlib import Path

from ser.benchmarks import ranks, tasks
from ser.benchmarks.comparison import CompareParams
from ser.benchmarks.ranks import OverCorporaParams
from ser.benchmarks.tasks import Task
from ser.files import params, tables
from ser.files.failures import one_line
from ser.files.whole import whole_file
from ser.plots import drawing
from ser.plots import ranks as picture


def main() -> None:
    """Read the predictions of all systems on all corpora; write how the systems rank."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, required=True)
    for name in ("manifests", "predictions"):
        parser.add_argument(f"--{name}", type=Path, nargs="+", required=True, help="of each task, in the params' order")
    for name in ("table", "page", "picture", "metrics"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    with one_line("over_corpora"):
        chosen = params.read(options.params, "over_corpora", OverCorporaParams)
        known = params.read(options.params, "tasks", dict[str, Task])
        intervals = params.read(options.params, "compare", CompareParams).intervals
        answers = tasks.read_answers(chosen.tasks, known, options.manifests, options.predictions)
        asked = {name: tasks.described(given.task, given.utterances) for name, given in answers.items()}
        scored = ranks.table(answers, chosen.reference, intervals, chosen.chosen_on)
        tables.write(scored, options.table)
        with whole_file(options.page) as temporary:
            temporary.write_text(ranks.page(scored, chosen, asked, intervals.confidence), encoding="utf-8")
        drawing.save(picture.draw(scored, chosen.tasks, chosen.chosen_on), options.picture)
        tables.write_metrics(ranks.nested(scored, chosen), options.metrics)
        best = scored.iloc[0]
        print(f"over_corpora: best mean rank: {best['encoder']} + {best['classifier']}, {best['rank']:.2f}")


if __name__ == "__main__":
    main()
