"""Encode every utterance of a corpus with every encoder, for all tasks of that corpus."""

import argparse
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ser.benchmarks import encoding, tasks, vectors
from ser.benchmarks.encoding import Corpus, Variant
from ser.corpora import accounts, intake
from ser.corpora.intake import ManifestParams
from ser.files import params, tables
from ser.files.failures import one_line
from ser.machine import cores


def main() -> None:
    """Read the corpus; write its manifest, a table of the encoders, and their feature files."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "corpus", "weights", "whisper", "manifest", "encoders", "features"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument(
        "--workers", type=int, default=cores.workers(), help="processes (default: $SER_WORKERS, or one a core)"
    )
    parser.add_argument("--device", default="cpu", help="where networks run (default: %(default)s)")
    options = parser.parse_args()
    with one_line("encode"):
        raw, name = options.corpus.parent, options.corpus.name
        corpus = tasks.named("corpora", params.read(options.params, "corpora", dict[str, Corpus]), name)
        offered = params.read(options.params, "encoders", dict[str, Variant])
        wanted = tasks.taken(f"corpora.{name}.encoders", corpus.encoders, list(offered))
        accept = params.read(options.params, "manifest", ManifestParams)
        utterances, rejected, _ = intake.build(raw, [name], corpus.emotions, accept)
        done = encoding.encode(
            utterances,
            raw,
            options.features,
            {encoder: offered[encoder] for encoder in wanted},
            {"pase_plus": options.weights, "whisper_base": options.whisper},
            options.workers,
            options.device,
            partial(tqdm, unit="utterance", disable=None),
        )
        tables.write(utterances, options.manifest)
        tables.write(done, options.encoders)
        notes = "".join(f"; {row.encoder}: {row.note}" for row in done.itertuples() if row.note)
        available = ", ".join(vectors.available(done))
        print(f"encode: {accounts.closing_line(utterances, rejected)}; vectors of {available}{notes}")


if __name__ == "__main__":
    main()
