"""Find ambiguous utterances, check the scores that find them, and measure what ambiguity costs."""

import argparse
from pathlib import Path

from ser import features, manifest, predictions
from ser.ambiguity import checks, doubt, votes
from ser.ambiguity.doubt import AmbiguityParams
from ser.files import params, tables
from ser.files.failures import one_line
from ser.learning import cartography
from ser.plots import ambiguity as picture
from ser.plots import drawing
from ser.scores.intervals import IntervalParams


def main() -> None:
    """Read what is known of every utterance; write the ranked list, metrics, tables and a picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    inputs = ("params", "manifest", "predictions", "features", "dynamics")
    for name in (*inputs, "metrics", "ranking", "bands", "scores", "picture"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    paths = parser.parse_args()
    with one_line("ambiguity"):
        emotions = params.read(paths.params, "emotions", list[str])
        intervals = vars(params.read(paths.params, "intervals", IntervalParams))
        shared = {key: intervals[key] for key in ("confidence", "seed", "minimum_speakers")}
        settings = params.read(paths.params, "ambiguity", AmbiguityParams, **shared)
        utterances = manifest.read(paths.manifest)
        table = predictions.read(paths.predictions, emotions)
        protocol = predictions.chosen(table)
        people = predictions.with_people(table[table["protocol"] == protocol], utterances)
        dynamics = cartography.read(paths.dynamics)
        vectors = features.read(paths.features, utterances).vectors
        judged = doubt.judge(utterances, people, vectors, dynamics, emotions, settings)
        counts = votes.counts(utterances)
        checked = checks.checks(judged, settings)
        banded = checks.bands(judged, people, counts, emotions, settings)
        report = checks.report(judged, people, counts, checked, banded, emotions, settings)
        known = " (test speakers are in training as well)" if protocol == predictions.RANDOM else ""
        title = f"{protocol}{known}: {len(people)} utterances; intervals over speakers"
        flagged = checks.best_flags(judged, settings)
        tables.write(doubt.ranking(judged), paths.ranking)
        tables.write(checked, paths.scores)
        tables.write(banded, paths.bands)
        drawing.save(picture.draw(judged, flagged, checked, banded, report["cost"], title), paths.picture)
        tables.write_metrics(report, paths.metrics)
        print(f"ambiguity: {protocol}{known}: {summary(report)}; see {paths.metrics}, and listen to {paths.ranking}")


def summary(report: dict) -> str:
    """Say the main figures in a few words."""
    words = []
    if "votes" in report:
        agreement = f"alpha {report['votes']['alpha']:.3f}, " if "alpha" in report["votes"] else ""
        words.append(f"votes for {report['votes']['utterances']} utterances, {agreement}{ambiguous(report['votes'])}")
    if "listeners" in report:
        known = report["listeners"]
        words.append(f"listener scores for {known['utterances']} utterances, {ambiguous(known)}")
    if not words:
        words.append("neither votes nor listener scores, so only models judge")
    for reference, measure in (("planted", "auroc"), ("votes", "spearman"), ("listeners", "spearman")):
        found = report.get(reference, {}).get("scores", {}).get("mean_rank", {})
        if measure in found:
            words.append(f"mean_rank of the models against {reference}: {figure(found, measure)}")
    words.append(f"label issues {report['label_issues']['found']} of {report['label_issues']['utterances']}")
    return "; ".join(words)


def ambiguous(known: dict) -> str:
    """Write the share of ambiguous utterances."""
    return f"{known['ambiguous']:.1%} of them ambiguous"


def figure(values: dict, measure: str) -> str:
    """Write a figure, with its interval where there is one."""
    low, high = (values.get(f"{measure}_{side}") for side in ("low", "high"))
    interval = f" [{low:.3f}, {high:.3f}]" if low is not None else " (no interval)"
    return f"{measure} {values[measure]:.3f}{interval}"


if __name__ == "__main__":
    main()
