"""Predict every test utterance with the classifier of its fold, and score the predictions."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from tqdm import tqdm

from ser import features, manifest, predictions
from ser.features import Features
from ser.files import params, tables
from ser.files.failures import InputError, one_line
from ser.learning import classifier
from ser.learning.classifier import Classifier
from ser.plots import confusion, drawing
from ser.scores import metrics, words
from ser.scores.intervals import IntervalParams
from ser.splits import names
from ser.splits import table as splits_table


def main() -> None:
    """Read the trained classifiers and the features; write predictions, metrics, tables and a picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    inputs = ("params", "manifest", "features", "split", "models")
    outputs = ("predictions", "metrics", "confusion", "classes", "folds", "picture")
    for name in (*inputs, *outputs):
        parser.add_argument(f"--{name}", type=Path, required=True)
    paths = parser.parse_args()
    with one_line("evaluate"):
        emotions = params.read(paths.params, "emotions", list[str])
        settings = params.read(paths.params, "intervals", IntervalParams)
        utterances = manifest.read(paths.manifest)
        split = splits_table.read(paths.split)
        splits_table.check(split, utterances)
        table = predict(split, utterances, features.read(paths.features, utterances), paths.models, emotions)
        people = predictions.with_people(table, utterances)
        protocol = names.chosen(table["protocol"])
        report = metrics.report(people, emotions, settings)
        tables.write(table, paths.predictions)
        tables.write(table.loc[table["protocol"] == protocol, ["truth", "prediction"]], paths.confusion)
        tables.write(metrics.classes(people, emotions), paths.classes)
        tables.write(metrics.folds(people, emotions), paths.folds)
        drawing.save(picture(people, report, emotions), paths.picture)
        tables.write_metrics(report, paths.metrics)
        speakers = set(people.loc[people["protocol"] == protocol, "speaker"])
        print(f"evaluate: {summary(report, protocol, settings.obstacle(speakers))}; see {paths.metrics}")


def predict(
    split: pd.DataFrame, utterances: pd.DataFrame, vectors: Features, models: Path, emotions: Sequence[str]
) -> pd.DataFrame:
    """Predict the test utterances of every fold, in the order of protocol, fold and id."""
    parts = []
    folds = list(split[split["part"] == "test"].groupby(["protocol", "fold"]))
    for (protocol, number), rows in tqdm(folds, desc="evaluate", unit="fold", disable=None):
        path = models / classifier.file_name(protocol, number)
        model = classifier.load(path)
        check(model, path, vectors, emotions)
        tested = utterances["id"].isin(rows["id"]).to_numpy()
        # All utterances go in: normalisation by speaker must see all of a speaker's, as it did in training.
        probabilities = model.probabilities(vectors.vectors, utterances["speaker"].to_numpy())[tested]
        parts.append(predictions.fold(protocol, number, utterances[tested], probabilities, emotions))
    return pd.concat(parts, ignore_index=True)


def check(model: Classifier, path: Path, vectors: Features, emotions: Sequence[str]) -> None:
    """Refuse a classifier that was trained on other features or other emotions."""
    for what, expected, found in (
        ("features of", vectors.extractor, model.recipe.extractor),
        ("the emotions", ", ".join(emotions), ", ".join(model.recipe.labels)),
    ):
        if found != expected:
            raise InputError(
                f"{path}: expected a classifier trained on {what} {expected}, found {found}; run the train stage again"
            )


def picture(people: pd.DataFrame, report: dict, emotions: Sequence[str]) -> Figure:
    """Draw the confusion matrices of all protocols, the speaker-independent one first."""
    protocols = sorted(set(people["protocol"]), key=lambda name: name == names.RANDOM)
    counts = metrics.confusions(people["truth"], people["prediction"], people["protocol"], protocols, emotions)
    titles = []
    for name in protocols:
        independent = name != names.RANDOM
        values = report[names.INDEPENDENT if independent else names.RANDOM]
        speakers = "unknown in training" if independent else "in training as well"
        titles.append(f"{name}: test speakers {speakers}\n{values['utterances']} utterances, UAR {figure(values)}")
    return confusion.draw(dict(zip(titles, counts, strict=True)), emotions)


def summary(report: dict, protocol: str, obstacle: str) -> str:
    """Say the main figures in a few words."""
    without = f", no interval ({obstacle})" if obstacle else ""
    if protocol == names.RANDOM:
        said = f"UAR {figure(report[names.RANDOM])} random{without}"
        return f"{said}; no speaker-independent figure: split.protocol is random"
    said = f"UAR {figure(report[names.INDEPENDENT])} speaker-independent ({protocol}){without}"
    return said + (f", {words.number(report[names.RANDOM]['uar'])} random" if names.RANDOM in report else "")


def figure(values: dict) -> str:
    """Write a UAR, with its interval where there is one."""
    return words.estimate(values, "uar", otherwise="")


if __name__ == "__main__":
    main()
