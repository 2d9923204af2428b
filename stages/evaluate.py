"""Predict every test utterance with the classifier of its fold, and score the predictions."""

import argparse
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ser import features, manifest, predictions
from ser.confidence import abstention, calibration
from ser.files import params, tables
from ser.files.failures import one_line
from ser.learning import trained
from ser.learning.recipe import TrainParams
from ser.plots import confusion, drawing
from ser.scores import metrics
from ser.scores.intervals import IntervalParams
from ser.splits import names, table


def main() -> None:
    """Read the trained classifiers and the features; write predictions, metrics, tables and a picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    inputs = ("params", "manifest", "features", "split", "models")
    outputs = ("predictions", "metrics", "confusion", "classes", "folds", "risk", "picture")
    for name in (*inputs, *outputs):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    with one_line("evaluate"):
        emotions = params.read(options.params, "emotions", list[str])
        intervals = params.read(options.params, "intervals", IntervalParams)
        below = params.read(options.params, "train", TrainParams).abstain_below
        utterances = manifest.read(options.manifest)
        split = table.read(options.split)
        table.check(split, utterances)
        vectors = features.read(options.features, utterances)
        bar = partial(tqdm, desc="evaluate", unit="fold", disable=None)
        predicted = trained.predict(split, utterances, vectors, options.models, emotions, bar)
        people = predictions.with_people(predicted, utterances)
        protocol = names.chosen(predicted["protocol"])
        rows = people[people["protocol"] == protocol]
        report = metrics.report(people, emotions, intervals)
        report["calibration"] = calibration.report(rows, emotions, intervals)
        report["abstention"] = abstention.report(rows, emotions, below, intervals)
        tables.write(predicted, options.predictions)
        tables.write(rows[["truth", "prediction"]], options.confusion)
        tables.write(metrics.classes(people, emotions), options.classes)
        tables.write(metrics.folds(people, emotions), options.folds)
        tables.write(abstention.risk_coverage(rows, emotions), options.risk)
        drawing.save(confusion.draw(metrics.titled(people, report, emotions), emotions), options.picture)
        tables.write_metrics(report, options.metrics)
        obstacle = intervals.obstacle(set(rows["speaker"]))
        print(f"evaluate: {metrics.line(report, protocol, obstacle)}; see {options.metrics}")


if __name__ == "__main__":
    main()
