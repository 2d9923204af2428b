"""Measure how much of emotion, speaker, gender and age the representations hold, and draw them in the plane."""

import argparse
import json
from functools import partial
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from ser import features, manifest
from ser.files import params, tables
from ser.files.failures import one_line
from ser.people import AgeBands
from ser.plots import drawing
from ser.plots import projection as projection_picture
from ser.plots import representation as representation_picture
from ser.representation import folds, probes, projection, sample, silhouettes
from ser.representation import spaces as representation_spaces
from ser.representation.spaces import RepresentationParams
from ser.scores import words
from ser.scores.intervals import IntervalParams
from ser.splits import names, table

INPUTS = ("params", "manifest", "features", "baseline", "split", "models")
OUTPUTS = ("metrics", "probes", "silhouettes", "points", "picture", "projection-picture")


def main() -> None:
    """Read features and classifiers; write metrics, tables and two pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in (*INPUTS, *OUTPUTS):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    with one_line("representation"):
        bands = params.read(options.params, "age_bands", AgeBands)
        intervals = params.read(options.params, "intervals", IntervalParams)
        settings = params.read(options.params, "representation", RepresentationParams, **vars(intervals))
        utterances = manifest.read(options.manifest)
        split = table.read(options.split)
        table.check(split, utterances)
        protocol = names.chosen(split["protocol"])
        vectors = features.read(options.features, utterances)
        baseline = features.read(options.baseline, utterances)
        rows = sample.drawn(utterances["speaker"].to_numpy(), settings.utterances, settings.seed)
        spaces = representation_spaces.spaces(utterances, vectors, baseline, split, options.models, protocol, rows)
        spaces = {name: sample.restricted(space, rows) for name, space in spaces.items()}
        bar = partial(tqdm, desc="representation: probes", unit="probe", disable=None)
        probed = probes.table(spaces, utterances, bands, settings, bar)
        grouped = silhouettes.table(spaces, utterances, settings)
        points = projection.points(
            vectors.ids[rows], vectors.vectors[rows], settings.perplexity, settings.neighbours, settings.seed
        )
        tables.write(probed, options.probes)
        tables.write(grouped, options.silhouettes)
        tables.write(points, options.points)
        encoder = json.loads(vectors.extractor)["encoder"]
        looked_at = size(len(rows), len(utterances))
        title = f"{looked_at}; classifiers of {protocol}; confidence {settings.confidence:g}"
        titles = {name: shown for name, shown in space_titles(encoder, protocol).items() if name in spaces}
        figure = representation_picture.draw(probed, grouped, titles, title)
        drawing.save(figure, options.picture)
        maps = points.merge(utterances[["id", *projection_picture.ASPECTS]], on="id")
        title = f"{encoder}, {looked_at}; sizes of clusters and distances between them mean nothing"
        drawing.save(projection_picture.draw(maps, title), options.projection_picture)
        metrics = {
            "probe": representation_spaces.by_space(probed, "attribute", probes.FIGURES),
            "silhouette": representation_spaces.by_space(grouped, "grouping", silhouettes.FIGURES),
        }
        tables.write_metrics(metrics, options.metrics)
        drawn = f" ({looked_at})" if len(rows) < len(utterances) else ""
        print(f"representation: {summary(probed, encoder)}{drawn}; see {options.probes}")


def size(looked_at: int, everything: int) -> str:
    """Say how many utterances are looked at, and of how many where that is not all."""
    return f"{looked_at} utterances" + (f", drawn out of {everything}" if looked_at < everything else "")


def space_titles(encoder: str, protocol: str) -> dict[str, str]:
    """Name the spaces for people, in the order of the picture."""
    held_out = "utterances not trained on" if protocol == names.RANDOM else "speakers not trained on"
    return {
        "features": encoder,
        "features_by_speaker": f"{encoder}, normalised per speaker",
        "mfcc": "mfcc",
        "mfcc_by_speaker": "mfcc, normalised per speaker",
        "features_held_out": f"{encoder}, {held_out}",
        "hidden_held_out": f"classifier's last layer, {held_out}",
    }


def summary(probed: pd.DataFrame, encoder: str) -> str:
    """Say what the probes of the features found, beside the baseline, and what could not be probed."""
    rows = probed.set_index(["space", "attribute"])
    said = []
    for attribute in folds.ATTRIBUTES:
        own = rows.loc[("features", attribute)]
        if pd.isna(own["balanced_accuracy"]):
            said.append(f"{attribute} not probed ({own['remark']})")
        else:
            beside = [f"chance {words.number(own['chance'])}"]
            if ("mfcc", attribute) in rows.index:
                beside.append(f"mfcc {words.number(rows.loc[('mfcc', attribute), 'balanced_accuracy'])}")
            said.append(f"{attribute} {words.estimate(own, 'balanced_accuracy')} ({', '.join(beside)})")
    return f"a linear probe reads off {encoder} {', '.join(said)}"


if __name__ == "__main__":
    main()
