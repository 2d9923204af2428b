"""Train on one corpus and test on another, for each pair of corpora and each system."""

import argparse
import itertools
from functools import partial
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from ser import manifest
from ser.benchmarks import comparison, grid, matrix, page, tasks, vectors
from ser.benchmarks.comparison import CompareParams
from ser.benchmarks.grid import GridParams
from ser.benchmarks.tasks import CrossCorpus
from ser.files import params, tables
from ser.files.failures import one_line
from ser.learning.recipe import TrainParams
from ser.machine import cores
from ser.plots import cross_corpus, drawing


def main() -> None:
    """Read the corpora's vectors; write what systems trained on the one are worth on the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, required=True)
    for name in ("manifests", "encoders", "features"):
        parser.add_argument(f"--{name}", type=Path, nargs="+", required=True, help="of each corpus, in the same order")
    for name in ("table", "page", "picture", "metrics"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument(
        "--workers", type=int, default=cores.workers(), help="processes (default: $SER_WORKERS, or one a core)"
    )
    options = parser.parse_args()
    with one_line("cross_corpus"):
        choice = params.read(options.params, "cross_corpus", CrossCorpus)
        settings = grid.narrowed(params.read(options.params, "grid", GridParams), choice)
        mlp = params.read(options.params, "mlp", TrainParams)
        compare = params.read(options.params, "compare", CompareParams)
        corpora, encoders = {}, vectors.shared([vectors.read_encoders(path) for path in options.encoders])
        wanted = tasks.taken("encoders", choice.encoders, encoders["encoder"].tolist())
        encoders = encoders[encoders["encoder"].isin(wanted)]
        for path, folder in zip(options.manifests, options.features, strict=True):
            found = vectors.read(folder, manifest.read(path), vectors.available(encoders), choice.emotions)
            corpora[found[0]["corpus"].iloc[0]] = found
        scored = {}
        for train, test in itertools.permutations(choice.corpora, 2):
            pair = f"{train} to {test}"
            utterances, encoded = vectors.joined(
                [tasks.named("cross_corpus.corpora", corpora, name) for name in (train, test)]
            )
            folds = grid.cross_folds(utterances, train, choice.emotions, settings)
            progress = partial(tqdm, desc=pair, disable=None)
            table = grid.predict(folds, encoded, utterances, choice.emotions, settings, mlp, options.workers, progress)
            rows = comparison.table(table, utterances, choice.emotions, compare)
            scored[train, test] = comparison.with_absent(rows, encoders)
        by_name = {f"{train} to {test}": rows for (train, test), rows in scored.items()}
        table = pd.concat([rows.assign(corpora=pair) for pair, rows in by_name.items()])
        tables.write(table[["corpora", *comparison.COLUMNS]], options.table)
        asked = f"Trained on all of one corpus, tested on all of another; emotions {', '.join(choice.emotions)}."
        page.save("Benchmark: across corpora", asked, by_name, compare, options.page, matrix.sections(scored))
        title = f"UAR, trained on one corpus, tested on another (chance {1 / len(choice.emotions):.0%})"
        drawing.save(cross_corpus.draw(matrix.together(scored), title), options.picture)
        metrics = {pair.replace(" ", "_"): comparison.nested(rows) for pair, rows in by_name.items()}
        tables.write_metrics(metrics, options.metrics)
        best = "; ".join(f"{pair}: {comparison.best(rows)}" for pair, rows in by_name.items())
        print(f"cross_corpus: best with normalisation train: {best}; see {options.page}")


if __name__ == "__main__":
    main()
