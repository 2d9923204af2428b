"""Make the vectors of what is said in the utterances of one task."""

import argparse
from pathlib import Path

from ser import features, manifest
from ser.benchmarks import tasks
from ser.files import params
from ser.files.failures import one_line
from ser.fusion.task import FusionTask
from ser.text import vectors


def main() -> None:
    """Read the corpus' manifest; write the vectors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True, help="its name in the params")
    for name in ("params", "manifest", "vectors"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    with one_line("words"):
        task = tasks.named("tasks", params.read(options.params, "tasks", dict[str, FusionTask]), options.task)
        task.require("model", "identity")
        model = params.read(options.params, "sentence_model", str)
        corpus = manifest.read(options.manifest)
        people = corpus[task.asks(corpus)].reset_index(drop=True)
        found = vectors.by_identity(people) if task.words == "identity" else vectors.by_model(people, model)
        options.vectors.parent.mkdir(parents=True, exist_ok=True)
        features.save(found, options.vectors)
        print(f"words: {options.task}: {len(found.ids)} utterances, {len(found.names)} numbers each; {options.vectors}")


if __name__ == "__main__":
    main()
