"""Say what the data can carry, score the predictions by groups of people, and measure the gaps between these."""

import argparse
from pathlib import Path

import pandas as pd

from ser import manifest, predictions
from ser.bias import claims, figures, gaps
from ser.bias import groups as bias_groups
from ser.bias.groups import BiasParams
from ser.files import params, tables
from ser.files.failures import one_line
from ser.people import AgeBands
from ser.plots import audit as audit_picture
from ser.plots import drawing
from ser.plots import groups as groups_picture
from ser.scores.intervals import IntervalParams


def main() -> None:
    """Read predictions and manifest; write metrics, tables of groups, gaps, counts and refused claims, and pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("params", "manifest", "predictions", "metrics", "groups", "gaps", "audit", "refused"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("picture", "audit-picture"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    paths = parser.parse_args()
    with one_line("bias"):
        emotions = params.read(paths.params, "emotions", list[str])
        bands = params.read(paths.params, "age_bands", AgeBands)
        intervals = params.read(paths.params, "intervals", IntervalParams)
        settings = params.read(paths.params, "bias", BiasParams, age_bands=bands, **vars(intervals))
        utterances = manifest.read(paths.manifest)
        table = predictions.read(paths.predictions, emotions)
        protocol = predictions.chosen(table)
        people = predictions.with_people(table[table["protocol"] == protocol], utterances)
        refused = claims.refusals(people, utterances, emotions, settings)
        groups = claims.withhold(bias_groups.groups(people, emotions, settings), refused, emotions)
        between = gaps.table(people, emotions, settings, refused)
        counts = claims.counts(people, emotions, settings)
        overview = claims.overview(people, utterances, settings)
        report = figures.report(groups, between, refused, overview)
        known = " (test speakers are in training as well)" if protocol == predictions.RANDOM else ""
        title = f"{protocol}{known}: {len(people)} utterances"
        how = f"intervals over speakers, confidence {settings.confidence:g}, from {settings.minimum_speakers} on"
        picture = groups_picture.draw(groups, figures.pairs(report), emotions, f"{title}; {how}")
        tables.write(groups, paths.groups)
        tables.write(between, paths.gaps)
        tables.write(counts, paths.audit)
        tables.write(refused, paths.refused)
        drawing.save(picture, paths.picture)
        drawing.save(audit_picture.draw(counts, refused, overview, emotions, title), paths.audit_picture)
        tables.write_metrics(report, paths.metrics)
        print(f"bias: {protocol}{known}: {summary(report, refused)}; see {paths.metrics} and {paths.refused}")


def summary(report: dict, refused: pd.DataFrame) -> str:
    """Say for gender, age and speakers what was found, in a few words, and how many claims were refused."""
    words = [compared(report, refused, attribute) for attribute in ("gender", "age")]
    if "speaker" in report:
        words.append("{speakers} speakers from UAR {uar_min:.3f} to {uar_max:.3f}".format(**report["speaker"]))
    else:
        words.append(f"no speaker's UAR ({claims.reason(refused, 'speaker')})")
    return f"{', '.join(words)}; refused claims: {len(refused)}"


def compared(report: dict, refused: pd.DataFrame, attribute: str) -> str:
    """Give the gap of the one pair of groups, or the largest gap of more, or the reason why there is none."""
    pairs, largest = figures.of_attribute(report, attribute)
    if len(pairs) == 1:
        return " ".join(f"{attribute} {pair} {difference(gap)}" for pair, gap in pairs.items())
    if largest:
        return f"{attribute} largest gap {difference(largest)}"
    return f"no {attribute} gap ({claims.reason(refused, attribute)})"


def difference(gap: dict[str, float]) -> str:
    """Write a gap with its sign, its interval and its p-value, as far as there are any."""
    interval = f" [{gap['uar_low']:+.3f}, {gap['uar_high']:+.3f}]" if "uar_low" in gap else ""
    return f"{gap['uar']:+.3f}{interval}" + (f" (p {gap['p']:.3f})" if "p" in gap else "")


if __name__ == "__main__":
    main()
