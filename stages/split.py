"""Split the corpora into training, validation and test utterances, by the chosen protocol and at random."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ser import manifest
from ser.files import params, tables
from ser.files.failures import one_line
from ser.splits import names, oracle, protocols, table
from ser.splits.protocols import SplitParams

PLURALS = {"speaker": "speakers", "sentence": "sentences", "corpus": "corpora"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the manifest; write the split, which must pass the leakage gate, and its metrics."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "manifest", "split", "metrics"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    paths = parser.parse_args(arguments)
    with one_line("split"):
        emotions = params.read(paths.params, "emotions", list[str])
        settings = params.read(paths.params, "split", SplitParams)
        utterances = manifest.read(paths.manifest)
        split = protocols.make(utterances, emotions, settings)
        table.check(split, utterances, settings.sentences == "disjoint")
        report = protocols.summarise(split, utterances)
        tables.write(split, paths.split)
        tables.write_metrics(report, paths.metrics)
        nobody = utterances.loc[utterances["speaker"] == "", "id"]
        unknown = (split["id"].isin(nobody) & (split["part"] == "train") & (split["protocol"] != names.RANDOM)).sum()
        if unknown:
            print(
                f"split: warning: {unknown} utterances of unknown speakers are in training; whether a test speaker is "
                "heard in them cannot be checked",
                file=sys.stderr,
            )
        apart = "" if settings.sentences == "disjoint" else "; split.sentences: disjoint keeps them apart"
        consequences = {
            "speaker": "results on these corpora say little of speakers who show several emotions",
            "sentence": f"a classifier may know the sentence and not the voice{apart}",
            "corpus": "a classifier may know the corpus, its language and its microphones, and not the emotion",
        }
        fewest = min(report.get("corpora", 1), report["emotions"]) / report["emotions"]
        for name, consequence in consequences.items():
            found, floor = (report.get(f"{name}_oracle_uar{end}") for end in ("", "_by_chance"))
            if found is not None and oracle.passes(found, floor, fewest if name == "corpus" else 1.0):
                print(
                    f"split: warning: emotions are tied to {PLURALS[name]}: guessing by the {name} alone, with no "
                    f"audio, has a UAR of {found:.3f} ({floor:.3f} with labels shuffled); {consequence}",
                    file=sys.stderr,
                )
        if report.get("corpora", 1) > 1:  # of which a balanced one hides another
            for corpus, rows in utterances.groupby("corpus"):
                if oracle.tied(rows):
                    print(
                        f"split: warning: {corpus}: emotions are tied to speakers: guessing by the speaker alone, with "
                        f"no audio, has a UAR of {oracle.speaker_oracle(rows):.3f}; {consequences['speaker']}",
                        file=sys.stderr,
                    )
        print(f"split: {summary(report, settings.protocol)}; see {paths.metrics}")


def summary(report: dict, protocol: str) -> str:
    """Say in a few words what was split, and how much the speakers alone give away."""
    folds = report[names.RANDOM]["folds"]
    words = f"{protocol}, {folds} {'fold' if folds == 1 else 'folds'}, {report['utterances']} utterances"
    if "speakers" not in report:
        return f"{words}; some speakers are unknown, so no speaker oracle"
    floor = report["speaker_oracle_uar_by_chance"]
    guess = f"speaker oracle UAR {report['speaker_oracle_uar']:.3f} ({floor:.3f} with labels shuffled)"
    return f"{words}, {report['speakers']} speakers; {guess}"


if __name__ == "__main__":
    main()
