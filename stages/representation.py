"""Measure how much of emotion, speaker, gender and age the representations hold, and draw them in the plane."""

import argparse
import json
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ser import features, manifest
from ser.files import params, tables
from ser.files.failures import one_line
from ser.people import AgeBands
from ser.plots import drawing
from ser.plots import projection as projection_picture
from ser.plots import representation as representation_picture
from ser.representation import probes, projection, sample, silhouettes, summary
from ser.representation import spaces as representation_spaces
from ser.representation.spaces import RepresentationParams
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
        titles = representation_spaces.titles(encoder, protocol)
        shown = {name: titles[name] for name in titles if name in spaces}
        figure = representation_picture.draw(probed, grouped, shown, title)
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
        print(f"representation: {summary.line(probed, encoder)}{drawn}; see {options.probes}")


def size(looked_at: int, everything: int) -> str:
    """Say how many utterances are looked at, and of how many where that is not all."""
    return f"{looked_at} utterances" + (f", drawn out of {everything}" if looked_at < everything else "")


if __name__ == "__main__":
    main()
