"""Split the corpora into training, validation and test utterances, by the chosen protocol and at random."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ser import manifest
from ser.files import params, tables
from ser.files.failures import one_line
from ser.splits import account, names, oracle, protocols, table
from ser.splits.protocols import SplitParams


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the manifest; write the split, which must pass the leakage gate, and its metrics."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "manifest", "split", "metrics"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args(arguments)
    with one_line("split"):
        emotions = params.read(options.params, "emotions", list[str])
        settings = params.read(options.params, "split", SplitParams)
        utterances = manifest.read(options.manifest)
        split = protocols.make(utterances, emotions, settings)
        disjoint = settings.sentences == "disjoint"
        table.check(split, utterances, disjoint)
        report = account.summarise(split, utterances)
        tables.write(split, options.split)
        tables.write_metrics(report, options.metrics)
        for warning in account.cautions(split, utterances, disjoint):
            print(f"split: warning: {warning}", file=sys.stderr)
        apart = ", sentences apart, too" if disjoint else ""
        print(f"split: {summary(report, settings.protocol + apart)}; see {options.metrics}")


def summary(report: dict, protocol: str) -> str:
    """Say in a few words what was split, and how much the speakers alone give away."""
    folds = report[names.RANDOM]["folds"]
    words = f"{protocol}, {folds} {'fold' if folds == 1 else 'folds'}, {report['utterances']} utterances"
    if "speakers" not in report:
        return f"{words}; not all speakers are known, so no speaker oracle"
    guess = oracle.words(report["speaker_oracle_uar"], report["speaker_oracle_uar_by_chance"])
    return f"{words}, {report['speakers']} speakers; the speaker oracle has {guess}"


if __name__ == "__main__":
    main()
