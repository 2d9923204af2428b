"""Train the classifier that is used, without test speakers, and put it with its encoder and a card into one folder."""

import argparse
from pathlib import Path

from ser import auxiliary, features, manifest
from ser.bundle import card, writing
from ser.confidence import familiarity
from ser.encoders import catalogue
from ser.files import params, tables
from ser.files.failures import one_line
from ser.files.whole import whole_folder
from ser.learning import final
from ser.learning.recipe import TrainParams
from ser.robustness import vectors
from ser.scores.intervals import IntervalParams
from ser.splits import oracle, table

METRICS = ("manifest", "evaluate", "bias", "familiarity")


def main() -> None:
    """Read split, features and metrics; write the bundle."""
    parser = argparse.ArgumentParser(description=__doc__)
    flags = {name: f"{name}-metrics" for name in METRICS}
    inputs = (
        "params",
        "manifest",
        "features",
        "augmented",
        "auxiliary",
        "weights",
        "split",
        *flags.values(),
        "familiarity",
    )
    for name in (*inputs, "bundle"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    with one_line("bundle"):
        emotions = params.read(options.params, "emotions", list[str])
        settings = params.read(options.params, "train", TrainParams)
        confidence = params.read(options.params, "intervals", IntervalParams).confidence
        metrics = tables.read_metrics({stage: vars(options)[f"{stage}_metrics"] for stage in METRICS})
        utterances = manifest.read(options.manifest)
        split = table.read(options.split)
        table.check(split, utterances)
        own = features.read(options.features, utterances)
        copies = vectors.read_copies(options.augmented, utterances, own.extractor)
        extractor = catalogue.rebuild(own.extractor, options.weights)
        speech = familiarity.load(options.familiarity)
        lent = auxiliary.read(options.auxiliary, utterances, own)
        beside = lent.described()
        model = final.train(split, utterances, own, emotions, settings, copies.vectors, lent)
        encoder, networks = extractor.recipe.encoder, len(model.networks)
        apart = params.read(options.params, "split", dict).get("sentences") == "disjoint"
        tied = oracle.tied_corpora(utterances)
        untrained = int((~table.kept(split, utterances)).sum())
        told = card.write(
            model.recipe,
            networks,
            encoder,
            metrics,
            confidence,
            copies.conditions,
            apart,
            tied,
            untrained,
            beside.get("auxiliary"),
            model.lent,
        )
        data = metrics["manifest"] | {"split": model.recipe.split} | copies.described() | beside
        data |= {"left_out": untrained} if untrained else {}
        scores = {"of": "the classifiers of the folds, not of this one"} | metrics["evaluate"]
        with whole_folder(options.bundle) as folder:
            writing.save(folder, model, extractor, options.weights, speech, data, scores, told)
        kind = f"{networks} networks" if networks > 1 else settings.classifier
        print(f"bundle: {len(utterances) - untrained} utterances, {kind}; see {options.bundle}/card.md")


if __name__ == "__main__":
    main()
