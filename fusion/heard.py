"""Make the vectors of what was heard in the utterances of one task."""

import argparse
from pathlib import Path

from ser import features, manifest
from ser.benchmarks import tasks
from ser.files import params
from ser.files.failures import one_line
from ser.fusion.task import FusionTask
from ser.text import heard as hearing
from ser.text import transcripts


def main() -> None:
    """Read the corpus' manifest and transcripts; write the vectors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True, help="its name in the params")
    for name in ("params", "manifest", "transcripts", "vectors"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    with one_line("heard"):
        task = tasks.named("tasks", params.read(options.params, "tasks", dict[str, FusionTask]), options.task)
        task.require("heard")
        model = params.read(options.params, "sentence_model", str)
        corpus = manifest.read(options.manifest)
        heard = transcripts.read(options.transcripts, corpus)
        asked = task.asks(corpus)
        found = hearing.encode(corpus[asked].reset_index(drop=True), heard[asked], model)
        options.vectors.parent.mkdir(parents=True, exist_ok=True)
        features.save(found, options.vectors)
        print(
            f"heard: {options.task}: {len(found.ids)} utterances, {len(found.names)} numbers each, all 0 in the "
            f"{(heard['text'][asked] == '').sum()} in which nothing was heard; {options.vectors}"
        )


if __name__ == "__main__":
    main()
