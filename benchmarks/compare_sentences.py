"""Score all encoders on known and unseen sentences: a table, a page, a picture, metrics."""

import argparse
from pathlib import Path

from ser.benchmarks import sentence_task, sentences, tasks
from ser.benchmarks.comparison import CompareParams
from ser.benchmarks.sentence_task import SentenceParams
from ser.benchmarks.tasks import Task
from ser.files import params, tables
from ser.files.failures import one_line
from ser.files.whole import whole_file
from ser.plots import drawing
from ser.plots import sentences as picture


def main() -> None:
    """Read the predictions of all tasks; write what the sentences are worth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, required=True)
    for name in ("manifests", "predictions"):
        parser.add_argument(f"--{name}", type=Path, nargs="+", required=True, help="of each task, in the params' order")
    for name in ("table", "page", "picture", "metrics"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    with one_line("compare_sentences"):
        settings = params.read(options.params, "sentences", SentenceParams)
        known = params.read(options.params, "tasks", dict[str, Task])
        compare = params.read(options.params, "compare", CompareParams)
        answers = tasks.read_answers(settings.tasks, known, options.manifests, options.predictions)
        answers |= sentences.apart(answers)
        asked = {name: sentence_task.described(given.task, given.utterances) for name, given in answers.items()}
        figures = sentences.scored(answers, compare.reference, compare.intervals)
        tables.write(figures, options.table)
        with whole_file(options.page) as temporary:
            text = sentences.page(figures, asked, settings, compare.reference, compare.intervals.confidence)
            temporary.write_text(text, encoding="utf-8")
        chances = {name: 1 / len(known[name].emotions) for name in settings.tasks}
        drawing.save(picture.draw(figures[figures["task"].isin(settings.tasks)], chances), options.picture)
        tables.write_metrics(sentences.nested(figures), options.metrics)
        print(f"compare_sentences: {len(settings.tasks)} tasks; see {options.page}")


if __name__ == "__main__":
    main()
