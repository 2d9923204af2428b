"""Run the whole pipeline on each real corpus that is there, each by itself; write their metrics, a table, a picture."""

import argparse
import dataclasses
from pathlib import Path

from ser.benchmarks import real_corpora, tasks
from ser.benchmarks.real_corpora import RealCorpus
from ser.files import params
from ser.files.failures import one_line
from ser.files.whole import whole_file
from ser.plots import drawing
from ser.plots import real_corpora as picture

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Run the corpora named, or all; those that are not there keep the metrics that git has of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="corpus", help="of benchmarks/real_corpora.yaml (default: all)")
    parser.add_argument("--table-only", action="store_true", help="run nothing: table and picture from metrics/")
    options = parser.parse_args()
    with one_line("real_corpora"):
        corpora = params.read(ROOT / "benchmarks/real_corpora.yaml", "corpora", dict[str, RealCorpus])
        chosen = {name: tasks.named("corpora", corpora, name) for name in options.names or corpora}
        for name, corpus in () if options.table_only else chosen.items():
            places = (corpus.folder, f"data/raw/{name}")  # make corpus fetches to the latter
            folder = next((place for place in places if (ROOT / place).is_dir()), None)
            if folder is None:
                print(f"real_corpora: {name}: not run, for there is neither {' nor '.join(places)}")
                continue
            corpus = dataclasses.replace(corpus, folder=folder)
            real_corpora.run(ROOT, corpus, ROOT / "benchmarks/data/checkouts" / name, ROOT / "metrics" / name)
        known = [name for name in corpora if (ROOT / "metrics" / name).is_dir()]
        rows = real_corpora.table(ROOT / "metrics", known)
        with whole_file(ROOT / "docs/real_corpora.md") as temporary:
            temporary.write_text(real_corpora.page(rows, real_corpora.recalls(ROOT / "metrics", known)))
        drawing.save(picture.draw(rows), ROOT / "plots/real_corpora.png")
        print(f"real_corpora: {', '.join(known)}: see docs/real_corpora.md")


if __name__ == "__main__":
    main()
