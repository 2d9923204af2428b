"""Distort every utterance of a corpus in every way, and encode it with every encoder, for all tasks of that corpus."""

import argparse
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ser.benchmarks import tasks
from ser.benchmarks.encoding import Corpus, Variant
from ser.corpora import accounts, intake
from ser.corpora.intake import ManifestParams
from ser.files import params, tables
from ser.files.failures import one_line
from ser.machine import cores
from ser.robustness import conditions, encoding
from ser.robustness.conditions import Choice


def main() -> None:
    """Read the corpus; write its manifest, a table of the conditions, and the feature files."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in (
        "params",
        "pipeline",
        "corpus",
        "weights",
        "whisper",
        "manifest",
        "conditions",
        "encoders",
        "features",
    ):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument(
        "--workers", type=int, default=cores.workers(), help="processes (default: $SER_WORKERS, or one a core)"
    )
    options = parser.parse_args()
    with one_line("encode"):
        raw, name = options.corpus.parent, options.corpus.name
        corpus = tasks.named("corpora", params.read(options.params, "corpora", dict[str, Corpus]), name)
        offered = params.read(options.params, "encoders", dict[str, Variant])
        wanted = tasks.taken(f"corpora.{name}.encoders", corpus.encoders, list(offered))
        listed = conditions.listed(params.read(options.params, "conditions", dict[str, Choice]), name)
        noises = Path(params.read(options.params, "noise", str))
        seed = params.read(options.params, "seed", int)
        accept = params.read(options.pipeline, "manifest", ManifestParams)
        utterances, rejected, _ = intake.build(raw, [name], corpus.emotions, accept)
        done, encoders = encoding.encode(
            utterances,
            raw,
            options.features,
            {encoder: offered[encoder] for encoder in wanted},
            listed,
            noises,
            {"pase_plus": options.weights, "whisper_base": options.whisper},
            seed,
            options.workers,
            partial(tqdm, unit="utterance", disable=None),
        )
        tables.write(utterances, options.manifest)
        tables.write(done, options.conditions)
        tables.write(encoders, options.encoders)
        named = done.set_index("condition")["note"].to_dict() | encoders.set_index("encoder")["note"].to_dict()
        notes = "".join(f"; not measured: {name}: {note}" for name, note in named.items() if note)
        measured = (done["note"] == "").sum()
        print(f"encode: {accounts.closing_line(utterances, rejected)}; conditions: {measured}{notes}")


if __name__ == "__main__":
    main()
