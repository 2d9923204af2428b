"""Fit the out-of-distribution detection, and count what it calls unfamiliar: other speakers, and what is no speech."""

import argparse
from pathlib import Path

from ser import features, manifest, predictions
from ser.confidence import alarms, familiarity, noises
from ser.confidence.familiarity import FamiliarityParams
from ser.encoders import catalogue
from ser.files import params, tables
from ser.files.failures import one_line
from ser.plots import drawing
from ser.plots import familiarity as picture
from ser.robustness import vectors
from ser.scores.intervals import IntervalParams
from ser.splits import names, table


def main() -> None:
    """Read features, split and predictions; write the description of all speech, metrics, a table and a picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    inputs = ("params", "manifest", "features", "augmented", "weights", "split", "predictions")
    for name in (*inputs, "familiarity", "metrics", "distances", "picture"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    with one_line("familiarity"):
        emotions = params.read(options.params, "emotions", list[str])
        settings = params.read(options.params, "familiarity", FamiliarityParams)
        intervals = params.read(options.params, "intervals", IntervalParams)
        utterances = manifest.read(options.manifest)
        split = table.read(options.split)
        table.check(split, utterances)
        own = features.read(options.features, utterances)
        copies = vectors.read_copies(options.augmented, utterances, own.extractor).vectors
        predicted = predictions.with_people(predictions.read(options.predictions, emotions), utterances)
        protocol = names.chosen(predicted["protocol"])
        extractor = catalogue.rebuild(own.extractor, options.weights)
        sounds = noises.vectors(extractor)
        measured = alarms.distances(split, utterances, own.vectors, sounds, settings, copies)
        report = alarms.report(measured, predicted[predicted["protocol"] == protocol], emotions, intervals)
        whole = alarms.whole(split, utterances, own.vectors, settings, copies)
        familiarity.save(whole, options.familiarity)
        tables.write(measured, options.distances)
        tables.write_metrics(report, options.metrics)
        tested = "test utterances" if protocol == names.RANDOM else "speech of other speakers"
        drawing.save(picture.draw(measured, tested), options.picture)
        shares = {tested: report["false_alarms"]} | report["detected"]
        found = ", ".join(f"{kind} {share:.1%}" for kind, share in shares.items())
        print(f"familiarity: flagged as unfamiliar: {found}; see {options.picture}")


if __name__ == "__main__":
    main()
