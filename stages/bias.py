"""Check which comparisons of groups the data support, score the groups, and measure the gaps between them."""

import argparse
from pathlib import Path

from ser import manifest, predictions
from ser.bias import audit, figures, gaps, refusals, summary
from ser.bias import groups as bias_groups
from ser.bias.groups import BiasParams
from ser.files import params, tables
from ser.files.failures import one_line
from ser.people import AgeBands
from ser.plots import audit as audit_picture
from ser.plots import drawing
from ser.plots import groups as groups_picture
from ser.scores.intervals import IntervalParams
from ser.splits import names


def main() -> None:
    """Read predictions and manifest; write metrics, tables of groups, gaps, counts and refused claims, and pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "manifest", "predictions", "metrics", "groups", "gaps", "audit", "refused"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("picture", "audit-picture"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    with one_line("bias"):
        emotions = params.read(options.params, "emotions", list[str])
        bands = params.read(options.params, "age_bands", AgeBands)
        intervals = params.read(options.params, "intervals", IntervalParams)
        settings = params.read(options.params, "bias", BiasParams, age_bands=bands, **vars(intervals))
        utterances = manifest.read(options.manifest)
        table = predictions.read(options.predictions, emotions)
        protocol = names.chosen(table["protocol"])
        people = predictions.with_people(table[table["protocol"] == protocol], utterances)
        claims = refusals.examine(people, utterances, emotions, settings)
        groups = claims.withhold(bias_groups.groups(people, emotions, settings), emotions)
        between = gaps.table(people, emotions, settings, claims)
        counts = audit.counts(people, emotions, settings)
        overview = audit.overview(people, utterances, settings)
        metrics = figures.metrics(groups, between, claims, overview)
        named = names.with_warning(protocol)
        title = f"{named}: {len(people)} utterances"
        how = f"{100 * settings.confidence:g} % intervals, for groups of {settings.minimum_speakers} speakers or more"
        picture = groups_picture.draw(groups, figures.pairs(metrics), emotions, f"{title}; {how}")
        tables.write(groups, options.groups)
        tables.write(between, options.gaps)
        tables.write(counts, options.audit)
        tables.write(claims.refused, options.refused)
        drawing.save(picture, options.picture)
        drawing.save(audit_picture.draw(counts, claims.refused, overview, emotions, title), options.audit_picture)
        tables.write_metrics(metrics, options.metrics)
        print(f"bias: {named}: {summary.line(metrics, claims)}; see {options.metrics} and {options.refused}")


if __name__ == "__main__":
    main()
